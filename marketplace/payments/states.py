"""The lives of a payment, a refund and a received event, and how an arrival of money is judged."""

from enum import StrEnum

from marketplace.core.states import Transitions


class PaymentState(StrEnum):
    REQUESTED = "requested"
    """Asked for; no checkout page exists yet that anybody could have seen."""
    OPEN = "open"
    """The payer can pay on a hosted page."""
    SETTLED = "settled"
    """The money is ours to hold."""
    FAILED = "failed"
    """The means of payment failed for good, or no page could be opened."""
    EXPIRED = "expired"
    CANCELLED = "cancelled"


_P = PaymentState
# Money may still arrive after each of the three sad ends: the page was open while we closed it.
PAYMENT = Transitions(
    {
        _P.REQUESTED: frozenset({_P.OPEN, _P.SETTLED, _P.FAILED, _P.EXPIRED, _P.CANCELLED}),
        _P.OPEN: frozenset({_P.SETTLED, _P.FAILED, _P.EXPIRED, _P.CANCELLED}),
        _P.FAILED: frozenset({_P.SETTLED}),
        _P.EXPIRED: frozenset({_P.SETTLED}),
        _P.CANCELLED: frozenset({_P.SETTLED}),
        _P.SETTLED: frozenset(),
    }
)
LIVE = frozenset({_P.REQUESTED, _P.OPEN})


class RefundState(StrEnum):
    REQUESTED = "requested"
    """Our row exists and the debt is in the books; Stripe may not know yet."""
    PENDING = "pending"
    SETTLED = "settled"
    FAILED = "failed"
    """The money came back or never left: the debt stands until it is sent again."""


_R = RefundState
# A bank may hand a refund back days after it succeeded.
REFUND = Transitions(
    {
        _R.REQUESTED: frozenset({_R.PENDING, _R.SETTLED, _R.FAILED}),
        _R.PENDING: frozenset({_R.SETTLED, _R.FAILED}),
        _R.SETTLED: frozenset({_R.FAILED}),
        _R.FAILED: frozenset(),
    }
)


class EventState(StrEnum):
    RECEIVED = "received"
    PROCESSED = "processed"
    IGNORED = "ignored"
    """Of a kind that changes nothing here, or about objects that are not ours."""
    QUARANTINED = "quarantined"


class Arrival(StrEnum):
    """What became of a look at a checkout: each is a different thing to a reader of the log."""

    SETTLED = "settled"
    LATE = "late"
    """Settled after it had expired, failed or been cancelled: the owner of the payable decides."""
    SURPLUS = "surplus"
    """The same thing had been paid by another payment: refunded by itself, nobody told to act."""
    DUPLICATE = "duplicate"
    """The same money as before, told again."""
    IGNORED = "ignored"
    """Nothing has changed."""
    INVALID = "invalid"
    """Wrong amount, currency, mode, account or payment: quarantined."""
    OPENED = "opened"
    EXPIRED = "expired"
    FAILED = "failed"
