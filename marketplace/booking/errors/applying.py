"""What is refused of applications and the host's questions."""

from marketplace.booking.errors.life import HistoryIsKept
from marketplace.core.errors import Conflict, ConstraintErrors, Invalid, PreconditionFailed


class ApprovalNeeded(Conflict):
    code = "approval_needed"
    title = "This host decides on each application: submit it first."


class ApprovalNotNeeded(Conflict):
    code = "approval_not_needed"
    title = "This listing is booked at once: go on to the payment."


class QuestionsChanged(Conflict):
    """`extra.questions` has what is asked now, `extra.version` its number."""

    code = "questions_changed"
    title = "The host has changed what applicants are asked. Read the questions, then answer."


class QuestionsEdited(PreconditionFailed):
    code = "questions_edited"
    title = "These questions have just been changed elsewhere. Read them again, then decide."


class QuestionsUnfit(Invalid):
    """`fields` says which question, and what is wrong with it."""

    code = "questions_unfit"
    title = "Questions are named once each, and a choice has options to choose from."


class AnswersUnfit(Invalid):
    """`fields` says which answer, and what was expected."""

    code = "answers_unfit"
    title = "Answer what the host asks, each in its own kind."


class ReasonTextNeeded(Invalid):
    code = "reason_text_needed"
    title = "Say why in your own words, or name one of the reasons."


class AskedOftenEnough(Conflict):
    code = "asked_often_enough"
    title = "You have asked as often as one can. Decide on the application as it is."


CONSTRAINTS: ConstraintErrors = {
    "history_question_version": HistoryIsKept,
    "history_application_entry": HistoryIsKept,
    "uq_question_version_listing_id_number": QuestionsEdited,
}
