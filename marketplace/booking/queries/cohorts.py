"""Cohorts with their places and bookings; who changes one holds its row first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from marketplace.booking.models import Booking, BookingWeek, Cohort, CohortPlace
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.web.pagination import Page, paginate

# As payments call what is paid for.
PAYABLE = "cohort"
# One place of it, where more is owed for that alone.
PLACE = "cohort_place"


@dataclass(frozen=True)
class Place:
    """A place with its booking and whose it is."""

    place: CohortPlace
    booking: Booking
    student_name: str


def find(session: Session, cohort_id: UUID, school_id: UUID) -> Cohort:
    """Return the school's own cohort; `NotFound` for any other."""
    found = session.get(Cohort, cohort_id)
    if found is None or found.school_id != school_id:
        raise NotFound
    return found


def lock(session: Session, cohort_id: UUID) -> Cohort:
    """Return the cohort as it is now, and hold its row: before any of its bookings' rows."""
    found = session.execute(
        select(Cohort).where(Cohort.id == cohort_id).with_for_update(key_share=True),
        execution_options={"populate_existing": True},
    ).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def page(session: Session, school_id: UUID, *, limit: int, cursor: str | None) -> Page[Cohort]:
    """Return the school's cohorts, the newest first; one query."""
    return paginate(
        session,
        select(Cohort).where(Cohort.school_id == school_id),
        key=[Cohort.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def rotations(session: Session, cohort_ids: Collection[UUID]) -> dict[UUID, tuple[str, str]]:
    """Return what each cohort is booked at, the rotation's title and the site's name; one query."""
    rows = session.execute(
        select(Booking.cohort_id, Booking.listing_title, Booking.site_name)
        .where(Booking.cohort_id.in_(cohort_ids))
        .ext(distinct_on(Booking.cohort_id))
        .order_by(Booking.cohort_id, Booking.id)
    )
    return {row[0]: (row[1], row[2]) for row in rows if row[0]}


def places(session: Session, cohort_id: UUID) -> list[Place]:
    """Return the cohort's places by name, each as it stands now; two queries."""
    later = aliased(CohortPlace)
    rows = session.execute(
        select(CohortPlace, Booking)
        .join(Booking, Booking.id == CohortPlace.booking_id)
        .where(
            CohortPlace.cohort_id == cohort_id,
            ~select(later).where(later.replaces_id == CohortPlace.booking_id).exists(),
        ),
        execution_options={"populate_existing": True},
    ).all()
    people = identity.contacts(session, [row[1].trainee_id for row in rows])
    found = [Place(row[0], row[1], people[row[1].trainee_id].name) for row in rows]
    return sorted(found, key=lambda one: (one.student_name, str(one.booking.id)))


def whose(session: Session, made: Collection[Booking]) -> dict[UUID, str]:
    """Return the name of who each booking is for; one query."""
    people = identity.contacts(session, [one.trainee_id for one in made])
    return {one.id: people[one.trainee_id].name for one in made}


def bookings(session: Session, cohort_id: UUID) -> list[Booking]:
    """Return the cohort's bookings by id as they are now, their rows held."""
    rows = session.execute(
        select(Booking)
        .join(CohortPlace, CohortPlace.booking_id == Booking.id)
        .where(CohortPlace.cohort_id == cohort_id)
        .order_by(Booking.id)
        .with_for_update(of=Booking),
        execution_options={"populate_existing": True},
    )
    return list(rows.scalars())


def answers(session: Session, cohort_id: UUID) -> dict[UUID, CohortPlace]:
    """Return the cohort's places by their bookings, as they are now."""
    rows = session.execute(
        select(CohortPlace).where(CohortPlace.cohort_id == cohort_id),
        execution_options={"populate_existing": True},
    ).scalars()
    return {row.booking_id: row for row in rows}


def place(session: Session, booking_id: UUID) -> CohortPlace:
    """Return the place that a booking is; `NotFound` where it is none."""
    found = session.get(CohortPlace, booking_id)
    if found is None:
        raise NotFound
    return found


def of_school(session: Session, school_id: UUID, booking_id: UUID) -> Booking:
    """Return the booking of a place of this school's; `NotFound` for any other."""
    found = session.get(Booking, booking_id)
    if found is None or found.cohort_id is None or found.school_id != school_id:
        raise NotFound
    return found


def busy(
    session: Session, trainee_ids: Collection[UUID], weeks: Sequence[date], besides: Sequence[UUID]
) -> set[UUID]:
    """Return which of these trainees have a seat elsewhere in one of the weeks."""
    rows = session.execute(
        select(BookingWeek.trainee_id)
        .where(
            BookingWeek.trainee_id.in_(trainee_ids),
            BookingWeek.week.in_(weeks),
            BookingWeek.released_at.is_(None),
            BookingWeek.booking_id.not_in(besides),
        )
        .distinct()
    )
    return set(rows.scalars())
