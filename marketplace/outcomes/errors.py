"""What outcomes refuses, and in which words."""

from collections.abc import Mapping

from marketplace.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound


class NotCompleted(Conflict):
    code = "rotation_not_completed"
    title = "This is done once the rotation is completed."


class AlreadyAttested(Conflict):
    code = "already_attested"
    title = "The duties of this rotation have been attested. An attestation is not changed."


class UnknownDuty(Invalid):
    code = "unknown_duty"
    title = "A duty is not one of the list."


class LetterOpen(Conflict):
    code = "letter_open"
    title = "A letter has been asked for this rotation already."


class LetterWaived(Forbidden):
    """Told to the trainee, who knows of the letter and waived reading it."""

    code = "letter_waived"
    title = "You waived the right to read this letter, so that programs can trust it."


class LetterNotThere(NotFound):
    code = "letter_not_there"
    title = "The author has not uploaded this letter yet."


class LetterErased(NotFound):
    code = "letter_erased"
    title = "What this letter said was destroyed with its trainee's account."


class WaiverFixed(Conflict):
    code = "waiver_fixed"
    title = "The letter exists: the choice to waive can't be changed any more."


class WaiverChanged(Conflict):
    """Told to the author, who would have written under what is no longer so."""

    code = "waiver_changed"
    title = (
        "The trainee has changed since whether they may read the letter. "
        "See what holds now, and upload it again if you agree."
    )


class LetterFixed(Conflict):
    code = "letter_confirmed"
    title = "The letter is confirmed: it can't be changed or deleted."


class AuthorRefused(Invalid):
    code = "author_refused"
    title = "The author of a letter is somebody else than its trainee."


class LinkInvalid(NotFound):
    """The same answer for a forged, a revoked and an expired link."""

    code = "link_invalid"
    title = "This link is not valid, or no longer. Ask for a new one."


class NotAPdf(Invalid):
    code = "not_a_pdf"
    title = "A letter is a PDF file."


class FileTooLarge(DomainError):
    code = "too_large"
    status = 413
    title = "The file is too large."


class LetterNotOpen(Conflict):
    """`state` of the problem is the letter's."""

    code = "letter_not_open"
    title = "This is done while the letter is asked for, or agreed to, and does not exist yet."


class DraftTaken(Conflict):
    code = "draft_changed"
    title = "A draft has just been saved in another window. Read it, then write on."


class DraftUnknown(Invalid):
    code = "draft_unknown"
    title = "The letter has no draft of this number."


class NotYourDocument(Invalid):
    code = "not_your_document"
    title = "The packet takes documents of your own that are not deleted."


class TooManyLetters(Conflict):
    """`assigned` of the problem are the letters that the program has."""

    code = "too_many_letters"
    title = "A program takes four letters at most. Take one back first."


class AssignedAlready(Conflict):
    code = "letter_assigned"
    title = "This letter is assigned to this program already."


class ProgramsUnreadable(Invalid):
    """`detail` says which row, and what was expected."""

    code = "programs_unreadable"
    title = "The list of programs has something that can't be read; nothing was taken in."


class LetterNotConfirmed(Conflict):
    code = "letter_not_confirmed"
    title = "A letter is assigned once its author has confirmed it."


class ReasonNeeded(Invalid):
    code = "reason_needed"
    title = "Say why you read this letter: the reason is recorded."


class OutcomeInconsistent(Invalid):
    """Fields contradict each other: a match without a certified rank order list, say."""

    code = "outcome_inconsistent"
    title = "These fields contradict each other."


class OutcomeStale(Conflict):
    """The caller's old value is not the present one."""

    code = "outcome_changed"
    title = "The record has changed since you read it. Read it again, then decide."


class AlreadyRetracted(Conflict):
    code = "already_retracted"
    title = "This entry has been retracted."


class PastClosed(Conflict):
    """A report is frozen as of a later moment than this would be recorded at."""

    code = "report_past_closed"
    title = "A report covers this moment already: what is recorded comes after it."


class SurveyClosed(Conflict):
    code = "survey_closed"
    title = "The survey is closed."


class NotOpenYet(Conflict):
    code = "survey_not_open"
    title = "The survey opens later. Send its first wave from that day on."


class NoMoreWaves(Conflict):
    code = "no_more_waves"
    title = "All waves of this survey have been sent."


class AnswersChanged(Conflict):
    """`version` and `answers` of the problem are the ones that stand."""

    code = "answers_changed"
    title = "Newer answers have been saved in another window. They stand."


class CampaignExists(Conflict):
    code = "campaign_exists"
    title = "This Match year has a survey campaign already."


class NotToBeMarked(Conflict):
    code = "comes_with_its_panel"
    title = "Whoever is of a panel from elsewhere is marked there, and the panel imported again."


class MarkedSo(Conflict):
    code = "marked_so"
    title = "This is what is recorded of them already."


class DuplicateOfNone(Conflict):
    code = "duplicate_of_none"
    title = "A duplicate is of another person of the same frame, who is not marked as a duplicate."


class EvaluationChoiceKept(Conflict):
    code = "evaluation_choice_kept"
    title = "Whether this evaluation is shown was chosen when it was first submitted, for good."


class EvaluationChanged(Conflict):
    code = "evaluation_changed"
    title = "You have just submitted this evaluation elsewhere. Read it again, then decide."


class OwnEvaluation(Forbidden):
    code = "own_evaluation"
    title = "Nobody evaluates themselves."


class HoursNotOpen(Conflict):
    """`state` of the problem is the booking's."""

    code = "hours_not_open"
    title = "Hours are logged while the rotation is under way, and after it is completed."


class HoursOutside(Invalid):
    code = "hours_outside"
    title = "Each day is one of the rotation's, up to today, and named once."


class HoursStale(Conflict):
    """`entries` of the problem are those that count no more."""

    code = "hours_changed"
    title = "An entry was corrected since you read it. Read the hours again, then sign."


class SignedByAnother(Conflict):
    code = "signed_by_another"
    title = "A colleague has signed one of these entries: it is theirs, or a coordinator's."


class AbsentThatDay(Conflict):
    """`days` of the problem are those on which the trainee is marked absent."""

    code = "absent_that_day"
    title = "The trainee is marked absent on one of these days. Correct the attendance first."


class HoursSigned(Conflict):
    """`days` of the problem are those that have hours signed, `entries` what was signed."""

    code = "hours_signed"
    title = "Hours are signed for a day that would be without the trainee: withdraw that first."


class HoursWithdrawn(Conflict):
    """`entries` of the problem are those whose signature was withdrawn."""

    code = "hours_withdrawn"
    title = "The signature of one of these entries was withdrawn: the trainee logs the day anew."


class NothingTaught(Invalid):
    code = "nothing_taught"
    title = "A teaching certificate needs hours that you signed, within one period."


class NotYetBooked(Conflict):
    """`state` of the problem is the booking's."""

    code = "booking_not_confirmed"
    title = "This is written about a booking that is, or was, confirmed."


class NotYetHappened(Invalid):
    code = "not_yet_happened"
    title = "What is noted has happened: its day is today or before."


class PaperNotDue(Conflict):
    """`state` of the problem is the booking's."""

    code = "paper_not_due"
    title = "This paper is not issued in the booking's present state."


class DocumentsMissing(Conflict):
    """`missing` of the problem names the requirements."""

    code = "documents_missing"
    title = "The visa letter is issued once the documents that the site requires are accepted."


class PaperNotReady(NotFound):
    code = "paper_not_ready"
    title = "The file is being made. Ask again in a moment."


class PaperWasRevoked(Conflict):
    code = "paper_revoked"
    title = "This paper was revoked. Ask the operator."


class PaperKept(Conflict):
    """Somebody else revoked, or replaced, it at the same moment."""

    code = "paper_changed"
    title = "The paper has changed. Read it again."


CONSTRAINTS: Mapping[str, type[DomainError]] = {
    "uq_attestation_booking_id": AlreadyAttested,
    "uq_letter_booking_id_open": LetterOpen,
    "letter_waiver_holds": WaiverFixed,
    "letter_confirmed_holds": LetterFixed,
    "letter_exists_holds": LetterFixed,
    "letter_identity_holds": LetterFixed,
    "history_letter_content": LetterFixed,
    "letter_draft_open": LetterNotOpen,
    "uq_letter_draft_letter_id_number": DraftTaken,
    "letter_assignable": LetterNotConfirmed,
    "letter_assignment_holds": AssignedAlready,
    "uq_letter_assignment_slot": TooManyLetters,
    "uq_letter_assignment_once": AssignedAlready,
    "ck_match_outcome_certified_registered": OutcomeInconsistent,
    "ck_match_outcome_matched_certified": OutcomeInconsistent,
    "uq_match_outcome_event_retracts_id": AlreadyRetracted,
    "report_past_closed": PastClosed,
    "uq_survey_answer_member_id_version": AnswersChanged,
    "uq_campaign_match_year": CampaignExists,
    "frame_mark_kept": DuplicateOfNone,
    "ck_frame_mark_duplicate_of": DuplicateOfNone,
    "evaluation_choice_kept": EvaluationChoiceKept,
    "evaluation_by_another": OwnEvaluation,
    "uq_evaluation_booking_id_evaluator_id_revision": EvaluationChanged,
    "uq_hour_entry_booking_id_day_revision": HoursStale,
    "absent_without_hours": HoursSigned,
    "hours_on_days_present": AbsentThatDay,
    "pk_hour_withdrawal": HoursWithdrawn,
    "paper_kept": PaperKept,
    "uq_paper_booking_id_kind_revision": PaperKept,
}
