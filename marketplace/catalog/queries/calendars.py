"""A site's calendars for those who edit them: pools, closed weeks, and every edit."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, exists, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import contains_eager, joinedload

from marketplace.catalog.models import (
    CalendarEdit,
    Listing,
    ListingClosing,
    ListingPool,
    Preceptor,
    SeatEdit,
    SeatPool,
    SeatWeek,
    Site,
)
from marketplace.catalog.rules.edits import WeekState, from_json
from marketplace.catalog.states import ListingState
from marketplace.core.db import Session
from marketplace.web.pagination import Page, paginate


@dataclass(frozen=True)
class Scope:
    """What an edit is about: one pool, one listing, or all of a site where neither is named."""

    site_id: uuid.UUID
    pool_id: uuid.UUID | None = None
    listing_id: uuid.UUID | None = None


@dataclass(frozen=True)
class LastEdit:
    """Who edited last, and when; nobody where a command did."""

    at: datetime
    account_id: uuid.UUID | None


@dataclass(frozen=True)
class PoolWeek:
    """A pool's week as it is: its seats and whether it is closed, and how many are taken."""

    state: WeekState
    taken: int


def listings(session: Session, scope: Scope, *, hold: bool) -> Sequence[Listing]:
    """The listings whose weeks an edit would close; with `hold` against takers and editors.

    None for a pool: it closes weeks of its own. Retired ones take no bookings and are left out.
    """
    if scope.pool_id is not None:
        return ()
    query = _listings().where(Listing.site_id == scope.site_id)
    if scope.listing_id is not None:
        query = query.where(Listing.id == scope.listing_id)
    else:
        query = query.where(Listing.state != ListingState.RETIRED)
    return _loaded(session, query, hold=hold)


def choosable(
    session: Session, site_id: uuid.UUID, limit: int, words: str = ""
) -> Sequence[Listing]:
    """The first of a site's listings by title, with their preceptors; retired ones are left out.

    With `words` those that have them in the title or the host's own id.
    """
    query = select(Listing).options(joinedload(Listing.preceptor))
    if words:
        part = func.strpos(func.lower(Listing.title), words.lower()) > 0
        query = query.where(
            part | (func.strpos(func.lower(Listing.external_id), words.lower()) > 0)
        )
    return (
        session.execute(
            query.where(Listing.site_id == site_id, Listing.state != ListingState.RETIRED)
            .order_by(Listing.title, Listing.id)
            .limit(limit)
        )
        .scalars()
        .all()
    )


def some_listings(session: Session, listing_ids: Collection[uuid.UUID]) -> Sequence[Listing]:
    """Listings by id with their sites and preceptors, held against takers and editors."""
    return _loaded(session, _listings().where(Listing.id.in_(list(listing_ids))), hold=True)


def closed_weeks(
    session: Session, listing_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, Sequence[date]]:
    """The weeks that are closed for these listings alone, by listing."""
    rows = session.execute(
        select(Listing.id, Listing.blackout_weeks).where(Listing.id.in_(list(listing_ids)))
    )
    return {row.id: row.blackout_weeks for row in rows}


def _listings() -> Select[Listing]:
    return (
        select(Listing)
        .join(Site, Site.id == Listing.site_id)
        .join(Preceptor, Preceptor.id == Listing.preceptor_id)
        .options(contains_eager(Listing.site), contains_eager(Listing.preceptor))
        .order_by(Listing.id)
    )


def _loaded(session: Session, query: Select[Listing], *, hold: bool) -> Sequence[Listing]:
    if hold:
        query = query.with_for_update(of=Listing)
    rows = session.execute(query, execution_options={"populate_existing": True})
    return rows.scalars().all()


def weeks(
    session: Session,
    pool_ids: Collection[uuid.UUID],
    chosen: Collection[date],
) -> dict[tuple[uuid.UUID, date], PoolWeek]:
    """The pools' weeks of those that are chosen."""
    query = (
        select(
            SeatWeek.pool_id,
            SeatWeek.week,
            SeatWeek.capacity,
            SeatWeek.closed_capacity,
            SeatWeek.taken,
        )
        .where(SeatWeek.pool_id.in_(list(pool_ids)), SeatWeek.week.in_(list(chosen)))
        .order_by(SeatWeek.pool_id, SeatWeek.week)
    )
    return {
        (row.pool_id, row.week): PoolWeek(week_state(row.capacity, row.closed_capacity), row.taken)
        for row in session.execute(query)
    }


def week_state(capacity: int, closed_capacity: int | None) -> WeekState:
    """A row of `seat_week` as rules see it."""
    closed = closed_capacity is not None
    return WeekState(closed_capacity if closed_capacity is not None else capacity, closed)


def last_edit(
    session: Session, pool_ids: Collection[uuid.UUID], listing_ids: Collection[uuid.UUID]
) -> LastEdit | None:
    """The newest edit of any of these; none if nobody has edited them here."""
    found = (
        select(SeatEdit.edit_id)
        .where(SeatEdit.pool_id.in_(list(pool_ids)))
        .union_all(
            select(ListingClosing.edit_id).where(ListingClosing.listing_id.in_(list(listing_ids)))
        )
        .subquery()
    )
    row = session.execute(
        select(CalendarEdit.recorded_at, CalendarEdit.account_id)
        .where(CalendarEdit.id.in_(select(found.c.edit_id)))
        .order_by(CalendarEdit.id.desc())
        .limit(1)
    ).one_or_none()
    return LastEdit(row.recorded_at, row.account_id) if row else None


def edits(session: Session, scope: Scope, *, limit: int, cursor: str | None) -> Page[CalendarEdit]:
    """The edits of a site's calendars, newest first; of one pool or listing where it is named."""
    query = select(CalendarEdit).where(CalendarEdit.site_id == scope.site_id)
    if scope.pool_id is not None:
        query = query.where(
            exists().where(SeatEdit.edit_id == CalendarEdit.id, SeatEdit.pool_id == scope.pool_id)
        )
    if scope.listing_id is not None:
        drawn = select(ListingPool.pool_id).where(ListingPool.listing_id == scope.listing_id)
        query = query.where(
            exists().where(SeatEdit.edit_id == CalendarEdit.id, SeatEdit.pool_id.in_(drawn))
            | exists().where(
                ListingClosing.edit_id == CalendarEdit.id,
                ListingClosing.listing_id == scope.listing_id,
            )
        )
    return paginate(
        session,
        query,
        key=[CalendarEdit.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


@dataclass(frozen=True)
class Parts:
    """What an edit changed, as JSON: pools with their runs, listings with their closed weeks."""

    pools: list[dict[str, Any]]
    listings: list[dict[str, Any]]
    undone_by: uuid.UUID | None


def parts(session: Session, edit_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Parts]:
    """What each of the edits changed, and which edit has undone it: one query."""
    undo = CalendarEdit.__table__.alias()
    line = func.json_build_object(
        "pool_id", SeatEdit.pool_id, "version", SeatEdit.version, "changes", SeatEdit.changes
    )
    closing = func.json_build_object(
        "listing_id", ListingClosing.listing_id, "version", ListingClosing.version,
        "closed", ListingClosing.closed, "opened", ListingClosing.opened,
    )  # fmt: skip
    rows = session.execute(
        select(
            CalendarEdit.id,
            select(func.json_agg(aggregate_order_by(line, SeatEdit.pool_id)))
            .where(SeatEdit.edit_id == CalendarEdit.id)
            .scalar_subquery(),
            select(func.json_agg(aggregate_order_by(closing, ListingClosing.listing_id)))
            .where(ListingClosing.edit_id == CalendarEdit.id)
            .scalar_subquery(),
            select(undo.c.id).where(undo.c.undoes == CalendarEdit.id).scalar_subquery(),
        ).where(CalendarEdit.id.in_(list(edit_ids)))
    )
    return {
        edit_id: Parts(
            [
                {**one, "pool_id": uuid.UUID(one["pool_id"]), "runs": from_json(one["changes"])}
                for one in pools_ or ()
            ],
            [{**one, "listing_id": uuid.UUID(one["listing_id"])} for one in closed or ()],
            undone_by,
        )
        for edit_id, pools_, closed, undone_by in rows
    }


def sums(
    session: Session, pool_ids: Collection[uuid.UUID], chosen: Collection[date]
) -> list[dict[str, Any]]:
    """The pools' weeks added up: week, seats, taken, free, closed_pools."""
    rows = session.execute(
        select(
            SeatWeek.week,
            func.sum(SeatWeek.capacity).label("seats"),
            func.sum(SeatWeek.taken).label("taken"),
            func.sum(SeatWeek.capacity - SeatWeek.taken).label("free"),
            func.count(SeatWeek.closed_capacity).label("closed_pools"),
        )
        .where(SeatWeek.pool_id.in_(list(pool_ids)), SeatWeek.week.in_(list(chosen)))
        .group_by(SeatWeek.week)
        .order_by(SeatWeek.week)
    )
    return [dict(row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's documented name


def some_pools(session: Session, pool_ids: Collection[uuid.UUID]) -> Sequence[SeatPool]:
    """Pools by id, to be named."""
    query = select(SeatPool).where(SeatPool.id.in_(list(pool_ids)))
    return session.execute(query).scalars().all()


def page_of_pools(
    session: Session, site_id: uuid.UUID, *, limit: int, cursor: str | None
) -> Page[SeatPool]:
    """A page of a site's pools, oldest first."""
    return paginate(
        session,
        select(SeatPool).where(SeatPool.site_id == site_id),
        key=[SeatPool.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
    )


def with_seats(
    session: Session, pool_ids: Collection[uuid.UUID], first: date
) -> frozenset[uuid.UUID]:
    """Which of the pools have a seat in that week or a later one."""
    given = select(SeatWeek.pool_id).where(
        SeatWeek.pool_id.in_(list(pool_ids)), SeatWeek.week >= first, SeatWeek.capacity > 0
    )
    return frozenset(session.execute(given.distinct()).scalars())


def links(session: Session, pool_id: uuid.UUID) -> dict[uuid.UUID, tuple[str, int]]:
    """The listings that draw on a pool: the host's own id, and on how many pools each draws."""
    each = ListingPool.__table__.alias()
    rows = session.execute(
        select(Listing.id, Listing.external_id, func.count())
        .join(ListingPool, ListingPool.listing_id == Listing.id)
        .join(each, each.c.listing_id == Listing.id)
        .where(ListingPool.pool_id == pool_id)
        .group_by(Listing.id)
        .order_by(Listing.id)
    )
    return {key: (own, count) for key, own, count in rows}


def idle(session: Session, site_id: uuid.UUID, names: Collection[str]) -> dict[str, uuid.UUID]:
    """A site's pools of these names that no listing draws on."""
    drawn = select(ListingPool.pool_id).where(ListingPool.pool_id == SeatPool.id)
    rows = session.execute(
        select(SeatPool.name, SeatPool.id).where(
            SeatPool.site_id == site_id, SeatPool.name.in_(list(names)), ~drawn.exists()
        )
    )
    return {row.name: row.id for row in rows}


def came_with(session: Session, site_id: uuid.UUID, names: Collection[str]) -> dict[str, str]:
    """The titles of a site's listings that came with pools of these names, by name."""
    rows = session.execute(
        select(Listing.external_id, Listing.title).where(
            Listing.site_id == site_id, Listing.external_id.in_(list(names))
        )
    )
    return {row.external_id: row.title for row in rows}


def drawing(
    session: Session, pool_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[tuple[uuid.UUID, str, str, str]]]:
    """For each pool the listings that draw on it: id, the host's own id, title and state."""
    line = func.json_build_array(Listing.id, Listing.external_id, Listing.title, Listing.state)
    rows = session.execute(
        select(
            ListingPool.pool_id,
            func.json_agg(aggregate_order_by(line, Listing.external_id)),
        )
        .join(Listing, Listing.id == ListingPool.listing_id)
        .where(ListingPool.pool_id.in_(list(pool_ids)))
        .group_by(ListingPool.pool_id)
    )
    return {pool_id: [(uuid.UUID(one[0]), *one[1:]) for one in found] for pool_id, found in rows}
