"""Paying by credit: all of a sum at once, or a part beside a card's payment that it waits for.

Beside a card the credit is set aside when the page is asked for, put back when the page ends
unpaid, and used when the card's money settles. A payment by credit is a payment like any other: it
has lines, a receipt, and gives back; only no processor knows of it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.events import publish
from marketplace.core.ids import new_id
from marketplace.core.jobs import defer
from marketplace.core.money import Money
from marketplace.payments import queries
from marketplace.payments.errors import AlreadyPaid, AmountRefused
from marketplace.payments.events import Payable, PaymentSettled
from marketplace.payments.models import (
    CreditUse,
    Payment,
    PaymentLine,
    PaymentPart,
    PaymentTransition,
)
from marketplace.payments.queries import credit as kept_credit
from marketplace.payments.rules import Earner, Part, PriceLine, Purpose, split, total
from marketplace.payments.rules.cards import PAGE, CardUse
from marketplace.payments.rules.credit import LEAST_BY_CARD, Means, UseState
from marketplace.payments.service import asking, steps
from marketplace.payments.service.credit import books, moving
from marketplace.payments.states import PaymentState

BEGUN = "Set aside for: "


def check_amount(due: Money, credit: Money) -> None:
    """Refuse credit that is none, too much, in another currency, or leaves too little by card."""
    if credit.currency != due.currency:
        raise AmountRefused(
            f"The price is in {due.currency}: only credit in it can pay.",
            fields={"credit": [f"An amount in {due.currency}."]},
        )
    if not 0 < credit.minor <= due.minor:
        raise AmountRefused(
            f"{due} is due now.", fields={"credit": [f"Above nothing, at most {due}."]}
        )
    rest = due - credit
    if rest and rest.minor < LEAST_BY_CARD:
        least = Money(LEAST_BY_CARD, due.currency)
        raise AmountRefused(
            f"By card at least {least} is paid.",
            fields={"credit": [f"All that is due, or leave {least} at least."]},
        )


def request_beside(
    session: Session,
    *,
    payable: Payable,
    purpose: Purpose,
    payer_id: UUID,
    site_id: UUID | None,
    by_card: Sequence[PriceLine],
    by_credit: Sequence[PriceLine],
    card_parts: Sequence[Part] = (),
    credit_parts: Sequence[Part] = (),
    description: str,
    expires_in: timedelta,
    now: datetime,
    return_path: str | None = None,
    voucher_use_id: UUID | None = None,
    card: CardUse = PAGE,
) -> Payment:
    """Ask for a part by card and set the other aside; the payable's lock is the caller's.

    `CreditLacking` if there is less. Asking again for the same returns the same payment.
    """
    credit = total(by_credit)
    payment = asking.request(
        session,
        payable=payable,
        purpose=purpose,
        payer_id=payer_id,
        site_id=site_id,
        lines=by_card,
        parts=card_parts,
        description=description,
        expires_in=expires_in,
        now=now,
        locked=True,
        return_path=return_path,
        credit=credit,
        voucher_use_id=voucher_use_id,
        card=card,
    )
    if kept_credit.use_beside(session, payment.id) is None:
        moving.set_aside(
            session,
            payer_id,
            credit,
            lines=_lines_json(by_credit, credit_parts),
            payment_id=payment.id,
            reason=BEGUN + description,
            now=now,
        )
    return payment


def pay_wholly(
    session: Session,
    *,
    payable: Payable,
    purpose: Purpose,
    payer_id: UUID,
    site_id: UUID | None,
    lines: Sequence[PriceLine],
    parts: Sequence[Part] = (),
    description: str,
    now: datetime,
    voucher_use_id: UUID | None = None,
) -> Payment:
    """Pay all of it by credit, here and now; `announce` it once its owner waits for it.

    The payable's lock is the caller's. A card's page that is open for the same is closed.
    """
    kept = queries.kept_payments(session, payable)
    if any(one.purpose == purpose and one.payable_id == payable.id for one in kept):
        raise AlreadyPaid
    use = moving.set_aside(
        session,
        payer_id,
        total(lines),
        lines=_lines_json(lines, parts),
        payment_id=None,
        reason=BEGUN + description,
        now=now,
    )
    open_one = queries.live_payment(session, payable, purpose)
    if open_one is not None:
        steps.close(session, open_one, PaymentState.CANCELLED, "paid by credit instead", now)
    payment = Payment(
        id=new_id(),
        payable_kind=payable.kind,
        payable_id=payable.id,
        purpose=purpose,
        payer_id=payer_id,
        site_id=site_id,
        description=description,
        voucher_use_id=voucher_use_id,
    )
    sites = {part.id: (part.kind, part.site_id) for part in parts}
    return _settle(session, payment, use, sites, now)


def announce(session: Session, payment_id: UUID, now: datetime) -> None:
    """Tell of a payment by credit as of any other that settled."""
    payment = queries.payment(session, payment_id)
    publish(
        session,
        PaymentSettled(
            payment_id=payment.id,
            payable=payment.payable,
            purpose=payment.purpose,
            payer_id=payment.payer_id,
            amount=payment.amount,
            at=now,
            late=False,
            voucher_use_id=payment.voucher_use_id,
        ),
    )


def fulfil(session: Session, payment_id: UUID, now: datetime) -> Payment | None:
    """Let the credit that was set aside beside a card's payment pay, once that has settled.

    Where it had gone back, because the page seemed lost, it is taken again; None, and nothing is
    done, if it was spent since.
    """
    card = queries.payment(session, payment_id)
    use = kept_credit.use_beside(session, payment_id)
    if use is None:
        raise LookupError(f"no credit was set aside beside payment {payment_id}")
    if use.state == UseState.USED and use.credit_payment_id is not None:
        return queries.payment(session, use.credit_payment_id)
    words = BEGUN + card.description
    if use.state == UseState.RETURNED and not moving.take_again(session, use, words, now):
        return None
    payment = Payment(
        id=new_id(),
        payable_kind=card.payable_kind,
        payable_id=card.payable_id,
        purpose=card.purpose,
        payer_id=card.payer_id,
        site_id=card.site_id,
        description=card.description,
    )
    sites = {}
    if card.site_id is None:
        parts = queries.parts(session, card.id)
        sites = {part.payable_id: (part.payable_kind, part.site_id) for part in parts}
    return _settle(session, payment, use, sites, now)


def give_up(session: Session, payment_id: UUID, reason: str, now: datetime) -> None:
    """Put back what waits beside a payment whose owner sends the money back."""
    steps.let_go(session, queries.payment(session, payment_id), reason, now)


def parts_paid(session: Session, payment: Payment) -> dict[UUID, Money]:
    """Return what a payment pays for each of several things; empty where it is for one."""
    return {part.payable_id: part.amount for part in queries.parts(session, payment.id)}


def _settle(
    session: Session,
    payment: Payment,
    use: CreditUse,
    sites: dict[UUID, tuple[str, UUID]],
    now: datetime,
) -> Payment:
    """Write the payment that the credit makes, settled and posted."""
    lines = [_line(one) for one in use.lines]
    payment.amount = use.amount
    payment.means = Means.CREDIT.value
    payment.state = PaymentState.SETTLED.value
    payment.requested_at = payment.expires_at = payment.settled_at = now
    payment.captured_minor, payment.refunded_minor = use.amount.minor, 0
    payment.fee_known = True
    session.add(payment)
    session.flush()
    session.add_all(
        PaymentLine(
            payment_id=payment.id,
            place=place,
            kind=line.kind,
            description=line.description,
            quantity=line.quantity,
            amount=line.amount,
            earner=line.earner.value,
            part_id=part_id,
        )
        for place, (line, part_id) in enumerate(lines)
    )
    session.add(
        PaymentTransition(
            payment_id=payment.id,
            before=None,
            after=PaymentState.SETTLED,
            reason="paid by credit",
            at=now,
        )
    )
    of_part = _by_part(lines)
    session.add_all(
        PaymentPart(
            payment_id=payment.id,
            payable_kind=sites[part_id][0],
            payable_id=part_id,
            site_id=sites[part_id][1],
            amount=total(its),
            refunded_minor=0,
        )
        for part_id, its in of_part.items()
    )
    use.state, use.ended_at, use.credit_payment_id = UseState.USED.value, now, payment.id
    session.flush()
    if payment.site_id is not None:
        shares = [(payment.site_id, split([line for line, _ in lines]))]
    else:
        shares = [(sites[part_id][1], split(its)) for part_id, its in of_part.items()]
    books.post_paid(session, payment, shares, now)
    defer(session, steps.ISSUE_RECEIPT, payment_id=str(payment.id))
    return payment


def _by_part(lines: Sequence[tuple[PriceLine, UUID | None]]) -> dict[UUID, list[PriceLine]]:
    found: dict[UUID, list[PriceLine]] = {}
    for line, part_id in lines:
        if part_id is not None:
            found.setdefault(part_id, []).append(line)
    return found


def _lines_json(lines: Sequence[PriceLine], parts: Sequence[Part]) -> list[dict[str, Any]]:
    if not parts:
        return [_line_json(line, None) for line in lines]
    return [_line_json(line, part.id) for part in parts for line in part.lines]


def _line_json(line: PriceLine, part_id: UUID | None) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "description": line.description,
        "quantity": line.quantity,
        "minor": line.amount.minor,
        "currency": line.amount.currency,
        "earner": line.earner.value,
        "part_id": None if part_id is None else str(part_id),
    }


def _line(said: dict[str, Any]) -> tuple[PriceLine, UUID | None]:
    line = PriceLine(
        said["kind"],
        said["description"],
        Money(said["minor"], said["currency"]),
        Earner(said["earner"]),
        said["quantity"],
    )
    return line, None if said["part_id"] is None else UUID(said["part_id"])
