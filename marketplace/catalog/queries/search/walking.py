"""A bounded walk by price: what few listings have is looked for among so many, and then goes on.

Some parts of the filters decide which listings are walked through, as an index has them by price or
finds few of them; the other parts are looked at on the way.
"""

from marketplace.catalog.models import ListingSearch
from marketplace.catalog.queries.search.conditions import STALE, Conditions

# How many listings a page looks through.
WALK = 3_000
# Of the parts that are walked by, those that an index finds in another order than by price.
SORTED = frozenset({"q", "near"})
_ORDERED = "s.price_minor, s.listing_id"
_COLUMNS = ListingSearch.__table__.columns


def parts(conditions: Conditions) -> set[str]:
    """The parts that an index by price goes on from, or of which few listings are left."""
    filters = conditions.filters
    one_of = {"specialty": filters.specialties, "state": filters.us_states}
    single = {part for part, chosen in one_of.items() if len(chosen) == 1}
    few = conditions.query is not None and (conditions.with_words or WALK + 1) <= WALK
    return {"price_max", "near", *single, *(["q"] if few else [])}


def statement(conditions: Conditions, wanted: str, after: str) -> str:
    """The first `:page` of the wanted by price, and where the walk ended if it did before that.

    `wanted` is SQL for all but the walk's own parts; `after`, for the place to begin at.
    """
    walked = parts(conditions)
    where = " AND ".join(f"({sql})" for part, sql in conditions.sql if part in walked) or "true"
    source = f"listing_search s WHERE {where}{after}"
    walk = f"(SELECT * FROM {source} ORDER BY {_ORDERED} LIMIT {WALK}) AS s"
    tables = [STALE.strip()]
    if SORTED & walked & set(conditions.filters.parts):
        # Found by what they are, and sorted: none is looked for by walking along the prices.
        few = f"(SELECT {_narrow(conditions, walked)} FROM {source} OFFSET 0) AS s"
        sorted_few = f"SELECT * FROM {few} ORDER BY {_ORDERED} LIMIT {WALK}"
        tables.append(f"walk AS MATERIALIZED ({sorted_few})")
        walk, source = "walk AS s", "walk AS s WHERE true"
    return (
        f"WITH {', '.join(tables)}, found AS MATERIALIZED (SELECT s.listing_id, s.price_minor"
        f" FROM {walk} WHERE {wanted} ORDER BY {_ORDERED} LIMIT :page),"
        f" reached AS (SELECT s.listing_id, s.price_minor FROM {source}"
        " AND (SELECT count(*) FROM found) < :page"
        f" ORDER BY {_ORDERED} OFFSET {WALK - 1} LIMIT 1)"
        " SELECT listing_id, price_minor, false AS reached FROM found UNION ALL"
        " SELECT listing_id, price_minor, true FROM reached"
        " ORDER BY reached, price_minor, listing_id"
    )


def _narrow(conditions: Conditions, walked: set[str]) -> str:
    """The columns to sort: the words are left out where nobody asks for them any more."""
    if conditions.query is not None and "q" not in walked:
        return "*"
    return ", ".join(each.name for each in _COLUMNS if "words" not in each.name)
