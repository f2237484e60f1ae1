"""`/listings`: search, one listing, its weeks, and why one may book it."""

from datetime import date, timedelta
from typing import Any, cast
from uuid import UUID

from flask import Response, make_response, request

from marketplace.catalog.errors import BadFilter, ListingNotFound
from marketplace.catalog.gateway import TraineeWeeks
from marketplace.catalog.models import Listing
from marketplace.catalog.queries import listings
from marketplace.catalog.queries.search import Filters, Found, search
from marketplace.catalog.rules.weeks import monday_from
from marketplace.catalog.schemas.eligibility import EligibilityArgs, EligibilitySchema
from marketplace.catalog.schemas.listings import (
    FoundSchema,
    ListingSchema,
    SearchArgs,
)
from marketplace.catalog.service.explaining import Explanation, explain, is_shown
from marketplace.core.money import Money
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, current_caller, public, signed_in
from marketplace.identity.rules import LearnerStatus, Role
from marketplace.web import context
from marketplace.web.api import Blueprint

LONGEST_WINDOW = timedelta(days=371)

blueprint = Blueprint(
    "listings", __name__, url_prefix="/listings", description="Listings, for everybody"
)


@blueprint.route("", methods=["GET"])
@public
@blueprint.arguments(SearchArgs, location="query")
@blueprint.response(200, FoundSchema)
def search_listings(data: dict[str, Any]) -> Found:
    """Search published listings, with facets.

    A signed-in trainee is shown what is open to them by their status on the first day, unless
    `learner_status` says otherwise.
    """
    return search(
        context.session(),
        _filters(data),
        sort=data["sort"],
        limit=data["limit"],
        cursor=data["cursor"],
    )


@blueprint.route("/<uuid:listing_id>", methods=["GET"])
@public
@blueprint.response(200, ListingSchema)
@blueprint.alt_response(304, description="As you have it already.")
def show_listing(listing_id: UUID) -> Response:
    """Read a listing; drafts and listings under review only by their host and operators."""
    listing = listings.listing(context.session(), listing_id)
    _check_shown(listing)
    response = make_response(ListingSchema().dump(listing))
    # By its content: state, flag and site change without a new version of the terms.
    response.add_etag()
    return cast("Response", response.make_conditional(request))


@blueprint.route("/<uuid:listing_id>/eligibility", methods=["GET"])
@signed_in
@blueprint.arguments(EligibilityArgs, location="query")
@blueprint.response(200, EligibilitySchema)
def show_eligibility(data: dict[str, Any], listing_id: UUID) -> Explanation:
    """Explain rule by rule why the signed-in trainee may or may not book."""
    return explain(
        context.session(),
        listing_id,
        current_account().id,
        context.now(),
        first_day=data["first_day"],
        weeks=data["weeks"],
        bookings=context.parts().get(TraineeWeeks),
    )


def _filters(data: dict[str, Any]) -> Filters:
    today = context.now().date()
    start, end = _window(data["start_from"], data["start_to"])
    return Filters(
        today=today,
        words=data["q"] or None,
        specialties=data["specialty"] or (),
        status=_status(data["learner_status"], start or today),
        tiers=data["tier"] or (),
        us_states=data["state"] or (),
        settings=data["setting"] or (),
        visa=data["visa"],
        weeks=data["weeks"],
        start_from=start,
        start_to=end,
        price_most=Money(data["price_max"], data["currency"]) if data["price_max"] else None,
    )


def _window(first: date | None, last: date | None) -> tuple[date | None, date | None]:
    if first is None:
        if last is not None:
            raise BadFilter(fields={"start_to": ["Give start_from too."]})
        return None, None
    end = last or first
    if not timedelta(0) <= end - first <= LONGEST_WINDOW or end.year >= date.max.year:
        raise BadFilter(fields={"start_to": ["From start_from on, and at most a year later."]})
    start = monday_from(first)
    return start, max(start, end)


def _status(given: str | None, day: date) -> LearnerStatus | None:
    if given is not None:
        return LearnerStatus(given)
    caller = current_caller()
    facts = identity.trainee_facts(context.session(), caller.account.id) if caller else None
    return facts.learner_status(day) if facts else None


def _check_shown(listing: Listing) -> None:
    if not is_shown(listing) and not may_manage(listing.site_id):
        raise ListingNotFound


def may_manage(site_id: UUID) -> bool:
    """Whether the caller sees a site's listings before the public does."""
    caller = current_caller()
    if caller is None:
        return False
    return Role.OPERATOR in caller.roles or bool(caller.site_roles(site_id))
