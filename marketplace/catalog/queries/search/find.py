"""Search: one statement for a page with facets, whatever the size of either.

Before it one for the words and the place, where there are any; after it one that says which filter
to loosen, where nothing is found.
"""

import json
import uuid
from collections import namedtuple
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from typing import Any

from marketplace.catalog.queries.search import statement as sql
from marketplace.catalog.queries.search import words
from marketplace.catalog.queries.search.conditions import (
    Conditions,
    distance_km,
    monday_of_number,
    soonest_start,
)
from marketplace.catalog.queries.search.filters import FACETS, Filters
from marketplace.catalog.queries.search.sorting import (
    Order,
    Place,
    cursor_of,
    order_of,
    read_cursor,
)
from marketplace.core.db import Session, fetch
from marketplace.core.money import Money

# How many a search without one of its filters is counted up to.
ENOUGH = 100
MILES = 0.621371


@dataclass(frozen=True)
class Distance:
    """As the crow flies, to the point of the `site`, its postal code (`zip`) or its `city`."""

    km: float
    to: str

    @property
    def miles(self) -> float:
        return round(self.km * MILES, 1)


@dataclass(frozen=True)
class Named:
    name: str


@dataclass(frozen=True)
class Hit:
    """A listing in a page of results, with the names of `models.Listing`.

    `soonest_start` is the first day on which the rotation can begin by its seats and lead time.
    """

    row: Any = field(repr=False)
    id: uuid.UUID
    price: Money
    soonest_start: date | None
    distance: "Distance | None"

    @property
    def preceptor(self) -> "Named":
        return Named(self.row.preceptor_name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.row, name)


@dataclass(frozen=True)
class Found:
    """A page of listings; `facets` maps a facet to value to count.

    `total` and the facets named in `estimated` are estimates where `total_is_exact` is false and
    the facet is named. Pages after the first count nothing: `total` is none. `corrected` maps
    words that no listing has to those that were searched for besides; `loosen` maps each filter of
    a search that finds nothing to how many (up to `ENOUGH`) it would find without it.
    """

    items: Sequence[Hit]
    next_cursor: str | None
    total: int | None
    total_is_exact: bool
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    estimated: Sequence[str] = ()
    corrected: Mapping[str, str] = field(default_factory=dict)
    loosen: Mapping[str, int] = field(default_factory=dict)
    near: str | None = None


def search(
    session: Session,
    filters: Filters,
    *,
    sort: str | None = None,
    limit: int = 20,
    cursor: str | None = None,
    facets: bool | None = None,
) -> Found:
    """One page in the order of `sort`: by relevance where there are words, else by price.

    Facets and the total are counted on the first page, unless `facets` says otherwise.
    `BadCursor` for a cursor of another order; `BadFilter` for an order that the filters lack
    something for. At most three statements.
    """
    meant = words.read(session, filters.words) if filters.words else words.NOTHING
    order = order_of(sort, filters, meant.query, meant.title)
    place = None
    if cursor is not None:
        filters, place = read_cursor(cursor, filters, order)
        order = order_of(sort, filters, meant.query, meant.title)
    conditions = _conditions(filters, meant)
    counting = place is None if facets is None else facets
    rows = _asked(session, conditions, order, place, limit=limit, counting=counting)
    counted = [] if rows[0].facets is None else json.loads(rows[0].facets)
    if rows[0].id is None and any(not facet and count for facet, _, count, _ in counted):
        # More than were expected: they are counted, and their order is walked after all.
        rows = _asked(session, conditions, order, place, limit=limit, counting=False)
    hits = [_hit(row) for row in rows[:limit] if row.id is not None]
    last = rows[limit - 1] if len(rows) > limit else None
    keys = [] if last is None else [int(last[n]) for n in range(len(order.keys))]
    found = Found(
        hits,
        None if last is None else cursor_of(order, filters, keys, last.id),
        *_counted(counted, sql.most_counted(conditions, order)),
        corrected=meant.corrected,
        near=None if filters.near is None else filters.near.label,
    )
    if hits or place is not None:
        return found
    known = {facet: count for facet, value, count, _ in counted if facet and not value}
    return replace(found, loosen=_loosen(session, filters, meant, known))


def _asked(
    session: Session,
    conditions: Conditions,
    order: Order,
    place: Place | None,
    *,
    limit: int,
    counting: bool,
) -> Sequence[Any]:
    extra, values = _extra(conditions.filters)
    walk = not (counting and sql.expects_few(conditions, order))
    written, places = sql.statement(conditions, order, extra, place, facets=counting, walk=walk)
    given = {**places, **values, "page": limit + 1}
    row = _row(len(order.keys), tuple(name for _, name in extra))
    return [row(*found) for found in fetch(session, written, given, prepare=False)]


@cache
def _row(keys: int, extra: Sequence[str]) -> Any:
    """What a row of `statement` is called by: columns in its order."""
    columns = *(f"key_{n}" for n in range(keys)), *sql.SHOWN, *sql.PLACED, *extra, "facets"
    return namedtuple("Row", columns)  # noqa: PYI024 - its names are known only here


def _extra(filters: Filters) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    start, values = soonest_start(filters)
    extra = [(start, "soonest")]
    if filters.near is None:
        return [*extra, ("NULL::float8", "km")], values
    distance, places = distance_km(filters.near)
    return [*extra, (distance, "km")], {**values, **places}


def _hit(row: Any) -> Hit:
    return Hit(
        row,
        row.id,
        Money(row.price_minor, row.price_currency),
        None if row.soonest is None else monday_of_number(row.soonest),
        None if row.km is None else Distance(round(row.km, 1), row.point_of),
    )


def _counted(
    rows: Sequence[Any], most: int
) -> tuple[int | None, bool, Mapping[str, Mapping[str, int]], Sequence[str]]:
    """Total, whether it is exact, the facets, and which of them are estimates."""
    if not rows:
        return None, False, {}, ()
    scale = {
        facet: _scale(count, reached, sql.MOST_WIDENED if facet else most)
        for facet, value, count, reached in rows
        if not value
    }
    found: dict[str, dict[str, int]] = {name: {} for name in FACETS}
    for facet, value, count, _ in rows:
        if value:
            found[facet][value] = _estimate(count, scale.get(facet, scale[""]))
    total = next(count for facet, _, count, _ in rows if not facet)
    estimated = [name for name in FACETS if scale.get(name, scale[""]) != 1]
    return _estimate(total, scale[""]), scale[""] == 1, found, estimated


def _scale(count: int, reached: int | None, most: int) -> float:
    """How many listings each one of the sample stands for."""
    if count <= most or reached is None:
        return 1
    return sql.SHARES / (reached + sql.SHARES // 2 + 1)


def _estimate(count: int, scale: float) -> int:
    """Rounded to two digits, more than which a sample does not tell."""
    return count if scale == 1 else int(float(f"{count * scale:.2g}"))


def _loosen(
    session: Session, filters: Filters, meant: words.Meant, known: Mapping[str, int]
) -> Mapping[str, int]:
    """What is found without each part, of some of which the facets have told: by `known`."""
    told = {part: known.get(facets[0]) for part, facets in sql.FACETS_OF.items()}
    parts = [part for part in filters.parts if part != "q" or meant.query is not None]
    asked = [part for part in parts if told.get(part) is None]
    found = {part: min(told.get(part) or 0, ENOUGH) for part in parts}
    if asked:
        choices = [(part, _without(filters, part, meant)) for part in asked]
        written, values = sql.loosened(choices, ENOUGH)
        found |= dict(fetch(session, written, values, prepare=False))
    return {part: count for part, count in found.items() if count}


def _without(filters: Filters, part: str, meant: words.Meant) -> Conditions:
    if part == "q":
        return Conditions(filters.without(part))
    return _conditions(filters.without(part), meant)


def _conditions(filters: Filters, meant: words.Meant) -> Conditions:
    known = meant.listings, meant.expected, meant.every, meant.everywhere
    return Conditions(filters, meant.query, *known)
