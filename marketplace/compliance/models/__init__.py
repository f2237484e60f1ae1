"""Tables of compliance: records of who did what, requirements, documents."""

from marketplace.compliance.models.documents import (
    Document,
    DocumentContent,
    DocumentDecision,
    DocumentLink,
    DocumentRelease,
    DocumentReminder,
    DocumentUpload,
    DocumentVersion,
    FileScan,
)
from marketplace.compliance.models.records import AuditEntry, Consent
from marketplace.compliance.models.requirements import RequirementVersion

__all__ = [
    "AuditEntry",
    "Consent",
    "Document",
    "DocumentContent",
    "DocumentDecision",
    "DocumentLink",
    "DocumentRelease",
    "DocumentReminder",
    "DocumentUpload",
    "DocumentVersion",
    "FileScan",
    "RequirementVersion",
]
