"""The statements that write a booking: what belongs together in one, so that it is one.

A trainee waits for each statement, and others for the locks that it holds meanwhile.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql import insert

from marketplace.booking.models import Booking, BookingTransition, BookingWeek
from marketplace.catalog.rules.weeks import run_of_weeks
from marketplace.core import rows
from marketplace.core.db import Session, fetch
from marketplace.core.ids import new_id


def held(
    session: Session, booking: Booking, first_step: BookingTransition, weeks: Sequence[date]
) -> set[date]:
    """Insert a new booking, the first row of its history and its weeks; return the weeks it got.

    The unique index decides on the weeks: a claim that is under way elsewhere is waited for, not
    read past. Whoever gets fewer than they wanted rolls back.
    """
    found = fetch(
        session,
        _held(),
        {
            **rows.values_of(booking),
            **rows.values_of(first_step),
            "week_ids": [new_id() for _ in weeks],
            "weeks": list(weeks),
        },
    )
    rows.adopt(session, booking)
    return {week for (week,) in found}


def moved(
    session: Session, booking: Booking, step: BookingTransition, values: Mapping[str, Any]
) -> bool:
    """Set `values` and the step's state, and write the step into the history; False if not ours.

    Ours is a booking that is still in the state and version that we read. `values` are columns.
    """
    done = fetch(
        session,
        _moved(tuple(values)),
        {**rows.values_of(step), **values, "read": booking.version},
    )
    if not done:
        return False
    rows.now_has(booking, {**values, "state": step.to_state, "version": step.number}.items())
    return True


def claimed(session: Session, bookings: Sequence[Booking], now: datetime) -> set[UUID]:
    """Claim every week of the bookings that is free for its trainee; return the rows' ids.

    In the order of trainee and week, so that two who claim the same never wait in a ring.
    """
    rows = [
        {
            "id": new_id(),
            "booking_id": booking.id,
            "trainee_id": booking.trainee_id,
            "listing_id": booking.listing_id,
            "week": week,
            "taken_at": now,
        }
        for booking in bookings
        for week in run_of_weeks(booking.first_day, booking.weeks)
    ]
    rows.sort(key=lambda row: (str(row["trainee_id"]), row["week"]))
    found = session.execute(
        insert(BookingWeek).values(rows).on_conflict_do_nothing().returning(BookingWeek.id)
    )
    return set(found.scalars())


@cache
def _held() -> TextClause:
    return rows.statement(
        f"""
        WITH booked AS (
            INSERT INTO {rows.inserted(Booking)} VALUES ({rows.places(Booking)})
        ), begun AS (
            INSERT INTO {rows.inserted(BookingTransition)} VALUES ({rows.places(BookingTransition)})
        )
        INSERT INTO booking_week (id, booking_id, trainee_id, listing_id, week, taken_at)
        SELECT given.id, :booking_id, :booking_trainee_id, :booking_listing_id, given.week,
               :booking_held_at
          FROM unnest(CAST(:week_ids AS uuid[]), CAST(:weeks AS date[])) AS given(id, week)
            ON CONFLICT DO NOTHING
        RETURNING week
        """,  # noqa: S608 - names of our own tables and columns
        Booking,
        BookingTransition,
    )


@cache
def _moved(names: tuple[str, ...]) -> TextClause:
    columns = Booking.__table__.columns
    settings = "".join(f", {name} = :{name}" for name in names)
    step = ", ".join(column.name for column in BookingTransition.__table__.columns)
    return rows.statement(
        f"""
        WITH moved AS (
            UPDATE booking
               SET state = :booking_transition_to_state,
                   version = :booking_transition_number{settings}
             WHERE id = :booking_transition_booking_id
               AND state = :booking_transition_from_state
               AND version = :read
            RETURNING id
        )
        INSERT INTO booking_transition ({step})
        SELECT {rows.places(BookingTransition)} FROM moved
        RETURNING number
        """,  # noqa: S608 - names of our own columns
        BookingTransition,
        **{name: columns[name].type for name in names},
    )
