"""Which listings are on show, in the order of their ids, for sitemaps of bounded size."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from marketplace.core.db import Session

# A little below the protocol's 50,000: what is published meanwhile finds room.
IN_ONE = 45_000

_STARTS = text(
    """
    SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS number
                      FROM listing WHERE state = 'published') numbered
     WHERE number % :size = 1 ORDER BY id
    """
)
_ENTRIES = text(
    """
    SELECT l.id, greatest(l.first_published_at, v.recorded_at) AS changed_at
      FROM (SELECT id, version, first_published_at FROM listing
             WHERE state = 'published' AND id > :after
             ORDER BY id LIMIT :limit) l
      LEFT JOIN listing_version v ON v.listing_id = l.id AND v.version = l.version
     ORDER BY l.id
    """
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A listing on show, and when its terms last changed."""

    listing_id: uuid.UUID
    changed_at: datetime


def starts(session: Session, size: int = IN_ONE) -> Sequence[uuid.UUID]:
    """The first listing of each sitemap of `size` listings; by one index, whatever their number."""
    return session.execute(_STARTS, {"size": size}).scalars().all()


def entries(session: Session, after: uuid.UUID, limit: int) -> Sequence[Entry]:
    """At most `limit` listings whose ids come after `after`."""
    rows = session.execute(_ENTRIES, {"after": after, "limit": limit})
    return [Entry(row.id, row.changed_at) for row in rows]
