"""A calendar to subscribe to, in the form of RFC 5545 (and its names of RFC 7986).

Days are civil dates of the site, so an all-day event needs no zone; instants are written in UTC.
The same events give the same bytes: `DTSTAMP` is when the event was last changed, not when it was
written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from icalendar import Event

PRODUCT = "-//Rotation Marketplace//Calendar//EN"
# What UIDs end in: it stays the same wherever the product is served from.
DOMAIN = "rotation-marketplace"
REFRESH = timedelta(hours=1)
DAY = timedelta(days=1)


class Status(StrEnum):
    TENTATIVE = "TENTATIVE"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True)
class Entry:
    """One event. `first` to `last` are whole days, both included; or it is at one instant, `at`.

    `key` names it for ever; `sequence` grows with every change, `changed_at` is the last one.
    `busy` is whether it takes up its days.
    """

    key: str
    summary: str
    status: Status
    sequence: int
    changed_at: datetime
    first: date | None = None
    last: date | None = None
    at: datetime | None = None
    description: str = ""
    location: str = ""
    busy: bool = True


class Method(StrEnum):
    """What a mailed calendar does with its events (RFC 5546): puts them in, or calls them off."""

    PUBLISH = "PUBLISH"
    CANCEL = "CANCEL"


def mailed(method: Method, organizer: str, entries: Sequence[Entry]) -> bytes:
    """Return a calendar to be mailed, from the address `organizer`.

    Its events have the UIDs and sequences of those in feeds: a calendar program knows them again.
    """
    from icalendar import Calendar, vText  # noqa: PLC0415 - only where a calendar is written

    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", vText(method.value))
    for entry in entries:
        event = _event(entry)
        event.add("organizer", f"mailto:{organizer}")
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def write(name: str, time_zone: str, entries: Sequence[Entry]) -> bytes:
    """Return the calendar `name` with its entries in order; `time_zone` is what readers assume."""
    from icalendar import Calendar, vText  # noqa: PLC0415 - only where a feed is read

    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    # Given as texts, or a comma or line break in them would be written as it is.
    calendar.add("name", vText(_plain(name)))
    # What Apple and Google read.
    calendar.add("x-wr-calname", vText(_plain(name)))
    calendar.add("x-wr-timezone", vText(time_zone))
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vText("PT1H"))
    for entry in entries:
        calendar.add_component(_event(entry))
    return bytes(calendar.to_ical())


def _event(entry: Entry) -> "Event":
    from icalendar import Event  # noqa: PLC0415 - only where a feed is read

    event = Event()
    event.add("uid", f"{entry.key}@{DOMAIN}")
    event.add("dtstamp", entry.changed_at)
    event.add("last-modified", entry.changed_at)
    event.add("sequence", entry.sequence)
    if entry.at is not None:
        event.add("dtstart", entry.at)
    elif entry.first is not None:
        event.add("dtstart", entry.first)
        # The day after the last: an end is not part of its event.
        event.add("dtend", (entry.last or entry.first) + DAY)
    event.add("summary", _plain(entry.summary))
    if entry.description:
        event.add("description", _plain(entry.description))
    if entry.location:
        event.add("location", _plain(entry.location))
    event.add("status", entry.status.value)
    event.add("transp", "OPAQUE" if entry.busy else "TRANSPARENT")
    return event


def _plain(text: str) -> str:
    """Without control characters, which a calendar's text may not have; line breaks stay."""
    return "".join(sign for sign in text if (sign >= " " and sign != "\x7f") or sign == "\n")
