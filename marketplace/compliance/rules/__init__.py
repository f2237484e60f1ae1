"""Pure rules of compliance: purposes of consent, requirements, documents and clearance."""

from marketplace.compliance.rules.consents import Purpose

__all__ = ["Purpose"]
