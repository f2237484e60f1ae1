"""An account that is to be erased: what of it is open here, and what goes with it."""

from sqlalchemy import select

from marketplace.booking.models import Booking, WaitingEntry
from marketplace.booking.queries import feeds as feed_queries
from marketplace.booking.service import feeds, waiting
from marketplace.booking.states import CANCELLABLE, TIMED, WaitingState
from marketplace.core.db import Session
from marketplace.identity.events import AccountErasing, ErasureConsidered, ErasureHindrance
from marketplace.identity.rules import ErasureStep
from marketplace.identity.service.erasing import empty_notices_about


def consider(session: Session, event: ErasureConsidered) -> None:
    """Name the bookings that have to end first: whoever gives up one is shown what it pays back."""
    rows = session.execute(
        select(Booking.id, Booking.listing_title, Booking.state)
        .where(
            Booking.trainee_id == event.account_id,
            Booking.state.in_([*sorted(TIMED), *sorted(CANCELLABLE)]),
        )
        .order_by(Booking.first_day, Booking.id)
    )
    event.hindrances.extend(
        ErasureHindrance("booking", str(row.id), row.listing_title, row.state) for row in rows
    )


def erase(session: Session, event: AccountErasing) -> None:
    """End calendar feeds, leave the lines that the account waits in, empty mails. History stays."""
    if event.step == ErasureStep.BOOKINGS:
        _leave(session, event)
    if event.step == ErasureStep.NOTICES:
        own = select(Booking.id).where(Booking.trainee_id == event.account_id)
        ids = [str(one) for one in session.execute(own).scalars()]
        empty_notices_about(session, event.account_id, {"booking_id": ids})


def _leave(session: Session, event: AccountErasing) -> None:
    for feed in feed_queries.feeds_of(session, event.account_id):
        feeds.revoke(session, event.account_id, feed.id, event.at)
    entries = session.execute(
        select(WaitingEntry)
        .where(
            WaitingEntry.trainee_id == event.account_id,
            WaitingEntry.state == WaitingState.WAITING.value,
        )
        .order_by(WaitingEntry.id)
        .with_for_update()
    ).scalars()
    for entry in entries.all():
        waiting.leave(session, entry, event.at)
