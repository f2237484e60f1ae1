"""All selects of compliance; what other packages ask for is named here."""

from marketplace.compliance.queries.handed_over import handed_over
from marketplace.compliance.queries.records import (
    audit_trail,
    consent_history,
    consenting,
    has_consent,
    last_consent,
)
from marketplace.compliance.queries.requirements import Frozen, effective_sets

__all__ = [
    "Frozen",
    "audit_trail",
    "consent_history",
    "consenting",
    "effective_sets",
    "handed_over",
    "has_consent",
    "last_consent",
]
