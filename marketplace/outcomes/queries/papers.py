"""Selects on papers."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Select, cast, exists, func, or_, select
from sqlalchemy.dialects.postgresql import JSONPATH
from sqlalchemy.orm import aliased

from marketplace.core.db import Session
from marketplace.outcomes.models import Paper
from marketplace.outcomes.rules.papers import PaperKind
from marketplace.web.pagination import Page, paginate

_newer = aliased(Paper)
# Which days a certificate of teaching is about.
PERIOD = cast('strict $.rows[*] ? (@[0] == "Period")', JSONPATH)
# A paper about a booking by its next revision; one of teaching by a later one of the same days.
REPLACED = or_(
    exists(
        select(_newer.id).where(
            _newer.booking_id == Paper.booking_id,
            _newer.kind == Paper.kind,
            _newer.revision > Paper.revision,
        )
    ),
    exists(
        select(_newer.id).where(
            Paper.kind == PaperKind.TEACHING,
            _newer.account_id == Paper.account_id,
            _newer.site_id == Paper.site_id,
            _newer.kind == PaperKind.TEACHING,
            _newer.id > Paper.id,
            func.jsonb_path_query_first(_newer.content, PERIOD)
            == func.jsonb_path_query_first(Paper.content, PERIOD),
        )
    ),
)


def paper(session: Session, paper_id: UUID) -> Paper | None:
    return session.get(Paper, paper_id)


def bookings(session: Session, paper_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return which booking each of the papers is about; of those about none, nothing."""
    query = select(Paper.id, Paper.booking_id).where(Paper.id.in_(paper_ids))
    return {row.id: row.booking_id for row in session.execute(query) if row.booking_id}


def last(session: Session, booking_id: UUID, kind: PaperKind) -> Paper | None:
    """Return the booking's last revision of a kind."""
    return session.execute(
        select(Paper)
        .where(Paper.booking_id == booking_id, Paper.kind == kind)
        .order_by(Paper.revision.desc())
        .limit(1)
    ).scalar_one_or_none()


def by_digest(session: Session, digest: bytes) -> tuple[Paper, bool] | None:
    """Return the paper that carries a code, and whether a later one replaces it; one query."""
    row = session.execute(select(Paper, REPLACED).where(Paper.code_digest == digest)).one_or_none()
    return None if row is None else (row[0], row[1])


def of_booking(session: Session, booking_id: UUID) -> Sequence[Paper]:
    """Return every revision of every paper about a booking, the newest first."""
    return (
        session.execute(
            select(Paper).where(Paper.booking_id == booking_id).order_by(Paper.id.desc())
        )
        .scalars()
        .all()
    )


def of_teacher(
    session: Session, account_id: UUID | None, site_id: UUID, *, limit: int, cursor: str | None
) -> Page[Paper]:
    """Return an account's teaching certificates at a site, or everybody's there, the newest first."""
    return paginate(
        session,
        _of_teacher(account_id, site_id),
        key=[Paper.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def replaced(session: Session, paper_ids: Collection[UUID]) -> set[UUID]:
    """Return which of these papers a later one replaces; one query."""
    if not paper_ids:
        return set()
    query = select(Paper.id).where(Paper.id.in_(paper_ids), REPLACED)
    return set(session.execute(query).scalars())


def last_of_teacher(session: Session, account_id: UUID, site_id: UUID) -> Paper | None:
    return session.execute(
        _of_teacher(account_id, site_id).order_by(Paper.id.desc()).limit(1)
    ).scalar_one_or_none()


def _of_teacher(account_id: UUID | None, site_id: UUID) -> Select[Paper]:
    query = select(Paper).where(Paper.site_id == site_id, Paper.kind == PaperKind.TEACHING)
    return query if account_id is None else query.where(Paper.account_id == account_id)


def without_credence(session: Session) -> Sequence[UUID]:
    """Return the papers whose credentials count no more: those revoked, and those replaced."""
    return (
        session.execute(
            select(Paper.id)
            .where(Paper.credential.is_not(None), or_(Paper.revoked_at.is_not(None), REPLACED))
            .order_by(Paper.id)
        )
        .scalars()
        .all()
    )
