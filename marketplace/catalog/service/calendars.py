"""Edits of calendars: seats and closed weeks over a range, for a pool, a listing or a whole site.

An edit is one transaction: every week becomes what was asked, or none does and the bookings that
stand against it are named. Each leaves its history, from which it can be undone by another edit.
Rows are held in one order, listings before pools before weeks, as those who take seats do.
"""

import hashlib
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date

from marketplace.catalog.errors import (
    ListingNotFound,
    PoolNotFound,
    SeatsShared,
)
from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.models import (
    Listing,
    SeatPool,
)
from marketplace.catalog.queries import calendars as queries
from marketplace.catalog.queries import held
from marketplace.catalog.queries.calendars import Scope
from marketplace.catalog.queries.held import HeldPools
from marketplace.catalog.rules import edits as rules
from marketplace.catalog.rules.edits import Action
from marketplace.catalog.rules.weeks import calendar, is_monday
from marketplace.catalog.service import edit_plans
from marketplace.catalog.service.edit_plans import EditPlan, ListingChange
from marketplace.catalog.service.edit_records import Author, write
from marketplace.catalog.states import EditKind
from marketplace.core.db import Session
from marketplace.core.errors import Invalid, PreconditionFailed

# What one transaction can hold and a person can look over.
MOST_ROWS = 50_000


@dataclass(frozen=True)
class Held:
    """What an edit of a scope may change, as it is now, and until the transaction ends if held."""

    scope: Scope
    pools: Sequence[SeatPool]
    listings: Sequence[Listing] = ()
    present: edit_plans.Weeks = field(default_factory=dict)

    @property
    def version(self) -> int:
        """Another number after every edit of these calendars: what an ETag is made of."""
        if self.scope.pool_id is not None:
            return self.pools[0].version
        parts = [f"{pool.id}:{pool.version}" for pool in self.pools]
        parts += [f"{one.id}:{one.blackout_weeks}" for one in self.listings]
        return int(hashlib.sha256("\n".join(parts).encode()).hexdigest()[:13], 16)

    @property
    def owner_id(self) -> uuid.UUID:
        """Whose calendar it is: the ETag's other half."""
        return self.scope.pool_id or self.scope.listing_id or self.scope.site_id


@dataclass(frozen=True)
class Wish:
    """`seats` for `set` (so many) and `add` (so many more, or fewer); none for the others."""

    action: Action
    weeks: Sequence[date]
    seats: int = 0


def hold(
    session: Session, scope: Scope, weeks: Collection[date] = (), *, keep: bool = True
) -> Held:
    """Find what the scope has, with these weeks of its pools: all that an edit of them looks at.

    With `keep` nobody else edits or, but for pools, takes of it until the end of the transaction.
    `PoolNotFound`, `ListingNotFound` for what is not the site's.
    """
    found = queries.listings(session, scope, hold=keep)
    if scope.listing_id is not None and not found:
        raise ListingNotFound
    has = held.pools(session, held.of_scope(scope), weeks, hold=keep)
    if scope.pool_id is not None and not has.pools:
        raise PoolNotFound
    return Held(scope, has.pools, found, has.weeks)


def weeks_to_hold(scope: Scope, wish: "Wish") -> Sequence[date]:
    """The weeks that the wish changes in pools: none where listings close or open theirs."""
    return wish.weeks if scope.pool_id or wish.action in (Action.SET, Action.ADD) else ()


def plan(session: Session, found: Held, wish: Wish, holders: SeatHolders | None) -> EditPlan:
    """What the edit would change; reads only. The weeks of the wish were asked for with `hold`.

    Seats are a pool's; closing and opening is about the pool's weeks where the scope is a pool,
    else about the listings'. `SeatsShared` if a listing has no seats of its own only.
    """
    if wish.action in (Action.CLOSE, Action.OPEN) and found.scope.pool_id is None:
        if holders is None:
            raise ValueError("closing weeks of listings needs to know who has their seats")
        return edit_plans.of_listings(session, _closings(found, wish), holders)
    if found.scope.listing_id is not None and not found.pools:
        raise SeatsShared
    if len(found.pools) * len(wish.weeks) > MOST_ROWS:
        raise Invalid(
            f"At most {MOST_ROWS} weeks of all pools together; these are"
            f" {len(found.pools) * len(wish.weeks)}.",
            fields={"weeks": ["Name fewer weeks, or one pool at a time."]},
        )
    targets = {
        (pool.id, week): _after(wish, edit_plans.state_of(found.present, pool.id, week))
        for pool in found.pools
        for week in sorted(wish.weeks)
    }
    return edit_plans.of_pools(session, found.pools, found.present, targets, holders)


def carry_out(session: Session, has: Held, wish: Wish, found: EditPlan, author: Author) -> EditPlan:
    """Do as planned, or raise what stands against it: `CapacityBelowTaken`, `WeeksInUse`."""
    found.refuse_obstacles()
    asked = {
        "action": wish.action.value,
        "weeks": [week.isoformat() for week in sorted(wish.weeks)],
        "seats": wish.seats if wish.action in (Action.SET, Action.ADD) else None,
        "pool_id": str(has.scope.pool_id) if has.scope.pool_id else None,
        "listing_id": str(has.scope.listing_id) if has.scope.listing_id else None,
    }
    kinds = {Action.CLOSE: EditKind.CLOSE, Action.OPEN: EditKind.OPEN}
    kind = kinds.get(wish.action, EditKind.SEATS)
    return write(session, has.scope.site_id, found, kind, asked, author)


def set_capacity(
    session: Session,
    pool_id: uuid.UUID,
    weeks: Sequence[date],
    capacity: int,
    *,
    expected_version: int,
    author: Author,
    holders: SeatHolders | None = None,
) -> int:
    """Give a pool `capacity` seats in each of `weeks`, Mondays; returns the pool's new version.

    `PreconditionFailed` if somebody edited the pool since `expected_version`;
    `CapacityBelowTaken`, naming the weeks and (by `holders`) the bookings, if more seats are taken
    than would be left.
    """
    if not weeks or len(weeks) > MOST_ROWS or not all(map(is_monday, weeks)):
        raise Invalid(
            f"Name from 1 to {MOST_ROWS} weeks by their Mondays.",
            fields={"weeks": ["These are not Mondays, or too many, or none."]},
        )
    has = held.pools(session, SeatPool.id == pool_id, weeks, hold=True)
    if not has.pools:
        raise PoolNotFound
    if has.pools[0].version != expected_version:
        raise PreconditionFailed
    return set_held(session, has, weeks, capacity, author=author, holders=holders)


def set_held(
    session: Session,
    has: HeldPools,
    weeks: Sequence[date],
    capacity: int,
    *,
    author: Author,
    holders: SeatHolders | None = None,
) -> int:
    """Do the same to a pool that the caller holds, and has found to be of the version it knows."""
    (pool,) = has.pools
    expected_version = pool.version
    wish = Wish(Action.SET, sorted(set(weeks)), capacity)
    found = Held(Scope(pool.site_id, pool.id), has.pools, present=has.weeks)
    done = carry_out(session, found, wish, plan(session, found, wish, holders), author)
    return expected_version + len(done.pools)


def _closings(has: Held, wish: Wish) -> list[ListingChange]:
    """Weeks within each listing's season that are to be closed, or closed ones to be opened."""
    weeks = set(wish.weeks)
    changes = []
    for listing in has.listings:
        closed = set(listing.blackout_weeks)
        if wish.action is Action.OPEN:
            changes.append(ListingChange(listing, opened=tuple(sorted(weeks & closed))))
        else:
            season = calendar(listing.first_start, listing.last_start, listing.weeks_max)
            wanted = weeks.intersection(season) - closed
            changes.append(ListingChange(listing, closed=tuple(sorted(wanted))))
    return changes


def _after(wish: Wish, before: rules.WeekState) -> rules.WeekState:
    try:
        return rules.after(wish.action, wish.seats, before)
    except ValueError as error:
        raise Invalid(f"{error}.", fields={"seats": [str(error)]}) from error
