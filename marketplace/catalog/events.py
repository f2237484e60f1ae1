"""What the catalogue tells the packages above it, in the transaction of what happened."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from marketplace.core.events import Event


@dataclass(frozen=True)
class SeatsFreed(Event):
    """Seats may have come free in these weeks of pools, whose rows this transaction holds.

    `listing_ids` draw on these pools. Published by `service.seats` and nowhere else.
    """

    listing_ids: tuple[uuid.UUID, ...]
    places: Collection[tuple[uuid.UUID, date]]


@dataclass(frozen=True)
class StaffDecided(Event):
    """An operator has judged a site, or a listing of it; for the audit trail.

    `what` is `site.verified`, `site.rejected`, `listing.approved`, `listing.sent_back` or
    `listing.flag_taken_away`; `detail` says by what evidence, of which listing, and why.
    """

    site_id: uuid.UUID
    actor_id: uuid.UUID
    what: str
    at: datetime
    detail: Mapping[str, str] = field(default_factory=dict)
