"""Use cases of compliance; what other packages write to the records with is named here."""

from marketplace.compliance.service.records import decide, record

__all__ = ["decide", "record"]
