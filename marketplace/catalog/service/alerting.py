"""News for saved searches: found from what has changed, told at most once a day.

A round reads the change feed from where the last one ended, and asks of each saved search that one
of the changed listings may concern which of them fit it. What it finds is stored search by search;
only at its end is the position moved. Whoever dies in between, or runs beside another, finds the
same again, and the primary key of a hit takes it once. So the work is that of the changes and of
the searches they concern, whatever the size of the catalogue.
"""

import hashlib
import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import tuple_, update
from sqlalchemy.dialects.postgresql import insert

from marketplace.catalog.errors import FeedGone
from marketplace.catalog.models import (
    AlertPosition,
    SavedSearch,
    SavedSearchHit,
    SearchDigest,
)
from marketplace.catalog.queries import changes
from marketplace.catalog.queries import saved as queries
from marketplace.catalog.queries.saved import News
from marketplace.catalog.service import knowing
from marketplace.catalog.service.saving import read_back
from marketplace.catalog.service.searching import filters_of
from marketplace.catalog.states import ChangeKind
from marketplace.core.db import Session
from marketplace.core.errors import Invalid
from marketplace.core.ids import new_id
from marketplace.identity import queries as identity
from marketplace.identity.service.notices import notify

log = structlog.get_logger(__name__)

# After these a listing may fit that did not before: published, cheaper or otherwise changed, freed.
TURNING = frozenset({ChangeKind.PUBLISHED, ChangeKind.CHANGED, ChangeKind.SEATS})
MOST_CHANGES = 20_000
SEARCHES_AT_ONCE = 100
ACCOUNTS_AT_ONCE = 500
# Nobody is mailed before this hour of their own day.
EARLIEST_HOUR = 8
MOST_SHOWN = 30
TEMPLATE = "saved_search_digest"
Transaction = Callable[[], AbstractContextManager[Session]]
Keys = Mapping[str, Sequence[uuid.UUID]]


@dataclass(frozen=True)
class Round:
    """Changed listings by anchor, and the feed's cursors before and after them."""

    keys: Keys
    before: str
    after: str
    more: bool


def find_news(transaction: Transaction, now: datetime) -> int:
    """Go through all that has changed since the last time; return how many hits are new."""
    found = 0
    while True:
        with transaction() as session:
            turn = begin(session)
        if turn is None:
            return found
        after: uuid.UUID | None = None
        while turn.keys:
            with transaction() as session:
                hits, after = look(session, turn.keys, after, now)
            found += hits
            if after is None:
                break
        with transaction() as session:
            end(session, turn)
        if not turn.more:
            return found


def begin(session: Session) -> Round | None:
    """What has changed since the position; the first time, all that is kept.

    What fitted when a search was saved is known, so that older changes are no news to it.
    """
    position = session.get(AlertPosition, 1)
    if position is None:
        start = insert(AlertPosition).values(id=1, cursor=changes.beginning(session))
        session.execute(start.on_conflict_do_nothing())
        position = session.get_one(AlertPosition, 1)
    try:
        page = changes.after(session, position.cursor, MOST_CHANGES)
    except FeedGone:
        log.warning("saved_searches_missed_changes", cursor=position.cursor)
        _move(session, position.cursor, changes.now(session))
        return None
    if not page.items:
        return None
    turned = {change.listing_id for change in page.items if change.kind in TURNING}
    keys = queries.keys_of(session, turned) if turned else {}
    return Round(keys, position.cursor, page.next_cursor, page.more)


def look(
    session: Session, keys: Keys, after: uuid.UUID | None, now: datetime
) -> tuple[int, uuid.UUID | None]:
    """Ask the next saved searches; how many hits are new, and after which search to go on."""
    rows = queries.concerned(session, list(keys), after, SEARCHES_AT_ONCE)
    found = sum(_ask(session, row, keys, now) for row in rows)
    return found, rows[-1].id if len(rows) == SEARCHES_AT_ONCE else None


def end(session: Session, turn: Round) -> None:
    """Move the position over what has been looked at, unless another round has."""
    _move(session, turn.before, turn.after)


def send_digests(transaction: Transaction, now: datetime) -> int:
    """Mail each account its news, at most once a day of its own zone; return how many mails."""
    sent, after = 0, None
    while True:
        with transaction() as session:
            accounts = queries.accounts_with_news(session, after, ACCOUNTS_AT_ONCE)
        for account_id in accounts:
            with transaction() as session:
                sent += digest(session, account_id, now)
        if len(accounts) < ACCOUNTS_AT_ONCE:
            return sent
        after = accounts[-1]


def digest(session: Session, account_id: uuid.UUID, now: datetime) -> bool:
    """Mail an account what its searches have found; whether there was anything, and it is time.

    The row of the day is the right to send: of two at once one has it. The mail, its mark on the
    hits and the row are one transaction.
    """
    account = identity.account(session, account_id)
    if account is None or not account.active:
        return False
    local = now.astimezone(ZoneInfo(account.time_zone))
    if local.hour < EARLIEST_HOUR:
        return False
    items = queries.news(session, account_id)
    if not items:
        return False
    token = secrets.token_urlsafe(32)
    claimed = session.execute(
        insert(SearchDigest)
        .values(
            id=new_id(),
            account_id=account_id,
            day=local.date(),
            queued_at=now,
            token_hash=hashed(token),
        )
        .on_conflict_do_nothing(index_elements=["account_id", "day"])
        .returning(SearchDigest.id)
    ).scalar_one_or_none()
    if claimed is None:
        return False
    _mark(session, claimed, items)
    notify(
        session,
        account_id,
        TEMPLATE,
        _content(items),
        now=now,
        secret={"unsubscribe": f"/api/v1/saved-searches/unsubscribe?token={token}"},
    )
    return True


def hashed(token: str) -> bytes:
    """What is kept of an unsubscribe link's token."""
    return hashlib.sha256(token.encode()).digest()


def _ask(session: Session, search: SavedSearch, keys: Keys, now: datetime) -> int:
    among = {listing_id for anchor in search.anchors for listing_id in keys.get(anchor, ())}
    try:
        filters = filters_of(
            session,
            read_back(search.filters),
            today=now.date(),
            account_id=search.account_id,
        )
    except Invalid as error:
        # A profile that was emptied, a place that is known no more: its owner sees it on editing.
        log.warning("saved_search_unanswerable", saved_search=str(search.id), error=str(error))
        return 0
    return knowing.take_news(session, search, filters, among, now)


def _move(session: Session, before: str, after: str) -> None:
    session.execute(
        update(AlertPosition)
        .where(AlertPosition.id == 1, AlertPosition.cursor == before)
        .values(cursor=after)
    )


def _mark(session: Session, digest_id: uuid.UUID, items: Sequence[News]) -> None:
    session.execute(
        update(SavedSearchHit)
        .where(
            tuple_(SavedSearchHit.saved_search_id, SavedSearchHit.listing_id).in_(
                [(item.saved_search_id, item.listing_id) for item in items]
            )
        )
        .values(digest_id=digest_id)
    )


def _content(items: Sequence[News]) -> dict[str, object]:
    """The mail's data: by search, at most `MOST_SHOWN` listings, and how many more there are."""
    searches: dict[str, list[dict[str, object]]] = {}
    for item in items[:MOST_SHOWN]:
        searches.setdefault(item.search_name, []).append(
            {
                "listing_id": str(item.listing_id),
                "title": item.title,
                "place": f"{item.site_name}, {item.city}, {item.us_state}",
                "price": {"amount": item.price_minor, "currency": item.price_currency},
            }
        )
    return {
        # What several searches have found is one rotation.
        "count": len({item.listing_id for item in items}),
        "more": max(0, len(items) - MOST_SHOWN),
        "searches": [{"name": name, "listings": found} for name, found in searches.items()],
    }
