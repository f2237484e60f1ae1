"""No-shows, and what force majeure touches."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from marketplace.booking.models import (
    Booking,
    BookingWeek,
    ForceMajeure,
    ForceMajeureBooking,
    NoShow,
)
from marketplace.booking.states import CANCELLABLE, TIMED
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.money import Money
from marketplace.web.pagination import Page, paginate


@dataclass(frozen=True)
class SiteSum:
    """Bookings of a run at one site in one state: how many, and what goes or went back."""

    site_id: UUID
    site_name: str
    state: str
    bookings: int
    refund: Money


def no_show(session: Session, booking_id: UUID, *, lock: bool = False) -> NoShow | None:
    """Return the newest mark that a booking's trainee never came, if there is one."""
    query = select(NoShow).where(NoShow.booking_id == booking_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.execute(query).scalar_one_or_none()


def no_shows_due(session: Session, now: datetime, limit: int) -> Sequence[UUID]:
    """Return the bookings whose mark was not disputed in time and stands from now on."""
    return (
        session.execute(
            select(NoShow.booking_id)
            .where(
                NoShow.decision.is_(None), NoShow.disputed_at.is_(None), NoShow.dispute_until <= now
            )
            .order_by(NoShow.dispute_until)
            .limit(limit)
        )
        .scalars()
        .all()
    )


def no_shows_disputed(session: Session, *, limit: int, cursor: str | None) -> Page[NoShow]:
    """Return the disputes that wait for an operator, the oldest first."""
    return paginate(
        session,
        select(NoShow).where(*disputed()),
        key=[NoShow.disputed_at, NoShow.booking_id],
        key_of=lambda row: [row.disputed_at, row.booking_id],
        limit=limit,
        cursor=cursor,
    )


def disputed() -> tuple[ColumnElement[bool], ...]:
    """What is true of a no-show that an operator has to decide."""
    return NoShow.decision.is_(None), NoShow.disputed_at.is_not(None)


def live_weeks_of(session: Session, booking_id: UUID) -> set[date]:
    """Return the Mondays in which the booking has a seat."""
    return set(
        session.execute(
            select(BookingWeek.week).where(
                BookingWeek.booking_id == booking_id, BookingWeek.released_at.is_(None)
            )
        ).scalars()
    )


def touched(
    session: Session, site_ids: Sequence[UUID], first: date, last: date
) -> Iterator[Booking]:
    """Yield the live bookings at the sites with a seat in a week from Monday `first` to `last`."""
    weeks = select(BookingWeek.booking_id).where(
        BookingWeek.booking_id == Booking.id,
        BookingWeek.released_at.is_(None),
        BookingWeek.week.between(first, last),
    )
    rows = session.execute(
        select(Booking)
        .where(
            Booking.site_id.in_(site_ids),
            Booking.first_day <= last,
            Booking.last_day >= first,
            Booking.state.in_([*sorted(TIMED), *sorted(CANCELLABLE)]),
            weeks.exists(),
        )
        .order_by(Booking.id),
        execution_options={"yield_per": 1000, "populate_existing": True},
    )
    yield from rows.scalars()


def force_majeure(session: Session, run_id: UUID, *, lock: bool = False) -> ForceMajeure:
    """Return a dry run or run; `NotFound` if there is none."""
    query = select(ForceMajeure).where(ForceMajeure.id == run_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def force_majeure_booking(
    session: Session, run_id: UUID, booking_id: UUID, *, lock: bool = False
) -> ForceMajeureBooking | None:
    """Return one booking of a run; with `lock`, ours until the transaction ends."""
    return session.get(
        ForceMajeureBooking,
        (run_id, booking_id),
        with_for_update=lock or None,
        populate_existing=lock,
    )


def pending_of(session: Session, run_id: UUID, limit: int) -> Sequence[UUID]:
    """Return bookings of a run that nothing was done about yet."""
    return (
        session.execute(
            select(ForceMajeureBooking.booking_id)
            .where(
                ForceMajeureBooking.force_majeure_id == run_id,
                ForceMajeureBooking.state == "pending",
            )
            .order_by(ForceMajeureBooking.booking_id)
            .limit(limit)
        )
        .scalars()
        .all()
    )


def force_majeure_counts(session: Session, run_id: UUID) -> dict[str, int]:
    """Return how many bookings of a run are in each state."""
    rows = session.execute(
        select(ForceMajeureBooking.state, func.count())
        .where(ForceMajeureBooking.force_majeure_id == run_id)
        .group_by(ForceMajeureBooking.state)
    )
    return {row[0]: row[1] for row in rows}


def force_majeures(
    session: Session, *, states: Collection[str], limit: int, cursor: str | None
) -> Page[ForceMajeure]:
    """Return dry runs and runs, the newest first; those in `states`, if any are named."""
    query = select(ForceMajeure)
    return paginate(
        session,
        query.where(ForceMajeure.state.in_(states)) if states else query,
        key=[ForceMajeure.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def force_majeure_progress(
    session: Session, run_ids: Collection[UUID]
) -> dict[UUID, dict[str, int]]:
    """Return for each run how many of its bookings are in each state; one query."""
    rows = session.execute(
        select(ForceMajeureBooking.force_majeure_id, ForceMajeureBooking.state, func.count())
        .where(ForceMajeureBooking.force_majeure_id.in_(run_ids))
        .group_by(ForceMajeureBooking.force_majeure_id, ForceMajeureBooking.state)
    )
    found: dict[UUID, dict[str, int]] = {run_id: {} for run_id in run_ids}
    for run_id, state, count in rows:
        found[run_id][state] = count
    return found


def force_majeure_sums(session: Session, run_id: UUID) -> list[SiteSum]:
    """Return what became of a run's bookings, by site, state and currency; one query."""
    currency = ForceMajeureBooking.__table__.c.refund_currency
    rows = session.execute(
        select(
            Booking.site_id,
            func.max(Booking.site_name),
            ForceMajeureBooking.state,
            func.count(),
            func.sum(ForceMajeureBooking.__table__.c.refund_minor),
            currency,
        )
        .join(Booking, Booking.id == ForceMajeureBooking.booking_id)
        .where(ForceMajeureBooking.force_majeure_id == run_id)
        .group_by(Booking.site_id, ForceMajeureBooking.state, currency)
        .order_by(func.max(Booking.site_name), Booking.site_id)
    )
    return [
        SiteSum(site_id, name, state, count, Money(int(minor), paid_in))
        for site_id, name, state, count, minor, paid_in in rows
    ]


def force_majeure_silent(session: Session, before: datetime) -> Sequence[UUID]:
    """Return the runs that are not done and of which nothing was done since `before`."""
    moved = select(ForceMajeureBooking.force_majeure_id).where(
        ForceMajeureBooking.force_majeure_id == ForceMajeure.id, ForceMajeureBooking.at > before
    )
    return (
        session.execute(
            select(ForceMajeure.id)
            .where(ForceMajeure.state == "running", ForceMajeure.run_at <= before, ~moved.exists())
            .order_by(ForceMajeure.id)
        )
        .scalars()
        .all()
    )


def force_majeure_bookings(
    session: Session, run_id: UUID, *, states: Collection[str], limit: int, cursor: str | None
) -> Page[ForceMajeureBooking]:
    """Return a page of a run's bookings; those in `states`, if any are named."""
    query = select(ForceMajeureBooking).where(ForceMajeureBooking.force_majeure_id == run_id)
    return paginate(
        session,
        query.where(ForceMajeureBooking.state.in_(states)) if states else query,
        key=[ForceMajeureBooking.booking_id],
        key_of=lambda row: [row.booking_id],
        limit=limit,
        cursor=cursor,
    )
