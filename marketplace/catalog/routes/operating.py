"""`/operator/listings`: the queue of listings whose words contradict their duties."""

from typing import Any
from uuid import UUID

from marketplace.catalog.models import Listing
from marketplace.catalog.queries import listings, reviews
from marketplace.catalog.schemas.hosting import DecisionSchema, ReviewPage
from marketplace.catalog.schemas.listings import ListingSchema
from marketplace.catalog.service import publishing
from marketplace.identity.access import current_account, require
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.schemas import PageArgs

blueprint = Blueprint(
    "operator_listings",
    __name__,
    url_prefix="/operator/listings",
    description="Reviews of listings, for operators",
)


@blueprint.route("/reviews", methods=["GET"])
@require("operator")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, ReviewPage)
def list_reviews(data: dict[str, Any]) -> dict[str, Any]:
    """List what waits, the longest-waiting first, each with its listing and conflicts."""
    page = reviews.queue(context.session(), **data)
    found = reviews.listings_of(context.session(), page)
    items = [
        {
            "id": review.id,
            "listing_id": review.listing_id,
            "listing_version": review.listing_version,
            "state": review.state,
            "conflicts": review.conflicts,
            "requested_by": review.requested_by,
            "requested_at": review.requested_at,
            "listing": found[review.listing_id],
        }
        for review in page.items
    ]
    return {"items": items, "next_cursor": page.next_cursor}


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
