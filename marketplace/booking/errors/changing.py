"""What is refused of cancellations, changes, rescues and force majeure."""

from marketplace.booking.errors.life import HistoryIsKept, Superseded
from marketplace.core.errors import Conflict, ConstraintErrors, Forbidden, Invalid


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


class ProposalEnded(Conflict):
    """`extra` has its state and when it ended."""

    code = "proposal_ended"
    title = "This proposal has ended."


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


class TermsSilent(Conflict):
    """The frozen terms have no clause or option for what was asked."""

    code = "terms_silent"
    title = "The cancellation terms of this booking don't provide for that."


class ProofNeeded(Forbidden):
    code = "proof_needed"
    title = "This clause needs a proof that has been accepted."


CONSTRAINTS: ConstraintErrors = {
    "pk_booking_cancellation": Superseded,
    "uq_booking_change_replaced_id": Superseded,
    "uq_booking_proposal_booking_id": ProposalOpen,
    "history_booking_change": HistoryIsKept,
    "history_booking_cancellation": HistoryIsKept,
}
