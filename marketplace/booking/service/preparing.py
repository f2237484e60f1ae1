"""Reminders of documents that are still to be handed over: fourteen, seven and one day before.

Days are those of the site, the hour is the trainee's. Each requirement is reminded of once a
stage; one that was handed over meanwhile is not named. Where stages were missed (the clock jumped,
the booking was made late), the nearest alone is sent.
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from marketplace.booking.models import Booking
from marketplace.booking.queries import due
from marketplace.booking.rules.deadlines import site_day
from marketplace.booking.service import clearances, deadlines, notices
from marketplace.compliance.rules.clearance import Item, ItemState
from marketplace.core.db import Session

# Days before the due date, the last first.
STAGES = (1, 7, 14)
TO_HAND_OVER = frozenset({ItemState.MISSING, ItemState.REJECTED, ItemState.EXPIRED})


def remind(
    session: Session, now: datetime, limit: int = deadlines.BATCH, after: UUID | None = None
) -> UUID | None:
    """Remind the trainees of up to `limit` bookings; return after which to go on, None at the end."""
    bookings = due.to_prepare(session, now, limit, after)
    found = clearances.clearances(session, bookings, now)
    wanted: dict[UUID, dict[str, Item]] = {}
    for booking in bookings:
        today = site_day(now, booking.time_zone)
        for item in found[booking.id].items:
            stage = _stage(item, today)
            if stage is not None:
                kind = f"document:{item.requirement.key}:{stage}"
                wanted.setdefault(booking.id, {})[kind] = item
    kinds = [(one, kind) for one, items in wanted.items() for kind in items]
    new = deadlines.noted(session, kinds, now) if kinds else set()
    for booking in bookings:
        items = [
            item for kind, item in wanted.get(booking.id, {}).items() if (booking.id, kind) in new
        ]
        if items:
            _tell(session, booking, items, now)
    return bookings[-1].id if len(bookings) == limit else None


def _stage(item: Item, today: date) -> int | None:
    left = (item.due_on - today).days
    if item.met or item.state not in TO_HAND_OVER or left < 0:
        return None
    return next((stage for stage in STAGES if left <= stage), None)


def _tell(session: Session, booking: Booking, items: Sequence[Item], now: datetime) -> None:
    documents = [
        {"title": item.requirement.title, "due_on": item.due_on.isoformat()}
        for item in sorted(items, key=lambda item: (item.due_on, item.requirement.key))
    ]
    notices.tell_trainee(session, booking, "documents_due", now=now, documents=documents)
