"""What both sides are told of changes: other weeks, another trainee, and what is proposed.

With what was agreed come the days for a calendar, and what takes those before out of it.
"""

from datetime import datetime
from typing import Any

from marketplace.booking.models import Booking, BookingProposal
from marketplace.booking.rules.changes import ChangeKind, ChangeQuote
from marketplace.booking.service import notices, school_notices
from marketplace.booking.service.notices import (
    days,
    days_off,
    money_json,
    tell_host,
    tell_trainee,
)
from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.identity import queries as identity
from marketplace.identity.service.notices import notify


def rescheduled(
    session: Session, old: Booking, new: Booking, quote: ChangeQuote, now: datetime
) -> None:
    """Tell both sides of the new weeks, and the trainee of the money."""
    before: dict[str, Any] = {
        "first_day_before": old.first_day.isoformat(),
        "last_day_before": old.last_day.isoformat(),
        "trainee_name": name_of(session, new),
    }
    money = money_of(quote)
    own = _own(new, money)
    files = [days_off(session, old, now), days(session, new, now)]
    tell_trainee(session, new, "booking_rescheduled", now=now, files=files, **before, **own)
    tell_host(session, new, "booking_rescheduled", now=now, **before, **dict.fromkeys(money))
    school_notices.changed(session, old, new, quote, now)


def transferred(
    session: Session, old: Booking, new: Booking, quote: ChangeQuote, now: datetime
) -> None:
    """Tell who came, who comes, and the host; the first where later refunds go."""
    names: dict[str, Any] = {"from_name": name_of(session, old), "to_name": name_of(session, new)}
    money: dict[str, Any] = {"carried": money_json(quote.carried), **money_of(quote)}
    about = {**names, **_own(new, money)}
    gone, come = [days_off(session, old, now)], [days(session, new, now)]
    tell_trainee(session, old, "booking_transferred", now=now, files=gone, whose="giver", **about)
    tell_trainee(session, new, "booking_transferred", now=now, files=come, whose="taker", **about)
    hidden: dict[str, Any] = {**money, "carried": None, "due": None}
    tell_host(session, new, "booking_transferred", now=now, whose="host", **names, **hidden)
    school_notices.changed(session, old, new, quote, now)


def proposed_to_host(
    session: Session, booking: Booking, proposal: BookingProposal, now: datetime
) -> None:
    to = proposal.to_trainee_id if proposal.kind == ChangeKind.TRANSFER else None
    contact = identity.contact(session, to) if to else None
    tell_host(
        session,
        booking,
        "change_proposed",
        now=now,
        trainee_name=name_of(session, booking),
        to_name=contact.name if contact else None,
        new_first_day=proposal.first_day.isoformat(),
        weeks=proposal.weeks,
        message=proposal.message,
        decide_by=proposal.expires_at.isoformat(),
    )


def proposed_to_trainee(
    session: Session,
    booking: Booking,
    proposal: BookingProposal,
    quote: ChangeQuote,
    now: datetime,
) -> None:
    if proposal.to_trainee_id is None:
        return
    data: dict[str, Any] = {
        "listing_title": booking.listing_title,
        "site_name": booking.site_name,
        "first_day": booking.first_day.isoformat(),
        "last_day": booking.last_day.isoformat(),
        "time_zone": booking.time_zone,
        "from_name": name_of(session, booking),
        "message": proposal.message,
        "carried": money_json(quote.carried),
        "due": money_json(quote.due),
        "decide_by": proposal.expires_at.isoformat(),
    }
    notify(session, proposal.to_trainee_id, "transfer_offered", data, now=now)


def proposal_declined(
    session: Session, booking: Booking, proposal: BookingProposal, now: datetime
) -> None:
    reason = proposal.reason or ""
    if proposal.proposed_by is not None:
        school_notices.declined(session, booking, reason, now)
        return
    tell_trainee(session, booking, "change_declined", now=now, reason=reason)


def rescue_offered(
    session: Session, old: Booking, offer: Booking, quote: ChangeQuote, reason: str, now: datetime
) -> None:
    """Tell the trainee what is held in place of what was called off, and until when."""
    until = offer.hold_expires_at
    tell_trainee(
        session,
        old,
        "rescue_offered",
        now=now,
        reason=reason,
        offered_title=offer.listing_title,
        offered_site=offer.site_name,
        tier=offer.tier,
        approval=offer.approval,
        price=money_json(quote.price),
        paid=notices.money_of(old, quote.paid),
        decide_by=None if until is None else until.isoformat(),
    )
    school_notices.rescue_offered(session, old, offer, reason, now)


def rescued(
    session: Session, old: Booking, new: Booking, quote: ChangeQuote, now: datetime
) -> None:
    names: dict[str, Any] = {"trainee_name": name_of(session, new), "called_off": old.site_name}
    money = money_of(quote)
    own = _own(new, money)
    files = [days_off(session, old, now), days(session, new, now)]
    tell_trainee(session, new, "booking_rescued", now=now, files=files, **names, **own)
    tell_host(session, new, "booking_rescued", now=now, **names, **dict.fromkeys(money))
    school_notices.changed(session, old, new, quote, now)


def difference_borne(
    session: Session, old: Booking, new: Booking, amount: Money, now: datetime
) -> None:
    """Tell the host that called off what the rotation in its place costs it."""
    data: dict[str, Any] = {"taken_at": new.site_name, "amount": money_json(amount)}
    tell_host(session, old, "rescue_difference", now=now, **data)


def money_of(quote: ChangeQuote) -> dict[str, Any]:
    """What goes back and what is due, as templates take it."""
    return {
        "refund": money_json(quote.refund),
        "due": money_json(quote.due),
        "due_on": quote.due_on.isoformat() if quote.due_on else None,
    }


def _own(booking: Booking, money: dict[str, Any]) -> dict[str, Any]:
    """What the trainee is told of money: nothing of what their school pays."""
    return money if booking.cohort_id is None else dict.fromkeys(money)


def name_of(session: Session, booking: Booking) -> str:
    found = identity.contact(session, booking.trainee_id)
    return found.name if found else ""


def no_show_marked(
    session: Session, booking: Booking, reason: str, until: datetime, now: datetime
) -> None:
    """Tell the trainee what is said, in the host's words if there are any, and until when to dispute."""
    data: dict[str, Any] = {"reason": reason, "dispute_until": until.isoformat()}
    tell_trainee(session, booking, "no_show_marked", now=now, **data)


def no_show_disputed(session: Session, booking: Booking, text: str, now: datetime) -> None:
    name = name_of(session, booking)
    tell_host(session, booking, "no_show_disputed", now=now, trainee_name=name, words=text)


def no_show_decided(
    session: Session, booking: Booking, decision: str, refund: Money, reason: str, now: datetime
) -> None:
    back = notices.money_of(booking, refund)
    data: dict[str, Any] = {"decision": decision, "reason": reason, "refund": back}
    tell_trainee(session, booking, "no_show_decided", now=now, yours=True, **data)
    data |= {"refund": None, "yours": False}
    tell_host(session, booking, "no_show_decided", now=now, **data)
