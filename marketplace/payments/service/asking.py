"""Asking for money, and taking the question back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.jobs import defer
from marketplace.core.money import Money
from marketplace.payments import queries
from marketplace.payments.errors import AlreadyPaid, AmountRefused, PaymentInProgress
from marketplace.payments.events import Payable
from marketplace.payments.models import Payment, PaymentLine, PaymentTransition
from marketplace.payments.rules import PriceLine, Purpose, total
from marketplace.payments.service import steps
from marketplace.payments.states import LIVE, PaymentState

# What the processor allows for a payment page, less a minute on either side for our own delays.
SHORTEST = timedelta(minutes=30)
LONGEST = timedelta(hours=23, minutes=58)


def request(
    session: Session,
    *,
    payable: Payable,
    purpose: Purpose,
    payer_id: UUID,
    site_id: UUID,
    lines: Sequence[PriceLine],
    description: str,
    expires_in: timedelta,
    now: datetime,
    amount: Money | None = None,
    return_path: str | None = None,
) -> Payment:
    """Ask `payer_id` for the sum of `lines`; a job opens the payment page a moment later.

    `purpose` tells a deposit from a balance: one live and one kept payment for each. Asking again
    for the same while it is open returns the same payment. `amount`, if given, must be the sum.
    `return_path` is the page of ours that the payer comes back to. `AlreadyPaid`,
    `PaymentInProgress` (another amount is open) and `AmountRefused` are refusals.
    """
    whole = _checked(lines, amount, expires_in, return_path)
    queries.lock_payable(session, payable)
    open_one = queries.live_payment(session, payable, purpose)
    if open_one is not None and open_one.expires_at <= now:
        steps.close(session, open_one, PaymentState.EXPIRED, "not paid in time", now)
        open_one = None
    if open_one is not None:
        if open_one.amount != whole or open_one.payer_id != payer_id:
            raise PaymentInProgress(extra={"payment_id": str(open_one.id)})
        return open_one
    kept = queries.kept_payments(session, payable)
    if any(payment.purpose == purpose for payment in kept):
        raise AlreadyPaid
    payment = Payment(
        payable_kind=payable.kind,
        payable_id=payable.id,
        purpose=purpose,
        payer_id=payer_id,
        site_id=site_id,
        amount=whole,
        description=description,
        return_path=return_path,
        state=PaymentState.REQUESTED,
        requested_at=now,
        expires_at=now + expires_in,
        next_look_at=now + steps.LOOK_AGAIN,
    )
    session.add(payment)
    session.flush()
    _write_lines(session, payment, lines, now)
    defer(session, steps.OPEN_CHECKOUT, payment_id=str(payment.id))
    return payment


def cancel(
    session: Session, payment_id: UUID, *, now: datetime, reason: str = "cancelled"
) -> Payment:
    """Take the question back and have the page closed; harmless if it has ended unpaid already.

    `AlreadyPaid` if the money is here: then it takes a refund. Money that arrives while the page
    is being closed settles the payment late, and its owner is told so.
    """
    payment = queries.lock_payment(session, payment_id)
    state = PaymentState(payment.state)
    if state is PaymentState.SETTLED:
        raise AlreadyPaid(extra={"payment_id": str(payment_id)})
    if state in LIVE:
        steps.close(session, payment, PaymentState.CANCELLED, reason, now)
    return payment


def _checked(
    lines: Sequence[PriceLine],
    amount: Money | None,
    expires_in: timedelta,
    return_path: str | None,
) -> Money:
    whole = total(lines)
    if amount is not None and amount != whole:
        raise ValueError(f"the lines add up to {whole}, not to {amount}")
    if whole.minor <= 0:
        raise AmountRefused(f"{whole} is nothing to pay.")
    if not SHORTEST <= expires_in <= LONGEST:
        raise ValueError(f"a payment page is open for 30 minutes to a day, not {expires_in}")
    if return_path is not None and (
        not return_path.startswith("/") or return_path[1:2] in {"/", "\\"}
    ):
        raise ValueError("the payer comes back to a path of ours, such as /bookings/1")
    return whole


def _write_lines(
    session: Session, payment: Payment, lines: Sequence[PriceLine], now: datetime
) -> None:
    session.add_all(
        PaymentLine(
            payment_id=payment.id,
            place=place,
            kind=line.kind,
            description=line.description,
            quantity=line.quantity,
            amount=line.amount,
            earner=line.earner,
        )
        for place, line in enumerate(lines)
    )
    session.add(
        PaymentTransition(
            payment_id=payment.id,
            before=None,
            after=PaymentState.REQUESTED,
            reason=f"asked for: {payment.description}",
            at=now,
        )
    )
    session.flush()
