"""Reviews of listings whose words contradict their duties."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from marketplace.catalog.models import Listing, ListingDrift, ListingReview
from marketplace.catalog.states import ReviewState
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.web.pagination import Page, paginate


def review(session: Session, review_id: uuid.UUID) -> ListingReview:
    """One review; `NotFound`."""
    found = session.get(ListingReview, review_id)
    if found is None:
        raise NotFound
    return found


def approved(session: Session, listing: Listing) -> bool:
    """Whether an operator has approved these very words and duties, and not rejected them since."""
    latest = session.execute(
        select(ListingReview.state)
        .where(
            ListingReview.listing_id == listing.id,
            ListingReview.fingerprint == listing.fingerprint,
            ListingReview.state.in_([ReviewState.APPROVED, ReviewState.REJECTED]),
        )
        .order_by(ListingReview.decided_at.desc(), ListingReview.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    return latest == ReviewState.APPROVED


def is_open(session: Session, listing: Listing) -> bool:
    """Whether an operator has been asked to read the listing, and has not decided yet."""
    found = session.execute(
        select(ListingReview.id).where(
            ListingReview.listing_id == listing.id, ListingReview.state == ReviewState.PENDING
        )
    ).first()
    return found is not None


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
