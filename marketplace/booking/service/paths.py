"""The critical path of bookings: read, and written into calendars."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from marketplace.booking.models import Booking
from marketplace.booking.rules.deadlines import site_day
from marketplace.booking.rules.ical import Entry, Status, write
from marketplace.booking.rules.path import Journey, Step, path
from marketplace.booking.service.clearances import clearances, made_on
from marketplace.core.db import Session
from marketplace.identity import queries as identity

MINUTE = timedelta(minutes=1)
# What a calendar has by itself: the rotation, and the day of the balance.
ITS_OWN = frozenset({"rotation", "payment"})


def critical_paths(
    session: Session, bookings: Sequence[Booking], now: datetime
) -> dict[UUID, tuple[Step, ...]]:
    """Return what has to be done by when for each booking; six queries at most."""
    if not bookings:
        return {}
    found = clearances(session, bookings, now)
    trainees = identity.many_trainee_facts(session, [one.trainee_id for one in bookings])
    paths = {}
    for booking in bookings:
        trainee = trainees.get(booking.trainee_id)
        journey = Journey(
            first_day=booking.first_day,
            made_on=made_on(booking),
            today=site_day(now, booking.time_zone),
            needs_visa=trainee is not None and trainee.needs_visa,
            visa_type=trainee.visa_type if trainee else None,
            balance_due_on=booking.balance_due_on,
            balance_paid=booking.paid == booking.total,
        )
        paths[booking.id] = path(journey, found[booking.id].items)
    return paths


def critical_path(session: Session, booking: Booking, now: datetime) -> tuple[Step, ...]:
    """Return one booking's path, from the visa appointment to the first day."""
    return critical_paths(session, [booking], now)[booking.id]


def calendar(session: Session, booking: Booking, now: datetime) -> bytes:
    """Return the path as a calendar of its own."""
    sequence = max(int((now - booking.held_at) / MINUTE), 0)
    steps = critical_path(session, booking, now)
    name = f"Path to {booking.listing_title}"
    return write(name, booking.time_zone, list(entries(booking, steps, sequence, now)))


def entries(
    booking: Booking, steps: Iterable[Step], sequence: int, changed_at: datetime
) -> Iterator[Entry]:
    """Yield a day for each step; what is done is shown as such by a tick."""
    for step in steps:
        tick = "✓ " if step.state == "done" else ""
        yield Entry(
            key=f"path-{step.key}-{booking.id}",
            summary=f"{tick}{step.title}: {booking.listing_title}",
            description="The rotation does not begin without it." if step.blocks else "",
            status=Status.CONFIRMED,
            sequence=sequence,
            changed_at=changed_at,
            first=step.on,
            busy=False,
        )


def still_to_do(steps: Iterable[Step]) -> list[Step]:
    """The steps that a calendar of rotations lacks, without what is done."""
    return [step for step in steps if step.kind not in ITS_OWN and step.state != "done"]
