"""A booking's life as one table. `service.transition` is the only place that acts on it.

`STEPS` says what may follow what, who does it and how; the drawing and the table in the documentation
are made from it (`flask check states docs --write`), and the database refuses a change of state
that has no row of history.
"""

from collections.abc import Mapping
from enum import StrEnum

from marketplace.core.states import Transitions


class BookingState(StrEnum):
    HELD = "held"
    SUBMITTED = "submitted"
    MORE_ASKED = "more_asked"
    AWAITING_PAYMENT = "awaiting_payment"
    CONFIRMED = "confirmed"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    DECLINED = "declined"
    CANCELLED_BY_TRAINEE = "cancelled_by_trainee"
    CANCELLED_BY_HOST = "cancelled_by_host"
    CANCELLED_BY_OPERATOR = "cancelled_by_operator"
    NO_SHOW = "no_show"


_S = BookingState
_CANCELLED = frozenset({_S.CANCELLED_BY_TRAINEE, _S.CANCELLED_BY_HOST, _S.CANCELLED_BY_OPERATOR})
_CALLED_OFF = {
    _S.CANCELLED_BY_HOST: "the host calls it off",
    _S.CANCELLED_BY_OPERATOR: "an operator ends it",
}

# From each state, those that may follow, and what does it. A state that follows itself is a seat
# that is kept for longer: a step of the history like any other.
STEPS: Mapping[BookingState, Mapping[BookingState, str]] = {
    _S.HELD: {
        _S.HELD: "the trainee asks for more time, once; or an itinerary waits for its hosts,"
        " or a school is asked",
        _S.SUBMITTED: "the trainee applies",
        _S.AWAITING_PAYMENT: "the trainee begins to pay",
        _S.CONFIRMED: "the trainee takes it in place of a rotation that was called off",
        _S.DECLINED: "the trainee's school declines",
        _S.EXPIRED: "the hold ends",
        _S.WITHDRAWN: "the trainee gives it up",
        **_CALLED_OFF,
    },
    _S.SUBMITTED: {
        _S.MORE_ASKED: "the host asks for more",
        _S.AWAITING_PAYMENT: "the host approves",
        _S.DECLINED: "the host declines",
        _S.EXPIRED: "the host does not decide in time",
        _S.WITHDRAWN: "the trainee withdraws",
        **_CALLED_OFF,
    },
    _S.MORE_ASKED: {
        _S.SUBMITTED: "the trainee answers",
        _S.AWAITING_PAYMENT: "the host approves all the same",
        _S.DECLINED: "the host declines",
        _S.EXPIRED: "the trainee does not answer in time",
        _S.WITHDRAWN: "the trainee withdraws",
        **_CALLED_OFF,
    },
    _S.AWAITING_PAYMENT: {
        _S.AWAITING_PAYMENT: "a payment is under way, or has failed with time left",
        _S.CONFIRMED: "the money arrives",
        _S.EXPIRED: "it is not paid in time, or the payment fails",
        _S.WITHDRAWN: "the trainee gives it up",
        **_CALLED_OFF,
    },
    _S.CONFIRMED: {
        _S.IN_PROGRESS: "the first day comes, and the trainee is cleared",
        _S.CANCELLED_BY_TRAINEE: "the trainee cancels under the quote",
        **_CALLED_OFF,
    },
    _S.IN_PROGRESS: {
        _S.COMPLETED: "the host says that it was done",
        _S.NO_SHOW: "the host says that the trainee never came",
        _S.CANCELLED_BY_TRAINEE: "the trainee cancels under the quote",
        **_CALLED_OFF,
    },
    # Where the seat is no longer free, late money is refunded and the state stays.
    _S.EXPIRED: {_S.CONFIRMED: "the money arrives late, and the seat is still free"},
    _S.COMPLETED: {},
    _S.WITHDRAWN: {},
    _S.DECLINED: {},
    _S.CANCELLED_BY_TRAINEE: {},
    _S.CANCELLED_BY_HOST: {},
    _S.CANCELLED_BY_OPERATOR: {},
    _S.NO_SHOW: {
        _S.IN_PROGRESS: "an operator takes the mark back, and the seats are still free",
        _S.CANCELLED_BY_OPERATOR: "an operator takes the mark back, and the money goes back",
    },
}
TABLE: Mapping[BookingState, frozenset[BookingState]] = {
    state: frozenset(steps) for state, steps in STEPS.items()
}
WORDS: Mapping[BookingState, str] = {
    _S.HELD: "the seat is kept for minutes",
    _S.SUBMITTED: "the host decides",
    _S.MORE_ASKED: "the host waits for an answer",
    _S.AWAITING_PAYMENT: "the seat is kept until it is paid",
    _S.CONFIRMED: "paid, and not begun",
    _S.IN_PROGRESS: "the rotation has begun",
    _S.COMPLETED: "the rotation was done",
    _S.EXPIRED: "its time was over, and the seat is free again",
    _S.WITHDRAWN: "the trainee gave it up",
    _S.DECLINED: "it was not approved",
    _S.NO_SHOW: "the trainee never came",
}
TRANSITIONS = Transitions(TABLE, STEPS, WORDS)

# The seat is kept until a known time; the other states have no such time.
TIMED = frozenset({_S.HELD, _S.SUBMITTED, _S.MORE_ASKED, _S.AWAITING_PAYMENT})
# The host has the application and decides on it.
UNDECIDED = frozenset({_S.SUBMITTED, _S.MORE_ASKED})
# The seat is given up on entering these.
GIVES_UP_SEATS = _CANCELLED | {_S.EXPIRED, _S.WITHDRAWN, _S.DECLINED, _S.NO_SHOW}
# The seat is owned: the trainee comes, is there, or was.
OWNED = frozenset({_S.CONFIRMED, _S.IN_PROGRESS, _S.COMPLETED})
CANCELLABLE = frozenset({_S.CONFIRMED, _S.IN_PROGRESS})
CANCELLED = _CANCELLED


class WaitingState(StrEnum):
    """An entry of a waiting list."""

    WAITING = "waiting"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    # An offer was not answered in time.
    LAPSED = "lapsed"
    LEFT = "left"
    # No offer can come any more: too late, or the trainee may not come as the profile stands.
    CLOSED = "closed"


_W = WaitingState
WAITING_TRANSITIONS = Transitions(
    {
        _W.WAITING: frozenset({_W.OFFERED, _W.LEFT, _W.CLOSED}),
        _W.OFFERED: frozenset({_W.ACCEPTED, _W.DECLINED, _W.LAPSED, _W.LEFT}),
        **dict.fromkeys((_W.ACCEPTED, _W.DECLINED, _W.LAPSED, _W.LEFT, _W.CLOSED), frozenset()),
    }
)
# Has a place in the list.
IN_LINE = frozenset({_W.WAITING, _W.OFFERED})


class OfferState(StrEnum):
    """A seat that is kept for one trainee until they answer, or the time is over."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    LAPSED = "lapsed"


class RoundState(StrEnum):
    """An allocation round: ranked while open, then run, or called off."""

    OPEN = "open"
    DECIDED = "decided"
    CANCELLED = "cancelled"
