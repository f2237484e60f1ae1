"""What calendar feeds show: bookings with their last change, and changes of seats by week."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select

from marketplace.booking.models import Booking, BookingTransition, BookingWeek, CalendarFeed
from marketplace.booking.states import CANCELLED, OWNED, BookingState
from marketplace.core.db import Session

SHOWN_TO_HOSTS = [*sorted(OWNED), *sorted(CANCELLED), BookingState.NO_SHOW]


@dataclass(frozen=True)
class Dated:
    """A booking, and when its state changed last."""

    booking: Booking
    changed_at: datetime

    @property
    def sequence(self) -> int:
        """Grows with every change of the booking, from 0."""
        return self.booking.version - 1


@dataclass(frozen=True)
class SeatChanges:
    """How often seats of a week were taken or given up, and when last."""

    count: int
    last: datetime


def feed_by_digest(session: Session, digest: bytes) -> CalendarFeed | None:
    """The feed at an address; revoked ones are found too."""
    return session.execute(
        select(CalendarFeed).where(CalendarFeed.digest == digest)
    ).scalar_one_or_none()


def feeds_of(session: Session, account_id: UUID) -> Sequence[CalendarFeed]:
    """An account's feeds that are not revoked, oldest first."""
    return (
        session.execute(
            select(CalendarFeed)
            .where(CalendarFeed.account_id == account_id, CalendarFeed.revoked_at.is_(None))
            .order_by(CalendarFeed.id)
        )
        .scalars()
        .all()
    )


def of_trainee_since(session: Session, trainee_id: UUID, since: date) -> list[Dated]:
    """A trainee's bookings that end on `since` or later, in every state."""
    return _dated(session, Booking.trainee_id == trainee_id, Booking.last_day >= since)


def of_site_between(
    session: Session,
    site_id: UUID,
    listing_ids: Collection[UUID] | None,
    first: date,
    last: date,
) -> list[Dated]:
    """What hosts see of a site's bookings between two days: who comes, came, or was to come.

    Bookings that were called off count if they had been confirmed. Only those of `listing_ids`
    where these are given.
    """
    was_confirmed = exists().where(
        BookingTransition.booking_id == Booking.id,
        BookingTransition.to_state == BookingState.CONFIRMED,
    )
    conditions = [
        Booking.site_id == site_id,
        Booking.state.in_(SHOWN_TO_HOSTS),
        Booking.first_day <= last,
        Booking.last_day >= first,
        was_confirmed,
    ]
    if listing_ids is not None:
        conditions.append(Booking.listing_id.in_(list(listing_ids)))
    return _dated(session, *conditions)


def seat_changes(
    session: Session, listing_ids: Collection[UUID], first: date, last: date
) -> dict[date, SeatChanges]:
    """Changes of seats of these listings by week."""
    rows = session.execute(
        select(
            BookingWeek.week,
            func.count() + func.count(BookingWeek.released_at),
            func.max(func.greatest(BookingWeek.taken_at, BookingWeek.released_at)),
        )
        .join(Booking, Booking.id == BookingWeek.booking_id)
        .where(
            Booking.listing_id.in_(list(listing_ids)),
            Booking.first_day <= last,
            Booking.last_day >= first,
            BookingWeek.week.between(first, last),
        )
        .group_by(BookingWeek.week)
    )
    return {row[0]: SeatChanges(row[1], row[2]) for row in rows}


def _dated(session: Session, *conditions: ColumnElement[bool]) -> list[Dated]:
    last_step = (
        select(func.max(BookingTransition.at))
        .where(BookingTransition.booking_id == Booking.id)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Booking, last_step).where(*conditions).order_by(Booking.first_day, Booking.id)
    )
    return [Dated(row[0], row[1]) for row in rows]
