"""Selects on letters. None of them brings content along; `content` is asked for by itself."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, exists, select

from marketplace.compliance.queries import scans
from marketplace.core.db import Session
from marketplace.identity import queries as identity
from marketplace.outcomes.models import Letter, LetterContent, LetterLink
from marketplace.outcomes.states import LetterState
from marketplace.web.pagination import Page, paginate


def letter(session: Session, letter_id: UUID, *, lock: bool = False) -> Letter | None:
    """Return the entry; with `lock`, after whoever else is changing it has done so."""
    query = select(Letter).where(Letter.id == letter_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.execute(query).scalar_one_or_none()


def bookings(session: Session, letter_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return which booking each of the letters is about."""
    rows = session.execute(select(Letter.id, Letter.booking_id).where(Letter.id.in_(letter_ids)))
    return {row.id: row.booking_id for row in rows}


def link(session: Session, link_id: UUID, token_hash: bytes, now: datetime) -> LetterLink | None:
    """Return a link that is good now: known by its hash, not revoked, not expired."""
    return session.execute(
        select(LetterLink).where(
            LetterLink.id == link_id,
            LetterLink.token_hash == token_hash,
            LetterLink.revoked_at.is_(None),
            LetterLink.expires_at > now,
        )
    ).scalar_one_or_none()


def link_once(session: Session, link_id: UUID, token_hash: bytes) -> LetterLink | None:
    """Return a link that was mailed once, whether or not it is good still; known by its hash."""
    return session.execute(
        select(LetterLink).where(LetterLink.id == link_id, LetterLink.token_hash == token_hash)
    ).scalar_one_or_none()


def live_links(session: Session, letter_id: UUID) -> Sequence[LetterLink]:
    """Return the links of a letter that have not been revoked."""
    return (
        session.execute(
            select(LetterLink).where(
                LetterLink.letter_id == letter_id, LetterLink.revoked_at.is_(None)
            )
        )
        .scalars()
        .all()
    )


def content(session: Session, letter_id: UUID) -> LetterContent | None:
    """Return where the present content is; None before the first upload."""
    return session.execute(
        select(LetterContent)
        .where(LetterContent.letter_id == letter_id)
        .order_by(LetterContent.uploaded_at.desc(), LetterContent.id.desc())
        .limit(1)
    ).scalar_one_or_none()


def object_keys_but_last(session: Session, letter_id: UUID) -> list[str]:
    """Return where the contents are that a later upload has taken the place of."""
    keys = session.execute(
        select(LetterContent.object_key)
        .where(LetterContent.letter_id == letter_id)
        .order_by(LetterContent.uploaded_at.desc(), LetterContent.id.desc())
        .offset(1)
    )
    return list(keys.scalars())


def unscanned(session: Session, content_id: UUID) -> LetterContent | None:
    """Return a content that the virus scanner has not looked at; None for any other."""
    said = scans.looked_at()
    return session.execute(
        select(LetterContent).where(
            LetterContent.id == content_id, ~exists().where(said.c.subject_id == LetterContent.id)
        )
    ).scalar_one_or_none()


def contents_to_scan(session: Session, before: datetime, limit: int) -> Sequence[UUID]:
    """Return contents that were uploaded before then and not looked at, the oldest first."""
    said = scans.looked_at()
    return (
        session.execute(
            select(LetterContent.id)
            .join(said, said.c.subject_id == LetterContent.id, isouter=True)
            .where(said.c.subject_id.is_(None), LetterContent.uploaded_at < before)
            .order_by(LetterContent.id)
            .limit(limit)
        )
        .scalars()
        .all()
    )


def of_trainee(
    session: Session, trainee_id: UUID, *, limit: int, cursor: str | None
) -> Page[Letter]:
    """Return a trainee's letters, oldest first."""
    query = select(Letter).where(Letter.trainee_id == trainee_id)
    return _page(session, query, limit, cursor)


def of_site(session: Session, site_id: UUID, *, limit: int, cursor: str | None) -> Page[Letter]:
    """Return the letters asked of a site, oldest first."""
    return _page(session, select(Letter).where(Letter.site_id == site_id), limit, cursor)


def owed(session: Session, site_id: UUID, *, limit: int) -> list[tuple[Letter, str]]:
    """Return letters that a site was asked for and that are not there yet, the first due first.

    Each with its trainee's name; one query.
    """
    person = identity.names()
    return [
        (row[0], row[1])
        for row in session.execute(
            select(Letter, person.c.name)
            .join(person, person.c.id == Letter.trainee_id)
            .where(
                Letter.site_id == site_id,
                Letter.state.in_([LetterState.ASKED, LetterState.AGREED]),
            )
            .order_by(Letter.due_on.nulls_last(), Letter.id)
            .limit(limit)
        )
    ]


def _page(session: Session, query: Select[Letter], limit: int, cursor: str | None) -> Page[Letter]:
    return paginate(
        session,
        query,
        key=[Letter.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
    )
