"""What a site's people look at: the roster, applications and attendance."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on

from marketplace.booking.models import AttendanceMark, Booking
from marketplace.booking.states import OWNED, BookingState
from marketplace.core.db import Session
from marketplace.web.pagination import Page, paginate

ON_ROSTER = [*sorted(OWNED), BookingState.NO_SHOW]


def roster(
    session: Session, site_id: UUID, start: date, end: date, *, limit: int, cursor: str | None
) -> Page[Booking]:
    """Return who is, was or will be at the site between two days, by first day."""
    return paginate(
        session,
        select(Booking).where(
            Booking.site_id == site_id,
            Booking.state.in_(ON_ROSTER),
            Booking.first_day <= end,
            Booking.last_day >= start,
        ),
        key=[Booking.first_day, Booking.id],
        key_of=lambda row: [row.first_day, row.id],
        limit=limit,
        cursor=cursor,
    )


def attendance(session: Session, booking_ids: Sequence[UUID]) -> dict[UUID, list[AttendanceMark]]:
    """Return the marks that count, by booking, in the order of the days; one query."""
    marks: dict[UUID, list[AttendanceMark]] = {booking_id: [] for booking_id in booking_ids}
    rows = session.execute(
        select(AttendanceMark)
        .where(AttendanceMark.booking_id.in_(booking_ids))
        .ext(distinct_on(AttendanceMark.booking_id, AttendanceMark.day))
        .order_by(AttendanceMark.booking_id, AttendanceMark.day, AttendanceMark.revision.desc())
    ).scalars()
    for mark in rows:
        marks[mark.booking_id].append(mark)
    return marks


def attendance_revisions(session: Session, booking_id: UUID) -> dict[date, int]:
    """Return how often each day of the booking has been marked."""
    rows = session.execute(
        select(AttendanceMark.day, func.max(AttendanceMark.revision))
        .where(AttendanceMark.booking_id == booking_id)
        .group_by(AttendanceMark.day)
    )
    return {row[0]: row[1] for row in rows}


def was_present(session: Session, booking_id: UUID) -> bool:
    """Tell whether a mark that counts says that the trainee was there."""
    return any(mark.mark == "present" for mark in attendance(session, [booking_id])[booking_id])
