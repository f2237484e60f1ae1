"""What compliance refuses, and in which words."""

from marketplace.core.errors import (
    Conflict,
    ConstraintErrors,
    DomainError,
    Gone,
    Invalid,
    NotFound,
    PreconditionFailed,
)


class HistoryIsKept(Conflict):
    code = "history_is_kept"
    title = "Audit entries, consents and decisions are added to, never changed."


class ConsentChanged(Conflict):
    code = "consent_changed"
    title = "This consent has just been changed elsewhere. Read it again, then decide."


class RequirementsChanged(PreconditionFailed):
    code = "requirements_changed"
    title = "These requirements have just been changed elsewhere. Read them again, then decide."


class RequirementsUnfit(Invalid):
    """`fields` says which requirement, and what is wrong with it."""

    code = "requirements_unfit"
    title = "Requirements are named once each, and each has an alternative that can be met."


class DocumentRefused(Invalid):
    """`extra.fault` names what is wrong with the file."""

    code = "document_refused"
    title = "This file can't be taken."


class DocumentTooLarge(DomainError):
    code = "document_too_large"
    status = 413
    title = "This file is too large."


class UploadGone(NotFound):
    code = "upload_not_found"
    title = "This address takes no file, or no more: ask for another."


class UploadUsed(Conflict):
    code = "upload_used"
    title = "This address has taken its file: ask for another."


class DocumentGone(Conflict):
    code = "document_deleted"
    title = "This document was deleted."


class LinkUsed(Gone):
    code = "link_used"
    title = "This link has been used: it opens its file once. Ask for another where you got it."


class LinkExpired(Gone):
    code = "link_expired"
    title = "The time of this link is over: it works for minutes. Ask for another where you got it."


class TooManyDocuments(Conflict):
    code = "too_many_documents"
    title = "You keep as many documents as there is room for. Delete some first."


class FileNotScanned(Conflict):
    code = "file_not_scanned"
    title = "This file is still being looked at for viruses. Try again in a moment."


class FileInfected(Conflict):
    """`extra.virus` names it."""

    code = "file_infected"
    title = "A virus was found in this file. It was removed."


class DocumentInUse(Conflict):
    """`extra.references` names what it was released for."""

    code = "document_in_use"
    title = "A booking needs this document. Take it back from there first."


class DecidedAlready(Conflict):
    """`extra` has the decision, who made it, and when."""

    code = "decided_already"
    title = "Somebody has just decided on this document."


class NewerVersion(Conflict):
    code = "newer_version"
    title = "There is a newer version of this document. Look at that one."


class DocumentReasonNeeded(Invalid):
    code = "reason_needed"
    title = "Say why."


class FactsUnfit(Invalid):
    """`fields` says which date, and what is wrong with it."""

    code = "facts_unfit"
    title = "A document can't say this of itself."


class NotTheKind(Invalid):
    code = "other_kind"
    title = "A new version is of the document's own kind."


class AgreementUnfit(Invalid):
    """`fields` says which part, and what is wrong with it."""

    code = "agreement_unfit"
    title = "An agreement can't be made like this."


class SigningGone(NotFound):
    """The same answer for a forged, an expired, a replaced and a used link."""

    code = "signing_not_found"
    title = "This link signs nothing, or no more. Ask for another."


class AgreementWordsChanged(Conflict):
    """`extra` has the digest and the wording as they are."""

    code = "agreement_words_changed"
    title = "This is not the text that you have before you. Read it again, then sign."


class AgreementNotReady(NotFound):
    code = "agreement_not_ready"
    title = "There is no file yet: it is made within a minute after the last signature."


CONSTRAINTS: ConstraintErrors = {
    "pk_agreement_signature": SigningGone,
    "pk_agreement_step": DecidedAlready,
    "uq_agreement_template_name_number": RequirementsChanged,
    "agreement_kept": HistoryIsKept,
    "history_agreement_template": HistoryIsKept,
    "history_agreement_signature": HistoryIsKept,
    "history_agreement_step": HistoryIsKept,
    "history_agreement_reminder": HistoryIsKept,
    "history_audit_entry": HistoryIsKept,
    "history_consent": HistoryIsKept,
    "history_requirement_version": HistoryIsKept,
    "history_document_version": HistoryIsKept,
    "history_document_decision": HistoryIsKept,
    "history_file_scan": HistoryIsKept,
    "uq_consent_account_id_purpose_number": ConsentChanged,
    "uq_requirement_version_scope_id_number": RequirementsChanged,
    "uq_document_decision_version_id_site_id_number": DecidedAlready,
}
