"""What speaks for a payment that a payer disputes at their bank: the history of its bookings.

Serves `payments.gateway.EvidenceSource`. Documents and letters are not in it: they were given for
other ends.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.models import Booking
from marketplace.booking.queries import hosts, messages
from marketplace.core.db import Session
from marketplace.identity import queries as identity
from marketplace.payments.events import Payable

MOST_MESSAGES = 100
BETWEEN = "\n\n"
_Say = Callable[[Session, Booking], str]


class BookedEvidence:
    """Gathers texts on each booking that a payment is for; a constant number of queries for each."""

    def evidence(self, session: Session, payables: Sequence[Payable]) -> Mapping[str, str]:
        ids = [payable.id for payable in payables if payable.kind == queries.PAYABLE]
        if not ids:
            return {}
        booked = [queries.find(session, booking_id) for booking_id in ids]
        payer = identity.contact(session, booked[0].trainee_id)
        texts = {
            part: BETWEEN.join(said for one in booked if (said := say(session, one)))
            for part, say in PARTS.items()
        }
        if payer is not None:
            texts |= {"customer_name": payer.name, "customer_email": payer.email}
        return {part: said for part, said in texts.items() if said}


def _product(_session: Session, booking: Booking) -> str:
    return (
        f"{booking.listing_title}: a clinical rotation of {booking.weeks} week(s) at "
        f"{booking.site_name}, {booking.first_day} to {booking.last_day}. Price {booking.total}, "
        f"of which {booking.paid} was paid."
    )


def _dates(_session: Session, booking: Booking) -> str:
    return f"{booking.first_day} to {booking.last_day}"


def _policy(_session: Session, booking: Booking) -> str:
    return booking.policy_summary


def _agreed(session: Session, booking: Booking) -> str:
    first = queries.history(session, booking.id)[0]
    return (
        f"These terms were shown with the price before the booking was made, and frozen on it on "
        f"{_at(first.at)}, before anything was paid: {booking.policy_summary}"
    )


def _refunds(session: Session, booking: Booking) -> str:
    agreed = queries.cancellation(session, booking.id)
    if agreed is None:
        return "The booking was not cancelled, so by the policy nothing goes back."
    lines = "; ".join(str(line["text"]) for line in agreed.lines)
    return (
        f"Cancelled on {_at(agreed.at)}, {agreed.days_before} day(s) before the start. The exact "
        f"refund was shown and agreed to before: {agreed.refund} goes back, {agreed.kept} is kept. "
        f"{lines}"
    )


def _history(session: Session, booking: Booking) -> str:
    rows = queries.history(session, booking.id)
    people = _names(session, [row.actor_id for row in rows])
    return "\n".join(
        f"{_at(row.at)}: {row.to_state.replace('_', ' ')}"
        + (f" by {people[row.actor_id]}" if row.actor_id in people else "")
        + f". {row.reason}"
        for row in rows
    )


def _attendance(session: Session, booking: Booking) -> str:
    marks = hosts.attendance(session, [booking.id])[booking.id]
    people = _names(session, [mark.marked_by for mark in marks])
    return "\n".join(
        f"{mark.day}: {mark.mark}, marked by {people.get(mark.marked_by, 'the host')} on "
        f"{_at(mark.marked_at)}"
        for mark in marks
    )


def _messages(session: Session, booking: Booking) -> str:
    page = messages.page(session, booking.id, limit=MOST_MESSAGES, cursor=None)
    return "\n".join(
        f"{_at(one.sent_at)}, {one.role}: {one.body}"
        for one in reversed(page.items)
        if one.kind == "text"
    )


def _names(session: Session, ids: Sequence[UUID | None]) -> dict[UUID, str]:
    wanted = sorted({one for one in ids if one is not None}, key=str)
    return {key: one.name for key, one in identity.contacts(session, wanted).items()}


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


PARTS: Mapping[str, _Say] = {
    "product": _product,
    "service_dates": _dates,
    "policy": _policy,
    "policy_agreed": _agreed,
    "refunds": _refunds,
    "history": _history,
    "attendance": _attendance,
    "messages": _messages,
}
