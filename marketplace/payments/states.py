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


class ShareStep(StrEnum):
    """What the owner of a payable tells of it, as far as the host's share is concerned."""

    FIRST = "first"
    """It has begun: the first part is released some days after this."""
    REST = "rest"
    """It is over, and what is left of the share is the host's."""
    STOP = "stop"
    """What was told before does not count: somebody decides what becomes of the money."""


class TransferState(StrEnum):
    HELD = "held"
    """Earned and owed; the host's account can't receive it yet."""
    REQUESTED = "requested"
    """Our row exists and the debt is in the books; Stripe may not know yet."""
    SENT = "sent"
    SETTLED = "settled"
    """It is in the host's balance at Stripe, and in our books."""
    FAILED = "failed"
    """Stripe refused it: nothing moved, the debt stands and it is tried again."""
    WITHDRAWN = "withdrawn"
    """Nothing was left to be sent."""


_T = TransferState
TRANSFER = Transitions(
    {
        _T.HELD: frozenset({_T.REQUESTED, _T.WITHDRAWN}),
        _T.REQUESTED: frozenset({_T.HELD, _T.SENT, _T.SETTLED, _T.FAILED, _T.WITHDRAWN}),
        _T.SENT: frozenset({_T.SETTLED}),
        _T.FAILED: frozenset({_T.HELD, _T.REQUESTED, _T.WITHDRAWN}),
        _T.SETTLED: frozenset(),
        _T.WITHDRAWN: frozenset(),
    }
)


class ReversalState(StrEnum):
    REQUESTED = "requested"
    SETTLED = "settled"
    """Back with us."""
    OWED = "owed"
    """The host's balance did not cover it: a receivable, taken off what is earned later."""


_V = ReversalState
REVERSAL = Transitions(
    {
        _V.REQUESTED: frozenset({_V.SETTLED, _V.OWED}),
        _V.SETTLED: frozenset(),
        _V.OWED: frozenset(),
    }
)


class DisputeState(StrEnum):
    OPEN = "open"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"
    """It ended without a decision about money: an inquiry that went no further."""


_D = DisputeState
DISPUTE = Transitions(
    {
        _D.OPEN: frozenset({_D.WON, _D.LOST, _D.CLOSED}),
        # Rarely a bank decides anew: for us, and gives back what it took, or against us, and takes
        # it again. While it makes up its mind the dispute is open again. An inquiry that went no
        # further may be taken up again, too, as one or as a chargeback.
        _D.WON: frozenset({_D.OPEN, _D.LOST, _D.CLOSED}),
        _D.LOST: frozenset({_D.OPEN, _D.WON, _D.CLOSED}),
        _D.CLOSED: frozenset({_D.OPEN, _D.WON, _D.LOST}),
    }
)


class EvidenceState(StrEnum):
    GATHERING = "gathering"
    READY = "ready"
    """A person may look at it, and change it."""
    APPROVED = "approved"
    SUBMITTED = "submitted"
    WAIVED = "waived"
    """We don't contest it."""


_E = EvidenceState
EVIDENCE = Transitions(
    {
        _E.GATHERING: frozenset({_E.READY, _E.WAIVED}),
        _E.READY: frozenset({_E.APPROVED, _E.WAIVED}),
        _E.APPROVED: frozenset({_E.SUBMITTED, _E.READY}),
        # The bank asks again: of an inquiry that has become a chargeback, or of one taken up anew.
        _E.SUBMITTED: frozenset({_E.READY}),
        _E.WAIVED: frozenset({_E.READY}),
    }
)


class PlanState(StrEnum):
    """What has become of a balance that is to be charged to a kept card by itself."""

    WAITING = "waiting"
    """Agreed to on the way to a payment page; the card is kept once that is paid."""
    READY = "ready"
    DONE = "done"
    """The balance is paid, by whatever means."""
    STOPPED = "stopped"
    """It is not tried any more: taken back, declined for good, or the card is gone."""


_L = PlanState
PLAN = Transitions(
    {
        _L.WAITING: frozenset({_L.READY, _L.STOPPED}),
        _L.READY: frozenset({_L.DONE, _L.STOPPED}),
        _L.DONE: frozenset(),
        _L.STOPPED: frozenset(),
    }
)
PLANNED = frozenset({_L.WAITING, _L.READY})


class InvoiceState(StrEnum):
    """What an organisation is asked for by a day."""

    OPEN = "open"
    OVERDUE = "overdue"
    PAID = "paid"
    VOID = "void"


_I = InvoiceState
INVOICE = Transitions(
    {
        _I.OPEN: frozenset({_I.OVERDUE, _I.PAID, _I.VOID}),
        _I.OVERDUE: frozenset({_I.PAID, _I.VOID}),
        _I.PAID: frozenset(),
        _I.VOID: frozenset(),
    }
)
OPEN_INVOICE = frozenset({_I.OPEN, _I.OVERDUE})
