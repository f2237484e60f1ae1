"""Reviews of listings whose words contradict their duties."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import joinedload

from marketplace.catalog.models import Listing, ListingDrift, ListingReview
from marketplace.catalog.states import ReviewState
from marketplace.core import rows
from marketplace.core.db import Session
from marketplace.web.pagination import Page, paginate


@dataclass(frozen=True)
class Standing:
    """Where a listing's reviews stand: the open one, and whether these very words are approved."""

    open: ListingReview | None
    approved: bool


def standing(session: Session, listing: Listing) -> Standing:
    """What operators have said of a listing, and are asked; the caller holds the listing.

    Approved is what an operator has approved and not rejected since.
    """
    pending = ListingReview.state == ReviewState.PENDING
    found = (
        session.execute(
            select(ListingReview)
            .where(
                ListingReview.listing_id == listing.id,
                pending
                | (ListingReview.fingerprint == listing.fingerprint)
                & ListingReview.state.in_([ReviewState.APPROVED, ReviewState.REJECTED]),
            )
            .ext(distinct_on(pending))
            .order_by(pending, ListingReview.decided_at.desc(), ListingReview.id.desc())
            .execution_options(populate_existing=True)
        )
        .scalars()
        .all()
    )
    return Standing(
        open=next((row for row in found if row.state == ReviewState.PENDING), None),
        approved=any(row.state == ReviewState.APPROVED for row in found),
    )


@dataclass(frozen=True)
class Decided:
    """What operators have said of some words of a listing, or are asked."""

    id: uuid.UUID
    state: str
    fingerprint: str
    decided_at: datetime | None

    @classmethod
    def read(cls, key: str, state: str, fingerprint: str, decided_at: str | None) -> "Decided":
        at = datetime.fromisoformat(decided_at) if decided_at else None
        return cls(uuid.UUID(key), state, fingerprint, at)


def decisions(listing_id: uuid.UUID) -> ScalarSelect[Any]:
    """The fields of each `Decided` of a listing, as a column of a query that is made anyway."""
    row = ListingReview
    return (
        select(
            func.json_agg(func.json_build_array(row.id, row.state, row.fingerprint, row.decided_at))
        )
        .where(
            row.listing_id == listing_id,
            row.state.in_([ReviewState.PENDING, ReviewState.APPROVED, ReviewState.REJECTED]),
        )
        .scalar_subquery()
    )


def standing_by(session: Session, listing: Listing, found: Sequence[Decided]) -> Standing:
    """Do as `standing` with what was read while the caller held the listing."""
    same = [
        (one.decided_at, one.id, one.state)
        for one in found
        if one.decided_at is not None and one.fingerprint == listing.fingerprint
    ]
    pending = next((one for one in found if one.state == ReviewState.PENDING), None)
    review: ListingReview | None = None
    if pending is not None:
        read = ListingReview(
            id=pending.id,
            listing_id=listing.id,
            state=pending.state,
            fingerprint=pending.fingerprint,
        )
        review = rows.known(session, read)
    return Standing(open=review, approved=bool(same) and max(same)[2] == ReviewState.APPROVED)


def queue(
    session: Session,
    *,
    limit: int,
    cursor: str | None,
    state: str = ReviewState.PENDING,
    listing_id: uuid.UUID | None = None,
    conflict: str | None = None,
) -> Page[ListingReview]:
    """Reviews in a state, in the order of asking; of a listing, or with a conflict, if named."""
    query = select(ListingReview).where(ListingReview.state == state)
    if listing_id is not None:
        query = query.where(ListingReview.listing_id == listing_id)
    if conflict is not None:
        query = query.where(ListingReview.conflicts.contains([{"code": conflict}]))
    return paginate(
        session,
        query,
        key=[ListingReview.requested_at, ListingReview.id],
        key_of=lambda row: [row.requested_at, row.id],
        limit=limit,
        cursor=cursor,
    )


def listings_of(
    session: Session, page: Page[ListingReview] | Page[ListingDrift]
) -> dict[uuid.UUID, Listing]:
    """The listings of a page, with site and preceptor, in one query."""
    rows = session.execute(
        select(Listing)
        .options(joinedload(Listing.site), joinedload(Listing.preceptor))
        .where(Listing.id.in_([row.listing_id for row in page.items]))
    ).scalars()
    return {row.id: row for row in rows}
