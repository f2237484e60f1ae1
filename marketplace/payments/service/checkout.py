"""Opening a payment page: planned in one transaction, called outside, recorded in a second."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.identity import queries as people
from marketplace.payments import queries
from marketplace.payments.events import Payable
from marketplace.payments.gateway import CheckoutLine
from marketplace.payments.models import Payment
from marketplace.payments.queries import cards
from marketplace.payments.service import arrivals, steps
from marketplace.payments.states import LIVE, PaymentState

# The page outlives what we told the payer by this, so that a call repeated within a minute is the
# same call, and the processor's shortest time still holds.
MARGIN = timedelta(seconds=60)
SHORTEST_PAGE = timedelta(minutes=30, seconds=5)
# Pages are looked for among those that can still be open.
PAGES_LIVE_FOR = timedelta(hours=25)


@dataclass(frozen=True, slots=True)
class Plan:
    """The call that opens a page. `repeat`: look for a page from an earlier try first."""

    key: str
    payment_id: UUID
    payable: Payable
    amount: Money
    description: str
    return_path: str | None
    lines: tuple[CheckoutLine, ...]
    email: str
    page_expires_at: datetime
    customer: str | None
    keep_card: bool
    repeat: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Where a payment's page is: its id, or since when to look for one; `asked` if we did ask.

    `customer`: there is no page; a card of this one's is charged.
    """

    session_id: str | None
    asked: bool
    overdue: bool
    customer: str | None
    asked_at: datetime


def plan(
    session: Session, payment_id: UUID, *, processor_now: datetime, now: datetime
) -> Plan | None:
    """Write down that we are about to open the page; None if there is nothing to open.

    The parameters of the call are stored before it: only a call that is the same in every
    parameter may carry the same key.
    """
    payment = queries.lock_payment(session, payment_id)
    if PaymentState(payment.state) is not PaymentState.REQUESTED:
        return None
    if payment.expires_at <= now:
        arrivals.end(session, payment, PaymentState.EXPIRED, "no page in time", now)
        return None
    repeat = payment.page_attempt > 0
    wishes = cards.wishes(session, payment)
    page_expires_at = payment.page_expires_at
    if page_expires_at is None or page_expires_at - processor_now < SHORTEST_PAGE:
        page_expires_at = _next_attempt(payment, processor_now)
        payment.processor_customer = wishes.customer
    payment.next_look_at = now + steps.LOOK_AGAIN
    session.flush()
    contact = people.contact(session, payment.payer_id)
    if contact is None:
        raise LookupError(f"payment {payment_id} has no payer")
    return Plan(
        key=_key(payment),
        payment_id=payment.id,
        payable=payment.payable,
        amount=payment.amount,
        description=payment.description,
        return_path=payment.return_path,
        lines=_checkout_lines(session, payment),
        email=contact.email,
        page_expires_at=page_expires_at,
        customer=payment.processor_customer,
        keep_card=wishes.keep_card,
        repeat=repeat,
    )


def give_up_key(session: Session, payment_id: UUID, processor_now: datetime) -> None:
    """Take a new key for the next try, since the processor keeps a failure under this one.

    Not blind: a repeated try looks for a page of this payment first, and a page whose address
    nobody was given can't be paid.
    """
    payment = queries.lock_payment(session, payment_id)
    if PaymentState(payment.state) is PaymentState.REQUESTED:
        _next_attempt(payment, processor_now)
        session.flush()


def without_customer(session: Session, payment_id: UUID, processor_now: datetime) -> None:
    """Open the next page for no customer: the processor does not know this one any more."""
    payment = queries.lock_payment(session, payment_id)
    if PaymentState(payment.state) is PaymentState.REQUESTED:
        _next_attempt(payment, processor_now)
        payment.processor_customer = None
        session.flush()


def page(session: Session, payment_id: UUID, now: datetime) -> Page:
    """Return what to ask the processor about a payment's page."""
    payment = queries.payment(session, payment_id)
    ended = PaymentState(payment.state) not in LIVE | {PaymentState.SETTLED}
    card = cards.card(session, payment.card_id) if payment.card_id is not None else None
    return Page(
        customer=card.processor_customer if card else None,
        asked_at=payment.created_at - PAGES_LIVE_FOR,
        session_id=payment.processor_session,
        asked=payment.page_attempt > 0,
        overdue=ended or payment.expires_at <= now,
    )


def nothing_to_look_at(session: Session, payment_id: UUID) -> None:
    """The processor has no page for this payment, and never will: stop asking."""
    payment = queries.lock_payment(session, payment_id)
    if PaymentState(payment.state) not in LIVE:
        payment.next_look_at = None
        session.flush()


def refused(session: Session, payment_id: UUID, reason: str, now: datetime) -> None:
    """The processor will not open a page for this."""
    payment = queries.lock_payment(session, payment_id)
    arrivals.end(session, payment, PaymentState.FAILED, reason, now)


def _next_attempt(payment: Payment, processor_now: datetime) -> datetime:
    payment.page_attempt += 1
    open_for = payment.expires_at - payment.requested_at
    until = (processor_now + open_for + MARGIN).replace(microsecond=0)
    payment.page_expires_at = until
    return until


def _key(payment: Payment) -> str:
    key = f"checkout:{payment.id}"
    return key if payment.page_attempt == 1 else f"{key}:{payment.page_attempt}"


def _checkout_lines(session: Session, payment: Payment) -> tuple[CheckoutLine, ...]:
    """The payment page takes no negative lines: a price with discounts is shown as one line."""
    lines = queries.lines(session, payment.id)
    if any(line.amount.minor < 0 for line in lines):
        return (CheckoutLine(payment.description, payment.amount),)
    return tuple(CheckoutLine(line.description, line.amount) for line in lines if line.amount)
