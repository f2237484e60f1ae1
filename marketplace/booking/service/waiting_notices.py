"""What those are told who wait for seats, or were given one by a round, or were not."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.booking.models import AllocationRound, RoundPlace, SeatOffer, WaitingEntry
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.service import notices
from marketplace.core.db import Session
from marketplace.identity import queries as identity
from marketplace.identity.service.notices import notify, notify_all


def offered(session: Session, entry: WaitingEntry, offer: SeatOffer, now: datetime) -> None:
    """The deadline is told in the zone that it is the end of a day in, which is named."""
    notify(session, entry.trainee_id, "waiting_offer", _facts(entry, offer), now=now)


def lapsed(session: Session, entry: WaitingEntry, offer: SeatOffer, now: datetime) -> None:
    notify(session, entry.trainee_id, "waiting_lapsed", _facts(entry, offer), now=now)


def closed(session: Session, entry: WaitingEntry, reason: str, now: datetime) -> None:
    data = {**_facts(entry, None), "reason": reason}
    notify(session, entry.trainee_id, "waiting_closed", data, now=now)


def matched(session: Session, place: RoundPlace, offer: SeatOffer, now: datetime) -> None:
    """A round gave a place; the deadline is told by the trainee's clock."""
    data = {
        "round_id": str(place.round_id),
        "listing_title": place.listing_title,
        "site_name": place.site_name,
        "first_day": place.first_day.isoformat(),
        "last_day": Rotation(place.first_day, place.weeks).last_day.isoformat(),
        "expires_at": offer.expires_at.isoformat(),
    }
    notify(session, offer.trainee_id, "round_matched", data, now=now)


def unmatched(
    session: Session, found: AllocationRound, trainee_id: UUID, now: datetime, *, waits: bool
) -> None:
    """A round gave nothing; `waits`: the trainee is on waiting lists now, as asked for."""
    data = {"round_id": str(found.id), "title": found.title, "waits": waits}
    notify(session, trainee_id, "round_unmatched", data, now=now)


def decided(
    session: Session,
    found: AllocationRound,
    places: Sequence[RoundPlace],
    given: Mapping[UUID, int],
    now: datetime,
) -> None:
    """A round was run: each site with a place in it is told how many of its places are offered."""
    for site_id in sorted({place.site_id for place in places}):
        own = [place for place in places if place.site_id == site_id]
        data = {
            "round_id": str(found.id),
            "title": found.title,
            "site_id": str(site_id),
            "site_name": own[0].site_name,
            "places": sum(place.quota for place in own),
            "offered": sum(given.get(place.id, 0) for place in own),
        }
        people = identity.site_contacts(session, site_id, *notices.DECIDERS)
        notify_all(session, people, "round_decided", data, now=now)


def _facts(entry: WaitingEntry, offer: SeatOffer | None) -> dict[str, Any]:
    facts = {
        "entry_id": str(entry.id),
        "listing_id": str(entry.listing_id),
        "listing_title": entry.listing_title,
        "site_name": entry.site_name,
        "first_day": entry.first_day.isoformat(),
        "last_day": entry.last_day.isoformat(),
    }
    if offer is not None:
        facts |= {"expires_at": offer.expires_at.isoformat(), "time_zone": offer.time_zone}
    return facts
