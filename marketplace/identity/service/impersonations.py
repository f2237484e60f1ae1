"""An operator sees the pages as an account does: begun with a reason, for a while, then ended.

Whoever is looked at is told at once. That an operator does nothing meanwhile is held by `access`,
for every request; what can't be held there is refused by the database.
"""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import update

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.events import publish
from marketplace.core.ids import new_id
from marketplace.identity import queries
from marketplace.identity.errors import ImpersonationRefused
from marketplace.identity.events import Impersonated
from marketplace.identity.models import Account, Impersonation
from marketplace.identity.queries import impersonations
from marketplace.identity.rules import Role
from marketplace.identity.service import notices


def begin(
    session: Session,
    operator: Account,
    account_id: uuid.UUID,
    *,
    reason: str,
    minutes: int,
    now: datetime,
) -> Impersonation:
    """Begin, and end what the operator had begun before; the account is told who looks and why.

    `NotFound` for an account that is not there or closed, `ImpersonationRefused` for an operator's.
    """
    person = queries.account(session, account_id)
    if person is None or not person.active:
        raise NotFound
    if person.id == operator.id or queries.has_role(session, person.id, Role.OPERATOR):
        raise ImpersonationRefused
    session.execute(
        update(Impersonation)
        .where(Impersonation.operator_id == operator.id, Impersonation.ended_at.is_(None))
        .values(ended_at=now)
    )
    made = Impersonation(
        id=new_id(),
        operator_id=operator.id,
        account_id=person.id,
        reason=reason,
        begun_at=now,
        ends_at=now + timedelta(minutes=minutes),
    )
    session.add(made)
    session.flush()
    note(session, made, "begun", now, reason=reason, until=made.ends_at.isoformat())
    data = {"by": operator.name, "reason": reason, "until": made.ends_at.isoformat()}
    notices.notify(session, person.id, "pages_seen", data, now=now)
    return made


def end(
    session: Session, impersonation_id: uuid.UUID, operator_id: uuid.UUID, now: datetime
) -> Impersonation:
    """Stop before the time is over; twice is once."""
    found = impersonations.of_operator(session, impersonation_id, operator_id)
    if found is None:
        raise NotFound
    if found.ended_at is None:
        found.ended_at = now
        session.flush()
        note(session, found, "ended", now)
    return found


def note(session: Session, of: Impersonation, what: str, now: datetime, **detail: str) -> None:
    """Have it written into the audit trail, with both accounts."""
    publish(
        session,
        Impersonated(
            impersonation_id=of.id,
            operator_id=of.operator_id,
            account_id=of.account_id,
            what=what,
            at=now,
            detail=detail,
        ),
    )
