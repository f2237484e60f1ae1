"""What the clock does to bookings: seats given up, rotations begun, reminders sent.

Work is done in batches, each a transaction of its own with a number of statements that does not
grow with the batch. Rows that somebody else is working on are skipped: the next run looks again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from marketplace.booking import queries
from marketplace.booking.models import Booking, BookingReminder
from marketplace.booking.service import (
    agreeing,
    clearances,
    closing_notices,
    notices,
    payment,
    transition,
)
from marketplace.booking.states import UNDECIDED, BookingState
from marketplace.core import rows
from marketplace.core.db import Session

BATCH = 1000
# Why a seat is given up, and whether its trainee is written to: who only looked is not.
REASONS = {
    BookingState.HELD: "The hold has ended.",
    BookingState.SUBMITTED: "The host did not decide in time.",
    BookingState.MORE_ASKED: "No answer came in time.",
    BookingState.AWAITING_PAYMENT: "Not paid in time.",
}
WAITED_FOR = {BookingState.SUBMITTED: "host", BookingState.MORE_ASKED: "trainee"}


def expire_due(session: Session, now: datetime, limit: int = BATCH) -> int:
    """Give up to `limit` seats free whose time has passed; return how many were."""
    due = queries.lock_expired(session, now, limit)
    states = {booking.id: BookingState(booking.state) for booking in due}
    for state, reason in REASONS.items():
        these = [booking for booking in due if states[booking.id] is state]
        transition.move_all(session, these, BookingState.EXPIRED, reason=reason, now=now)
    for booking in due:
        before = states[booking.id]
        if before in UNDECIDED:
            notices.lapsed(session, booking, WAITED_FOR[before], now)
        elif before is BookingState.AWAITING_PAYMENT:
            payment.drop(session, booking)
            notices.expired(session, booking, now)
    return len(due)


@dataclass(frozen=True)
class Started:
    """What a batch of starts did; `last` is where the next goes on, None if there is no more."""

    begun: int
    last: tuple[date, UUID] | None


def start_due(
    session: Session, now: datetime, limit: int = BATCH, after: tuple[date, UUID] | None = None
) -> Started:
    """Begin up to `limit` confirmed rotations whose first day has come, those that are cleared.

    Of one that isn't, both sides are told, once; it is looked at again each hour.
    """
    due = queries.lock_starting(session, now, limit, after)
    found = clearances.clearances(session, due, now)
    lacking = agreeing.without(session, due)
    blocked = [one for one in due if not found[one.id].may_start or one.id in lacking]
    ready = [one for one in due if found[one.id].may_start and one.id not in lacking]
    transition.move_all(
        session, ready, BookingState.IN_PROGRESS, reason="The first day has come.", now=now
    )
    # What is told of the starts, of shares and to whoever listens, is one statement.
    rows.flush(session)

    def tell(session: Session, booking: Booking, now: datetime) -> None:
        missing = [item.requirement.title for item in found[booking.id].items if item.blocks]
        if booking.id in lacking:
            missing.append(agreeing.TITLE)
        notices.start_blocked(session, booking, missing, now)

    _remind(session, "start_blocked", blocked, tell, now)
    more = len(due) == limit
    return Started(len(ready), (due[-1].first_day, due[-1].id) if more else None)


def remind_due(session: Session, now: datetime, limit: int = BATCH) -> int:
    """Send up to `limit` reminders, each once, however often the job runs."""
    sent = 0
    for kind, (find, send) in REMINDERS.items():
        sent += _remind(session, kind, find(session, now, limit), send, now)
    return sent


def _remind(
    session: Session,
    kind: str,
    due: Sequence[Booking],
    send: Callable[[Session, Booking, datetime], None],
    now: datetime,
) -> int:
    if not due:
        return 0
    new = noted(session, [(booking.id, kind) for booking in due], now)
    for booking in due:
        if (booking.id, kind) in new:
            send(session, booking, now)
    return len(new)


def noted(
    session: Session, reminders: Sequence[tuple[UUID, str]], now: datetime
) -> set[tuple[UUID, str]]:
    """Note reminders (booking and kind) as sent; return those that had not been, to be sent now.

    The primary key decides: whatever runs at once or again, each is sent once.
    """
    wanted = [{"booking_id": one, "kind": kind, "sent_at": now} for one, kind in reminders]
    found = session.execute(
        insert(BookingReminder)
        .values(wanted)
        .on_conflict_do_nothing()
        .returning(BookingReminder.booking_id, BookingReminder.kind)
    )
    return {(row.booking_id, row.kind) for row in found}


REMINDERS = {
    "starts_soon": (queries.starting_soon, notices.starts_soon),
    "decide_soon": (queries.undecided, notices.decide_soon),
    "answer_soon": (queries.unanswered, notices.answer_soon),
    "balance_due": (queries.balances_due, notices.balance_due),
    "balance_overdue": (queries.balances_overdue, notices.balance_overdue),
    "to_close": (queries.to_close, closing_notices.to_close),
    "to_close_again": (queries.to_close_again, closing_notices.to_close_again),
    "left_open": (queries.left_to_tell, closing_notices.left_open),
}
