"""Pools of seats: made, named, and shared among listings of a site.

A listing may be given another pool whenever its seats fit there, bookings or not. The listing's row
is held meanwhile, which takers and givers of its seats wait for: the seats that its bookings have
are counted in the new pool and, where it leaves one, no longer in the old, all in one transaction.
What a pool's counter says is so at every moment the sum of its listings' seats in use.
"""

import uuid
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from sqlalchemy import delete, insert, tuple_

from marketplace.catalog.errors import (
    CapacityBelowTaken,
    LastPool,
    ListingNotFound,
    OtherPreceptor,
    PoolNotFound,
)
from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.models import CalendarEdit, Listing, ListingPool, SeatEdit, SeatPool
from marketplace.catalog.queries import calendars as queries
from marketplace.catalog.queries import listings
from marketplace.catalog.queries import seats as seat_queries
from marketplace.catalog.rules.edits import WeekState
from marketplace.catalog.rules.weeks import monday_of
from marketplace.catalog.service import edit_plans, holding, seats, waking
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
) -> None:
    """Have listings draw on a pool too or, with `alone`, on it instead of those that they have.

    Twice is once. `CapacityBelowTaken`, naming weeks and bookings, where the pool has too few free
    seats for those that the listings' bookings have; `OtherPreceptor` for a preceptor's pool.
    """
    found = _held(session, site_id, listing_ids)
    links = seat_queries.links(session, [listing.id for listing in found])
    leaving = {link for link in links if alone and link[1] != pool_id}
    pools = queries.some_pools(session, {pool_id} | {left for _, left in leaving})
    pool = _pool(pools, site_id, pool_id)
    if pool.preceptor_id and any(one.preceptor_id != pool.preceptor_id for one in found):
        raise OtherPreceptor
    joining = {(listing.id, pool_id) for listing in found} - links
    _change(session, pools, joining, leaving, author, holders, EditKind.SHARE)


def unshare(
    session: Session,
    site_id: uuid.UUID,
    pool_id: uuid.UUID,
    listing_id: uuid.UUID,
    author: Author,
    holders: SeatHolders,
) -> None:
    """Have a listing draw on a pool no more; `LastPool` if it is its only one. Twice is once."""
    _held(session, site_id, [listing_id])
    links = seat_queries.links(session, [listing_id])
    pools = queries.some_pools(session, [pool_id])
    _pool(pools, site_id, pool_id)
    leaving = {link for link in links if link[1] == pool_id}
    if leaving and len(links) == 1:
        raise LastPool
    _change(session, pools, set(), leaving, author, holders, EditKind.UNSHARE)


def _held(
    session: Session, site_id: uuid.UUID, listing_ids: Collection[uuid.UUID]
) -> Sequence[Listing]:
    found = queries.some_listings(session, listing_ids)
    if len(found) != len(set(listing_ids)) or any(one.site_id != site_id for one in found):
        raise ListingNotFound
    return found


def _pool(pools: Sequence[SeatPool], site_id: uuid.UUID, pool_id: uuid.UUID) -> SeatPool:
    for pool in pools:
        if pool.id == pool_id and pool.site_id == site_id:
            return pool
    raise PoolNotFound


def _change(
    session: Session,
    pools: Sequence[SeatPool],
    joining: Links,
    leaving: Links,
    author: Author,
    holders: SeatHolders,
    kind: EditKind,
) -> None:
    """Move the seats in use with the links; the caller holds the listings and the pools."""
    if not joining | leaving:
        return
    used = holders.counts(session, {listing_id for listing_id, _ in joining | leaving})
    moved: Places = Counter()
    for links, sign in ((joining, 1), (leaving, -1)):
        for listing_id, pool_id in links:
            for (owner, week), count in used.items():
                if owner == listing_id:
                    moved[pool_id, week] += sign * count
    concerned = {pool_id for _, pool_id in joining | leaving}
    past = _room(session, concerned, moved, author, holders, joining)
    seats.write_weeks(session, past)
    seats.count_anew(session, moved)
    if leaving:
        pair = tuple_(ListingPool.listing_id, ListingPool.pool_id)
        session.execute(delete(ListingPool).where(pair.in_(sorted(leaving))))
    if joining:
        new = [{"listing_id": one, "pool_id": pool_id} for one, pool_id in sorted(joining)]
        session.execute(insert(ListingPool), new)
    waking.seats_changed(session, {listing_id for listing_id, _ in joining | leaving})
    _record(
        session, [pool for pool in pools if pool.id in concerned], joining, leaving, author, kind
    )


def _room(
    session: Session,
    concerned: Collection[uuid.UUID],
    moved: Places,
    author: Author,
    holders: SeatHolders,
    joining: Links,
) -> dict[tuple[uuid.UUID, date], WeekState]:
    """Refuse weeks that have no room for the seats that come; what past weeks must become.

    Nobody can take a seat of a week that is over: there the pool only has to hold what was.
    """
    weeks = {week for _, week in moved}
    present = queries.weeks(session, concerned, weeks, hold=True)
    this_week = monday_of(author.now.date())
    past: dict[tuple[uuid.UUID, date], WeekState] = {}
    over: dict[date, int] = {}
    for (pool_id, week), count in moved.items():
        if count <= 0:
            continue
        state = edit_plans.state_of(present, pool_id, week)
        here = present.get((pool_id, week))
        wanted = count + (here.taken if here else 0)
        if wanted > state.capacity and week < this_week:
            past[pool_id, week] = WeekState(wanted)
        elif wanted > state.capacity:
            over[week] = wanted
    if over:
        ids = {listing_id for listing_id, _ in joining}
        found = holders.holding(session, ids, weeks=set(over))
        raise CapacityBelowTaken(
            f"The pool has too few free seats in the week of {holding.in_words(over)}"
            f" for {holding.named(found)}.",
            extra={
                "weeks": [
                    {"week": week.isoformat(), "taken": taken}
                    for week, taken in sorted(over.items())
                ],
                "bookings": holding.as_json(found),
            },
        )
    return past


def _record(
    session: Session,
    pools: Sequence[SeatPool],
    joining: Links,
    leaving: Links,
    author: Author,
    kind: EditKind,
) -> None:
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
    rows.flush(session)
