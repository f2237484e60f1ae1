"""What a search by one's own eligibility leaves out: the same conditions, the last part reversed."""

import uuid
from dataclasses import replace
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import joinedload

from marketplace.catalog.models import Listing
from marketplace.catalog.queries.search import words
from marketplace.catalog.queries.search.conditions import STALE, Conditions
from marketplace.catalog.queries.search.filters import Filters
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
    admitted, else that of those who are. `BadCursor`.
    """
    where, values = _where(session, filters)
    if cursor is not None:
        price, after = _place(cursor)
        where.append("(s.price_minor, s.listing_id) > (:price, :after)")
        values |= {"price": price, "after": after}
    written = (
        f"WITH {STALE.strip()} SELECT s.listing_id, s.price_minor FROM listing_search s"  # noqa: S608 - conditions of ours, values bound
        f" WHERE {' AND '.join(where)} ORDER BY s.price_minor, s.listing_id LIMIT :page"
    )
    rows = session.execute(text(written), {**values, "page": limit + 1}).all()
    shown = rows[:limit]
    found = _listings(session, [row.listing_id for row in shown])
    more = len(rows) > limit
    next_cursor = encode([shown[-1].price_minor, shown[-1].listing_id]) if more else None
    return Page([found[row.listing_id] for row in shown], next_cursor)


def _where(session: Session, filters: Filters) -> tuple[list[str], dict[str, Any]]:
    meant = words.read(session, filters.words) if filters.words else words.NOTHING
    mine = Conditions(replace(filters, tiers=()), meant.query)
    others = [sql for part, sql in mine.sql if part not in MINE]
    facts = [sql for part, sql in mine.sql if part in MINE]
    values = dict(mine.values)
    if filters.tiers:
        others.append(f"{_BY_STATUS[filters.status]} = ANY(:tiers)")
        values["tiers"] = list(filters.tiers)
    met = " AND ".join(f"({sql})" for sql in facts) or "true"
    return [*(f"({sql})" for sql in others), f"({met}) IS NOT TRUE"], values


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
