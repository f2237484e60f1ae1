"""Selects on the letter rates of listings."""

from collections.abc import Collection, Iterator
from uuid import UUID

from sqlalchemy import select, text

from marketplace.core.db import Session
from marketplace.reporting.models import LetterRate
from marketplace.reporting.rules.letter_rates import Counts

# A listing that can't be published yet is left out by the database itself.
COUNTS = text(
    """
SELECT booking.listing_id, count(*), count(letter.id)
FROM booking
LEFT JOIN letter ON letter.booking_id = booking.id AND letter.state = 'confirmed'
WHERE booking.state = 'completed'
GROUP BY booking.listing_id
HAVING count(*) >= :k
ORDER BY booking.listing_id
"""
)


def counts(session: Session, k: int) -> Iterator[tuple[UUID, Counts]]:
    """Yield listings with at least `k` completed rotations, and their counts."""
    for listing_id, completed, with_letter in session.execute(COUNTS, {"k": k}):
        yield listing_id, Counts(completed, with_letter)


def published(session: Session, listing_ids: Collection[UUID]) -> dict[UUID, list[LetterRate]]:
    """Return what was published of these listings, each in order."""
    query = select(LetterRate).where(LetterRate.listing_id.in_(listing_ids))
    found: dict[UUID, list[LetterRate]] = {one: [] for one in listing_ids}
    for row in session.execute(query.order_by(LetterRate.number)).scalars():
        found[row.listing_id].append(row)
    return found


def last(session: Session, listing_id: UUID) -> LetterRate | None:
    """Return a listing's last published figure; None if there is none yet."""
    return session.execute(
        select(LetterRate)
        .where(LetterRate.listing_id == listing_id)
        .order_by(LetterRate.number.desc())
        .limit(1)
    ).scalar_one_or_none()
