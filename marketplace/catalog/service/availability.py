"""A listing's weeks as the public reads them: the finished answer, kept for as long as it is true.

Bookings never read it. How old an answer can be, and when, is said in `core.freshness`.
"""

import base64
import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from marketplace.catalog.queries import seats
from marketplace.catalog.service.waking import subject_of
from marketplace.core import freshness
from marketplace.core.db import Session
from marketplace.core.ports import Cache

# How long an answer may outlive a change whose news was lost.
LIFE = timedelta(seconds=10)
TAG_BYTES = 12
TAG_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON that goes out, and a tag that changes with it (16 characters of base64)."""

    tag: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Weeks:
    """Weeks read from the database; not `public` are those of a listing that is not on show."""

    public: bool
    site_id: uuid.UUID
    answer: Answer


def kept(cache: Cache, listing_id: uuid.UUID, which: str) -> Answer | freshness.Ticket:
    """The public answer for the weeks that `which` names, or a ticket to `read` and keep it."""
    subject = subject_of(listing_id)
    found = freshness.look(cache, subject, f"availability:{listing_id}:{which}")
    if isinstance(found, freshness.Ticket):
        return found
    return Answer(found[:TAG_LENGTH].decode(), found[TAG_LENGTH:])


def read(
    session: Session,
    cache: Cache,
    tickets: Mapping[uuid.UUID, freshness.Ticket],
    first: date,
    last: date,
) -> dict[uuid.UUID, Weeks]:
    """Read the weeks from Monday `first` to Monday `last` of the listings that have tickets.

    What is for everybody is kept. One query; unknown listings are absent.
    """
    found = {}
    for listing_id, year in seats.availabilities(session, tickets, first, last).items():
        content = {"listing_id": str(listing_id), "weeks": year.as_json()}
        body = json.dumps(content, separators=(",", ":")).encode() + b"\n"
        tag = base64.urlsafe_b64encode(hashlib.sha256(body).digest()[:TAG_BYTES])
        if year.shown:
            freshness.keep(cache, tickets[listing_id], tag + body, LIFE)
        found[listing_id] = Weeks(year.shown, year.site_id, Answer(tag.decode(), body))
    return found
