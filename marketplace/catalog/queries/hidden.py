"""What a search by one's own eligibility leaves out: the same conditions, the last part reversed."""

import uuid
from dataclasses import replace

from sqlalchemy import select, text
from sqlalchemy.orm import joinedload

from marketplace.catalog.models import Listing
from marketplace.catalog.queries.search import walking, words
from marketplace.catalog.queries.search.conditions import Conditions
from marketplace.catalog.queries.search.filters import Filters
from marketplace.core.connections import PLAN_EACH_TIME
from marketplace.core.db import Session
from marketplace.identity.rules import LearnerStatus
from marketplace.web.pagination import BadCursor, Page, decode, encode

# The parts of a search that go by the trainee's own facts.
MINE = ("learner_status", "prerequisites")
_BY_STATUS = {
    LearnerStatus.STUDENT: "coalesce(s.tier_student, s.tier_graduate)",
    LearnerStatus.GRADUATE: "coalesce(s.tier_graduate, s.tier_student)",
    None: "least(s.tier_student, s.tier_graduate)",
}


def hidden(session: Session, filters: Filters, *, limit: int, cursor: str | None) -> Page[Listing]:
    """Listings with their sites that `filters` would find, but for the trainee's own facts.

    By price, three statements at most. A tier that is asked for is the trainee's where they are
    admitted, else that of those who are. A page looks through `walking.WALK` listings: it may
    have fewer than `limit`, even none, and yet a cursor for those that come after. `BadCursor`.
    """
    conditions, wanted = _conditions(session, filters)
    after, values = "", dict(conditions.values)
    if filters.tiers:
        values["tiers"] = list(filters.tiers)
    if cursor is not None:
        price, listing_id = _place(cursor)
        after = " AND (s.price_minor, s.listing_id) > (:price, :after)"
        values |= {"price": price, "after": listing_id}
    rows = session.execute(
        text(walking.statement(conditions, wanted, after)),
        {**values, "page": limit + 1},
        execution_options=PLAN_EACH_TIME,
    ).all()
    found = [row for row in rows if not row.reached]
    shown = found[:limit]
    # Where the page ends: at its last listing, or at the last one that was looked at.
    last = shown[-1] if len(found) > limit else next((row for row in rows if row.reached), None)
    listings = _listings(session, [row.listing_id for row in shown])
    next_cursor = None if last is None else encode([last.price_minor, last.listing_id])
    return Page([listings[row.listing_id] for row in shown], next_cursor)


def _conditions(session: Session, filters: Filters) -> tuple[Conditions, str]:
    """All conditions but on tiers, and SQL for those that can't be told by walking an index."""
    meant = words.read(session, filters.words) if filters.words else words.NOTHING
    mine = Conditions(replace(filters, tiers=()), meant.query, meant.listings)
    walked = walking.parts(mine)
    others = [sql for part, sql in mine.sql if part not in {*MINE, *walked}]
    facts = [sql for part, sql in mine.sql if part in MINE]
    if filters.tiers:
        others.append(f"{_BY_STATUS[filters.status]} = ANY(:tiers)")
    met = " AND ".join(f"({sql})" for sql in facts) or "true"
    return mine, " AND ".join([*(f"({sql})" for sql in others), f"({met}) IS NOT TRUE"])


def _place(cursor: str) -> tuple[int, uuid.UUID]:
    price, listing_id = decode(cursor, 2)
    if type(price) is not int or abs(price) >= 2**63 or not isinstance(listing_id, uuid.UUID):
        raise BadCursor
    return price, listing_id


def _listings(session: Session, ids: list[uuid.UUID]) -> dict[uuid.UUID, Listing]:
    rows = session.execute(
        select(Listing)
        .options(joinedload(Listing.site), joinedload(Listing.preceptor))
        .where(Listing.id.in_(ids))
    ).scalars()
    return {row.id: row for row in rows}
