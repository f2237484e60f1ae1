"""What a saved search knows: taken down in the statement that looks for it, by the search's own
conditions, so that a search that fits thousands costs no more than one statement.
"""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import text

from marketplace.catalog.models import SavedSearch
from marketplace.catalog.queries.search import words
from marketplace.catalog.queries.search.conditions import STALE, Conditions
from marketplace.catalog.queries.search.filters import Filters
from marketplace.core.db import Session

_KNOWN = """
WITH {stale},
fits AS MATERIALIZED (
    SELECT s.listing_id FROM listing_search s WHERE {where} LIMIT :most + 1),
amount AS MATERIALIZED (SELECT count(*) > :most AS broad FROM fits),
dropped AS (
    UPDATE saved_search_hit SET known = true
     WHERE saved_search_id = :saved AND NOT known AND digest_id IS NULL),
known AS (
    INSERT INTO saved_search_hit (saved_search_id, listing_id, account_id, known, found_at)
    SELECT :saved, listing_id, :account, true, :now FROM fits, amount WHERE NOT amount.broad
        ON CONFLICT DO NOTHING)
UPDATE saved_search SET broad = amount.broad FROM amount WHERE id = :saved
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


def know(session: Session, saved: SavedSearch, filters: Filters, now: datetime, most: int) -> bool:
    """Take down what fits already, and drop news that was not told; whether it is too much.

    More than `most` are not taken down: the search is `broad`. Two statements at most.
    """
    where, values = _fits(session, filters)
    written = _KNOWN.format(stale=STALE.strip(), where=where)
    values |= {"saved": saved.id, "account": saved.account_id, "now": now, "most": most}
    return bool(session.execute(text(written), values).scalar_one())


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
