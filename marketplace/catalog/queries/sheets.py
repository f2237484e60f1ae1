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
from marketplace.catalog.rules.drafts import ListingDraft
from marketplace.catalog.rules.terms import terms_of
from marketplace.core.db import Session

# Whoever edits these holds them in this order too: site, preceptor, listing, pool, each by its id.
_HOLD = text(
    """
WITH given AS MATERIALIZED (
    SELECT g.terms, g.terms->>'external_id' AS external_id, g.terms->>'site_name' AS site_name
      FROM jsonb_array_elements(CAST(:rows AS jsonb)) AS g(terms)
), turn AS MATERIALIZED (
    SELECT o.id AS owner_id,
           CAST(pg_advisory_xact_lock(hashtextextended('catalog.import:' || o.id, 0)) AS text) AS had
      FROM (SELECT coalesce(CAST(:owner AS uuid),
                            (SELECT owner_account_id FROM site WHERE id = CAST(:site AS uuid))) AS id
           ) AS o
     WHERE o.id IS NOT NULL
), changing AS MATERIALIZED (
    SELECT l.id, l.site_id, given.site_name
      FROM turn
     CROSS JOIN given
      JOIN listing l ON l.owner_account_id = turn.owner_id AND l.external_id = given.external_id
      LEFT JOIN listing_version v ON v.listing_id = l.id AND v.version = l.version
     WHERE turn.had IS NOT NULL AND (v.terms @> given.terms) IS NOT TRUE
), places AS (
    SELECT DISTINCT site_name, terms->>'address' AS address, terms->>'city' AS city,
           terms->>'state' AS state, terms->>'country' AS country, terms->>'timezone' AS time_zone
      FROM given
), moved AS MATERIALIZED (
    SELECT s.id
      FROM turn
      JOIN site s ON s.owner_account_id = turn.owner_id
      JOIN places p ON p.site_name = s.name
     WHERE (p.address, p.city, p.state, p.country, p.time_zone)
           IS DISTINCT FROM (s.address, s.city, s.state, s.country, s.time_zone)
), renamed AS MATERIALIZED (
    SELECT p.id
      FROM turn
      JOIN site s ON s.owner_account_id = turn.owner_id
      JOIN (SELECT DISTINCT site_name, terms->>'npi' AS npi, terms->>'preceptor' AS name FROM given
           ) AS g ON g.site_name = s.name
      JOIN preceptor p ON p.site_id = s.id AND p.npi = g.npi
     WHERE p.name <> g.name
), sites AS MATERIALIZED (
    SELECT s.id FROM site s
     WHERE s.id IN (SELECT site_id FROM changing
                    UNION SELECT s.id FROM turn JOIN site s ON s.owner_account_id = turn.owner_id
                                           JOIN changing ON changing.site_name = s.name
                    UNION SELECT id FROM moved
                    UNION SELECT unnest(CAST(:sites AS uuid[])))
     ORDER BY s.id FOR NO KEY UPDATE
), people AS MATERIALIZED (
    SELECT p.id FROM preceptor p
     WHERE (SELECT count(*) FROM sites) >= 0
       AND p.id IN (SELECT id FROM renamed UNION SELECT unnest(CAST(:people AS uuid[])))
     ORDER BY p.id FOR NO KEY UPDATE
), listings AS MATERIALIZED (
    SELECT l.id FROM listing l
     WHERE (SELECT count(*) FROM people) >= 0
       AND l.id IN (SELECT id FROM changing
                    UNION SELECT l.id FROM moved JOIN listing l ON l.site_id = moved.id
                    UNION SELECT l.id FROM renamed JOIN listing l ON l.preceptor_id = renamed.id
                    UNION SELECT unnest(CAST(:listings AS uuid[])))
     ORDER BY l.id FOR UPDATE
), pools AS MATERIALIZED (
    SELECT p.id FROM seat_pool p
     WHERE (SELECT count(*) FROM listings) >= 0
       AND p.id IN (SELECT lp.pool_id FROM changing JOIN listing_pool lp ON lp.listing_id = changing.id
                    UNION SELECT unnest(CAST(:pools AS uuid[])))
     ORDER BY p.id FOR NO KEY UPDATE
)
SELECT owner_id, ARRAY(SELECT id FROM sites) AS sites, ARRAY(SELECT id FROM people) AS people,
       ARRAY(SELECT id FROM listings) AS listings, ARRAY(SELECT id FROM pools) AS pools
  FROM turn WHERE had IS NOT NULL
"""
)
# A row each for what is to be loaded; `told` has what there is to say of it besides.
_FOUND = """
WITH given AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g(
        external_id text, site_name text, address text, city text, state text, country text,
        time_zone text, npi text, person text, seats int, first_start date, last_start date,
        weeks_max int, closed date[])
), own AS MATERIALIZED (
    SELECT s.* FROM site s
     WHERE s.owner_account_id = :owner AND s.name IN (SELECT site_name FROM given)
), moved AS MATERIALIZED (
    SELECT own.id, bool_or(own.time_zone <> p.time_zone) AS rezoned
      FROM own
      JOIN (SELECT DISTINCT site_name, address, city, state, country, time_zone FROM given) AS p
        ON p.site_name = own.name
     WHERE (p.address, p.city, p.state, p.country, p.time_zone)
           IS DISTINCT FROM (own.address, own.city, own.state, own.country, own.time_zone)
     GROUP BY own.id
), people AS MATERIALIZED (
    SELECT p.id, bool_or(p.name <> g.person) AS renamed
      FROM (SELECT DISTINCT site_name, npi, person FROM given) AS g
      JOIN own ON own.name = g.site_name
      JOIN preceptor p ON p.site_id = own.id AND p.npi = g.npi
     GROUP BY p.id
), mine AS MATERIALIZED (
    SELECT l.id, l.site_id, l.preceptor_id, l.state, g.seats, g.first_start,
           g.last_start + 7 * (g.weeks_max - 1) AS last_week, g.closed,
           l.site_id IS DISTINCT FROM own.id AS leaves,
           l.seats_per_week <> g.seats OR (l.first_start, l.last_start, l.weeks_max)
             IS DISTINCT FROM (g.first_start, g.last_start, g.weeks_max) AS reseated
      FROM given g
      JOIN listing l ON l.owner_account_id = :owner AND l.external_id = g.external_id
      LEFT JOIN own ON own.name = g.site_name
), concerned AS MATERIALIZED (
    SELECT id, site_id, preceptor_id FROM mine
    UNION SELECT l.id, l.site_id, l.preceptor_id FROM moved JOIN listing l ON l.site_id = moved.id
    UNION SELECT l.id, l.site_id, l.preceptor_id
            FROM people JOIN listing l ON l.preceptor_id = people.id WHERE people.renamed
), links AS MATERIALIZED (
    SELECT c.id AS listing_id, lp.pool_id,
           EXISTS (SELECT FROM listing_pool o
                    WHERE o.pool_id = lp.pool_id AND o.listing_id <> c.id) AS shared
      FROM concerned c JOIN listing_pool lp ON lp.listing_id = c.id
), taken AS MATERIALIZED (
    SELECT k.listing_id, w.week, max(w.taken) AS seats
      FROM links k JOIN seat_week w ON w.pool_id = k.pool_id
     WHERE w.week >= :since AND w.taken > 0
     GROUP BY k.listing_id, w.week
), endangered AS MATERIALIZED (
    SELECT t.listing_id
      FROM taken t JOIN mine m ON m.id = t.listing_id
     WHERE m.leaves OR t.seats > m.seats OR t.week = ANY (m.closed)
        OR t.week NOT BETWEEN m.first_start AND m.last_week
    UNION SELECT t.listing_id
            FROM taken t JOIN concerned c ON c.id = t.listing_id
            JOIN moved ON moved.id = c.site_id AND moved.rezoned
)
SELECT 'listing' AS kind, c.id AS listing_id, CAST(NULL AS uuid) AS site_id,
       CAST(NULL AS uuid) AS preceptor_id, CAST(NULL AS uuid) AS pool_id,
       CAST(NULL AS uuid) AS about_id, CAST(NULL AS uuid) AS other_id,
       json_build_array(k.pools, t.weeks) AS told
  FROM concerned c
  LEFT JOIN (SELECT listing_id, json_agg(json_build_array(pool_id, shared) ORDER BY pool_id) AS pools
               FROM links GROUP BY listing_id) AS k ON k.listing_id = c.id
  LEFT JOIN (SELECT listing_id, json_agg(json_build_array(week, seats)) AS weeks
               FROM taken GROUP BY listing_id) AS t ON t.listing_id = c.id
UNION ALL
SELECT 'site', NULL, s.id, NULL, NULL, NULL, NULL, NULL
  FROM (SELECT id FROM own UNION SELECT site_id FROM concerned UNION SELECT CAST(:site AS uuid)) AS s
UNION ALL
SELECT 'preceptor', NULL, NULL, p.id, NULL, NULL, NULL, NULL
  FROM (SELECT id FROM people UNION SELECT preceptor_id FROM concerned) AS p
UNION ALL
SELECT 'pool', NULL, NULL, NULL, k.pool_id, NULL, NULL,
       json_agg(json_build_array(w.week, w.capacity, w.closed_capacity, w.taken) ORDER BY w.week)
  FROM mine m
  JOIN links k ON k.listing_id = m.id AND NOT k.shared
  LEFT JOIN seat_week w ON w.pool_id = k.pool_id
 WHERE m.reseated
 GROUP BY k.pool_id
UNION ALL
SELECT 'sharing', NULL, NULL, NULL, NULL, e.listing_id, o.listing_id, NULL
  FROM endangered e
  JOIN links k ON k.listing_id = e.listing_id
  JOIN listing_pool o ON o.pool_id = k.pool_id
 GROUP BY e.listing_id, o.listing_id
UNION ALL
SELECT 'head', NULL, NULL, NULL, NULL, NULL, NULL, json_build_array(
       (SELECT id FROM import_run WHERE owner_account_id = :owner AND state = 'committing'),
       (SELECT json_agg(json_build_array(r.listing_id, r.id, r.state, r.fingerprint, r.decided_at))
          FROM mine m JOIN listing_review r ON r.listing_id = m.id
         WHERE m.state IN ('in_review', 'published')
           AND r.state IN ('pending', 'approved', 'rejected')))
"""
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
    found = text(_FOUND).columns(
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
