"""Granting credit, and ending it: by its time, by an operator, or by giving it to another."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.events import publish
from marketplace.core.ids import new_id
from marketplace.core.money import Money
from marketplace.identity import queries as people
from marketplace.identity.service.notices import notify
from marketplace.payments.errors import (
    AmountRefused,
    CreditLacking,
    CreditNotFound,
    CreditNotTransferable,
    RecipientUnknown,
)
from marketplace.payments.events import DoneByHand, Payable
from marketplace.payments.models import CreditGrant
from marketplace.payments.queries import credit as queries
from marketplace.payments.rules.credit import GrantReason, MoveKind
from marketplace.payments.service.credit import books
from marketplace.payments.service.credit.moving import move

# How long before it expires its owner is told.
REMIND = timedelta(days=30)
BATCH = 200


def give(
    session: Session,
    account_id: UUID,
    amount: Money,
    *,
    reason: GrantReason,
    note: str,
    granted_by: UUID,
    expires_at: datetime | None,
    transferable: bool,
    now: datetime,
) -> CreditGrant:
    """Give credit for an operator; it is less revenue for us. Its owner is told."""
    if amount.minor <= 0:
        raise AmountRefused(f"{amount} is nothing to give.", fields={"amount": ["Above nothing."]})
    if expires_at is not None and expires_at <= now:
        raise AmountRefused(
            "It would have expired already.", fields={"expires_at": ["A time to come."]}
        )
    if people.contact(session, account_id) is None:
        raise RecipientUnknown(fields={"account_id": ["Expected the id of an account here."]})
    grant = begin(
        session,
        account_id,
        amount,
        reason=reason,
        note=note,
        granted_by=granted_by,
        expires_at=expires_at,
        transferable=transferable,
        now=now,
    )
    books.post_given(session, grant.id, account_id, amount, now)
    _by_hand(session, grant, granted_by, "given", amount, note, now)
    return grant


def begin(
    session: Session,
    account_id: UUID,
    amount: Money,
    *,
    reason: GrantReason,
    note: str,
    expires_at: datetime | None,
    transferable: bool,
    now: datetime,
    granted_by: UUID | None = None,
    payable: Payable | None = None,
    refund_id: UUID | None = None,
    from_grant_id: UUID | None = None,
) -> CreditGrant:
    """Write a grant and its first movement, and tell its owner; the caller posts it."""
    grant = CreditGrant(
        id=new_id(),
        account_id=account_id,
        amount=amount,
        left_minor=0,
        reason=reason.value,
        note=note,
        payable_kind=payable.kind if payable else None,
        payable_id=payable.id if payable else None,
        refund_id=refund_id,
        from_grant_id=from_grant_id,
        granted_by=granted_by,
        granted_at=now,
        expires_at=expires_at,
        transferable=transferable,
    )
    session.add(grant)
    session.flush()
    move(
        session,
        grant.id,
        MoveKind.GRANTED,
        amount,
        reason=note,
        now=now,
        refund_id=refund_id,
        actor_id=granted_by,
    )
    session.refresh(grant)
    tell_owner(session, grant, "credit_granted", amount, now, reason=reason.value)
    return grant


def revoke(
    session: Session,
    grant_id: UUID,
    *,
    amount: Money | None = None,
    reason: str,
    actor_id: UUID,
    now: datetime,
) -> CreditGrant:
    """Take back what is left of a grant, or `amount` of it, for an operator; its owner is told why."""
    grant = queries.grant(session, grant_id, lock=True)
    if not grant.left:
        raise CreditLacking(
            "Nothing is left of it: it was spent, has ended, or is set aside for a payment that is"
            " under way, and is free again if that fails."
        )
    taken = grant.left if amount is None else amount
    most = f"Expected an amount above nothing, at most {grant.left}."
    if taken.currency != grant.amount.currency or taken.minor <= 0:
        raise AmountRefused(f"The credit is in {grant.amount.currency}.", fields={"amount": [most]})
    if taken > grant.left:
        raise CreditLacking(f"{grant.left} is left of it.", fields={"amount": [most]})
    _end(session, grant, MoveKind.REVOKED, taken, reason, now, actor_id)
    tell_owner(session, grant, "credit_revoked", taken, now, why=reason)
    _by_hand(session, grant, actor_id, "taken_back", taken, reason, now)
    return grant


def hand_on(
    session: Session, grant_id: UUID, *, owner_id: UUID, to_email: str, now: datetime
) -> CreditGrant:
    """Give all that is left of one's own transferable grant to another trainee; return theirs.

    It is good as long as it was, and can be handed on again. One refusal for whoever can't take it:
    nobody learns who has an account.
    """
    grant = queries.grant(session, grant_id, lock=True)
    if grant.account_id != owner_id:
        raise CreditNotFound
    if not grant.transferable:
        raise CreditNotTransferable
    over = grant.expires_at is not None and grant.expires_at <= now
    if over or not grant.left:
        raise CreditLacking("Nothing is left of it.")
    account = people.account_by_email(session, to_email.strip().lower())
    if account is None or account.id == owner_id:
        raise RecipientUnknown
    if people.trainee_facts(session, account.id) is None:
        raise RecipientUnknown
    amount = grant.left
    move(
        session,
        grant.id,
        MoveKind.HANDED_ON,
        -amount,
        reason="Handed on to another trainee.",
        now=now,
        actor_id=owner_id,
    )
    given = begin(
        session,
        account.id,
        amount,
        reason=GrantReason.HANDED_ON,
        note="Handed on by another trainee.",
        expires_at=grant.expires_at,
        transferable=True,
        now=now,
        from_grant_id=grant.id,
    )
    books.post_handed_on(session, given.id, owner_id, account.id, amount, now)
    return given


def expire_due(session: Session, now: datetime, limit: int = BATCH) -> int:
    """End credit whose time is over, at most `limit` grants of it; return how many. Twice is once."""
    due = queries.expired(session, now, limit)
    for grant in due:
        left = grant.left
        _end(session, grant, MoveKind.EXPIRED, left, "Its time is over.", now, None)
        tell_owner(session, grant, "credit_expired", left, now)
    return len(due)


def remind_due(session: Session, now: datetime, limit: int = BATCH) -> int:
    """Tell owners of credit that expires within 30 days, once for each expiry; return how many."""
    due = queries.expiring(session, now, now + REMIND, limit)
    for grant in due:
        grant.reminded_of = grant.expires_at
        tell_owner(session, grant, "credit_expires_soon", grant.left, now)
    session.flush()
    return len(due)


def _end(
    session: Session,
    grant: CreditGrant,
    kind: MoveKind,
    amount: Money,
    reason: str,
    now: datetime,
    actor_id: UUID | None,
) -> None:
    row = move(session, grant.id, kind, -amount, reason=reason, now=now, actor_id=actor_id)
    session.refresh(grant)
    books.post_ended(session, row.id, grant.account_id, amount, now)


def tell_owner(
    session: Session,
    grant: CreditGrant,
    template: str,
    amount: Money,
    now: datetime,
    **data: Any,
) -> None:
    facts = {
        "amount": {"amount": amount.minor, "currency": amount.currency},
        "note": grant.note,
        "expires_at": grant.expires_at.isoformat() if grant.expires_at else None,
        **data,
    }
    notify(session, grant.account_id, template, facts, now=now)


def _by_hand(
    session: Session,
    grant: CreditGrant,
    actor_id: UUID,
    what: str,
    amount: Money,
    why: str,
    now: datetime,
) -> None:
    detail = {"grant": str(grant.id), "amount": str(amount), "reason": why}
    publish(
        session, DoneByHand(actor_id, f"credit.{what}", "account", grant.account_id, now, detail)
    )
