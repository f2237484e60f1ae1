"""Listings that an import made, and whether somebody has done something with them since."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from marketplace.catalog.states import Touched
from marketplace.core.db import Session

# What follows of a change of their site or preceptor, or of a new classifier, nobody did with them.
_FOLLOWED = "('site', 'reclassification')"
_MADE = "SELECT listing_id FROM listing_version WHERE import_id = :import_id AND version = 1"
_HOLD_LISTINGS = text(
    f"SELECT id FROM listing WHERE id IN ({_MADE}) AND state = 'draft' ORDER BY id FOR UPDATE"  # noqa: S608 - our own words
)
_HOLD_POOLS = text(
    "SELECT id FROM seat_pool WHERE id IN (SELECT lp.pool_id FROM listing_pool lp"  # noqa: S608 - our own words
    f" WHERE lp.listing_id IN ({_MADE})) ORDER BY id FOR UPDATE"
)
_LOOK = text(
    f"""
    SELECT l.id, l.external_id, l.title, l.state,
           CASE
             WHEN l.state <> 'draft' OR l.first_published_at IS NOT NULL
               OR (SELECT count(*) FROM listing_transition t WHERE t.listing_id = l.id) > 1
             THEN 'state'
             WHEN EXISTS (SELECT FROM listing_version v
                           WHERE v.listing_id = l.id AND v.version > 1
                             AND v.source NOT IN {_FOLLOWED})
             THEN 'terms'
             WHEN (SELECT count(*) FROM listing_pool lp WHERE lp.listing_id = l.id) <> 1
               OR NOT EXISTS (
                  SELECT FROM listing_pool lp JOIN seat_pool p ON p.id = lp.pool_id
                   WHERE lp.listing_id = l.id AND p.version = 1 AND p.preceptor_id IS NULL
                     AND NOT EXISTS (SELECT FROM listing_pool o
                                      WHERE o.pool_id = p.id AND o.listing_id <> l.id)
                     AND NOT EXISTS (SELECT FROM seat_edit e WHERE e.pool_id = p.id)
                     AND NOT EXISTS (SELECT FROM seat_week w WHERE w.pool_id = p.id AND w.taken > 0))
             THEN 'calendar'
           END AS touched
      FROM listing l
     WHERE l.id IN ({_MADE}) AND l.state <> 'retired'
     ORDER BY l.external_id, l.id
    """  # noqa: S608 - our own words
)


@dataclass(frozen=True)
class Made:
    """A listing that an import made; `why` is what was done with it since, nothing where nobody did."""

    listing_id: uuid.UUID
    external_id: str
    title: str
    state: str
    why: Touched | None


def by_import(session: Session, import_id: uuid.UUID, *, hold: bool) -> Sequence[Made]:
    """The listings that an import made and that are not retired, by their own ids.

    With `hold` its drafts are held, then their calendars: the look is at what stands from then on.
    """
    given = {"import_id": import_id}
    if hold:
        session.execute(_HOLD_LISTINGS, given)
        session.execute(_HOLD_POOLS, given)
    rows = session.execute(_LOOK, given)
    return [
        Made(row.id, row.external_id, row.title, row.state, Touched(row.touched))
        if row.touched
        else Made(row.id, row.external_id, row.title, row.state, None)
        for row in rows
    ]
