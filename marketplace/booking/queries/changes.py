"""Which booking took over from which, what is proposed, and rescues."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select

from marketplace.booking.models import Booking, BookingChange, BookingProposal, Rescue
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.web.pagination import Page, paginate, paginate_rows


def change_to(session: Session, booking_id: UUID) -> BookingChange | None:
    """Return how the booking took over from another, if it did."""
    return session.get(BookingChange, booking_id)


def change_from(session: Session, booking_id: UUID) -> BookingChange | None:
    """Return how another booking took over from this one, if one did."""
    return session.execute(
        select(BookingChange).where(BookingChange.replaced_id == booking_id)
    ).scalar_one_or_none()


def taken_over(session: Session, booking_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """Return by which kind of change others took over from these bookings, where one did."""
    rows = session.execute(
        select(BookingChange.replaced_id, BookingChange.kind).where(
            BookingChange.replaced_id.in_(booking_ids)
        )
    )
    return {row.replaced_id: row.kind for row in rows}


def changes_of(session: Session, booking_id: UUID) -> Sequence[BookingChange]:
    """Return the changes that the booking came from and went into, in that order; one query."""
    return (
        session.execute(
            select(BookingChange)
            .where(
                or_(BookingChange.booking_id == booking_id, BookingChange.replaced_id == booking_id)
            )
            .order_by(BookingChange.at, BookingChange.booking_id != booking_id)
        )
        .scalars()
        .all()
    )


def proposal(session: Session, proposal_id: UUID) -> BookingProposal:
    """Return the proposal; `NotFound` if there is none."""
    found = session.get(BookingProposal, proposal_id)
    if found is None:
        raise NotFound
    return found


def lock_proposal(session: Session, proposal_id: UUID) -> BookingProposal:
    """Return the proposal as it is now, ours until the transaction ends."""
    return session.get_one(
        BookingProposal, proposal_id, with_for_update=True, populate_existing=True
    )


def open_proposal(session: Session, booking_id: UUID) -> BookingProposal | None:
    """Return the proposal about a booking that is open, whether or not its time has passed."""
    return session.execute(
        select(BookingProposal).where(
            BookingProposal.booking_id == booking_id, BookingProposal.state == "open"
        )
    ).scalar_one_or_none()


def proposals_to(
    session: Session, trainee_id: UUID, now: datetime, *, limit: int, cursor: str | None
) -> Page[BookingProposal]:
    """Return the open proposals to a trainee, newest first."""
    query = select(BookingProposal).where(
        BookingProposal.to_trainee_id == trainee_id,
        BookingProposal.state == "open",
        BookingProposal.expires_at > now,
    )
    return _newest(session, query, limit, cursor)


def count_to(session: Session, trainee_id: UUID, now: datetime) -> int:
    """How many open proposals there are to a trainee."""
    return session.execute(
        select(func.count()).where(
            BookingProposal.to_trainee_id == trainee_id,
            BookingProposal.state == "open",
            BookingProposal.expires_at > now,
        )
    ).scalar_one()


def proposals_at(
    session: Session, site_id: UUID, now: datetime, *, limit: int, cursor: str | None
) -> Page[BookingProposal]:
    """Return the open proposals that wait for a site's people, newest first."""
    return _newest(session, select(BookingProposal).where(*waits_at(site_id, now)), limit, cursor)


def proposed_at(
    session: Session, site_id: UUID, now: datetime, *, limit: int, cursor: str | None
) -> Page[Any]:
    """Return what `proposals_at` does, the most urgent first; one query.

    Each with its booking, as `Booking`, and the trainee's name, as `name`.
    """
    person = identity.names()
    return paginate_rows(
        session,
        select(BookingProposal, Booking, person.c.name)
        .join(Booking, Booking.id == BookingProposal.booking_id)
        .join(person, person.c.id == Booking.trainee_id)
        .where(*waits_at(site_id, now)),
        key=[BookingProposal.expires_at, BookingProposal.id],
        key_of=lambda row: [row.BookingProposal.expires_at, row.BookingProposal.id],
        limit=limit,
        cursor=cursor,
    )


def waits_at(site_id: UUID, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions that a proposal is open and that the site's people have to agree."""
    return (
        BookingProposal.site_id == site_id,
        BookingProposal.state == "open",
        BookingProposal.expires_at > now,
        BookingProposal.needs_host.is_(True),
        BookingProposal.to_trainee_id.is_(None) | BookingProposal.trainee_agreed_at.is_not(None),
    )


def proposals_of_school(
    session: Session, school_id: UUID, now: datetime, *, limit: int, cursor: str | None
) -> Page[BookingProposal]:
    """Return the open proposals of a school about its places, newest first."""
    query = (
        select(BookingProposal)
        .join(Booking, Booking.id == BookingProposal.booking_id)
        .where(
            Booking.school_id == school_id,
            BookingProposal.proposed_by.is_not(None),
            BookingProposal.state == "open",
            BookingProposal.expires_at > now,
        )
    )
    return _newest(session, query, limit, cursor)


def _newest(
    session: Session, query: Select[BookingProposal], limit: int, cursor: str | None
) -> Page[BookingProposal]:
    return paginate(
        session,
        query,
        key=[BookingProposal.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def rescue(session: Session, booking_id: UUID, *, lock: bool = False) -> Rescue | None:
    """Return the rescue of a booking that its host called off, if there is one."""
    query = select(Rescue).where(Rescue.booking_id == booking_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.execute(query).scalar_one_or_none()


def rescues_due(session: Session, now: datetime, limit: int) -> Sequence[UUID]:
    """Return the bookings whose rescue was not decided in time."""
    return (
        session.execute(
            select(Rescue.booking_id)
            .where(Rescue.state.in_(("searching", "offered")), Rescue.decide_by <= now)
            .order_by(Rescue.decide_by)
            .limit(limit)
        )
        .scalars()
        .all()
    )
