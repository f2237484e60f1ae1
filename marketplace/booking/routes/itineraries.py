"""A trainee's itineraries: several rotations held together and paid together, or not at all."""

from typing import Any
from uuid import UUID

from marketplace.booking.models import Itinerary
from marketplace.booking.queries import itineraries as queries
from marketplace.booking.routes import finding
from marketplace.booking.rules.itineraries import HANDS_ON
from marketplace.booking.schemas.itineraries import (
    ItineraryArgs,
    ItineraryBookingsSchema,
    ItineraryLookSchema,
    ItineraryPayArgs,
    ItineraryPayLookArgs,
    ItineraryPaymentSchema,
    ItineraryReasonArgs,
    ItinerarySchema,
    ItinerarySubmitArgs,
)
from marketplace.booking.schemas.paying import PaymentLookSchema
from marketplace.booking.service import payment
from marketplace.booking.service.itineraries import deciding, drafting, holding, looking, paying
from marketplace.booking.service.itineraries.drafting import Draft, Wanted
from marketplace.identity.access import current_account, signed_in
from marketplace.web import context
from marketplace.web.api import PREFIX, Blueprint
from marketplace.web.etags import etag, require_match
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs, page_of

blueprint = Blueprint(
    "itineraries",
    __name__,
    url_prefix="/itineraries",
    description="Several rotations, across hosts, held and paid together or not at all.",
)


@blueprint.route("", methods=["POST"])
@signed_in
@blueprint.arguments(ItineraryArgs)
@blueprint.response(201, ItinerarySchema)
def draw_up(data: dict[str, Any]) -> tuple[Itinerary, dict[str, str]]:
    """Draw up an itinerary; nothing is held by it yet."""
    made = drafting.draw_up(context.session(), current_account().id, _draft(data), context.now())
    return made, {"Location": f"{PREFIX}/itineraries/{made.id}", **_version(made)}


@blueprint.route("", methods=["GET"])
@signed_in
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(ItinerarySchema))
def list_own(args: dict[str, Any]) -> Page[Itinerary]:
    """List your itineraries, newest first."""
    return queries.of_trainee(context.session(), current_account().id, **args)


@blueprint.route("/<uuid:itinerary_id>", methods=["GET"])
@signed_in
@blueprint.response(200, ItineraryLookSchema)
def look(itinerary_id: UUID) -> tuple[dict[str, Any], dict[str, str]]:
    """Look an itinerary through: seats, overlaps, price by line, gaps, stays, what it counts for.

    A draft is judged by the listings as they are now; nothing is held by looking.
    """
    itinerary = queries.find(context.session(), itinerary_id, current_account().id)
    found = looking.look(context.session(), itinerary, terms=finding.terms(), now=context.now())
    return _look(found), _version(itinerary)


@blueprint.route("/<uuid:itinerary_id>", methods=["PUT"])
@signed_in
@blueprint.arguments(ItineraryArgs)
@blueprint.response(200, ItinerarySchema)
def redraw(data: dict[str, Any], itinerary_id: UUID) -> tuple[Itinerary, dict[str, str]]:
    """Put another draft in its place. Send `If-Match`."""
    itinerary = _own(itinerary_id)
    require_match(itinerary.id, itinerary.version)
    drafting.redraw(context.session(), itinerary, _draft(data))
    return itinerary, _version(itinerary)


@blueprint.route("/<uuid:itinerary_id>", methods=["DELETE"])
@signed_in
@blueprint.response(204)
def throw_away(itinerary_id: UUID) -> None:
    """Throw a draft away."""
    drafting.throw_away(context.session(), _own(itinerary_id))


@blueprint.route("/<uuid:itinerary_id>/hold", methods=["POST"])
@signed_in
@blueprint.response(200, ItineraryBookingsSchema)
def hold(itinerary_id: UUID) -> dict[str, Any]:
    """Hold a seat in every week of every rotation, or none at all.

    409 `itinerary_refused` names each rotation that can't be held, why, and which starts near by
    are free; `currencies_mixed` where the prices are in several currencies.
    """
    itinerary = _own(itinerary_id)
    holding.hold(context.session(), itinerary, terms=finding.terms(), now=context.now())
    return _with_bookings(itinerary)


@blueprint.route("/<uuid:itinerary_id>/submit", methods=["POST"])
@signed_in
@blueprint.arguments(ItinerarySubmitArgs)
@blueprint.response(200, ItineraryBookingsSchema)
def submit(data: dict[str, Any], itinerary_id: UUID) -> dict[str, Any]:
    """Hand the applications to the hosts that decide; all other seats are kept meanwhile."""
    itinerary = _own(itinerary_id)
    given = {one.pop("booking_id"): one for one in data["applications"]}
    deciding.submit(context.session(), itinerary, given, context.now())
    return _with_bookings(itinerary)


@blueprint.route("/<uuid:itinerary_id>/payments", methods=["POST"])
@signed_in
@blueprint.arguments(ItineraryPayArgs)
@blueprint.response(201, ItineraryPaymentSchema)
def pay(data: dict[str, Any], itinerary_id: UUID) -> dict[str, Any]:
    """Ask to pay all that is due in one payment; asking again returns the same.

    409 `approval_needed` while a host has not answered, `itinerary_incomplete` where a rotation has
    ended and `without` does not name it.
    """
    queries.find(context.session(), itinerary_id, current_account().id)
    payment.lock_itinerary(context.session(), itinerary_id)
    itinerary = _own(itinerary_id)
    payment_id = paying.pay(
        context.session(), itinerary, terms=finding.terms(), now=context.now(), **data
    )
    return {"payment_id": payment_id, "itinerary": itinerary}


@blueprint.route("/<uuid:itinerary_id>/payment-quote", methods=["POST"])
@signed_in
@blueprint.arguments(ItineraryPayLookArgs)
@blueprint.response(200, PaymentLookSchema)
def quote_payment(data: dict[str, Any], itinerary_id: UUID) -> dict[str, Any]:
    """See what would be paid now, with a code and with credit; nothing is changed.

    And what you would agree to by having your card kept, for the balance of each rotation.
    """
    itinerary = queries.find(context.session(), itinerary_id, current_account().id)
    data.pop("wish")
    found, words = paying.look(context.session(), itinerary, now=context.now(), **data)
    return {**vars(found), "card_words": words}


@blueprint.route("/<uuid:itinerary_id>/withdraw", methods=["POST"])
@signed_in
@blueprint.arguments(ItineraryReasonArgs)
@blueprint.response(200, ItinerarySchema)
def withdraw(data: dict[str, Any], itinerary_id: UUID) -> Itinerary:
    """Give up an itinerary that is not paid, every rotation of it; nothing is owed."""
    itinerary = _own(itinerary_id)
    deciding.withdraw(context.session(), itinerary, now=context.now(), **data)
    return itinerary


def _own(itinerary_id: UUID) -> Itinerary:
    """Return the caller's own itinerary, its row held; for everybody else there is nothing."""
    return queries.lock(context.session(), itinerary_id, current_account().id)


def _draft(data: dict[str, Any]) -> Draft:
    items = [Wanted(**item) for item in data["items"]]
    return Draft(data["name"], items, data["arrive_on"], data["leave_on"])


def _version(itinerary: Itinerary) -> dict[str, str]:
    return {"ETag": f'"{etag(itinerary.id, itinerary.version)}"'}


def _with_bookings(itinerary: Itinerary) -> dict[str, Any]:
    found = queries.bookings(context.session(), itinerary.id)
    found.sort(key=lambda booking: booking.first_day)
    return {"itinerary": itinerary, "bookings": found}


def _look(found: looking.Look) -> dict[str, Any]:
    return {
        "itinerary": found.itinerary,
        "can_be_held": found.can_be_held,
        "rotations": [_rotation(part) for part in found.parts],
        "currencies": found.currencies,
        "total": found.total,
        "deposit": found.deposit,
        "due_now": found.due_now,
        "gaps": found.gaps,
        "stays": found.stays,
        "experience": found.experience,
        "disclaimer": found.disclaimer,
    }


def _rotation(part: looking.Part) -> dict[str, Any]:
    booking = part.booking
    held = part.item.booking_id is not None
    _, first_day, last_day = part.days
    return {
        "place": part.item.place,
        "listing_id": part.item.listing_id,
        "first_day": first_day,
        "last_day": last_day,
        "weeks": part.item.weeks,
        "booking_id": part.item.booking_id,
        "state": booking.state if booking and held else None,
        "listing_title": booking.listing_title if booking else None,
        "site_name": booking.site_name if booking else None,
        "approval": booking.approval if booking else None,
        "tier": booking.tier if booking else None,
        "hands_on": booking is not None and booking.tier in HANDS_ON,
        "price_lines": booking.price_lines if booking else [],
        "total": booking.total if booking else None,
        "deposit": booking.deposit if booking else None,
        "balance_due_on": booking.balance_due_on if booking else None,
        "hold_expires_at": booking.hold_expires_at if booking and held else None,
        "problems": part.problems,
        "other_starts": part.other_starts,
    }


BLUEPRINTS = (blueprint,)
