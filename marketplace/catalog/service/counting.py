"""A search whose counts are kept for whoever asks the same next.

Counting is most of a search. Counts without dates follow from the listings alone, and end with any
change of them; those of a search for free weeks follow from every booking, and are not kept.
"""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta

from marketplace.catalog.queries.search import Filters, Found, search
from marketplace.catalog.service.waking import CATALOGUE
from marketplace.core import freshness
from marketplace.core.db import Session
from marketplace.core.ports import Cache

# How long counts may outlive a change whose news was lost.
LIFE = timedelta(seconds=10)


def find(
    session: Session,
    cache: Cache,
    filters: Filters,
    *,
    sort: str | None = None,
    limit: int = 20,
    cursor: str | None = None,
    facets: bool | None = None,
) -> Found:
    """What `queries.search.search` finds, with the counts that are kept where there are any.

    The page itself is always read; only total and facets are kept. Raises what it raises.
    """
    counting = cursor is None if facets is None else facets
    kept = (
        freshness.look(cache, CATALOGUE, _key(filters, sort))
        if counting and filters.start_from is None
        else None
    )
    if isinstance(kept, bytes):
        found = search(session, filters, sort=sort, limit=limit, cursor=cursor, facets=False)
        return replace(found, **json.loads(kept))
    found = search(session, filters, sort=sort, limit=limit, cursor=cursor, facets=facets)
    if kept is not None:
        freshness.keep(cache, kept, _counts(found), LIFE)
    return found


def _key(filters: Filters, sort: str | None) -> str:
    """The search in one order of its alternatives: every field of it, as Python writes it."""
    alike = replace(
        filters,
        specialties=sorted(filters.specialties),
        tiers=sorted(filters.tiers),
        us_states=sorted(filters.us_states),
        settings=sorted(filters.settings),
        letter_policies=sorted(filters.letter_policies),
    )
    asked = repr((alike, sort)).encode()
    return f"counts:{hashlib.blake2b(asked, digest_size=16).hexdigest()}"


def _counts(found: Found) -> bytes:
    return json.dumps(
        {
            "total": found.total,
            "total_is_exact": found.total_is_exact,
            "facets": {name: dict(values) for name, values in found.facets.items()},
            "estimated": list(found.estimated),
        }
    ).encode()
