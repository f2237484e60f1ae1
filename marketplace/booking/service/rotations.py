"""The rotation itself: it begins on its first day, is attended, and is completed, or is not.

Attendance is marked by the host's people; a mark is corrected by a later one and stays readable.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.errors import DayOutsideRotation, NotOpenForThis
from marketplace.booking.events import DaysMarkedAbsent
from marketplace.booking.models import AttendanceMark, Booking
from marketplace.booking.rules.deadlines import site_day
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.service import clearances, protecting, refusing, transition
from marketplace.booking.states import BookingState
from marketplace.core.db import Session
from marketplace.core.events import publish


@dataclass(frozen=True)
class Day:
    """What is marked for one day of the rotation."""

    day: date
    mark: Literal["present", "absent"]
    note: str | None = None


def begin_if_due(session: Session, booking: Booking, now: datetime) -> None:
    """Begin a confirmed rotation whose first day has come, if the hourly job has not yet.

    `NotCleared` if a document is missing without which it may not begin.
    """
    begun = Rotation(booking.first_day, booking.weeks).has_begun(site_day(now, booking.time_zone))
    if begun and BookingState(booking.state) is BookingState.CONFIRMED:
        clearances.check_may_start(session, booking, now)
        transition.move(
            session,
            booking,
            BookingState.IN_PROGRESS,
            actor_id=None,
            reason="The first day has come.",
            now=now,
        )


def mark_attendance(
    session: Session, booking: Booking, days: Sequence[Day], *, actor_id: UUID, now: datetime
) -> None:
    """Mark days of a rotation that is under way or completed; a later mark of a day counts.

    A day whose hours are signed is not marked as absent: `outcomes` refuses it, and so does the
    database.
    """
    begin_if_due(session, booking, now)
    state = BookingState(booking.state)
    if state not in {BookingState.IN_PROGRESS, BookingState.COMPLETED}:
        raise refusing.closed(booking)
    _check_days(booking, days, now)
    absent = tuple(one.day for one in days if one.mark == "absent")
    if absent:
        publish(session, DaysMarkedAbsent(booking.id, absent))
    before = queries.attendance_revisions(session, booking.id)
    session.add_all(
        AttendanceMark(
            booking_id=booking.id,
            day=day.day,
            revision=before.get(day.day, 0) + 1,
            mark=day.mark,
            note=day.note,
            marked_by=actor_id,
            marked_at=now,
        )
        for day in days
    )
    session.flush()


def can_be_completed(booking: Booking, now: datetime) -> bool:
    """Whether it can be said of the rotation's days that they were done."""
    rotation = Rotation(booking.first_day, booking.weeks)
    return rotation.can_be_completed(site_day(now, booking.time_zone))


def complete(
    session: Session,
    booking: Booking,
    *,
    actor_id: UUID,
    now: datetime,
    reason: str = "Completed.",
) -> None:
    """Say that the rotation was done; from the Friday of its last week on.

    Not where days are marked, and all of them as absent: a certificate would say otherwise.
    """
    begin_if_due(session, booking, now)
    under_way = BookingState(booking.state) is BookingState.IN_PROGRESS
    if under_way and not can_be_completed(booking, now):
        rotation = Rotation(booking.first_day, booking.weeks)
        raise NotOpenForThis(
            f"It lasts until {rotation.last_day}, and is completed from {rotation.closes_from} on."
        )
    marks = queries.attendance(session, [booking.id])[booking.id] if under_way else []
    if marks and all(mark.mark == "absent" for mark in marks):
        raise NotOpenForThis(
            "By the attendance the trainee was there on no day. Correct it, or say that nobody came."
        )
    transition.move(
        session,
        booking,
        BookingState.COMPLETED,
        actor_id=actor_id,
        reason=reason,
        now=now,
    )
    protecting.settle(session, booking, now)


def _check_days(booking: Booking, days: Sequence[Day], now: datetime) -> None:
    rotation = Rotation(booking.first_day, booking.weeks)
    today = site_day(now, booking.time_zone)
    wrong = [day.day for day in days if not rotation.can_be_marked(day.day, today)]
    if wrong:
        named = ", ".join(day.isoformat() for day in wrong)
        until = min(rotation.last_day, today)
        raise DayOutsideRotation(
            f"Not between {rotation.first_day} and {until}: {named}.",
            fields={"days": [f"{day.isoformat()} is outside." for day in wrong]},
        )
    if len({day.day for day in days}) < len(days):
        raise DayOutsideRotation("A day is named twice.", fields={"days": ["Named twice."]})
