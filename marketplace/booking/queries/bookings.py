"""One booking, its history, and a trainee's own list."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Subquery, Text, bindparam, cast, select

from marketplace.booking.models import (
    Booking,
    BookingCancellation,
    BookingTransition,
    BookingWeek,
    MessageFile,
)
from marketplace.booking.queries.due import OPEN, overdue
from marketplace.booking.states import BookingState
from marketplace.core import rows
from marketplace.core.db import Session, fetch
from marketplace.core.errors import NotFound
from marketplace.payments import queries as payments
from marketplace.web.pagination import Page, paginate

# As payments call what is paid for.
PAYABLE = "booking"


@dataclass(frozen=True)
class Span:
    """What a booking is called elsewhere: its listing's title and its days; and whose it is."""

    listing_title: str
    first_day: date
    last_day: date
    trainee_id: UUID


@dataclass(frozen=True)
class Overlap:
    """A trainee's other booking, and the weeks that it shares with the one that was asked for."""

    booking_id: UUID
    title: str
    weeks: tuple[date, ...]


def versions() -> Subquery:
    """Ids of bookings with the listing's version that each was made on, to be joined to."""
    return select(Booking.id, Booking.listing_version).subquery("booked")


def find(session: Session, booking_id: UUID) -> Booking:
    """Return the booking; `NotFound` if there is none."""
    booking = session.get(Booking, booking_id)
    if booking is None:
        raise NotFound
    return booking


def by_id(session: Session, booking_ids: Collection[UUID]) -> dict[UUID, Booking]:
    """Return these bookings by their id; one query."""
    rows = session.execute(select(Booking).where(Booking.id.in_(booking_ids))).scalars()
    return {row.id: row for row in rows}


def titles(session: Session, booking_ids: Collection[UUID]) -> dict[UUID, str]:
    """The listing's title of each booking, as it was booked."""
    rows = session.execute(
        select(Booking.id, Booking.listing_title).where(Booking.id.in_(booking_ids))
    )
    return {row.id: row.listing_title for row in rows}


def spans(session: Session, booking_ids: Collection[UUID]) -> dict[UUID, Span]:
    """The title and the days of each booking, as it was booked; one query."""
    wanted = (Booking.listing_title, Booking.first_day, Booking.last_day, Booking.trainee_id)
    rows = session.execute(select(Booking.id, *wanted).where(Booking.id.in_(booking_ids)))
    return {row[0]: Span(*row[1:]) for row in rows}


def of_files(session: Session, file_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return in which booking's messages each of the files is."""
    rows = session.execute(
        select(MessageFile.id, MessageFile.booking_id).where(MessageFile.id.in_(file_ids))
    )
    return {row.id: row.booking_id for row in rows}


def lock(session: Session, booking_id: UUID) -> Booking:
    """Return the booking as it is now, after whoever else is changing it, and hold its row."""
    booking = session.execute(
        select(Booking).where(Booking.id == booking_id).with_for_update(),
        execution_options={"populate_existing": True},
    ).scalar_one_or_none()
    if booking is None:
        raise NotFound
    return booking


def own_to_pay(session: Session, booking_id: UUID, trainee_id: UUID) -> Booking:
    """Return the trainee's booking, its money nobody else's to change until the transaction ends."""
    found = fetch(session, _own_to_pay(), {"id": booking_id, "trainee": trainee_id}, flush=True)
    if not found:
        raise NotFound
    ((_, *row),) = found
    return rows.found(session, Booking, row)


@cache
def _own_to_pay() -> Select[Any]:
    lock = payments.payable_lock(PAYABLE, cast(Booking.id, Text))
    return select(lock, *rows.columns_of(Booking)).where(
        Booking.id == bindparam("id"), Booking.trainee_id == bindparam("trainee")
    )


def of_trainee(
    session: Session,
    trainee_id: UUID,
    *,
    limit: int,
    cursor: str | None,
    states: Sequence[str] = (),
) -> Page[Booking]:
    """Return the trainee's bookings, newest first; only those in `states` if any are named."""
    query = select(Booking).where(Booking.trainee_id == trainee_id)
    if states:
        query = query.where(Booking.state.in_(states))
    return _newest(session, query, limit, cursor)


def _newest(
    session: Session, query: Select[Booking], limit: int, cursor: str | None
) -> Page[Booking]:
    return paginate(
        session,
        query,
        key=[Booking.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def search(
    session: Session,
    *,
    limit: int,
    cursor: str | None,
    states: Sequence[str] = (),
    trainee_id: UUID | None = None,
    site_id: UUID | None = None,
    listing_id: UUID | None = None,
    first_day_from: date | None = None,
    first_day_to: date | None = None,
    overdue_at: datetime | None = None,
) -> Page[Booking]:
    """Return the bookings that fit all that is named, newest first; one query.

    `overdue_at`: only those whose balance was due before that day and is not paid.
    """
    query = select(Booking)
    for column, wanted in (
        (Booking.trainee_id, trainee_id),
        (Booking.site_id, site_id),
        (Booking.listing_id, listing_id),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if states:
        query = query.where(Booking.state.in_(states))
    if first_day_from is not None:
        query = query.where(Booking.first_day >= first_day_from)
    if first_day_to is not None:
        query = query.where(Booking.first_day <= first_day_to)
    if overdue_at is not None:
        query = query.where(Booking.state.in_(OPEN), *overdue(overdue_at))
    return _newest(session, query, limit, cursor)


def overlapping(
    session: Session,
    trainee_id: UUID,
    weeks: Sequence[date],
    *,
    besides: UUID | None = None,
    listing_id: UUID | None = None,
) -> Overlap | None:
    """Return the trainee's live booking in one of `weeks`, if there is one: another, or of a listing."""
    query = (
        select(Booking.id, Booking.listing_title, BookingWeek.week)
        .join(BookingWeek, BookingWeek.booking_id == Booking.id)
        .where(
            BookingWeek.trainee_id == trainee_id,
            BookingWeek.released_at.is_(None),
            BookingWeek.week.in_(weeks),
        )
        .order_by(BookingWeek.week)
    )
    if besides is not None:
        query = query.where(Booking.id != besides)
    if listing_id is not None:
        query = query.where(Booking.listing_id == listing_id)
    found = session.execute(query).all()
    if not found:
        return None
    first = found[0]
    shared = tuple(row.week for row in found if row.id == first.id)
    return Overlap(first.id, first.listing_title, shared)


def last_step(session: Session, booking_id: UUID) -> BookingTransition:
    """Return the newest step of the booking's history."""
    return session.execute(
        select(BookingTransition)
        .where(BookingTransition.booking_id == booking_id)
        .order_by(BookingTransition.number.desc())
        .limit(1)
    ).scalar_one()


def history(session: Session, booking_id: UUID) -> Sequence[BookingTransition]:
    """Return every step, oldest first."""
    return (
        session.execute(
            select(BookingTransition)
            .where(BookingTransition.booking_id == booking_id)
            .order_by(BookingTransition.number)
        )
        .scalars()
        .all()
    )


def cancellation(session: Session, booking_id: UUID) -> BookingCancellation | None:
    """Return what was agreed on when the booking was cancelled, if it was."""
    return session.get(BookingCancellation, booking_id)


def listing_of_completed(session: Session, booking_id: UUID) -> UUID | None:
    """Return the listing of a completed booking; None if it is not completed."""
    return session.execute(
        select(Booking.listing_id).where(
            Booking.id == booking_id, Booking.state == BookingState.COMPLETED
        )
    ).scalar_one_or_none()
