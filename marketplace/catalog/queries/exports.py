"""Listings and calendars row by row, for files: nothing is held but the row at hand."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from marketplace.catalog.models import Listing, ListingPool, Preceptor, SeatPool, SeatWeek, Site
from marketplace.catalog.queries.calendars import week_state
from marketplace.catalog.queries.listings import draft_of
from marketplace.catalog.rules.drafts import ListingDraft
from marketplace.catalog.states import ListingState
from marketplace.core.db import Session

AT_ONCE = 500


@dataclass(frozen=True)
class CalendarWeek:
    """A pool's week; `listings` are the ids of those that draw on the pool, by semicolons."""

    pool_id: uuid.UUID
    pool: str
    site_name: str
    listings: str
    week: date
    seats: int
    taken: int
    closed: bool
    version: int


def listing_drafts(
    session: Session, owner_account_id: uuid.UUID | None, site_id: uuid.UUID | None
) -> Iterator[ListingDraft]:
    """The listings of an owner, or of a site, that are not retired, by site and own id."""
    query = (
        select(Listing, Site, Preceptor)
        .join(Site, Site.id == Listing.site_id)
        .join(Preceptor, Preceptor.id == Listing.preceptor_id)
        .where(Listing.state != ListingState.RETIRED)
        .order_by(Site.name, Listing.external_id, Listing.id)
    )
    if owner_account_id is not None:
        query = query.where(Listing.owner_account_id == owner_account_id)
    if site_id is not None:
        query = query.where(Listing.site_id == site_id)
    rows = session.execute(query, execution_options={"yield_per": AT_ONCE})
    for some in rows.partitions():
        for listing, site, preceptor in some:
            yield draft_of(listing, site, preceptor)
        for listing, _, _ in some:
            session.expunge(listing)


def calendar_weeks(
    session: Session,
    owner_account_id: uuid.UUID | None,
    site_id: uuid.UUID | None,
    since: date,
) -> Iterator[CalendarWeek]:
    """The weeks from Monday `since` on of the pools of an owner, or of a site."""
    drawing = (
        select(
            func.array_to_string(
                func.array_agg(aggregate_order_by(Listing.external_id, Listing.external_id)), ";"
            )
        )
        .join(ListingPool, ListingPool.listing_id == Listing.id)
        .where(ListingPool.pool_id == SeatPool.id)
        .correlate(SeatPool)
        .scalar_subquery()
    )
    pools = select(
        SeatPool.id, SeatPool.name, SeatPool.version, Site.name.label("site"), drawing.label("ids")
    ).join(Site, Site.id == SeatPool.site_id)
    if owner_account_id is not None:
        pools = pools.where(Site.owner_account_id == owner_account_id)
    if site_id is not None:
        pools = pools.where(SeatPool.site_id == site_id)
    # Materialised: the listings of a pool are gathered once, not for each of its weeks.
    chosen = pools.cte("chosen").prefix_with("MATERIALIZED")
    query = (
        select(chosen, SeatWeek.week, SeatWeek.capacity, SeatWeek.closed_capacity, SeatWeek.taken)
        .join(chosen, chosen.c.id == SeatWeek.pool_id)
        .where(SeatWeek.week >= since)
        .order_by(chosen.c.site, chosen.c.name, chosen.c.id, SeatWeek.week)
    )
    for row in session.execute(query, execution_options={"yield_per": AT_ONCE * 4}):
        state = week_state(row.capacity, row.closed_capacity)
        yield CalendarWeek(
            row.id,
            row.name,
            row.site,
            row.ids or "",
            row.week,
            state.seats,
            row.taken,
            state.closed,
            row.version,
        )
