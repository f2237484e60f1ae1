"""The one place where a booking changes its state.

`move` claims the step by a conditional UPDATE, so that of two who try one wins and the other is
told; the row of history is written by the same statement. Everything that belongs to the step
happens here, in the same transaction: the history, the seats that are given up, the event.
`move_all` does the same for many bookings whose rows the caller has locked, in a number of
statements that does not grow with theirs. The database refuses a change of state without its row
of history, so nothing goes round this module.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, insert, or_, update
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.sql.elements import ColumnElement

from marketplace.booking import events, queries
from marketplace.booking.errors import Superseded
from marketplace.booking.models import Booking, BookingTransition, BookingWeek
from marketplace.booking.queries import writing
from marketplace.booking.rules.deadlines import site_day
from marketplace.booking.rules.rotation import keeps_begun_weeks
from marketplace.booking.states import GIVES_UP_SEATS, TIMED, TRANSITIONS, BookingState
from marketplace.catalog.service import seats
from marketplace.compliance.service import releases
from marketplace.core import rows
from marketplace.core.db import Session, affected
from marketplace.core.events import publish
from marketplace.identity import queries as identity

_S = BookingState
EVENTS: Mapping[BookingState, type[events.BookingEvent]] = {
    _S.HELD: events.BookingHeld,
    _S.SUBMITTED: events.BookingSubmitted,
    _S.MORE_ASKED: events.BookingMoreAsked,
    _S.AWAITING_PAYMENT: events.BookingAwaitingPayment,
    _S.CONFIRMED: events.BookingConfirmed,
    _S.IN_PROGRESS: events.BookingStarted,
    _S.COMPLETED: events.BookingCompleted,
    _S.EXPIRED: events.BookingReleased,
    _S.WITHDRAWN: events.BookingReleased,
    _S.DECLINED: events.BookingReleased,
    _S.CANCELLED_BY_TRAINEE: events.BookingCancelled,
    _S.CANCELLED_BY_HOST: events.BookingCancelled,
    _S.CANCELLED_BY_OPERATOR: events.BookingCancelled,
    _S.NO_SHOW: events.BookingNoShow,
}


def begin(
    session: Session,
    booking: Booking,
    weeks: Sequence[date],
    *,
    reason: str,
    now: datetime,
    actor_id: UUID | None = None,
) -> bool:
    """Write a new booking, its weeks and the first row of its history, and tell of it.

    False, and to be rolled back, if the trainee has one of the weeks elsewhere. The seats are
    taken next. `actor_id` is who books, where that is not the trainee.
    """
    step = rows.new(
        BookingTransition,
        booking_id=booking.id,
        number=booking.version,
        from_state=None,
        to_state=booking.state,
        at=now,
        actor_id=actor_id or booking.trainee_id,
        reason=reason,
        kept_until=booking.hold_expires_at,
    )
    if writing.held(session, booking, step, weeks) != set(weeks):
        return False
    _tell(session, booking, now)
    return True


def begin_all(
    session: Session,
    bookings: Sequence[Booking],
    *,
    reason: str,
    now: datetime,
    actor_id: UUID | None = None,
) -> bool:
    """Do what `begin` does for several bookings in statements whose number is fixed.

    `actor_id` is who books, where that is not each trainee for themselves.
    """
    session.add_all(bookings)
    session.flush()
    session.add_all(
        BookingTransition(
            booking_id=booking.id,
            number=booking.version,
            from_state=None,
            to_state=booking.state,
            at=now,
            actor_id=actor_id or booking.trainee_id,
            reason=reason,
            kept_until=booking.hold_expires_at,
        )
        for booking in bookings
    )
    session.flush()
    wanted = sum(booking.weeks for booking in bookings)
    if len(writing.claimed(session, bookings, now)) != wanted:
        return False
    for booking in bookings:
        _tell(session, booking, now)
    return True


def replace(
    session: Session,
    old: Booking,
    to: BookingState,
    new: Booking,
    weeks: Sequence[date],
    *,
    actor_id: UUID | None,
    reason: str,
    begun: str,
    now: datetime,
    begun_by: UUID | None = None,
) -> bool:
    """End `old` and begin `new` in its place, its seats exchanged for those of `weeks`.

    As for `move` and `begin`: False, and to be rolled back, if the trainee has one of the weeks
    elsewhere; `SeatTaken` if one is full. The weeks of both come first, then the seats of both in
    one order, as whoever holds or gives up takes them.
    """
    before = BookingState(old.state)
    TRANSITIONS.check(before, to)
    if to not in GIVES_UP_SEATS or to in TIMED:
        raise ValueError(f"a booking that is {to} is not replaced")
    step = rows.new(
        BookingTransition,
        booking_id=old.id,
        number=old.version + 1,
        from_state=before.value,
        to_state=to.value,
        at=now,
        actor_id=actor_id,
        reason=reason,
    )
    if not writing.moved(session, old, step, {"hold_expires_at": None}):
        raise superseded(session, old)
    freed = _free_weeks(session, [(old, before)], to, now)
    releases.end(session, [old.id], now)
    _tell(session, old, now, before)
    if not begin(session, new, weeks, reason=begun, now=now, actor_id=begun_by):
        return False
    seats.exchange(session, freed, new.listing_id, weeks)
    return True


def move(
    session: Session,
    booking: Booking,
    to: BookingState,
    *,
    actor_id: UUID | None,
    reason: str,
    now: datetime,
    hold_expires_at: datetime | None = None,
    code: str | None = None,
    **values: Any,
) -> None:
    """Take `booking` from the state and version that the caller read to the state `to`.

    `hold_expires_at` is required for states that keep a seat for a time and refused for others;
    `code` is the reason as one of a controlled list; `values` are further columns to set. A step
    from a state to itself keeps the seat for longer, and is told to nobody. Raises
    `IllegalTransition` if the table has no such step and `Superseded` if somebody was faster,
    naming who.
    """
    before = BookingState(booking.state)
    TRANSITIONS.check(before, to)
    if (hold_expires_at is not None) != (to in TIMED):
        raise ValueError(f"{to} keeps a seat for a time, or does not")
    step = rows.new(
        BookingTransition,
        booking_id=booking.id,
        number=booking.version + 1,
        from_state=before.value,
        to_state=to.value,
        at=now,
        actor_id=actor_id,
        reason=reason,
        kept_until=hold_expires_at,
        code=code,
    )
    if not writing.moved(session, booking, step, {"hold_expires_at": hold_expires_at, **values}):
        raise superseded(session, booking)
    if to is not before:
        _follow(session, [(booking, before)], to, now)


def amend(session: Session, booking: Booking, **values: Any) -> None:
    """Change what is no state (the payment waited for, what was paid) under the same claim."""
    claimed = session.execute(
        update(Booking)
        .where(
            Booking.id == booking.id,
            Booking.state == booking.state,
            Booking.version == booking.version,
        )
        .values(version=Booking.version + 1, **values)
        .returning(Booking),
        execution_options={"populate_existing": True, "synchronize_session": False},
    ).scalar_one_or_none()
    if claimed is None:
        raise superseded(session, booking)


def keep(
    session: Session, booking: Booking, until: datetime, *, reason: str, now: datetime
) -> None:
    """Keep the seat of a booking until another time, for what others decide; told to nobody.

    A step of its history by nobody: the trainee's own, once for a held seat, is another.
    """
    state = BookingState(booking.state)
    move(session, booking, state, actor_id=None, reason=reason, now=now, hold_expires_at=until)


def move_all(
    session: Session,
    bookings: Sequence[Booking],
    to: BookingState,
    *,
    reason: str,
    now: datetime,
) -> None:
    """Take many bookings to `to`, a state without a hold; the caller holds their row locks."""
    steps = [(booking, BookingState(booking.state)) for booking in bookings]
    for _, before in steps:
        TRANSITIONS.check(before, to)
    if to in TIMED:
        raise ValueError("a hold has its own end for each booking")
    if not steps:
        return
    claimed = affected(
        session,
        update(Booking)
        .where(Booking.id.in_([booking.id for booking in bookings]))
        .values(state=to, version=Booking.version + 1, hold_expires_at=None)
        .execution_options(synchronize_session=False),
    )
    if claimed != len(steps):
        raise RuntimeError(f"{len(steps)} bookings were locked, {claimed} are there")
    for booking, _ in steps:
        # Known without reading the rows back, which would double the work of a large batch.
        set_committed_value(booking, "state", to.value)
        set_committed_value(booking, "version", booking.version + 1)
        set_committed_value(booking, "hold_expires_at", None)
    session.execute(
        insert(BookingTransition),
        [
            {
                "booking_id": booking.id,
                "number": booking.version,
                "from_state": before,
                "to_state": to,
                "at": now,
                "actor_id": None,
                "reason": reason,
            }
            for booking, before in steps
        ],
    )
    _follow(session, steps, to, now)


def _follow(
    session: Session,
    steps: Sequence[tuple[Booking, BookingState]],
    to: BookingState,
    now: datetime,
) -> None:
    """Do what belongs to the steps: seats, documents that were handed over, events."""
    if to in GIVES_UP_SEATS:
        _give_up(session, steps, to, now)
        # A seat that was only held had no documents handed over for it.
        over = [booking.id for booking, before in steps if before is not BookingState.HELD]
        if over:
            releases.end(session, over, now)
    for booking, before in steps:
        _tell(session, booking, now, before)


def _give_up(
    session: Session,
    steps: Sequence[tuple[Booking, BookingState]],
    to: BookingState,
    now: datetime,
) -> None:
    """Release the weeks, then the seats, all in one order: weeks before seats, as holding does."""
    freed = _free_weeks(session, steps, to, now)
    if freed:
        seats.release_many(session, freed)


def _free_weeks(
    session: Session,
    steps: Sequence[tuple[Booking, BookingState]],
    to: BookingState,
    now: datetime,
) -> Counter[tuple[UUID, date]]:
    """Release the weeks that are given up; return whose seats are to be released next."""
    released = session.execute(
        update(BookingWeek)
        .where(
            BookingWeek.released_at.is_(None),
            _given_up(steps, to, now),
        )
        .values(released_at=now)
        .returning(BookingWeek.listing_id, BookingWeek.week),
        execution_options={"synchronize_session": False},
    )
    return Counter((row.listing_id, row.week) for row in released)


def _given_up(
    steps: Sequence[tuple[Booking, BookingState]], to: BookingState, now: datetime
) -> ColumnElement[bool]:
    whole = [booking.id for booking, before in steps if not keeps_begun_weeks(before, to)]
    partly = [
        and_(
            BookingWeek.booking_id == booking.id,
            BookingWeek.week > site_day(now, booking.time_zone),
        )
        for booking, before in steps
        if keeps_begun_weeks(before, to)
    ]
    return or_(BookingWeek.booking_id.in_(whole), *partly)


def _tell(
    session: Session, booking: Booking, now: datetime, before: BookingState | None = None
) -> None:
    event = EVENTS[BookingState(booking.state)]
    publish(
        session,
        event(
            booking_id=booking.id,
            trainee_id=booking.trainee_id,
            listing_id=booking.listing_id,
            site_id=booking.site_id,
            first_day=booking.first_day,
            weeks=booking.weeks,
            at=now,
            itinerary_id=booking.itinerary_id,
            cohort_id=booking.cohort_id,
            state=booking.state,
            before=before,
            school_id=booking.school_id,
        ),
    )


def superseded(
    session: Session, booking: Booking, step: BookingTransition | None = None
) -> Superseded:
    """Say who was faster, and what they did; the loser's own wish had no effect.

    `step` is theirs, the newest if it is not given.
    """
    last = step or queries.last_step(session, booking.id)
    actor = identity.contact(session, last.actor_id) if last.actor_id else None
    name = actor.name if actor else None
    by = f" by {name}" if name else ""
    return Superseded(
        f"It became {last.to_state} at {last.at:%Y-%m-%d %H:%M} UTC{by}.",
        extra={
            "state": last.to_state,
            "decided_by": name,
            "decided_at": last.at.isoformat(),
            "reason": last.reason,
            "reason_code": last.code,
        },
    )
