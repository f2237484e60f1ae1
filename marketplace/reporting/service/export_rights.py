"""Who may have identified exports: analysts to whom an operator gave it, for a reason and a time."""

from datetime import datetime, timedelta
from uuid import UUID

from marketplace.compliance import service as compliance
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.ids import new_id
from marketplace.identity import queries as identity
from marketplace.reporting.errors import ExportRefused, IdentifiedRefused, RightByOneself
from marketplace.reporting.models import IdentifiedRight
from marketplace.reporting.queries import exports as queries

LONGEST = timedelta(days=366)


def give(
    session: Session,
    *,
    account_id: UUID,
    reason: str,
    expires_at: datetime,
    granted_by: UUID,
    now: datetime,
) -> IdentifiedRight:
    """Give an analyst the right until `expires_at`, a year at most; recorded."""
    if not now < expires_at <= now + LONGEST:
        raise ExportRefused(
            "The right ends within a year.",
            fields={"expires_at": ["Expected a moment to come, within 366 days."]},
        )
    if not identity.has_role(session, account_id, "analyst"):
        raise ExportRefused(
            "Only analysts make exports.",
            fields={"account_id": ["Expected the account of an analyst."]},
        )
    if account_id == granted_by:
        raise RightByOneself
    right = IdentifiedRight(
        id=new_id(),
        account_id=account_id,
        reason=reason,
        granted_by=granted_by,
        granted_at=now,
        expires_at=expires_at,
    )
    session.add(right)
    session.flush()
    _record(session, right, granted_by, "give", now)
    return right


def revoke(session: Session, right_id: UUID, *, by: UUID, now: datetime) -> IdentifiedRight:
    """End the right now; a second time changes nothing."""
    right = queries.right(session, right_id)
    if right is None:
        raise NotFound
    if right.revoked_at is None:
        right.revoked_at, right.revoked_by = now, by
        session.flush()
        _record(session, right, by, "revoke", now)
    return right


def check(session: Session, account_id: UUID, now: datetime) -> None:
    """Raise `IdentifiedRefused` unless the account has the right now."""
    if queries.live_right(session, account_id, now) is None:
        raise IdentifiedRefused


def _record(session: Session, right: IdentifiedRight, by: UUID, verb: str, now: datetime) -> None:
    compliance.record(
        session,
        actor_id=by,
        action=f"export.right_{verb}",
        subject_kind="account",
        subject_id=right.account_id,
        detail={"right": str(right.id), "expires_at": right.expires_at.isoformat()},
        now=now,
    )
