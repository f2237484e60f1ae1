"""All selects of compliance."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from marketplace.compliance.models import AuditEntry, Consent
from marketplace.compliance.rules import Purpose
from marketplace.core.db import Session
from marketplace.web.pagination import Page, paginate


def last_consent(
    session: Session, account_id: uuid.UUID, purpose: Purpose, *, as_of: datetime | None = None
) -> Consent | None:
    """Return what counts (at `as_of`, by default the newest); None if never asked."""
    query = select(Consent).where(Consent.account_id == account_id, Consent.purpose == purpose)
    if as_of is not None:
        query = query.where(Consent.at <= as_of)
    return session.execute(query.order_by(Consent.number.desc()).limit(1)).scalar_one_or_none()


def has_consent(
    session: Session, account_id: uuid.UUID, purpose: Purpose, *, as_of: datetime | None = None
) -> bool:
    """Tell whether the purpose was agreed to and not withdrawn; silence is no consent."""
    found = last_consent(session, account_id, purpose, as_of=as_of)
    return found is not None and found.given


def consenting(
    session: Session, account_ids: Sequence[uuid.UUID], purpose: Purpose, *, as_of: datetime
) -> set[uuid.UUID]:
    """Return which of the accounts agree to the purpose at `as_of`; one query."""
    rows = session.execute(
        select(Consent)
        .where(
            Consent.account_id.in_(account_ids),
            Consent.purpose == purpose,
            Consent.at <= as_of,
        )
        .ext(distinct_on(Consent.account_id))
        .order_by(Consent.account_id, Consent.number.desc())
    ).scalars()
    return {row.account_id for row in rows if row.given}


def consent_history(session: Session, account_id: uuid.UUID) -> Sequence[Consent]:
    """Return every consent given and withdrawn, oldest first by purpose."""
    return (
        session.execute(
            select(Consent)
            .where(Consent.account_id == account_id)
            .order_by(Consent.purpose, Consent.number)
        )
        .scalars()
        .all()
    )


def audit_trail(
    session: Session,
    *,
    subject_kind: str | None,
    subject_id: uuid.UUID | None,
    actor_id: uuid.UUID | None,
    limit: int,
    cursor: str | None,
) -> Page[AuditEntry]:
    """Return entries, newest first, about a subject or by an actor where one is named."""
    query = select(AuditEntry)
    if subject_kind is not None:
        query = query.where(AuditEntry.subject_kind == subject_kind)
    if subject_id is not None:
        query = query.where(AuditEntry.subject_id == subject_id)
    if actor_id is not None:
        query = query.where(AuditEntry.actor_id == actor_id)
    return paginate(
        session,
        query,
        key=[AuditEntry.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )
