"""Reviews of listings whose words contradict their duties."""

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import joinedload

from marketplace.catalog.models import Listing, ListingDrift, ListingReview
from marketplace.catalog.states import ReviewState
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
