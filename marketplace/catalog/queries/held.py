"""Pools of seats and their weeks, held for an edit: one statement, in the order that takers use.

Which pools a listing draws on is asked for here, so the caller holds the listings: one statement
sees nothing that was committed while it waited, and for a listing's row it has then waited before.
"""

import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, literal, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased, contains_eager

from marketplace.catalog.errors import ListingNotFound, SeatsShared
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
from marketplace.catalog.queries import locks, reviews
from marketplace.catalog.queries.calendars import PoolWeek, Scope, week_state
from marketplace.catalog.queries.reviews import Decided
from marketplace.core.db import Session

Weeks = dict[tuple[uuid.UUID, date], PoolWeek]


@dataclass(frozen=True)
class HeldPools:
    """Pools in the order of their ids, with those of their weeks that were asked for.

    `more` are the columns asked for besides.
    """

    pools: Sequence[SeatPool]
    weeks: Weeks
    more: Sequence[Any] = ()


def of_scope(scope: Scope) -> ColumnElement[bool]:
    """Which pools an edit of seats would change.

    For a listing those that no other listing draws on: the shared ones are edited by themselves.
    """
    found = SeatPool.site_id == scope.site_id
    if scope.pool_id is not None:
        found &= SeatPool.id == scope.pool_id
    if scope.listing_id is not None:
        own = exists().where(
            ListingPool.pool_id == SeatPool.id, ListingPool.listing_id == scope.listing_id
        )
        others = exists().where(
            ListingPool.pool_id == SeatPool.id, ListingPool.listing_id != scope.listing_id
        )
        found &= own & ~others
    return found


def named(
    pool_ids: Collection[uuid.UUID],
    site_id: uuid.UUID | None,
    owner_account_id: uuid.UUID | None,
) -> ColumnElement[bool]:
    """Those of the pools that are a site's, or of sites of one owner."""
    found = SeatPool.id.in_(list(pool_ids))
    if site_id is not None:
        return found & (SeatPool.site_id == site_id)
    own = select(Site.id).where(Site.owner_account_id == owner_account_id)
    return found & SeatPool.site_id.in_(own)


def pools(
    session: Session,
    which: ColumnElement[bool],
    weeks: Collection[date] | None,
    *,
    hold: bool,
    more: Sequence[ColumnElement[Any]] = (),
) -> HeldPools:
    """These pools with these weeks, all that they have where `weeks` is none.

    With `hold` the pools are held against others who edit them, and then their weeks against takers
    too. A pool that was edited while this waited may have got weeks that the statement did not see:
    then no week is held yet, and all is asked for once more.
    """
    found = _asked(session, which, weeks, hold=hold, more=more)
    if any(row[0] is not None and row.version != row[0].version for row in found):
        found = _asked(session, which, weeks, hold=hold, more=more)
    present: Weeks = {}
    for row in found:
        present |= {(row[0].id, week): one for week, one in _weeks(row.weeks)}
    held = [row[0] for row in found if row[0] is not None]
    return HeldPools(held, present, tuple(found[0][3:]))


def _asked(
    session: Session,
    which: ColumnElement[bool],
    weeks: Collection[date] | None,
    *,
    hold: bool,
    more: Sequence[ColumnElement[Any]],
) -> Sequence[Any]:
    before = aliased(SeatPool)
    # As the statement saw it when it began, though the row may be another by the time it is held.
    seen = select(before.version).where(before.id == SeatPool.id).scalar_subquery()
    first: Select[Any] = select(SeatPool, seen.label("seen")).where(which).order_by(SeatPool.id)
    held = (first.with_for_update(of=SeatPool, key_share=True) if hold else first).cte("held_pool")
    moved = select(func.count()).where(held.c.version != held.c.seen).scalar_subquery()
    then: Select[Any] = (
        select(SeatWeek)
        .where(SeatWeek.pool_id.in_(select(held.c.id)), moved == 0)
        .order_by(SeatWeek.pool_id, SeatWeek.week)
    )
    if weeks is not None:
        then = then.where(SeatWeek.week.in_(list(weeks)))
    week = (then.with_for_update(of=SeatWeek) if hold else then).cte("held_week")
    lines = func.json_agg(aggregate_order_by(_line(week.c), week.c.week))
    by_pool = select(week.c.pool_id, lines.label("weeks")).group_by(week.c.pool_id).subquery()
    # One row at least, for the columns that are asked for besides.
    one = select(literal(1).label("one")).subquery()
    query = (
        select(aliased(SeatPool, held), held.c.seen.label("version"), by_pool.c.weeks, *more)
        .select_from(one)
        .outerjoin(held, true())
        .outerjoin(by_pool, by_pool.c.pool_id == held.c.id)
        .order_by(held.c.id)
    )
    return session.execute(query, execution_options={"populate_existing": True}).all()


@dataclass(frozen=True)
class Shown:
    """A pool as it is shown: its listings (id, the host's own id, title, state) and some weeks."""

    listings: Sequence[tuple[uuid.UUID, str, str, str]]
    weeks: dict[date, PoolWeek]


@dataclass(frozen=True)
class ToShare:
    """Pools held, with the weeks asked for, what listings draw on which, and the pool to share."""

    pools: Sequence[SeatPool]
    weeks: Weeks
    links: set[tuple[uuid.UUID, uuid.UUID]]
    shown: Shown


def to_share(
    session: Session,
    pool_id: uuid.UUID,
    listing_ids: Collection[uuid.UUID],
    shown: Collection[date],
    *,
    leaving: bool,
) -> ToShare:
    """A pool that listings, which the caller holds, are to join or leave; with `leaving` all theirs.

    All their weeks are held; those to be `shown` are read besides.
    """
    own = ListingPool.listing_id.in_(list(listing_ids))
    which = SeatPool.id == pool_id
    if leaving:
        which |= SeatPool.id.in_(select(ListingPool.pool_id).where(own))
    link = func.json_build_array(ListingPool.listing_id, ListingPool.pool_id)
    line = func.json_build_array(Listing.id, Listing.external_id, Listing.title, Listing.state)
    drawing = (
        select(func.json_agg(aggregate_order_by(line, Listing.external_id)))
        .join(ListingPool, ListingPool.listing_id == Listing.id)
        .where(ListingPool.pool_id == pool_id)
    )
    by_week = select(func.json_agg(aggregate_order_by(_line(SeatWeek), SeatWeek.week))).where(
        SeatWeek.pool_id == pool_id, SeatWeek.week.in_(list(shown))
    )
    has = pools(
        session,
        which,
        None,
        hold=True,
        more=[
            one.scalar_subquery()
            for one in (select(func.json_agg(link)).where(own), drawing, by_week)
        ],
    )
    links, listings, lines = has.more
    return ToShare(
        has.pools,
        has.weeks,
        {(uuid.UUID(one), uuid.UUID(other)) for one, other in links or ()},
        Shown([(uuid.UUID(one[0]), *one[1:]) for one in listings or ()], dict(_weeks(lines))),
    )


def only_pool(
    session: Session, site_id: uuid.UUID, listing_id: uuid.UUID, weeks: Collection[date]
) -> HeldPools:
    """The pool, held, of a site's listing that draws on one only; `SeatsShared` if on several.

    `ListingNotFound` where the listing is not the site's.
    """
    own = (
        select(ListingPool.pool_id)
        .join(Listing, Listing.id == ListingPool.listing_id)
        .where(Listing.id == listing_id, Listing.site_id == site_id)
    )
    found = pools(session, SeatPool.id.in_(own), weeks, hold=True)
    if not found.pools:
        raise ListingNotFound
    if len(found.pools) != 1:
        raise SeatsShared
    return found


@dataclass(frozen=True)
class OfListing:
    """A listing's pools and all their weeks, held; which of them others draw on too.

    `decided` is what operators have said of the listing, and are asked.
    """

    pools: HeldPools
    shared: frozenset[uuid.UUID]
    committing: uuid.UUID | None
    decided: Sequence[Decided]


def of_listing(session: Session, listing: Listing) -> OfListing:
    """All that a change of the terms of a listing, which the caller holds, may do to its seats.

    `committing` is the import that is writing for the listing's owner.
    """
    own = select(ListingPool.pool_id).where(ListingPool.listing_id == listing.id)
    others = select(func.json_agg(ListingPool.pool_id.distinct())).where(
        ListingPool.pool_id.in_(own), ListingPool.listing_id != listing.id
    )
    more = [
        others.scalar_subquery(),
        locks.committing(listing.owner_account_id),
        reviews.decisions(listing.id),
    ]
    found = pools(session, SeatPool.id.in_(own), None, hold=True, more=more)
    shared, run, decided = found.more
    return OfListing(
        found,
        frozenset(map(uuid.UUID, shared or ())),
        run,
        [Decided.read(*one) for one in decided or ()],
    )


def _line(week: Any) -> ColumnElement[Any]:
    return func.json_build_array(week.week, week.capacity, week.closed_capacity, week.taken)


def _weeks(lines: Any) -> Iterator[tuple[date, PoolWeek]]:
    for week, capacity, closed_capacity, taken in lines or ():
        state = week_state(capacity, closed_capacity)
        yield date.fromisoformat(week), PoolWeek(state, taken)


@dataclass(frozen=True)
class PastEdit:
    """An edit, what it changed, and the listings whose weeks it closed or opened, held."""

    edit: CalendarEdit
    seats: Sequence[SeatEdit]
    closings: Sequence[ListingClosing]
    listings: Sequence[Listing]


def past_edit(session: Session, site_id: uuid.UUID, edit_id: uuid.UUID) -> PastEdit | None:
    """An edit of this site's calendars, to be undone: what it changed is never changed itself."""
    own = select(ListingClosing.listing_id).where(
        ListingClosing.edit_id == edit_id,
        exists().where(CalendarEdit.id == edit_id, CalendarEdit.site_id == site_id),
    )
    first = select(Listing).where(Listing.id.in_(own)).order_by(Listing.id)
    cte = first.with_for_update(of=Listing).cte("held_listing")
    held = aliased(Listing, cte)
    rows = session.execute(
        select(CalendarEdit, SeatEdit, ListingClosing, held)
        .select_from(CalendarEdit)
        .outerjoin(SeatEdit, SeatEdit.edit_id == CalendarEdit.id)
        .outerjoin(ListingClosing, ListingClosing.edit_id == CalendarEdit.id)
        .outerjoin(held, held.id == ListingClosing.listing_id)
        .outerjoin(Site, Site.id == held.site_id)
        .outerjoin(Preceptor, Preceptor.id == held.preceptor_id)
        .options(contains_eager(held.site), contains_eager(held.preceptor))
        .where(CalendarEdit.id == edit_id, CalendarEdit.site_id == site_id)
        .order_by(SeatEdit.pool_id, held.id)
        .execution_options(populate_existing=True)
    ).all()
    if not rows:
        return None
    # An edit is of pools or of listings; were it of both, each would come with each.
    return PastEdit(rows[0][0], _each(rows, 1), _each(rows, 2), _each(rows, 3))


def _each(rows: Sequence[Any], place: int) -> list[Any]:
    return list(dict.fromkeys(row[place] for row in rows if row[place] is not None))


def undone_by(edit_id: uuid.UUID) -> ColumnElement[uuid.UUID | None]:
    """Which edit has undone this one, as a column."""
    undo = CalendarEdit.__table__.alias()
    return select(undo.c.id).where(undo.c.undoes == edit_id).scalar_subquery()
