"""What the catalogue tells the packages above it, in the transaction of what happened."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from marketplace.core.events import Event


@dataclass(frozen=True)
class SeatsFreed(Event):
    """Seats may have come free in these weeks of pools, whose rows this transaction holds.

    `listing_ids` draw on these pools. Published by `service.seats` and nowhere else.
    """

    listing_ids: tuple[uuid.UUID, ...]
    places: Collection[tuple[uuid.UUID, date]]
