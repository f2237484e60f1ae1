"""What the rows of a host's sheet are about, as it is stored: held for writing, then read.

Two statements for any number of rows. The first takes the owner's turn and holds what the rows seem
to change; the second, whose view of the data begins after that, reads all that they are judged
against. What is judged to change and is not held is asked for by its id, and read once more.
"""

import json
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, Uuid, case, column, null, select, text
from sqlalchemy.orm.attributes import set_committed_value

from marketplace.catalog.models import Listing, Preceptor, SeatPool, Site
from marketplace.catalog.queries.calendars import PoolWeek, week_state
from marketplace.catalog.queries.reviews import Decided
from marketplace.catalog.queries.sheet_statements import FOUND, HOLD
from marketplace.catalog.rules.drafts import ListingDraft
from marketplace.catalog.rules.terms import terms_of
from marketplace.core.db import Session

_HOLD = text(HOLD)
_KEYS = ("listing_id", "site_id", "preceptor_id", "pool_id", "about_id", "other_id")
# The column that tells who has seats of these listings from a day on.
Holding = Callable[[Select[uuid.UUID], date], ColumnElement[Any]]


@dataclass(frozen=True)
class Keys:
    """Ids of what is held, or is to be."""

    sites: frozenset[uuid.UUID] = frozenset()
    people: frozenset[uuid.UUID] = frozenset()
    listings: frozenset[uuid.UUID] = frozenset()
    pools: frozenset[uuid.UUID] = frozenset()

    def __sub__(self, other: "Keys") -> "Keys":
        return Keys(
            self.sites - other.sites,
            self.people - other.people,
            self.listings - other.listings,
            self.pools - other.pools,
        )

    def __bool__(self) -> bool:
        return bool(self.sites or self.people or self.listings or self.pools)


@dataclass
class Known:
    """What is stored of what the rows name, and of what would change with it.

    `listings` are by id and have their site and preceptor; `asked` are those that rows name, by the
    owner's own id. `pools` are (id, shared with another listing); `taken` are the seats in use by
    week from this week on. Of a pool whose listing alone draws on it, and is given other seats or
    another season, there are the pool itself and its `weeks`. `holding` tells who has seats of the
    listings that draw on one pool with a listing whose seats stand against its row (`sharing`).
    `committing` is the import that is writing for the owner.
    """

    listings: dict[uuid.UUID, Listing] = field(default_factory=dict)
    asked: dict[str, Listing] = field(default_factory=dict)
    sites: dict[uuid.UUID, Site] = field(default_factory=dict)
    preceptors: dict[tuple[uuid.UUID, str], Preceptor] = field(default_factory=dict)
    pools: dict[uuid.UUID, list[tuple[uuid.UUID, bool]]] = field(default_factory=dict)
    taken: dict[uuid.UUID, dict[date, int]] = field(default_factory=dict)
    seat_pools: dict[uuid.UUID, SeatPool] = field(default_factory=dict)
    weeks: dict[uuid.UUID, dict[date, PoolWeek]] = field(default_factory=dict)
    reviews: dict[uuid.UUID, list[Decided]] = field(default_factory=dict)
    sharing: dict[uuid.UUID, set[uuid.UUID]] = field(default_factory=dict)
    holding: Any = None
    committing: uuid.UUID | None = None

    def named(self, owner_id: uuid.UUID) -> dict[str, Site]:
        """The owner's sites by name."""
        return {row.name: row for row in self.sites.values() if row.owner_account_id == owner_id}

    def of_site(self, site_id: uuid.UUID) -> list[Listing]:
        """The listings of a site, all of them where a row changes it."""
        return [row for row in self.listings.values() if row.site_id == site_id]

    def taught_by(self, preceptor_id: uuid.UUID) -> list[Listing]:
        """The listings of a preceptor, all of them where a row gives another name."""
        return [row for row in self.listings.values() if row.preceptor_id == preceptor_id]


@dataclass(frozen=True)
class Row:
    """A row's draft, and the columns that its sheet does not have, which stay as they are."""

    draft: ListingDraft
    absent: frozenset[str] = frozenset()


def hold(
    session: Session,
    rows: Sequence[Row],
    owner_account_id: uuid.UUID | None,
    site_id: uuid.UUID | None,
    also: Keys,
) -> tuple[uuid.UUID, Keys] | None:
    """Take the owner's turn, and hold what the rows would change, and `also`, as far as is seen.

    One owner's imports wait for each other here. `site_id` tells the owner where none is given.
    Returns the owner and what is held; none where there is no such site.
    """
    terms = [
        {name: word for name, word in terms_of(row.draft).items() if name not in row.absent}
        for row in rows
    ]
    values: dict[str, Any] = {
        "rows": json.dumps(terms),
        "owner": owner_account_id,
        "site": site_id,
        "sites": sorted(also.sites),
        "people": sorted(also.people),
        "listings": sorted(also.listings),
        "pools": sorted(also.pools),
    }
    found = session.execute(_HOLD, values).one_or_none()
    if found is None:
        return None
    sites, people, listings, pools = map(frozenset, found[1:])
    return found.owner_id, Keys(sites, people, listings, pools)


def known(
    session: Session,
    rows: Sequence[Row],
    owner_account_id: uuid.UUID,
    site_id: uuid.UUID | None,
    since: date,
    who: Holding | None,
) -> Known:
    """Read what the rows are judged against, and the site `site_id`, in one query.

    `since` is the Monday from which on taken seats count; `who` asks who has them.
    """
    values: dict[str, Any] = {
        "rows": json.dumps([_asked(row.draft) for row in rows]),
        "owner": owner_account_id,
        "site": site_id,
        "since": since,
    }
    has = Known()
    told = {row.draft.external_id for row in rows}
    for row in session.execute(_found(who, since), values):
        _take(has, row, told)
    people = {row.id: row for row in has.preceptors.values()}
    for listing in has.listings.values():
        set_committed_value(listing, "site", has.sites[listing.site_id])
        set_committed_value(listing, "preceptor", people[listing.preceptor_id])
    return has


def _found(who: Holding | None, since: date) -> Select[Any]:
    found = text(FOUND).columns(
        column("kind", Text), *(column(name, Uuid) for name in _KEYS), column("told")
    )
    line = found.cte("found")
    sharing = select(line.c.other_id).where(line.c.kind == "sharing")
    holding = null() if who is None else who(sharing, since)
    return (
        select(
            line.c.kind,
            line.c.about_id,
            line.c.other_id,
            line.c.told,
            Listing,
            Site,
            Preceptor,
            SeatPool,
            case((line.c.kind == "head", holding)).label("holding"),
        )
        .select_from(line)
        .outerjoin(Listing, Listing.id == line.c.listing_id)
        .outerjoin(Site, Site.id == line.c.site_id)
        .outerjoin(Preceptor, Preceptor.id == line.c.preceptor_id)
        .outerjoin(SeatPool, SeatPool.id == line.c.pool_id)
        .execution_options(populate_existing=True)
    )


def _take(has: Known, row: Any, told: Collection[str]) -> None:
    """Put a row where it belongs: it has one thing that was loaded, or none and its parts."""
    if row.Listing is not None:
        _take_listing(has, row.Listing, row.told, told)
    elif row.Site is not None:
        has.sites[row.Site.id] = row.Site
    elif row.Preceptor is not None:
        has.preceptors[row.Preceptor.site_id, row.Preceptor.npi] = row.Preceptor
    elif row.SeatPool is not None:
        has.seat_pools[row.SeatPool.id] = row.SeatPool
        has.weeks[row.SeatPool.id] = dict(_weeks(row.told))
    elif row.kind == "sharing":
        has.sharing.setdefault(row.about_id, set()).add(row.other_id)
    elif row.kind == "head":
        _take_head(has, row.told)
        has.holding = row.holding


def _take_listing(has: Known, listing: Listing, said: Any, told: Collection[str]) -> None:
    pools, taken = said
    has.listings[listing.id] = listing
    has.pools[listing.id] = [(uuid.UUID(one), shared) for one, shared in pools or ()]
    has.taken[listing.id] = {date.fromisoformat(week): seats for week, seats in taken or ()}
    if listing.external_id in told:
        has.asked[listing.external_id] = listing


def _take_head(has: Known, said: Any) -> None:
    run, reviews = said
    has.committing = None if run is None else uuid.UUID(run)
    for listing_id, *decided in reviews or ():
        has.reviews.setdefault(uuid.UUID(listing_id), []).append(Decided.read(*decided))


def _weeks(lines: Any) -> Iterator[tuple[date, PoolWeek]]:
    for week, capacity, closed_capacity, taken in lines:
        if week is not None:
            state = week_state(capacity, closed_capacity)
            yield date.fromisoformat(week), PoolWeek(state, taken)


def _asked(draft: ListingDraft) -> Mapping[str, Any]:
    return {
        "external_id": draft.external_id,
        "site_name": draft.site.name,
        "address": draft.site.address,
        "city": draft.site.city,
        "state": draft.site.state,
        "country": draft.site.country,
        "time_zone": draft.site.time_zone,
        "npi": draft.preceptor.npi,
        "person": draft.preceptor.name,
        "seats": draft.seats_per_week,
        "first_start": draft.first_start.isoformat(),
        "last_start": draft.last_start.isoformat(),
        "weeks_max": draft.weeks_max,
        "closed": [week.isoformat() for week in draft.blackout_weeks],
    }
