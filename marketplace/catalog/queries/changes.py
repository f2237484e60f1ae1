"""The change feed in an order in which nothing can turn up behind a reader.

Rows are ordered by the transaction that wrote them, and read only below the oldest transaction of
this database that still runs: every transaction below it has committed or never will, so what is
there is all that there will be. A transaction that runs for long delays the feed and loses nothing.

Transactions of other databases on the same server can't write here and are not waited for, where
it can be seen that they are theirs (`pg_stat_activity` tells so of one's own role, or by the right
`pg_read_all_stats`); where not, they are waited for too.

Where the settled rows end is asked before they are read, in a statement of its own: the later one
sees whatever was committed below that end.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from marketplace.catalog.errors import FeedGone
from marketplace.core.db import Session
from marketplace.web.pagination import BadCursor, decode, encode

_END = text("SELECT listing_changes_end()")
_PAGE = text(
    """
    SELECT start.transaction AS start,
           pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next, found.*
      FROM listing_change_start start
      LEFT JOIN LATERAL (
        SELECT c.transaction, c.listing_id, c.kind, c.at
          FROM listing_change c
         WHERE (c.transaction, c.listing_id, c.kind) > (:transaction, :listing_id, :kind)
           AND c.transaction < :end
         ORDER BY c.transaction, c.listing_id, c.kind
         LIMIT :limit) found ON true
     ORDER BY found.transaction, found.listing_id, found.kind
    """
)
_FORGET = text(
    """
    WITH kept AS (
      SELECT least(:end, min(transaction)) AS first
        FROM listing_change WHERE at >= now() - CAST(:age AS interval)),
    gone AS (
      DELETE FROM listing_change WHERE transaction < (SELECT first FROM kept)
      RETURNING transaction),
    moved AS (
      UPDATE listing_change_start SET transaction = (SELECT max(transaction) FROM gone)
       WHERE EXISTS (SELECT 1 FROM gone))
    SELECT count(*) FROM gone
    """
)
BEFORE_ALL = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class Change:
    """A listing that changed, and how; `at` is when the transaction that did it began."""

    listing_id: uuid.UUID
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Changes:
    """A page of the feed. `more`: the next page has something already."""

    items: Sequence[Change]
    next_cursor: str
    more: bool


def now(session: Session) -> str:
    """The cursor after which everything is that is not settled yet."""
    return encode([_end(session), BEFORE_ALL, ""])


def beginning(session: Session) -> str:
    """The cursor after which all is that is still kept."""
    start = session.execute(text("SELECT transaction FROM listing_change_start")).scalar_one()
    return encode([start + 1, BEFORE_ALL, ""])


def after(session: Session, cursor: str, limit: int) -> Changes:
    """At most `limit` changes after `cursor`, in two queries; `BadCursor`, `FeedGone`."""
    transaction, listing_id, kind = _key(cursor)
    place = {"transaction": transaction, "listing_id": listing_id, "kind": kind}
    rows = session.execute(_PAGE, {**place, "end": _end(session), "limit": limit + 1}).all()
    # A number that this server has not reached yet is of the one that it was restored from.
    if transaction <= rows[0].start or transaction > rows[0].next:
        raise FeedGone
    found = [row for row in rows if row.transaction is not None]
    shown = found[:limit]
    if not shown:
        return Changes([], cursor, more=False)
    items = [Change(row.listing_id, row.kind, row.at) for row in shown]
    last = shown[-1]
    if len(found) > limit:
        return Changes(items, encode([last.transaction, last.listing_id, last.kind]), more=True)
    # All that its transaction wrote is read: the cursor outlives the rows.
    return Changes(items, encode([last.transaction + 1, BEFORE_ALL, ""]), more=False)


def forget(session: Session, age: timedelta) -> int:
    """Delete what is older than `age` by the database's clock; cursors before it are gone."""
    return int(session.execute(_FORGET, {"end": _end(session), "age": age}).scalar_one())


def _end(session: Session) -> int:
    """The number below which every transaction of this database has ended."""
    return int(session.execute(_END).scalar_one())


def _key(cursor: str) -> tuple[int, uuid.UUID, str]:
    transaction, listing_id, kind = decode(cursor, 3)
    fits = type(transaction) is int and 0 <= transaction < 2**63
    if not fits or not isinstance(listing_id, uuid.UUID) or not isinstance(kind, str):
        raise BadCursor
    return transaction, listing_id, kind
