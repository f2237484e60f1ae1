"""Tables of compliance: records of who did what, requirements, documents."""

from marketplace.compliance.models.agreements import (
    Agreement,
    AgreementReminder,
    AgreementRule,
    AgreementSignature,
    AgreementSigner,
    AgreementStep,
    AgreementTemplate,
)
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
    "Agreement",
    "AgreementReminder",
    "AgreementRule",
    "AgreementSignature",
    "AgreementSigner",
    "AgreementStep",
    "AgreementTemplate",
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
