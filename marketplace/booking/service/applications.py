"""Applications: submitted by the trainee, decided by the host, withdrawn by the trainee.

The seat is kept while the host decides, until the decision is due. A host that asks for more waits
for the trainee meanwhile: its own time stands still. What is said goes with the step it belongs to.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete

from marketplace.booking import queries
from marketplace.booking.errors import (
    ApprovalNotNeeded,
    AskedOftenEnough,
    NotOpenForThis,
    ReasonTextNeeded,
)
from marketplace.booking.models import ApplicationEntry, Booking, BookingReminder
from marketplace.booking.queries import applying
from marketplace.booking.rules import frozen, reasons
from marketplace.booking.rules.deadlines import (
    DECISION_BUSINESS_DAYS,
    answer_by,
    decide_again_by,
    decide_by,
    pay_by,
)
from marketplace.booking.service import (
    agreeing,
    notices,
    payment,
    questions,
    school_notices,
    schooling,
    transition,
)
from marketplace.booking.states import UNDECIDED, BookingState
from marketplace.catalog.rules.vocabulary import Approval
from marketplace.core.db import Session
from marketplace.core.jobs import defer
from marketplace.core.states import plain

MOST_ASKED = 3
FOLLOW_RESCUE = "booking.follow_rescue"


def submit(
    session: Session,
    booking: Booking,
    *,
    message: str | None,
    now: datetime,
    answers: Mapping[str, Any] | None = None,
    questions_version: int | None = None,
    actor_id: UUID | None = None,
) -> None:
    """Hand the application to the host, who has ten business days; the seat is kept until then.

    `answers` are to the questions that the listing asks now, whose version the trainee names;
    `actor_id` is who applies for the trainee, where another does.
    """
    if booking.approval == Approval.INSTANT:
        raise ApprovalNotNeeded
    check_kept(booking, now)
    schooling.check_approved(session, [booking])
    version, given = questions.answered(
        session, booking.listing_id, questions_version, answers or {}
    )
    until = decide_by(
        now,
        booking.first_day,
        booking.time_zone,
        frozen.decision_days(booking.policy) or DECISION_BUSINESS_DAYS,
    )
    transition.move(
        session,
        booking,
        BookingState.SUBMITTED,
        actor_id=actor_id or booking.trainee_id,
        reason="Application submitted.",
        now=now,
        hold_expires_at=_at_most(booking, until),
        message=message or None,
    )
    author_id = actor_id or booking.trainee_id
    _note(session, booking, "submitted", message or "", author_id, now, version, given)
    notices.received(session, booking, now)


def approve(session: Session, booking: Booking, *, actor_id: UUID, now: datetime) -> None:
    """Agree: the trainee can pay from now on, for three days at most.

    What takes the place of a rotation that was called off is paid for, and taken a moment later.
    """
    _check_undecided(session, booking)
    check_kept(booking, now)
    until = pay_by(now, booking.first_day, booking.time_zone)
    until = agreeing.longer(session, booking, until, now)
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
    if booking.replaces_id is None:
        notices.approved(session, booking, now)
    else:
        # Paid for already: a job takes it with the locks of what it takes the place of.
        defer(session, FOLLOW_RESCUE, booking_id=str(booking.replaces_id))


def decline(
    session: Session,
    booking: Booking,
    *,
    actor_id: UUID,
    now: datetime,
    reason: str = "",
    code: str = reasons.OTHER,
) -> None:
    """Refuse; the seat is free again. The trainee reads the reason.

    `code` is one of the controlled list; `other` needs words (`ReasonTextNeeded`).
    """
    _check_undecided(session, booking)
    words = reasons.in_words(code, reason)
    if not words:
        raise ReasonTextNeeded(fields={"reason": ["Needed where no reason of the list is named."]})
    transition.move(
        session,
        booking,
        BookingState.DECLINED,
        actor_id=actor_id,
        reason=words,
        code=code,
        now=now,
    )
    notices.declined(session, booking, words, now)
    school_notices.lost(session, booking, words, now)
    if booking.replaces_id is not None:
        defer(session, FOLLOW_RESCUE, booking_id=str(booking.replaces_id))


def ask_for_more(
    session: Session, booking: Booking, *, text: str, actor_id: UUID, now: datetime
) -> None:
    """Ask the trainee for more, who has five business days; the host's own time stands still.

    Three times at most (`AskedOftenEnough`), and not while an answer is awaited.
    """
    _check_undecided(session, booking)
    check_kept(booking, now)
    said = applying.entries(session, booking.id)
    if sum(entry.kind == "more_asked" for entry in said) >= MOST_ASKED:
        raise AskedOftenEnough
    transition.move(
        session,
        booking,
        BookingState.MORE_ASKED,
        actor_id=actor_id,
        reason="The host asks for more.",
        now=now,
        hold_expires_at=_at_most(booking, answer_by(now, booking.first_day, booking.time_zone)),
    )
    _note(session, booking, "more_asked", text, actor_id, now)
    notices.more_asked(session, booking, text, now)


def answer(
    session: Session,
    booking: Booking,
    *,
    text: str,
    now: datetime,
    answers: Mapping[str, Any] | None = None,
) -> None:
    """Answer what the host asked; `answers` replace those given before, by their keys.

    The host has what was left of its time, two business days at least. The questions are those of
    the version that was answered first, whatever is asked of others by now.
    """
    if BookingState(booking.state) is not BookingState.MORE_ASKED:
        raise NotOpenForThis("The host has asked for nothing.", extra={"state": booking.state})
    check_kept(booking, now)
    version, given = _answered_again(session, booking, answers or {})
    until = decide_again_by(now, booking.first_day, booking.time_zone, _left(session, booking))
    transition.move(
        session,
        booking,
        BookingState.SUBMITTED,
        actor_id=booking.trainee_id,
        reason="The questions are answered.",
        now=now,
        hold_expires_at=_at_most(booking, until),
    )
    _note(session, booking, "answered", text, booking.trainee_id, now, version, given)
    # Both deadlines are new ones if they come again, and so are their reminders.
    session.execute(
        delete(BookingReminder).where(
            BookingReminder.booking_id == booking.id,
            BookingReminder.kind.in_(["decide_soon", "answer_soon"]),
        )
    )
    notices.answered(session, booking, now)


def withdraw(
    session: Session,
    booking: Booking,
    *,
    reason: str,
    now: datetime,
    actor_id: UUID | None = None,
) -> None:
    """Take back a booking that is not confirmed: nothing is owed, an open payment is closed.

    `actor_id` is who does, where it is not the trainee.

    Money that arrives all the same goes back by itself. A host that had the application is told.
    """
    applied = booking.approval == Approval.REQUEST and booking.state != BookingState.HELD
    transition.move(
        session,
        booking,
        BookingState.WITHDRAWN,
        actor_id=actor_id or booking.trainee_id,
        reason=reason or "No reason was given.",
        now=now,
    )
    payment.drop(session, booking)
    if applied:
        notices.withdrawn(session, booking, now)


def check_kept(booking: Booking, now: datetime) -> None:
    """Refuse what comes after the seat's time, though the job that releases it has not run yet."""
    if booking.hold_expires_at is not None and booking.hold_expires_at <= now:
        raise NotOpenForThis(
            f"The seat was kept until {booking.hold_expires_at:%Y-%m-%d %H:%M} UTC.",
            extra={"hold_expires_at": booking.hold_expires_at.isoformat()},
        )


def _check_undecided(session: Session, booking: Booking) -> None:
    """Refuse what is no application; tell who comes second by whom it is decided, and how.

    The table alone would not do: a seat that is only held, or kept for a payment, may await its
    payment (again) too, and a host has no say in that.
    """
    if BookingState(booking.state) in UNDECIDED:
        return
    decided = applying.decision(session, booking.id)
    if decided is not None:
        raise transition.superseded(session, booking, decided)
    raise NotOpenForThis(
        f"Only an application that waits for the host can be decided; this booking is"
        f" {plain(booking.state)}.",
        extra={"state": booking.state},
    )


def _answered_again(
    session: Session, booking: Booking, answers: Mapping[str, Any]
) -> tuple[UUID | None, dict[str, Any] | None]:
    before = applying.last_answers(session, [booking.id]).get(booking.id)
    if before is None or before.question_version_id is None:
        questions.fitting([], answers)
        return None, None
    version_id = before.question_version_id
    version = applying.question_versions(session, [version_id])[version_id]
    whole = {**(before.answers or {}), **answers}
    return version_id, questions.fitting(questions.asked(version), whole)


def _at_most(booking: Booking, until: datetime) -> datetime:
    """When the seat's time ends; in place of a rotation that was called off, no later than before."""
    if booking.replaces_id is None or booking.hold_expires_at is None:
        return until
    return min(until, booking.hold_expires_at)


def _left(session: Session, booking: Booking) -> timedelta:
    """What was left of the host's time when it asked."""
    *_, before, asked = queries.history(session, booking.id)
    return timedelta(0) if before.kept_until is None else before.kept_until - asked.at


def _note(
    session: Session,
    booking: Booking,
    kind: str,
    body: str,
    actor_id: UUID,
    now: datetime,
    version_id: UUID | None = None,
    answers: dict[str, Any] | None = None,
) -> None:
    """Written with the notices that tell of it."""
    session.add(
        ApplicationEntry(
            booking_id=booking.id,
            number=booking.version,
            kind=kind,
            body=body,
            question_version_id=version_id,
            answers=answers,
            actor_id=actor_id,
            at=now,
        )
    )
