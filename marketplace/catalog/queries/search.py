"""Search: one query for a page, one for the facets, whatever the size of either.

Only published listings are searched, by partial indexes. Facets count within the result as it is
filtered, over its first `MOST_COUNTED` listings; beyond that the counts are a lower bound and say
so, which keeps a search as fast at a million listings as at ten thousand.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import joinedload
from sqlalchemy.types import Text

from marketplace.catalog.models import Listing
from marketplace.catalog.rules.tiers import RANK
from marketplace.catalog.rules.vocabulary import ANY_VISA, NO_VISA
from marketplace.catalog.rules.words import searchable
from marketplace.catalog.states import ListingState
from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.identity.rules import LearnerStatus
from marketplace.web.pagination import BadCursor, decode, encode

MOST_COUNTED = 10_000
SORTS = ("relevance", "price", "soonest", "tier")
FACETS = {
    "specialty": "specialty",
    "state": "us_state",
    "setting": "setting",
    "tier_student": "tier_student",
    "tier_graduate": "tier_graduate",
}
T = Listing.__table__.c

# A run of n weeks from some Monday of the window, open and with a seat in every pool.
_FREE = """
EXISTS (
  SELECT 1
    FROM generate_series(CAST(:start_from AS date), CAST(:start_to AS date), '7 days') AS s(at)
   WHERE s.at BETWEEN listing.first_start AND listing.last_start
     AND NOT EXISTS (
       SELECT 1 FROM unnest(listing.blackout_weeks) AS closed(week)
        WHERE closed.week >= CAST(s.at AS date)
          AND closed.week < CAST(s.at AS date) + 7 * {count})
     AND NOT EXISTS (
       SELECT 1 FROM listing_pool lp
        WHERE lp.listing_id = listing.id
          AND (SELECT count(*) FROM seat_week sw
                WHERE sw.pool_id = lp.pool_id
                  AND sw.week >= CAST(s.at AS date)
                  AND sw.week < CAST(s.at AS date) + 7 * {count}
                  AND sw.taken < sw.capacity) < {count}))
"""


@dataclass(frozen=True)
class Filters:
    """What is searched for; empty and none mean no restriction.

    `status` is the trainee's on the first day: with it only listings that admit them are found,
    and `tiers` are theirs. `start_from` and `start_to` are Mondays between which `weeks` weeks
    (or the listing's least) must be free. `price_most` is for all these weeks together.
    """

    today: date
    words: str | None = None
    specialties: Sequence[str] = ()
    status: LearnerStatus | None = None
    tiers: Sequence[str] = ()
    us_states: Sequence[str] = ()
    settings: Sequence[str] = ()
    visa: str | None = None
    weeks: int | None = None
    start_from: date | None = None
    start_to: date | None = None
    price_most: Money | None = None
    site_id: uuid.UUID | None = None


@dataclass(frozen=True)
class Found:
    """A page of listings with site and preceptor; `facets` maps a facet to value to count."""

    items: Sequence[Listing]
    next_cursor: str | None
    total: int
    total_is_exact: bool
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def search(
    session: Session,
    filters: Filters,
    *,
    sort: str | None = None,
    limit: int = 20,
    cursor: str | None = None,
) -> Found:
    """One page in the order of `sort` (by relevance where there are words, else by price).

    `BadCursor` for a cursor of another order.
    """
    conditions = _conditions(filters)
    order = sort or ("relevance" if filters.words else "price")
    key = _order(order, filters)
    items, next_cursor = _page(session, conditions, key, order, limit, cursor)
    facets, total = _facets(session, conditions)
    return Found(items, next_cursor, total, total < MOST_COUNTED, facets)


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [
        # Written out, so that the planner sees the condition of the partial indexes.
        T.state == text(f"'{ListingState.PUBLISHED.value}'"),
        T.last_start >= filters.today,
    ]
    if filters.words:
        found.append(T.search.bool_op("@@")(_query(filters.words)))
    for column, values in (
        (T.specialty, filters.specialties),
        (T.us_state, filters.us_states),
        (T.setting, filters.settings),
    ):
        if values:
            found.append(column.in_(list(values)))
    if filters.site_id is not None:
        found.append(T.site_id == filters.site_id)
    if filters.visa:
        accepted = [filters.visa, ANY_VISA, NO_VISA]
        found.append(T.visa_types.bool_op("&&")(cast(accepted, ARRAY(Text))))
    return [*found, *_tier_conditions(filters), *_week_conditions(filters)]


def _tier_conditions(filters: Filters) -> list[ColumnElement[bool]]:
    columns = {LearnerStatus.STUDENT: T.tier_student, LearnerStatus.GRADUATE: T.tier_graduate}
    if filters.status is not None:
        column = columns[LearnerStatus(filters.status)]
        return [column.in_(list(filters.tiers)) if filters.tiers else column.is_not(None)]
    if filters.tiers:
        return [or_(*(column.in_(list(filters.tiers)) for column in columns.values()))]
    return []


def _week_conditions(filters: Filters) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    count: Any = T.weeks_min if filters.weeks is None else literal(filters.weeks)
    if filters.weeks is not None:
        found.append(and_(T.weeks_min <= filters.weeks, T.weeks_max >= filters.weeks))
    if filters.price_most is not None:
        found.append(T.price_currency == filters.price_most.currency)
        found.append(T.price_minor * cast(count, BigInteger) <= filters.price_most.minor)
    if filters.start_from is not None:
        written = "listing.weeks_min" if filters.weeks is None else ":count"
        free = text(_FREE.format(count=written)).bindparams(
            bindparam("start_from", filters.start_from, Date),
            bindparam("start_to", filters.start_to or filters.start_from, Date),
        )
        if filters.weeks is not None:
            free = free.bindparams(bindparam("count", filters.weeks, Integer))
        found.append(free)  # type: ignore[arg-type]  # a textual condition is a condition
    return found


def _query(words: str) -> ColumnElement[Any]:
    """The words as people type them: quotes, `or` and a leading minus are understood."""
    return func.websearch_to_tsquery(text("'english'"), searchable(words))


def _order(sort: str, filters: Filters) -> ColumnElement[Any]:
    """What is sorted by, ascending, before the id."""
    if sort == "relevance" and filters.words:
        # Whole numbers compare the same in a cursor as in the database.
        rank = func.ts_rank(T.search, _query(filters.words)) * 1_000_000
        return -cast(rank, Integer)
    if sort == "soonest":
        return T.first_start
    if sort == "tier":
        return -_rank(filters.status)
    return T.price_minor


def _rank(status: LearnerStatus | None) -> ColumnElement[int]:
    ranks = {str(tier): number for tier, number in RANK.items()}
    student = case(ranks, value=T.tier_student, else_=0)
    graduate = case(ranks, value=T.tier_graduate, else_=0)
    if status is None:
        return func.greatest(student, graduate)
    return student if status == LearnerStatus.STUDENT else graduate


def _page(
    session: Session,
    conditions: Sequence[ColumnElement[bool]],
    key: ColumnElement[Any],
    order: str,
    limit: int,
    cursor: str | None,
) -> tuple[list[Listing], str | None]:
    keys: list[ColumnElement[Any]] = [key, T.id]
    query: Select[Any] = (
        select(Listing, key)
        .options(joinedload(Listing.site), joinedload(Listing.preceptor))
        .where(*conditions)
    )
    if cursor is not None:
        named, *after = decode(cursor, 1 + len(keys))
        _check_cursor(named, after, order)
        query = query.where(tuple_(*keys) > tuple_(*after))
    rows = session.execute(query.order_by(*keys).limit(limit + 1)).all()
    shown = rows[:limit]
    if len(rows) <= limit:
        return [row[0] for row in shown], None
    last = shown[-1]
    return [row[0] for row in shown], encode([order, last[1], last[0].id])


def _check_cursor(named: object, after: Sequence[object], order: str) -> None:
    """A cursor is what we gave for this order, with values that its columns can hold."""
    value, row_id = after
    fits = type(value) is date if order == "soonest" else _is_bigint(value)
    if named != order or not fits or not isinstance(row_id, uuid.UUID):
        raise BadCursor


def _is_bigint(value: object) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63


def _facets(
    session: Session, conditions: Sequence[ColumnElement[bool]]
) -> tuple[dict[str, dict[str, int]], int]:
    """Counts by facet and in all, over the first `MOST_COUNTED` hits."""
    columns = [T.specialty, T.us_state, T.setting, T.tier_student, T.tier_graduate]
    hits = (
        select(*columns)
        .where(*conditions)
        .limit(MOST_COUNTED)
        .cte("hits")
        .prefix_with("MATERIALIZED")
    )
    parts = [
        select(literal(name), hits.c[column], func.count())
        .where(hits.c[column].is_not(None))
        .group_by(hits.c[column])
        for name, column in FACETS.items()
    ]
    everything = select(literal("total"), literal(""), func.count()).select_from(hits)
    found: dict[str, dict[str, int]] = {name: {} for name in FACETS}
    total = 0
    for name, value, count in session.execute(union_all(*parts, everything)):
        if name == "total":
            total = count
        else:
            found[name][value] = count
    return found, total
