"""What of the catalogue waits for an operator: how much of each, and one of each."""

import uuid
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from marketplace.catalog.models import Listing, ListingDrift, ListingReview, Site
from marketplace.catalog.states import ReviewState
from marketplace.core.db import Session
from marketplace.core.errors import NotFound


@dataclass(frozen=True)
class Waiting:
    """How many sites, reviews and flags of drift wait."""

    sites: int
    reviews: int
    drifts: int


def waiting(session: Session) -> Waiting:
    """Count what waits; one query."""
    sites = select(func.count()).where(Site.waiting_since.is_not(None))
    reviews = select(func.count()).where(ListingReview.state == ReviewState.PENDING)
    drifts = select(func.count()).where(ListingDrift.resolved_at.is_(None))
    row = session.execute(
        select(sites.scalar_subquery(), reviews.scalar_subquery(), drifts.scalar_subquery())
    ).one()
    return Waiting(*row)


def review(session: Session, review_id: uuid.UUID) -> tuple[ListingReview, Listing]:
    """A review with its listing, site and preceptor; `NotFound`."""
    found = session.get(ListingReview, review_id)
    if found is None:
        raise NotFound
    return found, _listing(session, found.listing_id)


def drift(session: Session, drift_id: uuid.UUID) -> tuple[ListingDrift, Listing]:
    """A flag of drift with its listing, site and preceptor; `NotFound`."""
    found = session.get(ListingDrift, drift_id)
    if found is None:
        raise NotFound
    return found, _listing(session, found.listing_id)


def _listing(session: Session, listing_id: uuid.UUID) -> Listing:
    return session.execute(
        select(Listing)
        .options(joinedload(Listing.site), joinedload(Listing.preceptor))
        .where(Listing.id == listing_id)
    ).scalar_one()
