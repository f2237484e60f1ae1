"""Histories of many bookings at once, for replaying: a page of them in a constant number of queries."""

from collections.abc import Iterable, Sequence
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import defer

from marketplace.booking.models import (
    Booking,
    BookingCancellation,
    BookingChange,
    BookingTransition,
    BookingWeek,
)
from marketplace.core.db import Session

Row = TypeVar("Row", BookingTransition, BookingWeek)


def page(session: Session, after: UUID | None, limit: int) -> Sequence[Booking]:
    """Return the next bookings by id, without what is frozen on them."""
    query = select(Booking).options(defer(Booking.policy), defer(Booking.price))
    if after is not None:
        query = query.where(Booking.id > after)
    return session.execute(query.order_by(Booking.id).limit(limit)).scalars().all()


def steps(session: Session, ids: Sequence[UUID]) -> dict[UUID, list[BookingTransition]]:
    """Return the whole history of each booking, oldest first; one query."""
    rows = session.execute(
        select(BookingTransition)
        .where(BookingTransition.booking_id.in_(ids))
        .order_by(BookingTransition.booking_id, BookingTransition.number)
    ).scalars()
    return _by_booking(ids, rows)


def weeks(session: Session, ids: Sequence[UUID]) -> dict[UUID, list[BookingWeek]]:
    """Return every claim of a week, given up or not, oldest first; one query."""
    rows = session.execute(
        select(BookingWeek)
        .where(BookingWeek.booking_id.in_(ids))
        .order_by(BookingWeek.booking_id, BookingWeek.week, BookingWeek.taken_at)
    ).scalars()
    return _by_booking(ids, rows)


def cancellations(session: Session, ids: Sequence[UUID]) -> dict[UUID, BookingCancellation]:
    """Return what was agreed on, for those that were cancelled; one query."""
    rows = session.execute(
        select(BookingCancellation).where(BookingCancellation.booking_id.in_(ids))
    ).scalars()
    return {row.booking_id: row for row in rows}


def changes(session: Session, ids: Sequence[UUID]) -> dict[UUID, BookingChange]:
    """Return how those that another took the place of were replaced; one query."""
    rows = session.execute(
        select(BookingChange).where(BookingChange.replaced_id.in_(ids))
    ).scalars()
    return {row.replaced_id: row for row in rows}


def _by_booking(ids: Sequence[UUID], rows: Iterable[Row]) -> dict[UUID, list[Row]]:
    found: dict[UUID, list[Row]] = {one: [] for one in ids}
    for row in rows:
        found[row.booking_id].append(row)
    return found
