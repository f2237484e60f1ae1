"""Asking for money, and taking the question back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from marketplace.core import rows
from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.core.money import Money
from marketplace.payments import queries
from marketplace.payments.errors import AlreadyPaid, AmountRefused, PaymentInProgress
from marketplace.payments.events import Payable
from marketplace.payments.models import Payment, PaymentPart, PaymentTransition
from marketplace.payments.queries import writing
from marketplace.payments.rules import Part, PriceLine, Purpose, declines, total
from marketplace.payments.rules.cards import PAGE, CardUse
from marketplace.payments.rules.credit import Means
from marketplace.payments.service import cards, plans, steps
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
    site_id: UUID | None,
    lines: Sequence[PriceLine],
    description: str,
    expires_in: timedelta,
    now: datetime,
    amount: Money | None = None,
    return_path: str | None = None,
    locked: bool = False,
    parts: Sequence[Part] = (),
    credit: Money | None = None,
    voucher_use_id: UUID | None = None,
    card: CardUse = PAGE,
) -> Payment:
    """Ask `payer_id` for the sum of `lines`; a job opens the payment page a moment later.

    `card` says that a kept card is charged instead, or that the page keeps one. Where a page is
    open for the same, and a card is to be charged, the page is closed before.

    `purpose` tells a deposit from a balance: one live and one kept payment for each. Asking again
    for the same while it is open returns the same payment. `amount`, if given, must be the sum.
    `return_path` is the page of ours that the payer comes back to. `locked`: the caller has taken
    the payable's lock (`queries.payable_lock`) in a statement before. `parts`: what is paid for each
    of several things at once; their lines in turn are `lines`, and there is no one site. `credit` is
    what credit pays besides, set aside by the caller, `voucher_use_id` what lowered the lines.
    `AlreadyPaid`, `PaymentInProgress` (another amount is open) and `AmountRefused` are refusals.
    """
    part_ids = _part_ids(lines, parts, site_id)
    payment = rows.new(
        Payment,
        id=new_id(),
        payable_kind=payable.kind,
        payable_id=payable.id,
        purpose=purpose,
        payer_id=payer_id,
        site_id=site_id,
        amount=_checked(lines, amount, expires_in, return_path),
        description=description,
        return_path=return_path,
        credit_minor=credit.minor if credit else 0,
        voucher_use_id=voucher_use_id,
        card_id=card.card_id,
        off_session=card.off_session,
        state=PaymentState.REQUESTED,
        requested_at=now,
        expires_at=now + expires_in,
        next_look_at=now + steps.LOOK_AGAIN,
    )
    begin = steps.OPEN_CHECKOUT if card.card_id is None else steps.CHARGE_CARD
    if not locked:
        queries.lock_payable(session, payable)
    if not _ask(session, payment, lines, part_ids, begin):
        open_one = queries.live_payment(session, payable, purpose)
        if open_one is None:
            raise AlreadyPaid
        if open_one.expires_at > now and not _gives_way(open_one, payment):
            return _the_same(open_one, payment)
        _end_before(session, open_one, now)
        if not _ask(session, payment, lines, part_ids, begin):
            raise AlreadyPaid
    if parts:
        _add_parts(session, payment, parts)
    if card.agreement is not None:
        cards.agree_on_page(session, payment, card.agreement, now)
    return payment


def record(
    session: Session,
    *,
    payable: Payable,
    purpose: Purpose,
    payer_id: UUID,
    parts: Sequence[Part],
    description: str,
    reference: str,
    now: datetime,
) -> Payment:
    """Write down a payment that came by bank transfer; the caller settles it.

    The caller holds the payable's lock. `AlreadyPaid` where one for the same is open or kept.
    """
    lines = [line for part in parts for line in part.lines]
    payment = rows.new(
        Payment,
        id=new_id(),
        payable_kind=payable.kind,
        payable_id=payable.id,
        purpose=purpose,
        payer_id=payer_id,
        site_id=None,
        amount=total(lines),
        description=description,
        means=Means.BANK_TRANSFER.value,
        bank_reference=reference,
        state=PaymentState.REQUESTED,
        requested_at=now,
        expires_at=now,
    )
    if not _ask(session, payment, lines, _part_ids(lines, parts, None)):
        raise AlreadyPaid
    _add_parts(session, payment, parts)
    return payment


def _part_ids(
    lines: Sequence[PriceLine], parts: Sequence[Part], site_id: UUID | None
) -> list[UUID | None]:
    """The part of each line; a payment is a site's or in parts, never both or neither."""
    if (site_id is None) != bool(parts):
        raise ValueError("a payment has one site, or parts that have each their own")
    if not parts:
        return [None] * len(lines)
    if list(lines) != [line for part in parts for line in part.lines]:
        raise ValueError("the lines of the parts are not those of the payment")
    return [part.id for part in parts for _ in part.lines]


def _add_parts(session: Session, payment: Payment, parts: Sequence[Part]) -> None:
    session.add_all(
        PaymentPart(
            payment_id=payment.id,
            payable_kind=part.kind,
            payable_id=part.id,
            site_id=part.site_id,
            amount=total(part.lines),
            refunded_minor=0,
        )
        for part in parts
    )
    session.flush()


def _ask(
    session: Session,
    payment: Payment,
    lines: Sequence[PriceLine],
    part_ids: Sequence[UUID | None],
    job: str | None = None,
) -> bool:
    step = rows.new(
        PaymentTransition,
        payment_id=payment.id,
        before=None,
        after=PaymentState.REQUESTED,
        reason=f"asked for: {payment.description}",
        at=payment.requested_at,
    )
    return writing.asked(session, payment, lines, part_ids, step, job)


def _gives_way(open_one: Payment, wanted: Payment) -> bool:
    """Whether the payer wants to pay by other means now; a charge that is being made goes on."""
    being_made = open_one.card_id is not None and open_one.state == PaymentState.REQUESTED
    return open_one.card_id != wanted.card_id and not being_made


def _end_before(session: Session, open_one: Payment, now: datetime) -> None:
    """End a payment that another takes the place of."""
    if open_one.expires_at > now:
        steps.close(session, open_one, PaymentState.CANCELLED, "paid by other means instead", now)
        return
    steps.close(session, open_one, PaymentState.EXPIRED, "not paid in time", now)
    if open_one.off_session:
        plans.failed(session, open_one, declines.NO_ANSWER, final=False, now=now)


def _the_same(open_one: Payment, wanted: Payment) -> Payment:
    """Return the payment that is open, if it is what is wanted."""
    if (open_one.amount, open_one.payer_id, open_one.credit_minor) != (
        wanted.amount,
        wanted.payer_id,
        wanted.credit_minor,
    ):
        raise PaymentInProgress(extra={"payment_id": str(open_one.id)})
    return open_one


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
