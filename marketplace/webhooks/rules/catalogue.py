"""What can be told: event types with the schemas of their data, and an example of each.

A payload is `{"type", "version", "timestamp", "data"}`. Members may be added to `data` at any time; a
member that changes its meaning or goes away makes a new version of its type, told beside the old.
Data are ids and facts of dates, states and money: whoever needs more asks the API, which knows what
they may see.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from marketplace.webhooks.rules.owners import Side

Json = dict[str, Any]
PING = "ping"
SCHEMA = "https://json-schema.org/draft/2020-12/schema"
AN_ID = "01a1f0de-7c3c-7d6a-9b1e-3f2a5c4d6e70"
A_TIME = "2027-03-01T15:00:00+00:00"

_ID: Json = {"type": "string", "format": "uuid", "examples": [AN_ID]}
_ID_OR_NONE: Json = {"type": ["string", "null"], "format": "uuid", "examples": [None]}
_DAY: Json = {"type": "string", "format": "date", "examples": ["2027-03-01"]}
_MOMENT: Json = {"type": "string", "format": "date-time", "examples": [A_TIME]}
_COUNT: Json = {"type": "integer", "minimum": 1, "examples": [4]}
_AMOUNT: Json = {
    "type": "object",
    "required": ["amount", "currency"],
    "properties": {
        "amount": {"type": "integer", "description": "Minor units: cents for USD."},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
    },
    "examples": [{"amount": 42500, "currency": "USD"}],
}
_BOOKING: Json = {
    "booking_id": _ID,
    "site_id": _ID,
    "listing_id": _ID,
    "cohort_id": {**_ID_OR_NONE, "description": "Where a school has booked it with others."},
    "first_day": _DAY,
    "weeks": _COUNT,
}


@dataclass(frozen=True)
class EventType:
    """A type: whom it is told to, what it says in words, and the members of its data."""

    name: str
    sides: frozenset[Side]
    says: str
    members: Mapping[str, Json]
    version: int = 1

    @property
    def schema(self) -> Json:
        """The JSON Schema of the whole payload."""
        data = {
            "type": "object",
            "required": list(self.members),
            "properties": dict(self.members),
        }
        return {
            "$schema": SCHEMA,
            "title": self.name,
            "type": "object",
            "required": ["type", "version", "timestamp", "data"],
            "properties": {
                "type": {"const": self.name},
                "version": {"const": self.version},
                "timestamp": _MOMENT,
                "data": data,
            },
        }

    @property
    def example(self) -> Json:
        """A payload as it is sent."""
        data = {name: member["examples"][0] for name, member in self.members.items()}
        return {"type": self.name, "version": self.version, "timestamp": A_TIME, "data": data}


def _one_of(*values: str) -> Json:
    return {"type": "string", "enum": list(values), "examples": [values[0]]}


def _booking(name: str, sides: frozenset[Side], says: str, *states: str) -> EventType:
    return EventType(f"booking.{name}", sides, says, {**_BOOKING, "state": _one_of(*states)})


def _invoice(name: str, says: str) -> EventType:
    members = {
        "invoice_id": _ID,
        "school_id": _ID,
        "state": _one_of({"issued": "open"}.get(name, name)),
        "amount": _AMOUNT,
        "due_on": _DAY,
    }
    return EventType(f"invoice.{name}", frozenset({Side.SCHOOL}), says, members)


def _request(name: str, says: str, state: str) -> EventType:
    members = {
        "booking_id": _ID,
        "school_id": _ID,
        "state": _one_of(state),
        "decide_by": _MOMENT,
    }
    return EventType(f"school_request.{name}", frozenset({Side.SCHOOL}), says, members)


@cache
def types() -> Mapping[str, EventType]:
    """Return all types by their names, in the order in which they are shown."""
    site, school = frozenset({Side.SITE}), frozenset({Side.SCHOOL})
    both = site | school
    found = (
        _booking("submitted", site, "An application waits for the host.", "submitted"),
        _booking("confirmed", both, "A booking is paid and sure.", "confirmed"),
        _booking("started", both, "A rotation has begun.", "in_progress"),
        _booking("completed", both, "A rotation is over, and was done.", "completed"),
        _booking("no_show", both, "The trainee never came.", "no_show"),
        _booking(
            "cancelled",
            both,
            "A confirmed booking was called off.",
            "cancelled_by_trainee",
            "cancelled_by_host",
            "cancelled_by_operator",
        ),
        _booking(
            "released",
            both,
            "A booking ended before it was confirmed. A site is told of those that it knew of.",
            "expired",
            "withdrawn",
            "declined",
        ),
        EventType(
            "booking.changed",
            site,
            "A booking has taken over from another, which was cancelled for it.",
            {
                "booking_id": _ID,
                "replaced_booking_id": _ID,
                "site_id": _ID,
                "kind": _one_of("reschedule", "transfer"),
                "first_day": _DAY,
                "weeks": _COUNT,
            },
        ),
        EventType(
            "clearance.changed",
            site,
            "The documents that count for a booking have changed: ask for its clearance. What runs"
            " out by its date is not told.",
            {
                "booking_id": _ID,
                "site_id": _ID,
                "cause": _one_of("released", "taken_back", "accepted", "rejected", "waived"),
            },
        ),
        EventType(
            "transfer.settled",
            site,
            "A part of what the host earned is in its balance at the payment company.",
            {
                "transfer_id": _ID,
                "site_id": _ID,
                "booking_id": _ID,
                "tranche": _COUNT,
                "amount": _AMOUNT,
            },
        ),
        EventType(
            "payout.paid",
            site,
            "The payment company has paid the host's balance out to its bank.",
            {"site_id": _ID},
        ),
        EventType(
            "payout.failed",
            site,
            "The host's bank gave a payout back; the money is still owed.",
            {"site_id": _ID, "reason": {"type": "string", "examples": ["account_closed"]}},
        ),
        _request("opened", "A student asks for the school's word on a booking.", "waiting"),
        _request("approved", "The school has approved a booking.", "approved"),
        _request("declined", "The school has declined a booking.", "declined"),
        _invoice("issued", "An invoice was issued to the school."),
        _invoice("paid", "An invoice is paid."),
        _invoice("overdue", "An invoice was not paid by its day."),
        _invoice("void", "An invoice no longer counts."),
        EventType(
            "agreement.in_force",
            both,
            "A school and a site have an agreement.",
            {
                "agreement_id": _ID,
                "school_id": _ID,
                "site_id": _ID,
                "starts_on": _DAY,
                "ends_on": _DAY,
            },
        ),
        EventType(
            PING,
            frozenset(),
            "Somebody tries the endpoint out. It is not chosen: it comes when asked for.",
            {"endpoint_id": _ID},
        ),
    )
    return {one.name: one for one in found}


def chosen(side: Side) -> list[str]:
    """Return the names that an endpoint of this side may choose."""
    return [name for name, one in types().items() if side in one.sides]
