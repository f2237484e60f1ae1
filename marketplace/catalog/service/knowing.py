"""What a saved search knows: taken down in the statement that looks for it, by the search's own
conditions, so that a search that fits thousands costs no more than one statement.
"""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Text, select, text
from sqlalchemy.dialects.postgresql import JSONB

from marketplace.catalog.models import SavedSearch
from marketplace.catalog.models.saved import MOST_SAVED
from marketplace.catalog.queries.search import words
from marketplace.catalog.queries.search.conditions import STALE, Conditions
from marketplace.catalog.queries.search.filters import Filters
from marketplace.core.db import Session
from marketplace.core.rows import now_has, statement

_OF_ITS_OWN = ("name", "filters", "anchors")
_FITS = """
WITH {stale},
fits AS MATERIALIZED (
    SELECT s.listing_id FROM listing_search s WHERE {where} LIMIT :most + 1),
amount AS MATERIALIZED (SELECT count(*) > :most AS broad FROM fits),"""
_MADE = """{fits}
free AS (
    SELECT min(number) AS slot FROM generate_series(1, :most_saved) AS number
     WHERE NOT EXISTS (SELECT FROM saved_search AS other
                        WHERE other.account_id = :account AND other.slot = number)),
made AS (
    INSERT INTO saved_search (id, account_id, slot, name, filters, anchors, since, broad)
    SELECT :saved, :account, free.slot, :name, :filters, :anchors, :now, amount.broad
      FROM free, amount WHERE free.slot > 0
        ON CONFLICT (account_id, slot) DO NOTHING
    RETURNING *),
known AS (
    INSERT INTO saved_search_hit (saved_search_id, listing_id, account_id, known, found_at)
    SELECT made.id, fits.listing_id, made.account_id, true, :now FROM fits, made
     WHERE NOT made.broad)
SELECT * FROM made
"""
_CHANGED = """{fits}
dropped AS (
    UPDATE saved_search_hit SET known = true
     WHERE saved_search_id = :saved AND NOT known AND digest_id IS NULL),
known AS (
    INSERT INTO saved_search_hit (saved_search_id, listing_id, account_id, known, found_at)
    SELECT :saved, listing_id, :account, true, :now FROM fits, amount WHERE NOT amount.broad
        ON CONFLICT DO NOTHING)
UPDATE saved_search SET broad = amount.broad, {changes} FROM amount WHERE id = :saved
RETURNING saved_search.broad
"""
# The search's own row is held: one that is deleted or paused meanwhile takes nothing down.
_NEWS = """
WITH {stale},
live AS MATERIALIZED (
    SELECT id, account_id FROM saved_search WHERE id = :saved AND NOT paused FOR KEY SHARE),
news AS (
    INSERT INTO saved_search_hit (saved_search_id, listing_id, account_id, known, found_at)
    SELECT live.id, s.listing_id, live.account_id, false, :now
      FROM live, listing_search s
     WHERE s.listing_id = ANY(:among) AND {where} AND {published}
        ON CONFLICT DO NOTHING
    RETURNING 1)
SELECT count(*) FROM news
"""
_PUBLISHED_SINCE = (
    "(SELECT l.first_published_at FROM listing l WHERE l.id = s.listing_id) > :published_after"
)


def made(
    session: Session, values: Mapping[str, Any], filters: Filters, now: datetime, most: int
) -> SavedSearch | None:
    """Make a search in the account's first free slot, and take down what fits already.

    `values` are id, account, name, filters and anchors. More than `most` that fit are not taken
    down: the search is `broad`. None if the account has all it may, or if somebody took the slot
    meanwhile, who was waited for. Two statements at most.
    """
    where, places = _fits(session, filters)
    fits = _FITS.format(stale=STALE.strip(), where=where)
    written = statement(_MADE.format(fits=fits), filters=JSONB, anchors=ARRAY(Text))
    places |= {"saved": values["id"], "account": values["account_id"], "now": now, "most": most}
    places |= {"most_saved": MOST_SAVED, **{name: values[name] for name in _OF_ITS_OWN}}
    return session.execute(select(SavedSearch).from_statement(written), places).scalar_one_or_none()


def change(
    session: Session,
    saved: SavedSearch,
    changes: Mapping[str, Any],
    filters: Filters,
    now: datetime,
    most: int,
) -> None:
    """Change columns of a search, take down what fits now, and drop news that was not told.

    More than `most` are not taken down: the search is `broad`. Two statements at most.
    """
    where, values = _fits(session, filters)
    columns = SavedSearch.__table__.c
    named = ", ".join(f"{name} = :set_{name}" for name in changes)
    written = statement(
        _CHANGED.format(fits=_FITS.format(stale=STALE.strip(), where=where), changes=named),
        **{f"set_{name}": columns[name].type for name in changes},
    )
    values |= {f"set_{name}": value for name, value in changes.items()}
    values |= {"saved": saved.id, "account": saved.account_id, "now": now, "most": most}
    broad = session.execute(written, values).scalar_one()
    now_has(saved, [*changes.items(), ("broad", broad)])


def take_news(
    session: Session,
    saved: SavedSearch,
    filters: Filters,
    among: Collection[uuid.UUID],
    now: datetime,
) -> int:
    """Take down which of the listings `among` fit and were not known; how many. Twice is once.

    For a `broad` search only those first published since it was saved. Two statements at most.
    """
    where, values = _fits(session, filters)
    published = _PUBLISHED_SINCE if saved.broad else "true"
    written = _NEWS.format(stale=STALE.strip(), where=where, published=published)
    values |= {"saved": saved.id, "among": list(among), "now": now}
    if saved.broad:
        values["published_after"] = saved.since
    return int(session.execute(text(written), values).scalar_one())


def _fits(session: Session, filters: Filters) -> tuple[str, dict[str, Any]]:
    meant = words.read(session, filters.words) if filters.words else words.NOTHING
    conditions = Conditions(filters, meant.query)
    return conditions.where(), dict(conditions.values)
