"""The upkeep of what searches read: free weeks that have changed, words for typing errors.

Both may lag or not run at all: a search then looks at the seats themselves, and corrects fewer
words. Neither makes an answer wrong.
"""

from datetime import date

from sqlalchemy import bindparam, delete, func, insert, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from marketplace.catalog.models import ListingPool, ListingSearch, SearchWord, StaleWeeks
from marketplace.catalog.queries.search.conditions import week_number
from marketplace.catalog.rules.weeks import monday_of
from marketplace.core.db import Session

BATCH = 2000
_ONE_AT_A_TIME = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('catalog.refresh_free_weeks', 0))"
)
_REFRESH = text("SELECT listing_search_refresh(:wanted, :since)").bindparams(
    bindparam("wanted", type_=ARRAY(Uuid))
)
# Words of letters and digits as they are written; what a search would make of each is its stem.
_GATHER = text(
    """
    INSERT INTO search_word (word, lexeme, listings, grams, gathered_at)
    SELECT found.word, (ts_lexize('english_stem', found.word))[1], found.ndoc,
           word_grams(found.word), CAST(:changed AS timestamptz)
      FROM ts_stat($$
             SELECT to_tsvector('simple', l.title || ' ' || l.search_text)
               FROM listing_search s JOIN listing l ON l.id = s.listing_id $$) AS found
     WHERE found.word ~ '^[a-z]{3,40}$' AND cardinality(ts_lexize('english_stem', found.word)) > 0
    """
)


def refresh_free_weeks(session: Session, today: date) -> int:
    """Work out anew the free weeks that may have changed; returns how many notes were worked off.

    At most `BATCH` notes. One at a time: what is read must be newer than the notes that are taken
    away. A listing that somebody edits meanwhile is left for the next time, not waited for.
    """
    session.execute(_ONE_AT_A_TIME)
    oldest = select(StaleWeeks.id).order_by(StaleWeeks.id).limit(BATCH).scalar_subquery()
    notes = session.execute(
        delete(StaleWeeks)
        .where(StaleWeeks.id.in_(oldest))
        .returning(StaleWeeks.listing_id, StaleWeeks.pool_id)
    ).all()
    pools = {note.pool_id for note in notes if note.pool_id}
    drawing = select(ListingPool.listing_id).where(ListingPool.pool_id.in_(pools))
    wanted = {note.listing_id for note in notes if note.listing_id}
    if pools:
        wanted |= set(session.execute(drawing).scalars())
    _work_out(session, wanted, today)
    return len(notes)


def _work_out(session: Session, wanted: set[object], today: date) -> None:
    rows = (
        select(ListingSearch.listing_id)
        .where(ListingSearch.listing_id.in_(wanted))
        .order_by(ListingSearch.listing_id)
    )
    locked = set(session.execute(rows.with_for_update(skip_locked=True)).scalars())
    busy = [
        {"listing_id": listing_id}
        for listing_id in session.execute(rows).scalars()
        if listing_id not in locked
    ]
    if busy:
        session.execute(insert(StaleWeeks), busy)
    if locked:
        since = week_number(monday_of(today))
        session.execute(_REFRESH, {"wanted": sorted(locked), "since": since})


def gather_words(session: Session) -> int:
    """Gather the words of the published listings, if any were published or changed since.

    Returns how many there are, or 0 where nothing was to be done.
    """
    gathered = session.scalar(select(func.max(SearchWord.gathered_at)))
    changed = session.scalar(select(func.max(ListingSearch.changed_at)))
    if changed is None or (gathered is not None and changed <= gathered):
        return 0
    session.execute(delete(SearchWord))
    session.execute(_GATHER, {"changed": changed})
    return session.scalar(select(func.count()).select_from(SearchWord)) or 0
