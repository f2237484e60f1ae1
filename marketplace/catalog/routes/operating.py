"""`/operator/listings`: listings whose words, or whose trainees, contradict their duties."""

from typing import Any
from uuid import UUID

from marshmallow import Schema

from marketplace.catalog.models import Listing, ListingDrift, ListingReview
from marketplace.catalog.queries import listings, reviews, tiers
from marketplace.catalog.schemas.hosting import DecisionSchema
from marketplace.catalog.schemas.listings import ListingSchema
from marketplace.catalog.schemas.operating import (
    DecidedReviewSchema,
    DriftPage,
    DriftResolutionSchema,
    DriftsArgs,
    DriftSchema,
    ReviewPage,
    ReviewsArgs,
)
from marketplace.catalog.service import drifting, publishing
from marketplace.identity.access import current_account, require
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page

blueprint = Blueprint(
    "operator_listings",
    __name__,
    url_prefix="/operator/listings",
    description="Reviews and flags of listings, for operators",
)


@blueprint.route("/reviews", methods=["GET"])
@require("operator")
@blueprint.arguments(ReviewsArgs, location="query")
@blueprint.response(200, ReviewPage)
def list_reviews(data: dict[str, Any]) -> dict[str, Any]:
    """List reviews in the order of asking, each with its listing and conflicts: what waits first."""
    page = reviews.queue(context.session(), **data)
    return _with_listings(page, DecidedReviewSchema)


@blueprint.route("/reviews/<uuid:review_id>/decision", methods=["POST"])
@require("operator")
@blueprint.arguments(DecisionSchema)
@blueprint.response(200, ListingSchema)
def decide(data: dict[str, Any], review_id: UUID) -> Listing:
    """Approve or reject; whoever decides second is told who came first (409)."""
    listing = publishing.decide(
        context.session(),
        review_id,
        approve=data["approve"],
        reason=data["reason"],
        account_id=current_account().id,
        now=context.now(),
    )
    return listings.listing(context.session(), listing.id)


@blueprint.route("/drifts", methods=["GET"])
@require("operator")
@blueprint.arguments(DriftsArgs, location="query")
@blueprint.response(200, DriftPage)
def list_drifts(data: dict[str, Any]) -> dict[str, Any]:
    """List listings whose trainees mostly report no direct patient contact, or the history."""
    return _with_listings(tiers.drifts(context.session(), **data), DriftSchema)


@blueprint.route("/drifts/<uuid:drift_id>/resolution", methods=["POST"])
@require("operator")
@blueprint.arguments(DriftResolutionSchema)
@blueprint.response(200, ListingSchema)
def resolve_drift(data: dict[str, Any], drift_id: UUID) -> Listing:
    """Take the flag away with a reason; attestations so far don't count against it any more.

    Whoever resolves second is told who came first (409).
    """
    flag = drifting.resolve(
        context.session(),
        drift_id,
        reason=data["reason"],
        account_id=current_account().id,
        now=context.now(),
    )
    return listings.listing(context.session(), flag.listing_id)


def _with_listings(
    page: Page[ListingReview] | Page[ListingDrift], shape: type[Schema]
) -> dict[str, Any]:
    found = reviews.listings_of(context.session(), page)
    names = [name for name in shape().fields if name != "listing"]
    items = [
        {**{name: getattr(row, name) for name in names}, "listing": found[row.listing_id]}
        for row in page.items
    ]
    return {"items": items, "next_cursor": page.next_cursor}
