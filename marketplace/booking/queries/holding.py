"""Who has seats: for the host that would change a calendar."""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from marketplace.booking.models import Booking, BookingWeek
from marketplace.core.db import Session
from marketplace.identity import queries as identity


def holding(
    session: Session,
    listing_ids: Collection[UUID],
    *,
    weeks: Collection[date] | None,
    since: date | None,
) -> Sequence[Row[UUID, UUID, str, str, str, Sequence[date]]]:
    """The bookings with seats at the listings in those weeks, by first week; one query.

    Rows of id, listing_id, trainee_name, state, approval and mondays.
    """
    person = identity.names()
    query = (
        select(
            Booking.id,
            Booking.listing_id,
            person.c.name.label("trainee_name"),
            Booking.state,
            Booking.approval,
            func.array_agg(aggregate_order_by(BookingWeek.week, BookingWeek.week)).label("mondays"),
        )
        .join(BookingWeek, BookingWeek.booking_id == Booking.id)
        .join(person, person.c.id == Booking.trainee_id)
        .where(BookingWeek.listing_id.in_(list(listing_ids)), BookingWeek.released_at.is_(None))
        .group_by(Booking.id, person.c.name)
        .order_by(func.min(BookingWeek.week), Booking.id)
    )
    if weeks is not None:
        query = query.where(BookingWeek.week.in_(list(weeks)))
    if since is not None:
        query = query.where(BookingWeek.week >= since)
    return session.execute(query).all()


def seats_in_use(session: Session, listing_ids: Collection[UUID]) -> dict[tuple[UUID, date], int]:
    """How many seats each listing has in use in each week."""
    rows = session.execute(
        select(BookingWeek.listing_id, BookingWeek.week, func.count())
        .where(BookingWeek.listing_id.in_(list(listing_ids)), BookingWeek.released_at.is_(None))
        .group_by(BookingWeek.listing_id, BookingWeek.week)
    )
    return {(row[0], row[1]): row[2] for row in rows}


def weeks_of_trainee(session: Session, trainee_id: UUID, since: date) -> dict[date, str]:
    """The Mondays from `since` on that a trainee has a seat in, with the listing's title."""
    rows = session.execute(
        select(BookingWeek.week, Booking.listing_title)
        .join(Booking, Booking.id == BookingWeek.booking_id)
        .where(
            BookingWeek.trainee_id == trainee_id,
            BookingWeek.released_at.is_(None),
            BookingWeek.week >= since,
        )
    )
    return {row.week: row.listing_title for row in rows}
