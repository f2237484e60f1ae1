"""What a site's people look at: the roster, applications and attendance."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, Subquery, func, literal, select, true
from sqlalchemy.dialects.postgresql import distinct_on

from marketplace.booking.models import AttendanceMark, Booking, BookingProposal, WaitingEntry
from marketplace.booking.queries import changes, messages, rounds
from marketplace.booking.queries.messages import Unanswered
from marketplace.booking.states import CANCELLABLE, IN_LINE, OWNED, UNDECIDED, BookingState
from marketplace.core.db import Session
from marketplace.identity import queries as identity
from marketplace.web.pagination import Page, paginate, paginate_rows

ON_ROSTER = [*sorted(OWNED), BookingState.NO_SHOW]
# Of a booking, in a roster.
SHOWN = (
    Booking.id,
    Booking.state,
    Booking.trainee_id,
    Booking.listing_id,
    Booking.listing_title,
    Booking.first_day,
    Booking.last_day,
    Booking.weeks,
    Booking.tier,
    Booking.learner_status,
)


@dataclass(frozen=True)
class Asked:
    """Whether a round asks whom the site wants, how many changes wait, threads as `unanswered`.

    `in_line` are the trainees who wait for full weeks, with an offer or without.
    """

    rounds: bool
    changes: int
    in_line: int
    threads: Sequence[Unanswered]


@dataclass(frozen=True)
class Busy:
    """How much there is at a site: applications to decide, who comes, who is there."""

    applications: int = 0
    coming: int = 0
    there: int = 0


def busy(session: Session, site_ids: Collection[UUID], first: date, last: date) -> dict[UUID, Busy]:
    """Return how much there is at each of the sites; who comes between two days. One query.

    A site where there is nothing is not among them.
    """
    live = (BookingState.SUBMITTED, BookingState.CONFIRMED, BookingState.IN_PROGRESS)
    soon = Booking.first_day.between(first, last)
    rows = session.execute(
        select(
            Booking.site_id,
            func.count().filter(Booking.state == BookingState.SUBMITTED),
            func.count().filter(Booking.state == BookingState.CONFIRMED, soon),
            func.count().filter(Booking.state == BookingState.IN_PROGRESS),
        )
        .where(Booking.site_id.in_(list(site_ids)), Booking.state.in_(live))
        .group_by(Booking.site_id)
    )
    return {site_id: Busy(*counts) for site_id, *counts in rows}


def roster(
    session: Session, site_id: UUID, start: date, end: date, *, limit: int, cursor: str | None
) -> Page[Booking]:
    """Return who is, was or will be at the site between two days, by first day."""
    return paginate(
        session,
        select(Booking).where(*_there(site_id, start, end)),
        key=[Booking.first_day, Booking.id],
        key_of=lambda row: [row.first_day, row.id],
        limit=limit,
        cursor=cursor,
    )


def coming(
    session: Session, site_id: UUID, first: date, last: date, *, limit: int, cursor: str | None
) -> Page[Any]:
    """Return the confirmed bookings of a site that begin between two days, by first day.

    Each with its trainee's name; one query.
    """
    person = identity.names()
    return paginate_rows(
        session,
        select(Booking, person.c.name)
        .join(person, person.c.id == Booking.trainee_id)
        .where(*_beginning(site_id, first, last)),
        key=[Booking.first_day, Booking.id],
        key_of=lambda row: [row.Booking.first_day, row.Booking.id],
        limit=limit,
        cursor=cursor,
    )


def count_coming(session: Session, site_id: UUID, first: date, last: date) -> int:
    """Return how many `coming` has."""
    found = select(func.count()).where(*_beginning(site_id, first, last))
    return session.execute(found).scalar_one()


def count_there(
    session: Session, site_id: UUID, start: date, end: date, states: Sequence[str]
) -> int:
    """Return how many `roster_rows` has of these states."""
    there = select(func.count()).where(*_there(site_id, start, end), Booking.state.in_(states))
    return session.execute(there).scalar_one()


def roster_rows(
    session: Session,
    site_id: UUID,
    start: date,
    end: date,
    *,
    limit: int,
    cursor: str | None,
    states: Sequence[str] = (),
) -> Page[Any]:
    """Return what a roster shows of each of `roster`, as plain rows with the trainee's contact.

    Of these states alone, where some are named.
    """
    person = identity.names()
    only = (Booking.state.in_(states),) if states else ()
    return paginate_rows(
        session,
        select(*SHOWN, person.c.name.label("trainee_name"), person.c.email.label("trainee_email"))
        .join(person, person.c.id == Booking.trainee_id)
        .where(*_there(site_id, start, end), *only),
        key=[Booking.first_day, Booking.id],
        key_of=lambda row: [row.first_day, row.id],
        limit=limit,
        cursor=cursor,
    )


def booked(session: Session, booking_ids: Collection[UUID]) -> Sequence[Any]:
    """Return the title, the days and the trainee's name of each of these bookings; one query."""
    person = identity.names()
    return session.execute(
        select(
            *(Booking.id, Booking.listing_title, Booking.first_day, Booking.last_day),
            person.c.name.label("trainee_name"),
        )
        .join(person, person.c.id == Booking.trainee_id)
        .where(Booking.id.in_(booking_ids))
    ).all()


def completed_at(site_id: UUID, since: date) -> Subquery:
    """Rotations of a site that were done and ended since a day, to be joined to.

    With `id`, `listing_title`, `last_day` and `trainee_name`.
    """
    person = identity.names()
    return (
        select(
            *(Booking.id, Booking.listing_title, Booking.last_day),
            person.c.name.label("trainee_name"),
        )
        .join(person, person.c.id == Booking.trainee_id)
        .where(
            Booking.site_id == site_id,
            Booking.state == BookingState.COMPLETED,
            Booking.last_day >= since,
        )
        .subquery("completed")
    )


def asked_of(session: Session, site_id: UUID, since: date, now: datetime, *, limit: int) -> Asked:
    """Return what else asks a site's people for their word; one query."""
    threads = messages.unanswered(site_id, since).limit(limit).subquery()
    ordered = rounds.ordered_at(site_id, now).exists()
    proposed = select(func.count(BookingProposal.id)).where(*changes.waits_at(site_id, now))
    lined = select(func.count(WaitingEntry.id)).where(
        WaitingEntry.site_id == site_id, WaitingEntry.state.in_(IN_LINE)
    )
    always = select(literal(1).label("one")).subquery()
    rows = session.execute(
        select(ordered, proposed.scalar_subquery(), lined.scalar_subquery(), *threads.c)
        .select_from(always)
        .join(threads, true(), isouter=True)
        .order_by(threads.c.sent_at)
    ).all()
    found = [Unanswered(*row[3:]) for row in rows if row[3] is not None]
    ordered_now, changes_open, in_line = rows[0][:3]
    return Asked(ordered_now, changes_open, in_line, found)


@dataclass(frozen=True)
class Hanging:
    """What there is at a listing: seats kept to be paid, applications, rotations, who is in line."""

    kept: int
    applications: int
    rotations: int
    in_line: int


def hanging(session: Session, listing_id: UUID) -> Hanging:
    """Return what would stay if a listing took no more bookings; one query."""

    def of(*states: BookingState) -> ScalarSelect[int]:
        return (
            select(func.count(Booking.id))
            .where(Booking.listing_id == listing_id, Booking.state.in_(states))
            .scalar_subquery()
        )

    lined = select(func.count(WaitingEntry.id)).where(
        WaitingEntry.listing_id == listing_id, WaitingEntry.state.in_(IN_LINE)
    )
    row = session.execute(
        select(
            of(BookingState.HELD, BookingState.AWAITING_PAYMENT),
            of(*UNDECIDED),
            of(*CANCELLABLE),
            lined.scalar_subquery(),
        )
    ).one()
    return Hanging(*row)


def _beginning(site_id: UUID, first: date, last: date) -> Sequence[ColumnElement[bool]]:
    return (
        Booking.site_id == site_id,
        Booking.state == BookingState.CONFIRMED.value,
        Booking.first_day.between(first, last),
    )


def days_marked(session: Session, booking_ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    """Return how many days count as present and as absent, by booking; counted in one query.

    A booking without a mark is not among them.
    """
    counting = (
        select(AttendanceMark.booking_id, AttendanceMark.mark)
        .where(AttendanceMark.booking_id == func.any(booking_ids))
        .ext(distinct_on(AttendanceMark.booking_id, AttendanceMark.day))
        .order_by(AttendanceMark.booking_id, AttendanceMark.day, AttendanceMark.revision.desc())
        .subquery()
    )
    present = func.count().filter(counting.c.mark == "present")
    rows = session.execute(
        select(counting.c.booking_id, present, func.count() - present).group_by(
            counting.c.booking_id
        )
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def _there(site_id: UUID, start: date, end: date) -> tuple[ColumnElement[bool], ...]:
    return (
        Booking.site_id == site_id,
        Booking.state.in_(ON_ROSTER),
        Booking.first_day <= end,
        Booking.last_day >= start,
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
