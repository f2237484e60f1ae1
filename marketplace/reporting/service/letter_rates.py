"""Publishing the letter rates of listings, and reading them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from marketplace.catalog import queries as catalog
from marketplace.catalog.states import ListingState
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.reporting.models import LetterRate
from marketplace.reporting.queries import letter_rates as queries
from marketplace.reporting.rules.intervals import wilson
from marketplace.reporting.rules.letter_rates import Counts, may_publish
from marketplace.reporting.rules.showing import HIDDEN

BATCH = 500
SHOWN = frozenset({ListingState.PUBLISHED, ListingState.PAUSED, ListingState.RETIRED})
METHOD = "Wilson 95%"


@dataclass(frozen=True)
class Rate:
    """What everybody may see; all of it is hidden where the counts are small."""

    listing_id: UUID
    as_of: datetime | None
    completed: int | str = HIDDEN
    with_letter: int | str = HIDDEN
    rate: float | str = HIDDEN
    lower: float | str | None = HIDDEN
    upper: float | str | None = HIDDEN
    method: str = METHOD
    meaning: str = (
        "Confirmed letters of recommendation / completed rotations. A letter is earned, not owed;"
        " recent rotations may still get one. It says what was, and promises nothing."
    )


def publish(session: Session, k: int, now: datetime) -> int:
    """Publish the rates that may be; return how many. A listing's own key keeps two runs apart."""
    made, every = 0, list(queries.counts(session, k))
    for start in range(0, len(every), BATCH):
        found = every[start : start + BATCH]
        before = queries.published(session, [listing_id for listing_id, _ in found])
        for listing_id, counts in found:
            earlier = [Counts(one.completed, one.with_letter) for one in before[listing_id]]
            if not may_publish(counts, earlier, k):
                continue
            session.add(
                LetterRate(
                    listing_id=listing_id,
                    number=len(earlier) + 1,
                    as_of=now,
                    completed=counts.completed,
                    with_letter=counts.with_letter,
                    k=k,
                )
            )
            made += 1
        session.flush()
    return made


def read(session: Session, listing_id: UUID) -> Rate:
    """Return the listing's published rate, or hidden; `NotFound` for one never offered."""
    facts = catalog.listing_facts(session, [listing_id]).get(listing_id)
    if facts is None or facts.state not in SHOWN:
        raise NotFound
    return of_shown(session, listing_id)


def of_shown(session: Session, listing_id: UUID) -> Rate:
    """Return the published rate, or hidden, of a listing that the public is being shown."""
    row = queries.last(session, listing_id)
    if row is None:
        return Rate(listing_id, None)
    found = wilson(row.with_letter, row.completed)
    return Rate(
        listing_id=listing_id,
        as_of=row.as_of,
        completed=row.completed,
        with_letter=row.with_letter,
        rate=row.with_letter / row.completed,
        lower=found.lower,
        upper=found.upper,
    )
