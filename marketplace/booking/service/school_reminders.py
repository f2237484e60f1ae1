"""Reminds a school's coordinators before a student's request for its word lapses.

Each once, in their own daylight and language: the row and the mail exist together, and the primary
key decides, whatever runs at once or again.
"""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert

from marketplace.booking.models import SchoolReminder
from marketplace.booking.queries import schools as queries
from marketplace.booking.service import school_notices
from marketplace.core.db import Session
from marketplace.identity import queries as identity


def remind(session: Session, now: datetime, limit: int) -> int:
    """Send up to `limit` reminders; return how many were due."""
    due = queries.to_remind(session, now, limit)
    if not due:
        return 0
    rows = [
        {"booking_id": one.booking.id, "account_id": one.account_id, "sent_at": now} for one in due
    ]
    new = session.execute(
        insert(SchoolReminder)
        .values(rows)
        .on_conflict_do_nothing()
        .returning(SchoolReminder.booking_id, SchoolReminder.account_id)
    )
    sent = {(row.booking_id, row.account_id) for row in new}
    people = identity.contacts(session, sorted({one.booking.trainee_id for one in due}))
    for booking, until in {one.booking: one.decide_by for one in due}.items():
        told = [account for booked, account in sorted(sent) if booked == booking.id]
        name = people[booking.trainee_id].name
        school_notices.reminded(session, booking, told, name, until, now)
    return len(due)
