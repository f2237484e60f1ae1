"""What booking refuses, and in which words. A full week is `catalog`'s to refuse."""

from marketplace.core.errors import (
    Conflict,
    ConstraintErrors,
    Forbidden,
    Invalid,
    PreconditionFailed,
)


class AlreadyBookedThen(Conflict):
    """`extra.booking_id` names the trainee's other booking, `extra.weeks` the shared weeks."""

    code = "already_booked_then"
    title = "You hold a seat in one of these weeks already."


class NotEligible(Conflict):
    """`extra.reasons` has each rule that is not met."""

    code = "not_eligible"
    title = "This rotation is not open to you as your profile stands."


class ProfileMissing(Conflict):
    code = "profile_missing"
    title = "Fill in your profile first: whether you may come, and as what, follows from it."


class NotBookable(Conflict):
    code = "not_bookable"
    title = "This listing can't be booked on these dates."


class Superseded(Conflict):
    """Somebody was faster; `extra` has the state, who moved it there, and when."""

    code = "decided_already"
    title = "This booking has changed meanwhile."


class NotOpenForThis(Conflict):
    """The state machine would allow it, the facts do not (not yet, no longer)."""

    code = "not_open_for_this"
    title = "This can't be done now."


class ApprovalNeeded(Conflict):
    code = "approval_needed"
    title = "This host decides on each application: submit it first."


class ApprovalNotNeeded(Conflict):
    code = "approval_not_needed"
    title = "This listing is booked at once: go on to the payment."


class QuoteChanged(Conflict):
    """`extra.quote` has the terms as they are now."""

    code = "quote_changed"
    title = "The refund is no longer what you were shown. Read the new terms, then decide."


class Unchanged(Invalid):
    code = "unchanged"
    title = "That is what the booking is already."


class OtherSchool(Conflict):
    code = "other_school"
    title = "A booking can be handed on to a trainee of the same school only."


class PartlyReturned(Conflict):
    code = "partly_returned"
    title = "Part of what was paid has gone back already: our staff has to look at this one."


class ProposalOpen(Conflict):
    """`extra.proposal_id` names it."""

    code = "proposal_open"
    title = "A change of this booking waits for an answer already. Withdraw it first."


class RescueEnded(Conflict):
    """`extra` has its state and until when it could be decided."""

    code = "rescue_ended"
    title = "The choice is over."


class NothingTouched(Conflict):
    code = "nothing_touched"
    title = "No live booking has a seat there on these days."


class CodeWrong(Invalid):
    code = "code_wrong"
    title = "This is not the code of the dry run."


class DryRunOld(Conflict):
    code = "dry_run_old"
    title = "This dry run is older than a day. Make another."


class SetChanged(Conflict):
    """`extra` has how many bookings are touched now, and what would go back."""

    code = "set_changed"
    title = "The bookings have changed since the dry run. Make another, and look at it."


class ProposalEnded(Conflict):
    """`extra` has its state and when it ended."""

    code = "proposal_ended"
    title = "This proposal has ended."


class TermsSilent(Conflict):
    """The frozen terms have no clause or option for what was asked."""

    code = "terms_silent"
    title = "The cancellation terms of this booking don't provide for that."


class ProofNeeded(Forbidden):
    code = "proof_needed"
    title = "This clause needs a proof that has been accepted."


class TooManyFeeds(Conflict):
    code = "too_many_feeds"
    title = "You have as many calendar addresses as one can have. Revoke one first."


class DayOutsideRotation(Invalid):
    code = "day_outside_rotation"
    title = "Attendance is marked for days of the rotation that have come."


class NotCleared(Conflict):
    """`extra.missing` has the keys of the requirements that block the start."""

    code = "not_cleared"
    title = "The rotation can't begin: documents are missing."


class RequirementUnknown(Invalid):
    code = "requirement_unknown"
    title = "Only what was asked for can be waived."


class RequirementsFrozen(Conflict):
    code = "requirements_frozen"
    title = "What a booking was asked for when it was made stays."


class AlreadyExtended(Conflict):
    code = "already_extended"
    title = "A hold can be extended once. Apply or pay before it ends."


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


class StayLimitsUnfit(Invalid):
    """`fields` says which limit, and what was expected."""

    code = "stay_limits_unfit"
    title = "These stay limits can't count as they are."


class StayLimitsEdited(PreconditionFailed):
    code = "stay_limits_edited"
    title = "The stay limits have been changed elsewhere. Read them again, then decide."


class ReasonTextNeeded(Invalid):
    code = "reason_text_needed"
    title = "Say why in your own words, or name one of the reasons."


class AskedOftenEnough(Conflict):
    code = "asked_often_enough"
    title = "You have asked as often as one can. Decide on the application as it is."


class AlreadyWaiting(Conflict):
    code = "already_waiting"
    title = "You wait for these weeks of this listing already."


class SeatsAreFree(Conflict):
    code = "seats_are_free"
    title = "There is a seat in each of these weeks: book it instead of waiting."


class GaveItUp(Conflict):
    code = "gave_it_up"
    title = "You have cancelled this very place: it is not offered to you again."


class RoundUnfit(Invalid):
    """The times or places of a round can't be; `detail` and `fields` say which."""

    code = "round_unfit"
    title = "A round can't be opened like this."


class RankingUnfit(Invalid):
    code = "ranking_unfit"
    title = "This can't be ranked."


class TooManyMessages(Conflict):
    code = "too_many_messages"
    title = "You have written thirty messages within an hour. Please wait a while."


class FileNotThere(Invalid):
    code = "file_not_there"
    title = "One of these files is not there to be sent."


class FileIdTaken(Conflict):
    code = "file_id_taken"
    title = "There is another file under this id. Make a new id for each file."


class NotJoined(Forbidden):
    code = "not_joined"
    title = "Operators join a thread before they read it: its people are told."


class MailNotOurs(Forbidden):
    code = "mail_not_ours"
    title = "Only our own mail server hands on mail: the signature is missing, wrong or too old."


class MailTakenIn(Conflict):
    code = "mail_taken_in"
    title = "This mail is being taken in already."


class HistoryIsKept(Conflict):
    code = "history_is_kept"
    title = "What happened to a booking is added to, never changed."


class ItineraryNotDraft(Conflict):
    code = "itinerary_not_draft"
    title = "This itinerary is no draft any more."


class TooManyDrafts(Conflict):
    code = "too_many_drafts"
    title = "You have as many drafts as are kept. Throw one away first."


class ItineraryRefused(Conflict):
    """`extra.items` has each rotation that can't be held: its place, why, and which starts are free."""

    code = "itinerary_refused"
    title = "Nothing was held: not every rotation of the itinerary can be."


class CurrenciesMixed(Conflict):
    """`extra.currencies` has them; one payment is in one currency."""

    code = "currencies_mixed"
    title = "An itinerary is paid at once, so all its prices are in one currency."


class ItineraryIncomplete(Conflict):
    """`extra.ended` has the bookings that are over, with their states."""

    code = "itinerary_incomplete"
    title = (
        "Some rotations of the itinerary have ended: name them in `without` to go on with the rest."
    )


class PaidTogether(Conflict):
    """`extra.itinerary_id` names the itinerary."""

    code = "paid_together"
    title = "This booking is part of an itinerary: it is submitted and paid with the others."


class CohortRefused(Conflict):
    """`extra.items` has each student who can't have a place, and why; `extra.weeks` what is full."""

    code = "cohort_refused"
    title = "Nothing was held: not every student can have a place."


class CohortIncomplete(Conflict):
    """`extra.waiting` has the bookings of students who have not answered."""

    code = "cohort_incomplete"
    title = "Some students have not answered: say that you go on without exactly these."


class PaidBySchool(Conflict):
    """`extra.cohort_id` names the cohort."""

    code = "paid_by_school"
    title = "Your school books and pays this one."


class SchoolApprovalNeeded(Conflict):
    """`extra.state` is that of the request to the school: `not_asked`, `waiting` or `declined`."""

    code = "school_approval_needed"
    title = "Your school has to approve this booking first: ask it."


class NoSchool(Conflict):
    code = "no_school"
    title = "You are no school's student here: your school invites you."


class AgreementMissing(Conflict):
    """`extra.school_id` names the school, `extra.until` the day that the agreement has to reach."""

    code = "agreement_missing"
    title = "The site and your school need an agreement in force until the rotation's last day."


CONSTRAINTS: ConstraintErrors = {
    "school_has_approved": SchoolApprovalNeeded,
    "pk_school_request": Superseded,
    "history_cohort_place": HistoryIsKept,
    "history_school_request": HistoryIsKept,
    "uq_booking_week_trainee_id_week": AlreadyBookedThen,
    "uq_booking_payment_id": Superseded,
    "pk_booking_transition": Superseded,
    "uq_attendance_mark_booking_id_day_revision": Superseded,
    "pk_booking_cancellation": Superseded,
    "uq_booking_change_replaced_id": Superseded,
    "uq_booking_proposal_booking_id": ProposalOpen,
    "history_booking_change": HistoryIsKept,
    "history_booking_transition": HistoryIsKept,
    "history_booking_cancellation": HistoryIsKept,
    "history_attendance_mark": HistoryIsKept,
    "history_booking_waiver": HistoryIsKept,
    "history_question_version": HistoryIsKept,
    "history_application_entry": HistoryIsKept,
    "history_booking_message": HistoryIsKept,
    "history_message_file": HistoryIsKept,
    "history_message_attachment": HistoryIsKept,
    "pk_message_attachment": FileNotThere,
    "uq_booking_message_booking_id_mail_id": MailTakenIn,
    "history_of_state": HistoryIsKept,
    "uq_booking_transition_extension": AlreadyExtended,
    "uq_question_version_listing_id_number": QuestionsEdited,
    "frozen_requirements": RequirementsFrozen,
    "uq_waiting_entry_live": AlreadyWaiting,
    "uq_seat_offer_entry_id": Superseded,
    "pk_waiting_step": Superseded,
    "history_waiting_step": HistoryIsKept,
    "history_seat_offer": HistoryIsKept,
    "pk_round_ranking": Superseded,
    "pk_round_order": Superseded,
    "pk_round_step": Superseded,
    "uq_round_run_round_id": Superseded,
    "history_round_ranking": HistoryIsKept,
    "history_round_order": HistoryIsKept,
    "history_round_run": HistoryIsKept,
    "history_round_step": HistoryIsKept,
}
