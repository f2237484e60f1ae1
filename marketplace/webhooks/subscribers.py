"""What is told to whom: events of the packages below as messages, in the transaction of each."""

from collections.abc import Mapping, Sequence
from typing import Any

from marketplace.booking import events as booking
from marketplace.compliance.events import AgreementInForce, DocumentsChanged
from marketplace.core.db import Session
from marketplace.core.events import Event, Subscription
from marketplace.core.money import Money
from marketplace.payments.events import HostPayout, InvoiceMoved, TransferSettled
from marketplace.webhooks.service.telling import tell

BOOKINGS: Mapping[type[booking.BookingEvent], str] = {
    booking.BookingSubmitted: "booking.submitted",
    booking.BookingConfirmed: "booking.confirmed",
    booking.BookingStarted: "booking.started",
    booking.BookingCompleted: "booking.completed",
    booking.BookingNoShow: "booking.no_show",
    booking.BookingCancelled: "booking.cancelled",
    booking.BookingReleased: "booking.released",
}
# A seat that is held is nobody's business but the trainee's, or the school's that holds it.
HELD = "held"
REQUESTS = {"waiting": "opened", "approved": "approved", "declined": "declined"}
INVOICES = {"open": "issued"}


def a_booking(session: Session, event: booking.BookingEvent) -> None:
    """Tell the site, and the school of what it has booked itself."""
    name = BOOKINGS[type(event)]
    data = {
        "booking_id": str(event.booking_id),
        "site_id": str(event.site_id),
        "listing_id": str(event.listing_id),
        "cohort_id": _id(event.cohort_id),
        "first_day": event.first_day.isoformat(),
        "weeks": event.weeks,
        "state": event.state,
    }
    if not (name == "booking.released" and event.before == HELD):
        tell(session, event.site_id, name, data, event.at)
    if event.cohort_id is not None and event.school_id is not None and name != "booking.submitted":
        tell(session, event.school_id, name, data, event.at)


def a_change(session: Session, event: booking.BookingChanged) -> None:
    """Tell the site which booking took over from which; another site's is none of its business."""
    if event.site_id != event.replaced_site_id:
        return
    data = {
        "booking_id": str(event.booking_id),
        "replaced_booking_id": str(event.replaced_id),
        "site_id": str(event.site_id),
        "kind": event.kind,
        "first_day": event.first_day.isoformat(),
        "weeks": event.weeks,
    }
    tell(session, event.site_id, "booking.changed", data, event.at)


def a_request(session: Session, event: booking.SchoolAsked) -> None:
    data = {
        "booking_id": str(event.booking_id),
        "school_id": str(event.school_id),
        "state": event.state,
        "decide_by": event.decide_by.isoformat(),
    }
    name = f"school_request.{REQUESTS[event.state]}"
    tell(session, event.school_id, name, data, event.at)


def documents(session: Session, event: DocumentsChanged) -> None:
    """Tell the site; a document is released for a booking and for nothing else."""
    data = {
        "booking_id": str(event.reference),
        "site_id": str(event.site_id),
        "cause": event.cause,
    }
    tell(session, event.site_id, "clearance.changed", data, event.at)


def a_transfer(session: Session, event: TransferSettled) -> None:
    data = {
        "transfer_id": str(event.transfer_id),
        "site_id": str(event.site_id),
        "booking_id": str(event.payable.id),
        "tranche": event.tranche,
        "amount": _money(event.amount),
    }
    tell(session, event.site_id, "transfer.settled", data, event.at)


def a_payout(session: Session, event: HostPayout) -> None:
    data: dict[str, Any] = {"site_id": str(event.site_id)}
    if event.reason is None:
        tell(session, event.site_id, "payout.paid", data, event.at)
    else:
        data["reason"] = event.reason
        tell(session, event.site_id, "payout.failed", data, event.at)


def an_invoice(session: Session, event: InvoiceMoved) -> None:
    data = {
        "invoice_id": str(event.invoice_id),
        "school_id": str(event.school_id),
        "state": event.state,
        "amount": _money(event.amount),
        "due_on": event.due_on.isoformat(),
    }
    name = f"invoice.{INVOICES.get(event.state, event.state)}"
    tell(session, event.school_id, name, data, event.at)


def an_agreement(session: Session, event: AgreementInForce) -> None:
    """Tell both sides."""
    data = {
        "agreement_id": str(event.agreement_id),
        "school_id": str(event.school_id),
        "site_id": str(event.site_id),
        "starts_on": event.starts_on.isoformat(),
        "ends_on": event.ends_on.isoformat(),
    }
    for owner_id in (event.site_id, event.school_id):
        tell(session, owner_id, "agreement.in_force", data, event.at)


def _id(found: object) -> str | None:
    return None if found is None else str(found)


def _money(amount: Money) -> dict[str, Any]:
    return {"amount": amount.minor, "currency": amount.currency}


_BOOKINGS: Sequence[tuple[type[Event], Any]] = [(kind, a_booking) for kind in BOOKINGS]
SUBSCRIPTIONS: Sequence[Subscription] = (
    *_BOOKINGS,
    (booking.BookingChanged, a_change),
    (booking.SchoolAsked, a_request),
    (DocumentsChanged, documents),
    (TransferSettled, a_transfer),
    (HostPayout, a_payout),
    (InvoiceMoved, an_invoice),
    (AgreementInForce, an_agreement),
)
