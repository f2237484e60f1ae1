"""What is refused of a booking's life: seats, states, history."""

from marketplace.core.errors import Conflict, ConstraintErrors


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


class AlreadyExtended(Conflict):
    code = "already_extended"
    title = "A hold can be extended once. Apply or pay before it ends."


class HistoryIsKept(Conflict):
    code = "history_is_kept"
    title = "What happened to a booking is added to, never changed."


CONSTRAINTS: ConstraintErrors = {
    "uq_booking_week_trainee_id_week": AlreadyBookedThen,
    "uq_booking_payment_id": Superseded,
    "pk_booking_transition": Superseded,
    "history_booking_transition": HistoryIsKept,
    "history_of_state": HistoryIsKept,
    "uq_booking_transition_extension": AlreadyExtended,
}
