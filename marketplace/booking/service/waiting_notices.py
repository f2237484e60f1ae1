"""What who waits is told: a seat is offered, an offer has lapsed, no offer can come any more."""

from datetime import datetime
from typing import Any

from marketplace.booking.models import SeatOffer, WaitingEntry
from marketplace.core.db import Session
from marketplace.identity.service.notices import notify


def offered(session: Session, entry: WaitingEntry, offer: SeatOffer, now: datetime) -> None:
    """The deadline is told in the zone that it is the end of a day in, which is named."""
    notify(session, entry.trainee_id, "waiting_offer", _facts(entry, offer), now=now)


def lapsed(session: Session, entry: WaitingEntry, offer: SeatOffer, now: datetime) -> None:
    notify(session, entry.trainee_id, "waiting_lapsed", _facts(entry, offer), now=now)


def closed(session: Session, entry: WaitingEntry, reason: str, now: datetime) -> None:
    data = {**_facts(entry, None), "reason": reason}
    notify(session, entry.trainee_id, "waiting_closed", data, now=now)


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
