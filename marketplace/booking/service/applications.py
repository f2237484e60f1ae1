"""Applications: submitted by the trainee, decided by the host, withdrawn by the trainee.

The seat is kept while the host decides, until the decision is due.
"""

from datetime import datetime
from uuid import UUID

from marketplace.booking.errors import ApprovalNotNeeded, NotOpenForThis
from marketplace.booking.models import Booking
from marketplace.booking.rules import frozen
from marketplace.booking.rules.deadlines import DECISION_BUSINESS_DAYS, decide_by, pay_by
from marketplace.booking.service import notices, payment, transition
from marketplace.booking.states import BookingState
from marketplace.catalog.rules.vocabulary import Approval
from marketplace.core.db import Session


def submit(session: Session, booking: Booking, *, message: str | None, now: datetime) -> None:
    """Hand the application to the host, who has ten business days; the seat is kept until then."""
    if booking.approval == Approval.INSTANT:
        raise ApprovalNotNeeded
    check_kept(booking, now)
    transition.move(
        session,
        booking,
        BookingState.SUBMITTED,
        actor_id=booking.trainee_id,
        reason="Application submitted.",
        now=now,
        hold_expires_at=decide_by(
            now,
            booking.first_day,
            booking.time_zone,
            frozen.decision_days(booking.policy) or DECISION_BUSINESS_DAYS,
        ),
        message=message or None,
    )
    notices.received(session, booking, now)


def approve(session: Session, booking: Booking, *, actor_id: UUID, now: datetime) -> None:
    """Agree: the trainee can pay from now on, for three days at most."""
    check_kept(booking, now)
    until = pay_by(now, booking.first_day, booking.time_zone)
    transition.move(
        session,
        booking,
        BookingState.AWAITING_PAYMENT,
        actor_id=actor_id,
        reason="Approved by the host.",
        now=now,
        hold_expires_at=until,
        pay_by=until,
    )
    notices.approved(session, booking, now)


def decline(
    session: Session, booking: Booking, *, actor_id: UUID, reason: str, now: datetime
) -> None:
    """Refuse, with the words that the trainee will read; the seat is free again."""
    transition.move(
        session, booking, BookingState.DECLINED, actor_id=actor_id, reason=reason, now=now
    )
    notices.declined(session, booking, reason, now)


def withdraw(session: Session, booking: Booking, *, reason: str, now: datetime) -> None:
    """Take back a booking that is not confirmed: nothing is owed, an open payment is closed.

    Money that arrives all the same goes back by itself.
    """
    transition.move(
        session,
        booking,
        BookingState.WITHDRAWN,
        actor_id=booking.trainee_id,
        reason=reason or "Withdrawn by the trainee.",
        now=now,
    )
    payment.drop(session, booking)


def check_kept(booking: Booking, now: datetime) -> None:
    """Refuse what comes after the seat's time, though the job that releases it has not run yet."""
    if booking.hold_expires_at is not None and booking.hold_expires_at <= now:
        raise NotOpenForThis(
            f"The seat was kept until {booking.hold_expires_at:%Y-%m-%d %H:%M} UTC.",
            extra={"hold_expires_at": booking.hold_expires_at.isoformat()},
        )
