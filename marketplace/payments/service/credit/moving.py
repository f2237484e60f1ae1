"""Movements of credit: set aside for a payment, and put back. Nothing is posted by these two."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.core.money import Money
from marketplace.payments.errors import CreditLacking
from marketplace.payments.models import CreditMovement, CreditUse
from marketplace.payments.queries import credit as queries
from marketplace.payments.rules.credit import MoveKind, Pot, UseState, spread


def move(
    session: Session,
    grant_id: UUID,
    kind: MoveKind,
    amount: Money,
    *,
    reason: str,
    now: datetime,
    use_id: UUID | None = None,
    refund_id: UUID | None = None,
    actor_id: UUID | None = None,
) -> CreditMovement:
    """Write a movement down; `amount` is negative where it takes away. The database adds it up."""
    row = CreditMovement(
        id=new_id(),
        grant_id=grant_id,
        kind=kind.value,
        amount=amount,
        use_id=use_id,
        refund_id=refund_id,
        reason=reason,
        actor_id=actor_id,
        at=now,
    )
    session.add(row)
    session.flush()
    return row


def set_aside(
    session: Session,
    account_id: UUID,
    amount: Money,
    *,
    lines: Sequence[dict[str, Any]],
    payment_id: UUID | None,
    reason: str,
    now: datetime,
) -> CreditUse:
    """Take `amount` of the account's credit, what expires first first; `CreditLacking` if it lacks."""
    pots = _enough(session, account_id, amount, now)
    use = CreditUse(
        id=new_id(),
        account_id=account_id,
        amount=amount,
        lines=list(lines),
        payment_id=payment_id,
        state=UseState.HELD.value,
        begun_at=now,
    )
    session.add(use)
    session.flush()
    _take(session, use, pots, reason, now)
    return use


def give_up(session: Session, payment_id: UUID, reason: str, now: datetime) -> None:
    """Put back what was set aside beside a payment; harmless where that is done or it was used."""
    use = queries.use_beside(session, payment_id)
    if use is None or use.state != UseState.HELD:
        return
    for pot in put_back_order(session, use):
        move(
            session,
            pot.grant_id,
            MoveKind.RETURNED,
            pot.amount,
            reason=reason,
            now=now,
            use_id=use.id,
        )
    use.state, use.ended_at = UseState.RETURNED.value, now
    session.flush()


def take_again(session: Session, use: CreditUse, reason: str, now: datetime) -> bool:
    """Set aside again what had gone back; False, and nothing done, where it was spent since."""
    try:
        pots = _enough(session, use.account_id, use.amount, now)
    except CreditLacking:
        return False
    use.state, use.ended_at = UseState.HELD.value, None
    session.flush()
    _take(session, use, pots, reason, now)
    return True


def put_back_order(session: Session, use: CreditUse) -> list[Pot]:
    """What a use still has of each grant, the last taken first: that is good the longest."""
    queries.lock_credit(session, use.account_id, use.amount.currency)
    return list(reversed(queries.taken_by(session, use.id)))


def _enough(session: Session, account_id: UUID, amount: Money, now: datetime) -> list[Pot]:
    pots = queries.spendable(session, account_id, amount.currency, now)
    there = sum((pot.amount for pot in pots), Money.zero(amount.currency))
    if there < amount:
        raise CreditLacking(
            f"You have {there} of credit.",
            extra={"available": {"amount": there.minor, "currency": there.currency}},
        )
    return spread(pots, amount)


def _take(
    session: Session, use: CreditUse, pots: Sequence[Pot], reason: str, now: datetime
) -> None:
    for pot in pots:
        move(
            session,
            pot.grant_id,
            MoveKind.USED,
            -pot.amount,
            reason=reason,
            now=now,
            use_id=use.id,
        )
