"""Who has seats: for the host that would change a calendar."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import Date, Label, Row, Subquery, cast, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import aggregate_order_by

from marketplace.booking.models import Booking, BookingWeek, SeatOffer
from marketplace.booking.states import OfferState
from marketplace.core.db import Session
from marketplace.identity import queries as identity


def holding(
    session: Session,
    listing_ids: Collection[UUID],
    *,
    weeks: Collection[date] | None,
    since: date | None,
) -> Sequence[Row[UUID, UUID, str, str, str, Sequence[date]]]:
    """The bookings and open offers with seats at the listings in those weeks, by first week.

    Rows of id, listing_id, trainee_name, state (`offered` for an offer), approval and mondays; one
    query.
    """
    week = offered_week()
    every = union_all(
        select(
            Booking.id,
            Booking.listing_id,
            Booking.trainee_id,
            Booking.state,
            Booking.approval,
            BookingWeek.week,
        )
        .join(BookingWeek, BookingWeek.booking_id == Booking.id)
        .where(BookingWeek.listing_id.in_(list(listing_ids)), BookingWeek.released_at.is_(None)),
        select(
            SeatOffer.id,
            SeatOffer.listing_id,
            SeatOffer.trainee_id,
            literal("offered"),
            literal("instant"),
            week,
        ).where(SeatOffer.listing_id.in_(list(listing_ids)), SeatOffer.state == OfferState.OPEN),
    ).subquery()
    held = every.c
    person = identity.names()
    whose = (
        held.id,
        held.listing_id,
        person.c.name.label("trainee_name"),
        held.state,
        held.approval,
    )
    query = (
        select(*whose, func.array_agg(aggregate_order_by(held.week, held.week)).label("mondays"))
        .join(person, person.c.id == held.trainee_id)
        .group_by(held.id, held.listing_id, person.c.name, held.state, held.approval)
        .order_by(func.min(held.week), held.id)
    )
    if weeks is not None:
        query = query.where(held.week.in_(list(weeks)))
    if since is not None:
        query = query.where(held.week >= since)
    return session.execute(query).all()


def seats_in_use(session: Session, listing_ids: Collection[UUID]) -> dict[tuple[UUID, date], int]:
    """How many seats each listing has in use in each week: by bookings, and kept by offers."""
    used = _used(list(listing_ids))
    rows = session.execute(
        select(used.c.listing_id, used.c.week, func.count()).group_by(
            used.c.listing_id, used.c.week
        )
    )
    return {(row[0], row[1]): row[2] for row in rows}


def live_weeks(session: Session) -> Iterator[tuple[UUID, date, int]]:
    """Yield (listing, week, seats) for every week in which a booking or an offer has a seat."""
    used = _used(None)
    rows = session.execute(
        select(used.c.listing_id, used.c.week, func.count()).group_by(
            used.c.listing_id, used.c.week
        ),
        execution_options={"yield_per": 5000},
    )
    for row in rows:
        yield row[0], row[1], row[2]


def offered_week() -> Label[date]:
    """Each of an offer's Mondays, a row for each."""
    return cast(
        func.generate_series(
            SeatOffer.first_day,
            SeatOffer.first_day + 7 * (SeatOffer.weeks - 1),
            timedelta(days=7),
        ),
        Date,
    ).label("week")


def _used(listing_ids: list[UUID] | None) -> Subquery:
    booked = select(BookingWeek.listing_id, BookingWeek.week).where(
        BookingWeek.released_at.is_(None)
    )
    offered = select(SeatOffer.listing_id, offered_week()).where(SeatOffer.state == OfferState.OPEN)
    if listing_ids is not None:
        booked = booked.where(BookingWeek.listing_id.in_(listing_ids))
        offered = offered.where(SeatOffer.listing_id.in_(listing_ids))
    return union_all(booked, offered).subquery()


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
