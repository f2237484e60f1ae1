"""The statement of a search: a page, and how the whole result divides, in one round trip.

Facets are counted over the first hits (`MOST`) in an order that is random and stays the same. Where
there are more, the share of all listings that were walked through says how many: an estimate, and
marked as one. A broad search costs no more than a narrow one.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from marketplace.catalog.queries.search.conditions import (
    BAND_BITS,
    BANDS,
    STALE,
    Conditions,
    in_bands,
)
from marketplace.catalog.queries.search.filters import FACETS, Filters
from marketplace.catalog.queries.search.sorting import Order, Place

MOST = 500
# By relevance more of them: to sort these is cheaper than to walk for each of its levels.
MOST_RELEVANT = 1000
# As many do for the facets that are counted without their own filter.
MOST_WIDENED = 200
SHARES = 2**32
# Of words that few listings are expected to have together so many are read before that is given up.
MOST_READ = 2_500
# How many times the hits wanted are looked through at first, where words are common.
PARTS_OF_SAMPLE = 2
# A larger share is told from the rest by the number itself.
MOST_BANDS = 0.25
# Filters by which an index finds few listings.
SELECTIVE = frozenset({"specialty", "state", "near"})
# A filter's own facets are counted without it, so that it can be widened.
FACETS_OF = {
    "specialty": ("specialty",),
    "state": ("state",),
    "setting": ("setting",),
    "letter_policy": ("letter_policy",),
    "tier": ("tier_student", "tier_graduate"),
}
SHOWN = (
    *("id", "title", "specialty", "setting", "audience", "site_id", "site_name", "city"),
    *("us_state", "tier_student", "tier_graduate", "price_minor", "price_currency", "weeks_min"),
    *("weeks_max", "first_start", "last_start", "visa_types", "approval", "letter_policy"),
    *("drift_at",),
)
PLACED = ("preceptor_name", "point_of")
# How far the walk for the earliest starts goes before the rest is worked out too.
WALK = 600
# And how far, among all, that for those of one week.
WALK_WEEK = 2_000


def statement(
    conditions: Conditions,
    order: Order,
    extra: Sequence[tuple[str, str]],
    place: Place | None,
    *,
    facets: bool,
    walk: bool = True,
) -> tuple[str, dict[str, Any]]:
    """SQL and values for a page of `:page` rows; `extra` are further columns by name.

    Each row has `key_0`..., the columns of `SHOWN` and the extra ones; the first has `facets`, an
    array of [part, facet, value, count, last sample]. A result without rows has one row of nulls.
    With facets but not `walk` there is no page where more are hit than are counted; with facets and
    by earliest start, none where that takes more than a walk.
    """
    tables = [STALE.strip()]
    if facets:
        tables += _counted(conditions, order)
    values = {**conditions.values, **order.values}
    if place is not None:
        values |= place.after([], "")[1]
    page = _page(conditions, order, place, facets=facets, walk=walk)
    tables.append(f"page AS MATERIALIZED ({page})")
    counts = _counts(conditions.filters) if facets else "NULL::text"
    keys = [f"key_{n}" for n in range(len(order.keys))]
    columns = ", ".join(
        [
            *(f"page.{key}" for key in keys),
            *(f"l.{name}" for name in SHOWN),
            "preceptor.name AS preceptor_name, s.point_of",  # `PLACED`
            *(f"{sql} AS {name}" for sql, name in extra),
        ]
    )
    ordered = ", ".join([*(f"page.{key}" for key in keys), "page.listing_id"])
    written = (
        f"WITH {', '.join(tables)} SELECT {columns},"
        f" CASE WHEN row_number() OVER (ORDER BY {ordered}) = 1 THEN {counts} END AS facets"
        " FROM (SELECT 1) AS one LEFT JOIN page ON true"
        " LEFT JOIN listing_search s ON s.listing_id = page.listing_id"
        " LEFT JOIN listing l ON l.id = page.listing_id"
        " LEFT JOIN preceptor ON preceptor.id = l.preceptor_id"
        f" ORDER BY {ordered}"
    )
    return written, values


def most_counted(conditions: Conditions, order: Order) -> int:
    """Up to how many hits are all counted, and the total is exact."""
    return MOST_RELEVANT if conditions.rare and len(order.steps) > 1 else MOST


def expects_few(conditions: Conditions, order: Order) -> bool:
    """Whether all hits are likely to be counted, so that no order need be walked for the page.

    To plan a walk that is not taken costs as much as to count the hits. A state or a specialty
    leaves about a tenth of what has the words.
    """
    most = most_counted(conditions, order)
    selective = SELECTIVE & set(conditions.filters.parts)
    among = (conditions.with_words or 0) / 10 if selective else conditions.expected
    return conditions.rare and among is not None and among <= most


def loosened(choices: Sequence[tuple[str, Conditions]], enough: int) -> tuple[str, dict[str, Any]]:
    """SQL that counts, up to `enough`, what each of several searches finds, by its part."""
    values: dict[str, Any] = {}
    tables, counts = [STALE.strip()], []
    for part, conditions in choices:
        tables += _sampled(f"loose_{part}", ["s.sample"], conditions, None, enough - 1)
        values |= conditions.values
        counts.append(f"SELECT '{part}' AS part, count(*) AS found FROM loose_{part}")
    return f"WITH {', '.join(tables)} {' UNION ALL '.join(counts)}", values


def _counted(conditions: Conditions, order: Order) -> Iterator[str]:
    keys = [f"{key} AS key_{n}" for n, key in enumerate(order.keys)]
    columns = [*(f"s.{column}" for column in FACETS.values()), *keys]
    columns = ["s.listing_id", "s.sample", *columns]
    yield from _sampled("hits", columns, conditions, None, most_counted(conditions, order))
    yield "seen AS MATERIALIZED (SELECT count(*) AS n, max(sample) AS reached FROM hits)"
    for part in _widened(conditions.filters):
        columns = [f"s.{FACETS[facet]}" for facet in FACETS_OF[part]]
        columns = ["s.sample", *columns]
        yield from _sampled(f"without_{part}", columns, conditions, part, MOST_WIDENED)


def _sampled(
    name: str, columns: Sequence[str], conditions: Conditions, without: str | None, most: int
) -> Iterator[str]:
    """The first `most` hits, and one more if there are more, in random order.

    Where few are expected to have several words together, all hits are read, but only so many as
    show that they are many. Where words are known to be common, hits are looked for in a part of
    that order first, and in the rest of it only if that part has too few. What most listings have
    is met soon enough along the order itself.
    """
    chosen, where = ", ".join(columns), conditions.where(without, marked=conditions.rare)
    limited = f"ORDER BY s.sample LIMIT {most + 1}"
    source = f"SELECT {chosen} FROM listing_search s WHERE {where}"
    share = PARTS_OF_SAMPLE * most / (conditions.with_words or 1)
    found = f"(SELECT count(*) FROM first_{name})"
    selective = SELECTIVE & set(conditions.filters.parts) - {without}
    if share >= 1 or selective or conditions.everywhere:
        yield f"{name} AS MATERIALIZED ({source} {limited})"
    elif conditions.expected is not None and conditions.expected <= most:
        yield f"first_{name} AS MATERIALIZED ({source} LIMIT {MOST_READ + 1})"
        yield (
            f"{name} AS MATERIALIZED ((SELECT * FROM first_{name} AS s WHERE {found} <= {MOST_READ}"
            f" {limited}) UNION ALL ({source} AND {found} > {MOST_READ} {limited}))"
        )
    else:
        part, conditions.values[f"below_{name}"] = _part(share, conditions, f":below_{name}")
        yield f"first_{name} AS MATERIALIZED ({source} AND {part} {limited})"
        rest = f"{source} AND s.sample >= :below_{name} AND {found} <= {most} {limited}"
        yield (
            f"{name} AS MATERIALIZED (SELECT * FROM first_{name} UNION ALL"
            f" (SELECT * FROM ({rest}) AS rest LIMIT greatest(0, {most + 1} - {found})))"
        )


def _part(share: float, conditions: Conditions, end: str) -> tuple[str, int]:
    """SQL for the first part of the random order, of about this share, and its `end`.

    Where the words are few an index has both together; else the order itself is walked.
    """
    if conditions.rare and share <= MOST_BANDS:
        bands = max(1, round(share * BANDS))
        return in_bands(bands), (bands << BAND_BITS) - SHARES // 2
    return f"s.sample < {end}", int(SHARES * share) - SHARES // 2


def _widened(filters: Filters) -> list[str]:
    return [part for part in filters.parts if part in FACETS_OF]


def _counts(filters: Filters) -> str:
    """One array of all counts."""
    sources = dict.fromkeys(FACETS, "hits")
    widened = _widened(filters)
    for part in widened:
        sources |= dict.fromkeys(FACETS_OF[part], f"without_{part}")
    rows = [
        _by_facet(source, [facet for facet in FACETS if sources[facet] == source])
        for source in dict.fromkeys(sources.values())
    ]
    rows.append("SELECT '', '', n, reached FROM seen")
    rows += [
        f"SELECT '{facet}', NULL, count(*), max(sample) FROM without_{part}"
        for part in widened
        for facet in FACETS_OF[part]
    ]
    return (
        "(SELECT CAST(jsonb_agg(jsonb_build_array(facet, value, n, reached)) AS text)"
        f" FROM ({' UNION ALL '.join(rows)}) AS counted(facet, value, n, reached))"
    )


def _by_facet(source: str, facets: Sequence[str]) -> str:
    """How the rows of a table divide by each of several columns, in one walk over them."""
    columns = [FACETS[facet] for facet in facets]
    every = ", ".join(columns)
    # Bits of those that a row is not grouped by, the first column's being the highest.
    ones = 2 ** len(columns) - 1
    named = " ".join(
        f"WHEN {ones - 2 ** (len(columns) - 1 - at)} THEN '{facet}'"
        for at, facet in enumerate(facets)
    )
    return (
        f"SELECT CASE GROUPING({every}) {named} END, coalesce({every}), count(*), NULL::int"
        f" FROM {source} GROUP BY GROUPING SETS ({', '.join(f'({each})' for each in columns)})"
        f" HAVING coalesce({every}) IS NOT NULL"
    )


def _page(
    conditions: Conditions, order: Order, place: Place | None, *, facets: bool, walk: bool
) -> str:
    """The ids and keys of a page.

    Where the hits were all counted they are sorted; else the order's index is walked from the
    place on, or everything is sorted if there is none. (The two exclude each other: the one whose
    condition is false is not run.)
    """
    keys = [f"{key} AS key_{n}" for n, key in enumerate(order.keys)]
    most = most_counted(conditions, order)
    after, named = "", [f"key_{n}" for n in range(len(order.keys))]
    if place is not None:
        after = f"WHERE {place.after(named, 'listing_id')[0]}"
    columns = ", ".join(["s.listing_id", *keys])
    limited = f"ORDER BY {', '.join(named)}, listing_id LIMIT :page"
    counted = (
        f"SELECT * FROM (SELECT {', '.join(['listing_id', *named])} FROM hits"
        f" WHERE (SELECT n FROM seen) <= {most}) AS every {after} {limited}"
    )
    if facets and not walk:
        return counted
    if order.name == "soonest":
        walked = _soonest(conditions, columns, place, after, limited, whole=not facets)
    elif order.steps:
        walked = _walk(conditions, order, place)
    else:
        walked = (
            f"SELECT * FROM (SELECT {columns} FROM listing_search s"
            f" WHERE {conditions.where()} OFFSET 0) AS every {after} {limited}"
        )
    if not facets:
        return f"{walked}"
    return (
        f"({counted})"
        f" UNION ALL (SELECT * FROM ({walked}) AS walked WHERE (SELECT n FROM seen) > {most})"
    )


def _walk(conditions: Conditions, order: Order, place: Place | None) -> str:
    """Step by step along an index; a step is taken only if those before did not fill the page."""
    tables: list[str] = []
    for at, step in enumerate(order.steps):
        after, keys = "", step.keys
        if place is not None and len(order.steps) > 1:
            after = _after_in_step(int(keys[0]), keys[1:], place)
        elif place is not None:
            after = f" AND {place.after(keys, 's.listing_id')[0]}"
        found = " + ".join(f"(SELECT count(*) FROM step_{before})" for before in range(at))
        needed = f" AND {found} < :page" if found else ""
        columns = ", ".join(f"{key} AS key_{n}" for n, key in enumerate(keys))
        by = ", ".join([*(key for key in keys if not key.isdigit()), "s.listing_id"])
        tables.append(
            f"step_{at} AS MATERIALIZED (SELECT s.listing_id, {columns} FROM listing_search s"
            f" WHERE {conditions.where(step.implies)} AND ({step.condition}){after}{needed}"
            f" ORDER BY {by} LIMIT :page)"
        )
    rows = " UNION ALL ".join(f"SELECT * FROM step_{at}" for at in range(len(tables)))
    named = ", ".join(f"key_{n}" for n in range(len(order.keys)))
    return f"WITH {', '.join(tables)} ({rows} ORDER BY {named}, listing_id LIMIT :page)"


def _after_in_step(level: int, keys: Sequence[str], place: Place) -> str:
    """What of a step, whose rows all have this first key, comes after a place."""
    reached = place.keys[0]
    if level != reached:
        return " AND false" if level < reached else ""
    rest = ", ".join(f"CAST(:after_{n} AS bigint)" for n in range(1, len(place.keys)))
    return f" AND ({', '.join(keys)}, s.listing_id) > ({rest}, CAST(:after_id AS uuid))"


def _soonest(
    conditions: Conditions,
    columns: str,
    place: Place | None,
    after: str,
    limited: str,
    *,
    whole: bool,
) -> str:
    """The earliest starts first, without working out all of them.

    Many begin in the same week: that of the page's place, or the first that is asked for. They are
    looked for by their ids, among the next `WALK_WEEK`; what fills the page comes first.

    Else, `soonest_week` is never later than the start itself, but where the weeks are stale; so of
    the first `WALK` listings in its order, and the stale ones, those whose own place is not behind
    the last one's are known to come first. Only if they are too few for a page, the rest is
    worked out: where this is to be the `whole` answer, else by a statement of its own. (To plan it
    costs a fifth of a search, and of many listings hardly any page needs it.)
    """
    where, source = conditions.where(), "FROM listing_search s"
    fresh = "s.listing_id NOT IN (SELECT listing_id FROM stale) AND s.soonest_week IS NOT NULL"
    few = "(SELECT count(*) FROM week) < :page"
    rest = added = ""
    if whole:
        rest = (
            f", rest AS MATERIALIZED (SELECT {columns} {source}"
            f" WHERE {where} AND (SELECT count(*) FROM first) < :page AND {few})"
        )
        added = f" UNION ALL (SELECT * FROM rest {after} {limited})"
    return (
        f"WITH week AS MATERIALIZED ({_same_week(conditions, columns, place)}),"
        f" walked AS MATERIALIZED (SELECT {columns}, s.soonest_week {source} WHERE {where}"
        f" AND {fresh} AND {few} ORDER BY s.soonest_week, s.listing_id LIMIT {WALK}),"
        " reached AS MATERIALIZED (SELECT soonest_week AS week, listing_id AS id FROM walked"
        f" WHERE (SELECT count(*) FROM walked) = {WALK}"
        " ORDER BY soonest_week DESC, listing_id DESC LIMIT 1),"
        " known AS (SELECT listing_id, key_0 FROM walked"
        f" UNION ALL SELECT {columns} FROM stale JOIN listing_search s USING (listing_id)"
        f" WHERE {where} AND {few}),"
        " soon AS (SELECT * FROM known WHERE NOT EXISTS (SELECT FROM reached"
        " WHERE (known.key_0, known.listing_id) > (reached.week, reached.id))),"
        f" first AS MATERIALIZED (SELECT * FROM soon {after} {limited})"
        f"{rest} (SELECT * FROM week WHERE (SELECT count(*) FROM week) = :page)"
        " UNION ALL (SELECT * FROM first WHERE (SELECT count(*) FROM first) = :page)"
        f"{added}"
    )


def _same_week(conditions: Conditions, columns: str, place: Place | None) -> str:
    """The next ones that begin in the week of the place, or in the first of the window."""
    if place is None and conditions.filters.start_from is None:
        return f"SELECT {columns} FROM listing_search s WHERE false"
    since = "" if place is None else " WHERE s.listing_id > CAST(:after_id AS uuid)"
    week = ":window_from" if place is None else "CAST(:after_0 AS bigint)"
    return (
        f"SELECT * FROM (SELECT {columns} FROM (SELECT * FROM listing_search s{since}"
        f" ORDER BY s.listing_id LIMIT {WALK_WEEK}) AS s WHERE {conditions.where()}) AS every"
        f" WHERE key_0 = {week} ORDER BY listing_id LIMIT :page"
    )
