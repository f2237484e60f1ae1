"""Pools of seats: made, named, and shared among listings of a site.

A listing may be given another pool whenever its seats fit there, bookings or not. The listing's row
is held meanwhile, which takers and givers of its seats wait for: the seats that its bookings have
are counted in the new pool and, where it leaves one, no longer in the old, all in one transaction.
What a pool's counter says is so at every moment the sum of its listings' seats in use.
"""

import uuid
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from marketplace.catalog.errors import (
    CapacityBelowTaken,
    LastPool,
    ListingNotFound,
    OtherPreceptor,
    PoolNotFound,
    SeatsNotTaken,
)
from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.models import CalendarEdit, Listing, SeatEdit, SeatPool
from marketplace.catalog.queries import calendars as queries
from marketplace.catalog.queries import held, listings
from marketplace.catalog.queries.calendars import PoolWeek
from marketplace.catalog.queries.held import Shown
from marketplace.catalog.rules.edits import NO_SEATS, WeekState
from marketplace.catalog.rules.weeks import monday_of, run_of_weeks
from marketplace.catalog.service import holding, overview, seats, waking
from marketplace.catalog.service.edit_records import Author
from marketplace.catalog.states import EditKind
from marketplace.core import rows
from marketplace.core.db import Session
from marketplace.core.errors import Invalid, NotFound
from marketplace.core.ids import new_id

Links = set[tuple[uuid.UUID, uuid.UUID]]
Places = Counter[tuple[uuid.UUID, date]]


def create(
    session: Session, site_id: uuid.UUID, name: str, preceptor_id: uuid.UUID | None = None
) -> SeatPool:
    """A pool without seats yet, to be shared by listings of a site, or of one preceptor there."""
    theirs = preceptor_id and listings.preceptor_site(session, preceptor_id)
    if theirs != site_id and listings.site(session, site_id) is None:
        raise NotFound
    if preceptor_id is not None and theirs != site_id:
        raise Invalid(fields={"preceptor_id": ["The site has no such preceptor."]})
    pool = SeatPool(id=new_id(), site_id=site_id, preceptor_id=preceptor_id, name=name, version=1)
    session.add(pool)
    session.flush()
    return pool


def rename(session: Session, pool: SeatPool, name: str) -> None:
    """Give a pool another name; the caller holds it."""
    pool.name = name
    pool.version += 1
    session.flush()


def share(
    session: Session,
    site_id: uuid.UUID,
    pool_id: uuid.UUID,
    listing_ids: Collection[uuid.UUID],
    author: Author,
    holders: SeatHolders,
    *,
    alone: bool = False,
) -> dict[str, Any]:
    """Have listings draw on a pool too or, with `alone`, on it instead of those that they have.

    Returns the pool as `overview` shows it. Twice is once. `CapacityBelowTaken`, naming weeks and
    bookings, where the pool has too few free seats for those that the listings' bookings have;
    `OtherPreceptor` for a preceptor's pool.
    """
    found = _held(session, site_id, listing_ids, pool_id, author.now, holders, leaving=alone)
    pool = found.pool
    if pool.preceptor_id and any(one.preceptor_id != pool.preceptor_id for one in found.listings):
        raise OtherPreceptor
    leaving = {link for link in found.links if alone and link[1] != pool_id}
    joining = {(listing.id, pool_id) for listing in found.listings} - found.links
    return _change(session, found, joining, leaving, author, holders, EditKind.SHARE)


def unshare(
    session: Session,
    site_id: uuid.UUID,
    pool_id: uuid.UUID,
    listing_id: uuid.UUID,
    author: Author,
    holders: SeatHolders,
) -> dict[str, Any]:
    """Have a listing draw on a pool no more; `LastPool` if it is its only one. Twice is once.

    Returns the pool as `overview` shows it.
    """
    found = _held(session, site_id, [listing_id], pool_id, author.now, holders)
    leaving = {link for link in found.links if link[1] == pool_id}
    if leaving and len(found.links) == 1:
        raise LastPool
    return _change(session, found, set(), leaving, author, holders, EditKind.UNSHARE)


def give_back(
    session: Session,
    site_id: uuid.UUID,
    pool_id: uuid.UUID,
    author: Author,
    holders: SeatHolders,
    listing_id: uuid.UUID | None = None,
) -> None:
    """Have a listing, or all of a pool's, draw on it no more; whoever has no other: on its own.

    Its own is the one that it came with, which has its name, or else a new one; whoever has come with
    this very pool stays on it. All of them or, where the seats of one's bookings don't fit there, none:
    `CapacityBelowTaken`.
    """
    (pool,) = queries.some_pools(session, [pool_id]) or (None,)
    if pool is None or pool.site_id != site_id:
        raise PoolNotFound
    drawn = queries.links(session, pool_id)
    if listing_id is not None:
        drawn = {key: one for key, one in drawn.items() if key == listing_id}
        if (pool.name, 1) in drawn.values():
            raise LastPool
    else:
        drawn = {key: one for key, one in drawn.items() if one[0] != pool.name}
    last = {key: name for key, (name, count) in drawn.items() if count == 1}
    own = queries.idle(session, site_id, list(last.values())) if last else {}
    for key in drawn:
        if key not in last:
            unshare(session, site_id, pool_id, key, author, holders)
            continue
        name = last[key]
        place = own[name] if name in own else create(session, site_id, name).id
        share(session, site_id, place, [key], author, holders, alone=True)


@dataclass(frozen=True)
class _Found:
    """What is held: listings with their links and seats in use, the pool and those to be left."""

    listings: Sequence[Listing]
    links: Links
    used: Mapping[tuple[uuid.UUID, date], int]
    pool: SeatPool
    pools: Sequence[SeatPool]
    weeks: Mapping[tuple[uuid.UUID, date], PoolWeek]
    shown: Shown


def _held(
    session: Session,
    site_id: uuid.UUID,
    listing_ids: Collection[uuid.UUID],
    pool_id: uuid.UUID,
    now: datetime,
    holders: SeatHolders,
    *,
    leaving: bool = False,
) -> _Found:
    """The listings first: while they are held, neither their pools nor their bookings' seats change.

    With `leaving` all the pools that they draw on are held besides.
    """
    found = queries.some_listings(session, listing_ids)
    if len(found) != len(set(listing_ids)) or any(one.site_id != site_id for one in found):
        raise ListingNotFound
    used = holders.counts(session, listing_ids)
    has = held.to_share(
        session,
        pool_id,
        listing_ids,
        run_of_weeks(monday_of(now.date()), overview.WEEKS_SHOWN),
        leaving=leaving,
    )
    for pool in has.pools:
        if pool.id == pool_id and pool.site_id == site_id:
            return _Found(found, has.links, used, pool, has.pools, has.weeks, has.shown)
    raise PoolNotFound


def _change(
    session: Session,
    found: _Found,
    joining: Links,
    leaving: Links,
    author: Author,
    holders: SeatHolders,
    kind: EditKind,
) -> dict[str, Any]:
    """Move the seats in use with the links, all in one statement."""
    if not joining | leaving:
        return overview.pool(found.pool, found.shown)
    moved: Places = Counter()
    for links, sign in ((joining, 1), (leaving, -1)):
        for listing_id, pool_id in links:
            for (owner, week), count in found.used.items():
                if owner == listing_id:
                    moved[pool_id, week] += sign * count
    concerned = sorted({pool_id for _, pool_id in joining | leaving})
    after = _room(session, found.weeks, moved, author, holders, joining)
    pools = [pool for pool in found.pools if pool.id in concerned]
    _record(session, pools, joining, leaving, author, kind)
    *_, touched = rows.flush(
        session,
        seats.recounted(after),
        links_left(leaving),
        links_joined(joining),
        seats.drawing(concerned),
    )
    ids = {listing_id for listing_id, _ in joining | leaving}.union(map(uuid.UUID, touched))
    waking.seats_changed(session, ids)
    seats.tell_of_more(session, tuple(sorted(ids)), _free({**found.weeks, **after}, author.now))
    return overview.pool(found.pool, _shown_after(found, joining, leaving, after))


def _free(
    weeks: Mapping[tuple[uuid.UUID, date], PoolWeek], now: datetime
) -> list[tuple[uuid.UUID, date]]:
    """Where a seat is free that somebody may wait for: who draws on these pools has changed."""
    this_week = monday_of(now.date())
    return sorted(
        place
        for place, one in weeks.items()
        if place[1] >= this_week and one.taken < one.state.capacity
    )


def _shown_after(
    found: _Found,
    joining: Links,
    leaving: Links,
    after: Mapping[tuple[uuid.UUID, date], PoolWeek],
) -> Shown:
    """The pool as it is now, worked out: what was read is as of before the change."""
    own = found.pool.id
    gone = {listing_id for listing_id, pool_id in leaving if pool_id == own}
    come = {listing_id for listing_id, pool_id in joining if pool_id == own}
    listings = [one for one in found.shown.listings if one[0] not in gone]
    listings += [
        (one.id, one.external_id, one.title, one.state) for one in found.listings if one.id in come
    ]
    known = found.shown.weeks
    weeks = {week: after.get((own, week), one) for week, one in known.items()}
    return Shown(sorted(listings, key=lambda one: one[1]), weeks)


def _room(
    session: Session,
    present: Mapping[tuple[uuid.UUID, date], PoolWeek],
    moved: Places,
    author: Author,
    holders: SeatHolders,
    joining: Links,
) -> dict[tuple[uuid.UUID, date], PoolWeek]:
    """What weeks become; those that have no room for the seats that come are refused.

    Nobody can take a seat of a week that is over: there the pool only has to hold what was.
    """
    this_week = monday_of(author.now.date())
    after: dict[tuple[uuid.UUID, date], PoolWeek] = {}
    over: dict[date, int] = {}
    for (pool_id, week), count in moved.items():
        here = present.get((pool_id, week), PoolWeek(NO_SEATS, 0))
        wanted = count + here.taken
        if wanted < 0:
            raise SeatsNotTaken
        if count > 0 and wanted > here.state.capacity:
            if week >= this_week:
                over[week] = wanted
            after[pool_id, week] = PoolWeek(WeekState(wanted), wanted)
        elif count:
            after[pool_id, week] = PoolWeek(here.state, wanted)
    if over:
        ids = {listing_id for listing_id, _ in joining}
        found = holders.holding(session, ids, weeks=set(over))
        raise CapacityBelowTaken(
            f"The pool has too few free seats in the week of {holding.in_words(over)}"
            f" for {holding.named(found)}. Give it as many seats first.",
            extra={
                "weeks": [
                    {"week": week.isoformat(), "taken": taken}
                    for week, taken in sorted(over.items())
                ],
                "bookings": holding.as_json(found),
            },
        )
    return after


def _record(
    session: Session,
    pools: Sequence[SeatPool],
    joining: Links,
    leaving: Links,
    author: Author,
    kind: EditKind,
) -> None:
    """The history of the change, to be written with it."""
    asked: dict[str, Any] = {
        name: [
            {"listing_id": str(listing_id), "pool_id": str(pool_id)}
            for listing_id, pool_id in sorted(links)
        ]
        for name, links in (("joins", joining), ("leaves", leaving))
    }
    edit = CalendarEdit(
        id=new_id(),
        site_id=pools[0].site_id,
        account_id=author.account_id,
        recorded_at=author.now,
        kind=kind,
        why=author.why,
        asked=asked,
    )
    session.add(edit)
    for pool in pools:
        pool.version += 1
        session.add(SeatEdit(pool_id=pool.id, version=pool.version, edit_id=edit.id, changes=[]))


def links_joined(links: Links) -> rows.Part:
    """What has listings draw on pools, as pairs of their ids."""
    some = sorted(links)
    return rows.Part(
        "INSERT INTO listing_pool (listing_id, pool_id) SELECT * FROM"
        " unnest(CAST(:joining AS uuid[]), CAST(:joined AS uuid[])) RETURNING 1",
        {"joining": [one for one, _ in some], "joined": [pool_id for _, pool_id in some]},
    )


def links_left(links: Links) -> rows.Part:
    """What has them draw on these pools no more."""
    some = sorted(links)
    return rows.Part(
        "DELETE FROM listing_pool own"
        " USING unnest(CAST(:leaving AS uuid[]), CAST(:left AS uuid[])) gone(listing_id, pool_id)"
        " WHERE own.listing_id = gone.listing_id AND own.pool_id = gone.pool_id RETURNING 1",
        {"leaving": [one for one, _ in some], "left": [pool_id for _, pool_id in some]},
    )
