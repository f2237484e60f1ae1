"""A booking's life as one table. `service.transition` is the only place that acts on it."""

from collections.abc import Mapping
from enum import StrEnum

from marketplace.core.states import Transitions


class BookingState(StrEnum):
    HELD = "held"
    SUBMITTED = "submitted"
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

TABLE: Mapping[BookingState, frozenset[BookingState]] = {
    _S.HELD: frozenset(
        {
            _S.SUBMITTED,
            _S.AWAITING_PAYMENT,
            _S.EXPIRED,
            _S.WITHDRAWN,
            _S.CANCELLED_BY_HOST,
            _S.CANCELLED_BY_OPERATOR,
        }
    ),
    _S.SUBMITTED: frozenset(
        {
            _S.AWAITING_PAYMENT,
            _S.DECLINED,
            _S.EXPIRED,
            _S.WITHDRAWN,
            _S.CANCELLED_BY_HOST,
            _S.CANCELLED_BY_OPERATOR,
        }
    ),
    _S.AWAITING_PAYMENT: frozenset(
        {
            _S.CONFIRMED,
            _S.EXPIRED,
            _S.WITHDRAWN,
            _S.CANCELLED_BY_HOST,
            _S.CANCELLED_BY_OPERATOR,
        }
    ),
    _S.CONFIRMED: _CANCELLED | {_S.IN_PROGRESS},
    _S.IN_PROGRESS: _CANCELLED | {_S.COMPLETED, _S.NO_SHOW},
    # Money that arrives late takes the seat back where it is still free; else it is refunded.
    _S.EXPIRED: frozenset({_S.CONFIRMED}),
    _S.COMPLETED: frozenset(),
    _S.WITHDRAWN: frozenset(),
    _S.DECLINED: frozenset(),
    _S.CANCELLED_BY_TRAINEE: frozenset(),
    _S.CANCELLED_BY_HOST: frozenset(),
    _S.CANCELLED_BY_OPERATOR: frozenset(),
    _S.NO_SHOW: frozenset(),
}
TRANSITIONS = Transitions(TABLE)

# The seat is kept until a known time; the other states have no such time.
TIMED = frozenset({_S.HELD, _S.SUBMITTED, _S.AWAITING_PAYMENT})
# The seat is given up on entering these.
GIVES_UP_SEATS = _CANCELLED | {_S.EXPIRED, _S.WITHDRAWN, _S.DECLINED, _S.NO_SHOW}
# The seat is owned: the trainee comes, is there, or was.
OWNED = frozenset({_S.CONFIRMED, _S.IN_PROGRESS, _S.COMPLETED})
CANCELLABLE = frozenset({_S.CONFIRMED, _S.IN_PROGRESS})
CANCELLED = _CANCELLED
