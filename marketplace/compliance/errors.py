"""What compliance refuses, and in which words."""

from marketplace.core.errors import Conflict, ConstraintErrors


class HistoryIsKept(Conflict):
    code = "history_is_kept"
    title = "Audit entries and consents are added to, never changed."


class ConsentChanged(Conflict):
    code = "consent_changed"
    title = "This consent has just been changed elsewhere. Read it again, then decide."


CONSTRAINTS: ConstraintErrors = {
    "history_audit_entry": HistoryIsKept,
    "history_consent": HistoryIsKept,
    "uq_consent_account_id_purpose_number": ConsentChanged,
}
