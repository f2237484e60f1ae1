"""What a school's coordinators are told, and its students of what it does with their places."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.booking.models import Booking, BookingProposal, Cohort
from marketplace.booking.rules.changes import ChangeKind, ChangeQuote
from marketplace.booking.service.notices import money_json, tell_people, tell_trainee
from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.identity import queries as identity
from marketplace.identity.queries import schools


def reminded(
    session: Session,
    booking: Booking,
    account_ids: Sequence[UUID],
    trainee_name: str,
    until: datetime,
    now: datetime,
) -> None:
    """Remind these coordinators of a student who waits for their school's word."""
    tell_people(
        session,
        booking,
        account_ids,
        "school_request_soon",
        now=now,
        trainee_name=trainee_name,
        decide_by=until.isoformat(),
        school_id=str(booking.school_id),
    )


def given_up(
    session: Session,
    booking: Booking,
    reason: str | None,
    now: datetime,
    *,
    handed_on: bool = False,
) -> None:
    """Tell a student that their school has given their place up, before it was paid, or to another."""
    tell_trainee(
        session,
        booking,
        "booking_cancelled",
        now=now,
        cancelled_by="school",
        handed_on=handed_on,
        reason=reason,
        refund=None,
        back=None,
    )


def proposed(session: Session, booking: Booking, proposal: BookingProposal, now: datetime) -> None:
    """Ask the student: other weeks of their place, or a place that was another's."""
    if proposal.to_trainee_id is None or booking.school_id is None:
        return
    tell_people(
        session,
        booking,
        [proposal.to_trainee_id],
        "place_proposed",
        now=now,
        kind=proposal.kind,
        school_name=schools.names(session, [booking.school_id])[booking.school_id],
        new_first_day=proposal.first_day.isoformat(),
        weeks=proposal.weeks,
        message=proposal.message,
        decide_by=proposal.expires_at.isoformat(),
    )


def changed(
    session: Session, old: Booking, new: Booking, quote: ChangeQuote, now: datetime
) -> None:
    """Tell the school that a change of its place has taken effect, and of the money."""
    what = {ChangeKind.RESCHEDULE: "moved", ChangeKind.TRANSFER: "handed_on"}
    _tell(
        session,
        new,
        what.get(quote.kind, "rescued"),
        now,
        other=old.site_name if quote.kind is ChangeKind.RESCUE else _name(session, old),
        refund=quote.refund,
        due=quote.due,
    )


def declined(session: Session, booking: Booking, reason: str, now: datetime) -> None:
    """Tell the school that what it proposed was not agreed to."""
    _tell(session, booking, "declined", now, reason=reason)


def cancelled(
    session: Session, booking: Booking, refund: Money, reason: str, now: datetime
) -> None:
    """Tell the school that a place has ended early, and what goes back to it."""
    _tell(session, booking, "cancelled", now, refund=refund, reason=reason)


def lost(session: Session, booking: Booking, reason: str, now: datetime) -> None:
    """Tell the school that a place has ended before it was paid; nothing for a trainee's own."""
    _tell(session, booking, "cancelled", now, reason=reason)


def rescue_offered(
    session: Session, old: Booking, offer: Booking, reason: str, now: datetime
) -> None:
    """Tell the school what is held in place of what was called off; its student is asked."""
    held = f"{offer.listing_title}, {offer.site_name}"
    _tell(session, old, "called_off", now, other=held, reason=reason, until=offer.hold_expires_at)


def rescue_agreed(
    session: Session, old: Booking, offer: Booking, until: datetime, now: datetime
) -> None:
    """Tell the school that its student agrees: it can take what is held."""
    held = f"{offer.listing_title}, {offer.site_name}"
    _tell(session, old, "agreed", now, other=held, until=until)


def _tell(
    session: Session,
    booking: Booking,
    what: str,
    now: datetime,
    *,
    other: str = "",
    reason: str = "",
    refund: Money | None = None,
    due: Money | None = None,
    until: datetime | None = None,
) -> None:
    if booking.school_id is None or booking.cohort_id is None:
        return
    data: dict[str, Any] = {
        "what": what,
        "student_name": _name(session, booking),
        "cohort_name": session.get_one(Cohort, booking.cohort_id).name,
        "cohort_id": str(booking.cohort_id),
        "school_id": str(booking.school_id),
        "other": other,
        "reason": reason,
        "refund": money_json(refund) if refund else None,
        "due": money_json(due) if due else None,
        "decide_by": until.isoformat() if until else None,
    }
    people = [one.account_id for one in schools.coordinators(session, booking.school_id)]
    tell_people(session, booking, people, "place_news", now=now, **data)


def _name(session: Session, booking: Booking) -> str:
    found = identity.contact(session, booking.trainee_id)
    return found.name if found else ""
