"""Refunds that go back as credit: what credit paid, and what terms pay back as a voucher."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.identity.service.notices import notify
from marketplace.payments.events import Payable
from marketplace.payments.models import Payment, Refund
from marketplace.payments.queries import credit as queries
from marketplace.payments.rules.credit import (
    CreditTerms,
    GrantReason,
    Means,
    MoveKind,
    Pot,
    good_again_until,
    spread,
)
from marketplace.payments.service.credit import books, granting
from marketplace.payments.service.credit.moving import move, put_back_order


def lock_credit(session: Session, credit_payment_ids: Sequence[UUID]) -> None:
    """Hold all credit that several payments give back to, before the first of them is posted."""
    queries.lock_credit_of(session, credit_payment_ids)


def find_pots(session: Session, payment: Payment, amount: Money) -> list[Pot]:
    """Return, locked, the grants that a payment by credit gives `amount` back to.

    Called before the books are touched: whoever spends or ends credit takes them in this order.
    """
    return spread(put_back_order(session, queries.use_of(session, payment.id)), amount)


def credit_back(
    session: Session,
    payment: Payment,
    refund: Refund,
    payable: Payable,
    terms: CreditTerms,
    pots: list[Pot],
    now: datetime,
) -> None:
    """Let a refund be credit of the payer: where it came from, or a grant of its own for a card's.

    `payable` is what the money was kept for.
    """
    if payment.means == Means.CREDIT:
        _put_back(session, payment, refund, pots, now)
    else:
        granting.begin(
            session,
            payment.payer_id,
            refund.amount,
            reason=GrantReason.CANCELLATION,
            note=payment.description,
            expires_at=terms.expires_at(now),
            transferable=terms.transferable,
            now=now,
            payable=payable,
            refund_id=refund.id,
        )
    books.post_credited(session, payment, refund, now)


def _put_back(
    session: Session, payment: Payment, refund: Refund, pots: list[Pot], now: datetime
) -> None:
    use = queries.use_of(session, payment.id)
    for pot in pots:
        grant = queries.grant(session, pot.grant_id)
        grant.expires_at = good_again_until(grant.expires_at, now)
        move(
            session,
            pot.grant_id,
            MoveKind.RETURNED,
            pot.amount,
            reason=refund.reason,
            now=now,
            use_id=use.id,
            refund_id=refund.id,
        )
    facts = {
        "amount": {"amount": refund.amount.minor, "currency": refund.amount.currency},
        "note": payment.description,
    }
    notify(session, payment.payer_id, "credit_returned", facts, now=now)
