"""Listings that could take the place of one that was called off: for the same weeks, with seats."""

import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy import text

from marketplace.catalog.rules.tiers import RANK, rank
from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.identity.rules import LearnerStatus

# Those that can be booked at once come first, then those that cost no more, then the best tier, then
# the cheapest.
_FOUND = """
    SELECT l.id
      FROM listing l
      JOIN listing was ON was.id = :listing
     WHERE l.state = 'published' AND l.id <> was.id
       AND l.specialty = was.specialty
       AND l.price_currency = :currency
       AND l.{tier} = ANY(:tiers)
       AND :first_day BETWEEN l.first_start AND l.last_start
       AND cardinality(:weeks) BETWEEN l.weeks_min AND l.weeks_max
       AND NOT l.blackout_weeks && :weeks
       AND EXISTS (SELECT FROM listing_pool lp WHERE lp.listing_id = l.id)
       AND NOT EXISTS (
               SELECT FROM listing_pool lp
                CROSS JOIN unnest(:weeks) AS wanted(week)
                 LEFT JOIN seat_week sw
                   ON sw.pool_id = lp.pool_id AND sw.week = wanted.week AND sw.taken < sw.capacity
                WHERE lp.listing_id = l.id AND sw.week IS NULL)
     ORDER BY l.approval <> 'instant', l.price_minor > :price,
              array_position(:tiers, l.{tier}), l.price_minor, l.id
     LIMIT :most
"""
_STATEMENTS = {status: text(_FOUND.format(tier=f"tier_{status.value}")) for status in LearnerStatus}


def alternatives(
    session: Session,
    listing_id: uuid.UUID,
    weeks: Sequence[date],
    *,
    status: str,
    tier: str,
    price: Money,
    most: int,
) -> list[uuid.UUID]:
    """Return listings of the same specialty that have a seat in each of `weeks`, the best first.

    Their tier for the learner's `status` is `tier` or a higher one, their currency that of `price`,
    which is what a week cost. Seats are as they are now.
    """
    good = [one for one in sorted(RANK, key=rank, reverse=True) if rank(one) >= rank(tier)]
    return list(
        session.execute(
            _STATEMENTS[LearnerStatus(status)],
            {
                "listing": listing_id,
                "currency": price.currency,
                "price": price.minor,
                "tiers": [one.value for one in good],
                "first_day": weeks[0],
                "weeks": list(weeks),
                "most": most,
            },
        ).scalars()
    )
