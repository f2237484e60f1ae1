"""What a school decides on, and what it sees of its students' bookings."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select

from marketplace.booking.models import Booking, SchoolReminder, SchoolRequest
from marketplace.booking.states import TIMED, BookingState
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.identity.queries import schools
from marketplace.identity.rules import Seen
from marketplace.web.pagination import Page, paginate

# A day before the end, and not of what was asked for a moment ago.
REMIND_BEFORE = timedelta(days=1)
ASKED_BEFORE = timedelta(hours=12)


@dataclass(frozen=True)
class Asked:
    """A student's request with its booking, as the school reads it."""

    request: SchoolRequest
    booking: Booking
    student_name: str


@dataclass(frozen=True)
class Shown:
    """A student's booking, and what of it the student lets the school see."""

    booking: Booking
    student_name: str
    sees: frozenset[str]


@dataclass(frozen=True)
class ToRemind:
    """Who is to be reminded of which booking, and by when the school decides."""

    booking: Booking
    account_id: UUID
    decide_by: datetime


def request(session: Session, booking_id: UUID, *, lock: bool = False) -> SchoolRequest | None:
    """Return what was asked of the school for a booking; None if nothing was."""
    return session.get(
        SchoolRequest,
        booking_id,
        with_for_update=True if lock else None,
        populate_existing=lock,
    )


def states(session: Session, booking_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the state of each booking's request to its school, of those that have one."""
    rows = session.execute(
        select(SchoolRequest.booking_id, SchoolRequest.state).where(
            SchoolRequest.booking_id.in_(booking_ids)
        )
    )
    return {row.booking_id: row.state for row in rows}


def asked_of(session: Session, school_id: UUID, booking_id: UUID) -> Asked:
    """Return a request to this school; `NotFound` for any other."""
    found = request(session, booking_id)
    booking = session.get(Booking, booking_id)
    if found is None or booking is None or found.school_id != school_id:
        raise NotFound
    person = identity.contact(session, booking.trainee_id)
    return Asked(found, booking, person.name if person else "")


def requests(
    session: Session, school_id: UUID, *, waiting: bool, limit: int, cursor: str | None
) -> Page[Asked]:
    """Return the school's requests; those that wait, the most urgent first. Three queries."""
    query = select(SchoolRequest).where(SchoolRequest.school_id == school_id)
    if waiting:
        # A seat that was given up meanwhile leaves nothing to decide on.
        query = query.join(Booking, Booking.id == SchoolRequest.booking_id).where(
            SchoolRequest.state == "waiting", Booking.state == BookingState.HELD
        )
    found = paginate(
        session,
        query,
        key=[SchoolRequest.decide_by, SchoolRequest.booking_id],
        key_of=lambda row: [row.decide_by, row.booking_id],
        limit=limit,
        cursor=cursor,
        descending=not waiting,
    )
    ids = [row.booking_id for row in found.items]
    rows = session.execute(select(Booking).where(Booking.id.in_(ids))).scalars()
    bookings = {row.id: row for row in rows}
    people = identity.contacts(session, [one.trainee_id for one in bookings.values()])
    items = [
        Asked(row, bookings[row.booking_id], people[bookings[row.booking_id].trainee_id].name)
        for row in found.items
    ]
    return Page(items, found.next_cursor)


def to_remind(session: Session, now: datetime, limit: int) -> list[ToRemind]:
    """Return what waits for a school's word with a day left, each with a coordinator to remind.

    Those who were not, and for whom it is no time to sleep; the most urgent first.
    """
    awake = schools.awake(now)
    sent = select(SchoolReminder.booking_id).where(
        SchoolReminder.booking_id == SchoolRequest.booking_id,
        SchoolReminder.account_id == awake.c.account_id,
    )
    rows = session.execute(
        select(Booking, awake.c.account_id, SchoolRequest.decide_by)
        .join(SchoolRequest, SchoolRequest.booking_id == Booking.id)
        .join(awake, awake.c.school_id == SchoolRequest.school_id)
        .where(
            SchoolRequest.state == "waiting",
            SchoolRequest.decide_by > now,
            SchoolRequest.decide_by <= now + REMIND_BEFORE,
            SchoolRequest.asked_at <= now - ASKED_BEFORE,
            Booking.state == BookingState.HELD,
            Booking.hold_expires_at > now,
            ~sent.exists(),
        )
        .order_by(SchoolRequest.decide_by, Booking.id, awake.c.account_id)
        .limit(limit)
    )
    return [ToRemind(*row) for row in rows]


def waiting_for_agreement(session: Session, school_id: UUID, site_id: UUID) -> Sequence[Booking]:
    """Return the site's bookings that need an agreement, are not confirmed, and may be the school's."""
    return (
        session.execute(
            select(Booking)
            .where(
                Booking.site_id == site_id,
                Booking.agreement_needed,
                Booking.state.in_(sorted(TIMED)),
                or_(Booking.school_id == school_id, Booking.school_id.is_(None)),
            )
            .order_by(Booking.id)
        )
        .scalars()
        .all()
    )


def shown(
    session: Session,
    school_id: UUID,
    *,
    states: Sequence[str] = (),
    limit: int,
    cursor: str | None,
) -> Page[Shown]:
    """Return the bookings that the school's students let it see, the newest first.

    Two queries: the page, and who shows what. A seat that is only held is nobody's business yet.
    """
    who = schools.showing(Seen.BOOKINGS)
    query = (
        select(Booking)
        .join(who, who.c.account_id == Booking.trainee_id)
        .where(who.c.school_id == school_id, Booking.state != BookingState.HELD)
    )
    if states:
        query = query.where(Booking.state.in_(states))
    found = paginate(
        session,
        query,
        key=[Booking.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )
    people = identity.contacts(session, sorted({one.trainee_id for one in found.items}))
    sees = schools.seen_of(session, school_id, people.keys())
    items = [
        Shown(one, people[one.trainee_id].name, sees.get(one.trainee_id, frozenset()))
        for one in found.items
    ]
    return Page(items, found.next_cursor)
