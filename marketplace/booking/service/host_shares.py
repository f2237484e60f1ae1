"""Tells payments what has become of a rotation, so that its host is paid for what was attended.

The first part is released some days after the start, the rest at the end. While it is open what a
rotation that ended early pays back, nothing is released; once that is decided, the host has what is
left. The rows are written with whatever else the step writes.
"""

from datetime import datetime

from marketplace.booking import events, queries
from marketplace.booking.models import Booking
from marketplace.booking.states import BookingState
from marketplace.core.db import Session
from marketplace.payments.events import Payable
from marketplace.payments.service.hosts import shares
from marketplace.payments.states import ShareStep


def started(session: Session, event: events.BookingStarted) -> None:
    _tell(session, event, ShareStep.FIRST)


def completed(session: Session, event: events.BookingCompleted) -> None:
    _tell(session, event, ShareStep.REST)


def stopped(session: Session, event: events.BookingCancelled | events.BookingNoShow) -> None:
    """It ended early: what the host keeps is told by `decided`, perhaps later."""
    _tell(session, event, ShareStep.STOP)


def decided(session: Session, booking: Booking, now: datetime) -> None:
    """What goes back was asked for: what is left of the host's share is theirs."""
    payable = Payable(queries.PAYABLE, booking.id)
    shares.tell(session, payable, booking.site_id, ShareStep.REST, since=now, now=now)


def paid_later(session: Session, booking: Booking, now: datetime) -> None:
    """A balance came: of a rotation that is over, it is released at once."""
    if BookingState(booking.state) is BookingState.COMPLETED:
        decided(session, booking, now)


def _tell(session: Session, event: events.BookingEvent, step: ShareStep) -> None:
    payable = Payable(queries.PAYABLE, event.booking_id)
    shares.tell(session, payable, event.site_id, step, since=event.at, now=event.at)
