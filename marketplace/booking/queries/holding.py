"""Who has seats: for the host that would change a calendar."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    Label,
    Row,
    Select,
    Subquery,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from marketplace.booking.models import Booking, BookingWeek, RoundPlace, SeatOffer
from marketplace.booking.states import OfferState
from marketplace.core.db import Session
from marketplace.identity import queries as identity


def holding(
    session: Session,
    listing_ids: Collection[UUID],
    *,
    weeks: Collection[date] | None,
    since: date | None,
) -> Sequence[Row[UUID, UUID, str | None, str, str, Sequence[date]]]:
    """The bookings, open offers and rounds' places with seats in those weeks, by first week.

    Rows of id, listing_id, trainee_name, state (`offered` for an offer, `kept_for_round` for a
    place, which has no trainee), approval and mondays; one query.
    """
    return session.execute(_holding(list(listing_ids), weeks, since)).all()


def holding_as_json(listing_ids: Select[UUID], since: date) -> ColumnElement[Any]:
    """The same rows as a column of another query, each a list of JSON values."""
    row = _holding(listing_ids, None, since).subquery().c
    return select(
        func.json_agg(
            func.json_build_array(
                row.id, row.listing_id, row.trainee_name, row.state, row.approval, row.mondays
            )
        )
    ).scalar_subquery()


def _holding(
    listing_ids: list[UUID] | Select[UUID],
    weeks: Collection[date] | None,
    since: date | None,
) -> Select[UUID, UUID, str | None, str, str, Sequence[date]]:
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
        .where(BookingWeek.listing_id.in_(listing_ids), BookingWeek.released_at.is_(None)),
        select(
            SeatOffer.id,
            SeatOffer.listing_id,
            SeatOffer.trainee_id,
            literal("offered"),
            literal("instant"),
            offered_week(SeatOffer),
        ).where(SeatOffer.listing_id.in_(listing_ids), SeatOffer.state == OfferState.OPEN),
        select(
            RoundPlace.id,
            RoundPlace.listing_id,
            null(),
            literal("kept_for_round"),
            literal("instant"),
            offered_week(RoundPlace),
        ).where(RoundPlace.listing_id.in_(listing_ids), RoundPlace.kept > 0),
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
        .outerjoin(person, person.c.id == held.trainee_id)
        .group_by(held.id, held.listing_id, person.c.name, held.state, held.approval)
        .order_by(func.min(held.week), held.id)
    )
    if weeks is not None:
        query = query.where(held.week.in_(list(weeks)))
    if since is not None:
        query = query.where(held.week >= since)
    return query


def seats_in_use(session: Session, listing_ids: Collection[UUID]) -> dict[tuple[UUID, date], int]:
    """How many seats each listing has in use in each week: by bookings, and kept by offers and rounds."""
    used = _used(list(listing_ids))
    rows = session.execute(
        select(used.c.listing_id, used.c.week, func.sum(used.c.seats)).group_by(
            used.c.listing_id, used.c.week
        )
    )
    return {(row[0], row[1]): row[2] for row in rows}


def live_weeks(session: Session) -> Iterator[tuple[UUID, date, int]]:
    """Yield (listing, week, seats) for every week in which a booking, an offer or a round has seats."""
    used = _used(None)
    rows = session.execute(
        select(used.c.listing_id, used.c.week, func.sum(used.c.seats)).group_by(
            used.c.listing_id, used.c.week
        ),
        execution_options={"yield_per": 5000},
    )
    for row in rows:
        yield row[0], row[1], row[2]


def offered_week(model: type[SeatOffer | RoundPlace]) -> Label[date]:
    """Each of its Mondays, a row for each."""
    return cast(
        func.generate_series(
            model.first_day, model.first_day + 7 * (model.weeks - 1), timedelta(days=7)
        ),
        Date,
    ).label("week")


def _used(listing_ids: list[UUID] | None) -> Subquery:
    def of(listing: Any, week: Any, seats: Any, live: ColumnElement[bool]) -> Select[Any]:
        query = select(listing, week.label("week"), seats.label("seats")).where(live)
        return query if listing_ids is None else query.where(listing.in_(listing_ids))

    return union_all(
        of(BookingWeek.listing_id, BookingWeek.week, literal(1), BookingWeek.released_at.is_(None)),
        of(
            SeatOffer.listing_id,
            offered_week(SeatOffer),
            literal(1),
            SeatOffer.state == OfferState.OPEN,
        ),
        of(RoundPlace.listing_id, offered_week(RoundPlace), RoundPlace.kept, RoundPlace.kept > 0),
    ).subquery()


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
