"""What an edit of calendars would change, and what stands against it.

Worked out from rows that are held, so that what is planned is what is done.
"""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from marketplace.catalog.errors import CapacityBelowTaken, WeeksInUse
from marketplace.catalog.gateway import SeatHolder, SeatHolders
from marketplace.catalog.models import Listing, SeatPool
from marketplace.catalog.queries.calendars import PoolWeek
from marketplace.catalog.rules.edits import NO_SEATS, Run, WeekState, runs
from marketplace.catalog.service import holding
from marketplace.core.db import Session

Weeks = Mapping[tuple[uuid.UUID, date], PoolWeek]
Targets = Mapping[tuple[uuid.UUID, date], WeekState]


@dataclass(frozen=True)
class PoolChange:
    """What becomes of a pool's weeks."""

    pool: SeatPool
    runs: Sequence[Run]

    @property
    def pool_id(self) -> uuid.UUID:
        return self.pool.id

    @property
    def name(self) -> str:
        return self.pool.name

    @property
    def version(self) -> int:
        return self.pool.version


@dataclass(frozen=True)
class ListingChange:
    """Which weeks are closed and opened for a listing alone."""

    listing: Listing
    closed: tuple[date, ...] = ()
    opened: tuple[date, ...] = ()

    @property
    def listing_id(self) -> uuid.UUID:
        return self.listing.id

    @property
    def external_id(self) -> str:
        return self.listing.external_id

    @property
    def title(self) -> str:
        return self.listing.title

    @property
    def blackout_weeks(self) -> list[date]:
        """All closed weeks of the listing after the change."""
        return sorted({*self.listing.blackout_weeks, *self.closed} - set(self.opened))


@dataclass(frozen=True)
class Obstacle:
    """A week that can't become what was asked: `taken` seats stand against it."""

    code: str
    pool_id: uuid.UUID | None
    listing_id: uuid.UUID | None
    week: date
    taken: int


@dataclass(frozen=True)
class EditPlan:
    """What would change, or has where `edit_id` is given; nothing may where there are obstacles."""

    pools: Sequence[PoolChange] = ()
    listings: Sequence[ListingChange] = ()
    obstacles: Sequence[Obstacle] = ()
    bookings: Sequence[SeatHolder] = field(default=())
    committed: bool = False
    edit_id: uuid.UUID | None = None

    def refuse_obstacles(self) -> None:
        """Raise what stands against the plan, naming weeks and bookings, if anything does."""
        if not self.obstacles:
            return
        by = f" By {holding.named(self.bookings)}." if self.bookings else ""
        extra = {
            "weeks": [_obstacle(one) for one in self.obstacles],
            "bookings": holding.as_json(self.bookings),
        }
        weeks = holding.in_words({one.week for one in self.obstacles})
        if all(one.code == CapacityBelowTaken.code for one in self.obstacles):
            detail = f"More seats are taken than would be left in the week of {weeks}.{by}"
            raise CapacityBelowTaken(detail, extra=extra)
        raise WeeksInUse(f"Seats are taken in the week of {weeks}.{by}", extra=extra)


def of_pools(
    session: Session,
    pools: Sequence[SeatPool],
    present: Weeks,
    targets: Targets,
    holders: SeatHolders | None,
) -> EditPlan:
    """The plan that brings weeks of the pools from what they are to `targets`."""
    obstacles = []
    for (pool_id, week), target in targets.items():
        taken = present[pool_id, week].taken if (pool_id, week) in present else 0
        if taken > target.capacity:
            code = WeeksInUse.code if target.closed else CapacityBelowTaken.code
            obstacles.append(Obstacle(code, pool_id, None, week, taken))
    before: dict[uuid.UUID, dict[date, WeekState]] = defaultdict(dict)
    after: dict[uuid.UUID, dict[date, WeekState]] = defaultdict(dict)
    for (pool_id, week), target in targets.items():
        before[pool_id][week] = state_of(present, pool_id, week)
        after[pool_id][week] = target
    found = {pool.id: runs(before[pool.id], after[pool.id]) for pool in pools}
    changes = [PoolChange(pool, found[pool.id]) for pool in pools if found[pool.id]]
    concerned = {one.pool_id for one in obstacles if one.pool_id}
    bookings = (
        holding.of_pools(session, concerned, {one.week for one in obstacles}, holders)
        if obstacles
        else ()
    )
    return EditPlan(pools=changes, obstacles=obstacles, bookings=bookings)


def of_listings(
    session: Session, changes: Sequence[ListingChange], holders: SeatHolders
) -> EditPlan:
    """The plan that closes and opens weeks of single listings."""
    changes = [change for change in changes if change.closed or change.opened]
    closing = {change.listing_id: set(change.closed) for change in changes if change.closed}
    if not closing:
        return EditPlan(listings=changes)
    weeks = {week for some in closing.values() for week in some}
    found = [
        holder
        for holder in holders.holding(session, list(closing), weeks=weeks)
        if closing[holder.listing_id] & set(holder.weeks)
    ]
    obstacles: dict[tuple[uuid.UUID, date], int] = {}
    for holder in found:
        for week in closing[holder.listing_id] & set(holder.weeks):
            place = (holder.listing_id, week)
            obstacles[place] = obstacles.get(place, 0) + 1
    return EditPlan(
        listings=changes,
        obstacles=[
            Obstacle(WeeksInUse.code, None, listing_id, week, taken)
            for (listing_id, week), taken in sorted(obstacles.items())
        ],
        bookings=found,
    )


def both(one: EditPlan, other: EditPlan) -> EditPlan:
    """Two plans as one."""
    return EditPlan(
        pools=[*one.pools, *other.pools],
        listings=[*one.listings, *other.listings],
        obstacles=[*one.obstacles, *other.obstacles],
        bookings=[*one.bookings, *other.bookings],
    )


def state_of(present: Weeks, pool_id: uuid.UUID, week: date) -> WeekState:
    """What a pool's week is; one that nobody has given seats has none."""
    found = present.get((pool_id, week))
    return found.state if found else NO_SEATS


def _obstacle(one: Obstacle) -> dict[str, Any]:
    owner = {"pool_id": one.pool_id, "listing_id": one.listing_id}
    named = {name: str(value) for name, value in owner.items() if value}
    return {**named, "week": one.week.isoformat(), "taken": one.taken}
