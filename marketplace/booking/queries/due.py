"""What the clock has to do: each query finds at most `limit` rows, by an index."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    Select,
    cast,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import defer

from marketplace.booking.models import Booking, BookingReminder
from marketplace.booking.rules.rotation import ASKED_AFTER, ASKED_AGAIN_AFTER, LEFT_OPEN_AFTER
from marketplace.booking.states import BookingState
from marketplace.core.db import Session
from marketplace.identity import queries as identity
from marketplace.web.pagination import Page, paginate

REMIND_BEFORE = timedelta(days=7)
# The trainee comes or is there: what is unpaid is owed, and somebody has to say how it went.
OPEN = (BookingState.CONFIRMED, BookingState.IN_PROGRESS)
REMIND_DECISION_BEFORE = timedelta(days=2)
REMIND_ANSWER_BEFORE = timedelta(days=1)
# No site is further ahead of UTC than 14 hours: its day is at most tomorrow's.
AHEAD = timedelta(hours=14)


def lock_expired(session: Session, now: datetime, limit: int) -> Sequence[Booking]:
    """Return and lock bookings whose seat's time has passed; rows held by others are skipped."""
    return _locked(
        session,
        select(Booking)
        .where(Booking.hold_expires_at <= now)
        .order_by(Booking.hold_expires_at, Booking.id)
        .limit(limit),
    )


def lock_starting(
    session: Session, now: datetime, limit: int, after: tuple[date, UUID] | None = None
) -> Sequence[Booking]:
    """Return and lock confirmed bookings whose first day has come at their site.

    By first day and id, those `after` the given ones only: some can't begin, and stay.
    """
    query = select(Booking).where(
        Booking.state == BookingState.CONFIRMED,
        Booking.first_day <= (now + AHEAD).date(),
        Booking.first_day <= _site_day(now),
    )
    if after is not None:
        query = query.where(tuple_(Booking.first_day, Booking.id) > after)
    return _locked(session, query.order_by(Booking.first_day, Booking.id).limit(limit))


def overdue_holds(session: Session, before: datetime, limit: int = 20) -> Sequence[UUID]:
    """Return bookings whose seat should have been given up before `before`."""
    return (
        session.execute(
            select(Booking.id)
            .where(Booking.hold_expires_at < before)
            .order_by(Booking.hold_expires_at)
            .limit(limit)
        )
        .scalars()
        .all()
    )


def starting_soon(session: Session, now: datetime, limit: int) -> Sequence[Booking]:
    """Return confirmed bookings that begin within a week and were not reminded."""
    return _unreminded(
        session,
        "starts_soon",
        select(Booking).where(
            Booking.state == BookingState.CONFIRMED,
            identity.in_civil_hours(Booking.trainee_id, now),
            Booking.first_day <= (now + AHEAD + REMIND_BEFORE).date(),
            Booking.first_day <= _site_day(now) + REMIND_BEFORE.days,
            Booking.first_day > _site_day(now),
        ),
        limit,
    )


def undecided(session: Session, now: datetime, limit: int) -> Sequence[Booking]:
    """Return applications whose decision is due within two days and whose host was not reminded."""
    return _unreminded(
        session,
        "decide_soon",
        select(Booking).where(
            Booking.state == BookingState.SUBMITTED,
            # Its people may be several; the site's own clock stands for theirs.
            identity.civil(Booking.time_zone, now),
            Booking.hold_expires_at > now,
            Booking.hold_expires_at <= now + REMIND_DECISION_BEFORE,
        ),
        limit,
    )


def unanswered(session: Session, now: datetime, limit: int) -> Sequence[Booking]:
    """Return applications whose trainee has a day left to answer and was not reminded."""
    return _unreminded(
        session,
        "answer_soon",
        select(Booking).where(
            Booking.state == BookingState.MORE_ASKED,
            identity.in_civil_hours(Booking.trainee_id, now),
            Booking.hold_expires_at > now,
            Booking.hold_expires_at <= now + REMIND_ANSWER_BEFORE,
        ),
        limit,
    )


def balances_due(session: Session, now: datetime, limit: int) -> Sequence[Booking]:
    """Return confirmed bookings whose balance is due within a week and not reminded of."""
    columns = Booking.__table__.c
    return _unreminded(
        session,
        "balance_due",
        select(Booking).where(
            Booking.state == BookingState.CONFIRMED,
            Booking.balance_due_on <= _site_day(now) + REMIND_BEFORE.days,
            columns.paid_minor < columns.total_minor,
            identity.in_civil_hours(Booking.trainee_id, now),
        ),
        limit,
    )


def balances_overdue(session: Session, now: datetime, limit: int) -> Sequence[Booking]:
    """Return bookings whose balance was due before today, is unpaid, and was not reminded of since."""
    return _unreminded(
        session,
        "balance_overdue",
        select(Booking).where(
            Booking.state.in_(OPEN),
            *overdue(now),
            identity.in_civil_hours(Booking.trainee_id, now),
        ),
        limit,
    )


def overdue(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """What is true of a booking whose balance was to be paid before today, and is not."""
    columns = Booking.__table__.c
    return (Booking.balance_due_on < _site_day(now), columns.paid_minor < columns.total_minor)


def to_close(session: Session, now: datetime, limit: int) -> Sequence[Booking]:
    """Return rotations that ended three days ago and whose host was not asked how they went."""
    return _unclosed(session, now, "to_close", (ASKED_AFTER, ASKED_AGAIN_AFTER), limit)


def to_close_again(session: Session, now: datetime, limit: int) -> Sequence[Booking]:
    """Return those that ended ten days ago, and whose host was not asked for the second time."""
    return _unclosed(session, now, "to_close_again", (ASKED_AGAIN_AFTER, LEFT_OPEN_AFTER), limit)


def _unclosed(
    session: Session, now: datetime, kind: str, after: tuple[int, int], limit: int
) -> Sequence[Booking]:
    """Rotations under way that ended so many days ago; who missed a time is asked at the next."""
    first, last = after
    return _unreminded(
        session,
        kind,
        select(Booking).where(
            Booking.state == BookingState.IN_PROGRESS,
            identity.civil(Booking.time_zone, now),
            Booking.last_day <= (now + AHEAD).date() - timedelta(days=first),
            Booking.last_day <= _site_day(now) - first,
            Booking.last_day > _site_day(now) - last,
        ),
        limit,
    )


def left_to_tell(session: Session, now: datetime, limit: int) -> Sequence[Booking]:
    """Return rotations that were left open, and whose two sides were not told of it."""
    civil = identity.civil(Booking.time_zone, now)
    return _unreminded(session, "left_open", open_since(now).where(civil), limit)


def left_open(
    session: Session, now: datetime, *, limit: int, cursor: str | None = None
) -> Page[Booking]:
    """Return rotations that ended two weeks ago and are neither closed nor called off, by last day.

    Among them those that never began, because a document was missing.
    """
    return paginate(
        session,
        open_since(now).options(defer(Booking.policy), defer(Booking.price)),
        key=[Booking.last_day, Booking.id],
        key_of=lambda row: [row.last_day, row.id],
        limit=limit,
        cursor=cursor,
    )


def open_since(now: datetime) -> Select[Booking]:
    """Rotations that ended two weeks ago and that nobody has closed."""
    after = timedelta(days=LEFT_OPEN_AFTER)
    return select(Booking).where(
        Booking.state.in_(OPEN),
        Booking.last_day <= (now + AHEAD).date() - after,
        Booking.last_day <= _site_day(now) - LEFT_OPEN_AFTER,
    )


def to_prepare(
    session: Session, now: datetime, limit: int, after: UUID | None = None
) -> Sequence[Booking]:
    """Return confirmed bookings to come that were asked for documents, by id `after` the given one.

    Those whose trainees may be written to at this hour.
    """
    query = select(Booking).where(
        Booking.state == BookingState.CONFIRMED,
        or_(
            Booking.site_requirements_id.is_not(None),
            Booking.listing_requirements_id.is_not(None),
        ),
        identity.in_civil_hours(Booking.trainee_id, now),
    )
    if after is not None:
        query = query.where(Booking.id > after)
    wide = (defer(Booking.policy), defer(Booking.price))
    return session.execute(query.options(*wide).order_by(Booking.id).limit(limit)).scalars().all()


def _site_day(now: datetime) -> ColumnElement[object]:
    """The civil date at the booking's site."""
    return cast(func.timezone(Booking.time_zone, now), Date)


def _locked(session: Session, query: Select[Booking]) -> Sequence[Booking]:
    return (
        session.execute(
            # What was frozen is wide, and no deadline depends on it.
            query.options(defer(Booking.policy), defer(Booking.price)).with_for_update(
                skip_locked=True
            ),
            execution_options={"populate_existing": True},
        )
        .scalars()
        .all()
    )


def _unreminded(
    session: Session, kind: str, query: Select[Booking], limit: int
) -> Sequence[Booking]:
    sent = select(BookingReminder.booking_id).where(
        BookingReminder.booking_id == Booking.id, BookingReminder.kind == kind
    )
    return (
        session.execute(query.where(~sent.exists()).order_by(Booking.id).limit(limit))
        .scalars()
        .all()
    )
