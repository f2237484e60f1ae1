"""Orders of a result, and cursors that hold their place in them.

Every order is by whole numbers of the listing's own row and then by its id, so a listing that
nobody touches keeps its place whatever becomes of the others. A cursor holds the last row's key
and the day that the keys were worked out on.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from marketplace.catalog.errors import BadFilter
from marketplace.catalog.queries.search.conditions import (
    FIRST_MONDAY,
    NEVER,
    RANKS,
    distance_km,
    soonest_start,
)
from marketplace.catalog.queries.search.filters import Filters
from marketplace.web.pagination import BadCursor, decode, encode

OLDEST_DAYS = 366
_ANY_DISTANCE = "Sorting by distance needs a place."


@dataclass(frozen=True)
class Step:
    """A part of an order: a condition under which the columns of an index are its keys.

    `implies` is the part of the filters that the condition makes superfluous. (Left in, it would
    have the planner expect far fewer rows than there are.)
    """

    condition: str
    keys: Sequence[str]
    implies: str | None = None


@dataclass(frozen=True)
class Order:
    """`keys` are SQL whole numbers, ascending; then comes the id.

    The first key of one of several steps is the number that all its rows have there. The steps one after the other are the whole order; none, where no index has it.
    """

    name: str
    keys: Sequence[str]
    values: dict[str, Any] = field(default_factory=dict)
    steps: Sequence[Step] = ()


def order_of(sort: str | None, filters: Filters, query: str | None, title: str | None) -> Order:
    """The order asked for; by relevance where there are words, else by price, if none is.

    `query` is the search for words, `title` that for any of them.
    """
    name = sort or ("relevance" if query else "price")
    if name == "distance":
        if filters.near is None:
            raise BadFilter(_ANY_DISTANCE, fields={"near": [_ANY_DISTANCE]})
        distance, values = distance_km(filters.near)
        metres = f"CAST(coalesce(round(1000 * {distance}), {NEVER}) AS int)"
        return Order(name, [metres], values)
    if name == "soonest":
        start, values = soonest_start(filters)
        return Order(name, [f"coalesce({start}, {NEVER})"], values)
    if name == "tier":
        keys = [f"s.{RANKS[filters.status]}", "s.price_minor"]
        return Order(name, keys, steps=[Step("true", keys)])
    if name == "relevance" and query and title:
        return _relevance(query, title)
    return Order(name, ["s.price_minor"], steps=[Step("true", ["s.price_minor"])])


def _relevance(query: str, title: str) -> Order:
    every = "s.title_words @@ CAST(:query AS tsquery)"
    if query == title:  # a title that has any of the words has all of them
        rest = "NOT ts_match_vq(s.title_words, CAST(:query AS tsquery))"
        keys = [f"CASE WHEN {every} THEN 0 ELSE 2 END", "s.price_minor"]
        steps = [Step(every, ["0", keys[1]], "q"), Step(rest, ["2", keys[1]])]
        return Order("relevance", keys, {"query": query}, steps)
    some = "s.title_words @@ CAST(:title_query AS tsquery)"
    level = f"CASE WHEN {every} THEN 0 WHEN {some} THEN 1 ELSE 2 END"
    # By the operator's function, of which the planner expects nothing: what is left over is taken
    # for many, and walked in order.
    not_every = "NOT ts_match_vq(s.title_words, CAST(:query AS tsquery))"
    none = "NOT ts_match_vq(s.title_words, CAST(:title_query AS tsquery))"
    conditions = [every, f"{some} AND {not_every}", f"{none} AND {not_every}"]
    steps = [Step(each, [str(at), "s.price_minor"]) for at, each in enumerate(conditions)]
    if "!" not in query:  # what a title has, the whole has; what it lacks, the whole may have
        steps[0] = replace(steps[0], implies="q")
    return Order(
        "relevance",
        [level, "s.price_minor"],
        {"query": query, "title_query": title},
        steps,
    )


@dataclass(frozen=True)
class Place:
    """Where a page begins: after the row of these keys and this id."""

    keys: Sequence[int]
    listing_id: uuid.UUID

    def after(self, keys: Sequence[str], row_id: str) -> tuple[str, dict[str, Any]]:
        """SQL for what comes after, with its values."""
        values: dict[str, Any] = {f"after_{n}": key for n, key in enumerate(self.keys)}
        places = ", ".join(f"CAST(:{name} AS bigint)" for name in values)
        values["after_id"] = self.listing_id
        return f"({', '.join(keys)}, {row_id}) > ({places}, CAST(:after_id AS uuid))", values


def cursor_of(order: Order, filters: Filters, keys: Sequence[int], listing_id: uuid.UUID) -> str:
    """The cursor of a row."""
    day = (filters.today - FIRST_MONDAY).days
    return encode([order.name, day, *keys, listing_id])


def read_cursor(cursor: str, filters: Filters, order: Order) -> tuple[Filters, Place]:
    """The filters as of the cursor's day, and its place; `BadCursor` unless it is of this order."""
    name, day, *keys, listing_id = decode(cursor, 3 + len(order.keys))
    fits = all(type(key) is int and -(2**63) <= key < 2**63 for key in keys)
    if name != order.name or not fits or not isinstance(listing_id, uuid.UUID):
        raise BadCursor
    if type(day) is not int or abs(day - (filters.today - FIRST_MONDAY).days) > OLDEST_DAYS:
        raise BadCursor
    return replace(filters, today=FIRST_MONDAY + timedelta(days=day)), Place(keys, listing_id)
