"""Waiting lists: a trainee's own places, a site's lists, and what operators see of them."""

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from marketplace.booking.models import Booking, SeatOffer, WaitingEntry
from marketplace.booking.queries import waiting as queries
from marketplace.booking.queries.waiting import Placed
from marketplace.booking.routes import finding
from marketplace.booking.schemas import BookingSchema
from marketplace.booking.schemas.waiting import (
    WaitingEntrySchema,
    WaitingHistorySchema,
    WaitingJoinArgs,
    WaitingListArgs,
    WaitingPlaceSchema,
)
from marketplace.booking.service import offers, waiting
from marketplace.identity.access import current_account, require, signed_in, site_member
from marketplace.web import context
from marketplace.web.api import PREFIX, Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs, page_of

trainees = Blueprint(
    "waiting-list",
    __name__,
    url_prefix="/waiting-list",
    description="Waiting for weeks that are full, in strict order.",
)
others = Blueprint(
    "waiting-lists", __name__, description="Waiting lists as sites and operators see them."
)

# What is shown of an entry as it stands.
SHOWN = (
    "id", "state", "trainee_id", "listing_id", "listing_title", "site_id", "site_name",
    "first_day", "last_day", "weeks", "joined_at", "no_offer_from",
)  # fmt: skip


@trainees.route("", methods=["POST"])
@signed_in
@trainees.arguments(WaitingJoinArgs)
@trainees.response(201, WaitingEntrySchema)
def join(data: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Join the list of a listing for a run of weeks, behind everybody who waits already.

    409 `seats_are_free` if it can be booked, `not_eligible` with the rules that are not met,
    `already_waiting`, `gave_it_up` if you cancelled this very place.
    """
    entry = waiting.join(
        context.session(), trainee_id=current_account().id, now=context.now(), **data
    )
    return _one(entry), {"Location": f"{PREFIX}/waiting-list/{entry.id}"}


@trainees.route("", methods=["GET"])
@signed_in
@trainees.arguments(PageArgs, location="query")
@trainees.response(200, page_of(WaitingEntrySchema))
def list_own(args: dict[str, Any]) -> Page[dict[str, Any]]:
    """List what you wait or have waited for, newest first, with your positions and offers."""
    session = context.session()
    return _shown(queries.of_trainee(session, current_account().id, **args))


@trainees.route("/<uuid:entry_id>", methods=["GET"])
@signed_in
@trainees.response(200, WaitingEntrySchema)
def read(entry_id: UUID) -> dict[str, Any]:
    """Read a place of yours: its position, and the offer if there is one."""
    return _one(_own(entry_id))


@trainees.route("/<uuid:entry_id>/leave", methods=["POST"])
@signed_in
@trainees.response(200, WaitingEntrySchema)
def leave(entry_id: UUID) -> dict[str, Any]:
    """Leave the list while you wait; who joins again stands at its end."""
    entry = _own(entry_id)
    waiting.leave(context.session(), entry, context.now())
    return _one(entry)


@trainees.route("/<uuid:entry_id>/accept", methods=["POST"])
@signed_in
@trainees.response(201, BookingSchema)
def accept(entry_id: UUID) -> tuple[Booking, dict[str, str]]:
    """Take the seat that is offered: it becomes a held booking, to be applied for or paid."""
    booking = offers.accept(
        context.session(), _own(entry_id), terms=finding.terms(), now=context.now()
    )
    where = {"Location": f"{PREFIX}/bookings/{booking.id}"}
    return booking, {**where, **finding.version_of(booking)}


@trainees.route("/<uuid:entry_id>/decline", methods=["POST"])
@signed_in
@trainees.response(200, WaitingEntrySchema)
def decline(entry_id: UUID) -> dict[str, Any]:
    """Let the offered seat go to the next who waits; your place ends."""
    entry = _own(entry_id)
    offers.decline(context.session(), entry, context.now())
    return _one(entry)


@others.route("/sites/<uuid:site_id>/waiting-list", methods=["GET"])
@site_member(*finding.DECIDERS)
@others.arguments(WaitingListArgs, location="query")
@others.response(200, page_of(WaitingPlaceSchema))
def list_of_site(args: dict[str, Any], site_id: UUID) -> Page[dict[str, Any]]:
    """See who waits for your weeks, in order; names are told with an application, not before."""
    return _shown(queries.in_line(context.session(), site_id=site_id, **args))


@others.route("/operator/waiting-list", methods=["GET"])
@require("operator")
@others.arguments(WaitingListArgs, location="query")
@others.response(200, page_of(WaitingEntrySchema))
def list_all(args: dict[str, Any]) -> Page[dict[str, Any]]:
    """See everybody who waits or has an offer, in the order in which they joined."""
    return _shown(queries.in_line(context.session(), **args))


@others.route("/operator/waiting-list/<uuid:entry_id>", methods=["GET"])
@require("operator")
@others.response(200, WaitingHistorySchema)
def history(entry_id: UUID) -> dict[str, Any]:
    """Read every step of a place in a list: from, to, when, who and why."""
    session = context.session()
    entry = queries.entry(session, entry_id)
    return {"entry": _one(entry), "steps": queries.steps(session, entry_id)}


def _own(entry_id: UUID) -> WaitingEntry:
    return queries.own(context.session(), entry_id, current_account().id)


def _one(entry: WaitingEntry) -> dict[str, Any]:
    return _shown(Page([entry], None)).items[0]


def _shown(page: Page[WaitingEntry]) -> Page[dict[str, Any]]:
    found = queries.placed(context.session(), page)
    return Page([_as_json(one) for one in found.items], found.next_cursor)


def _as_json(placed: Placed) -> dict[str, Any]:
    entry = {name: getattr(placed.entry, name) for name in SHOWN}
    offer = None if placed.offer is None else offer_json(placed.offer)
    return {**entry, "position": placed.position, "offer": offer}


def offer_json(offer: SeatOffer) -> dict[str, Any]:
    """The offer, its deadline in the trainee's zone, which is named."""
    local = offer.expires_at.astimezone(ZoneInfo(offer.time_zone))
    return {
        "id": offer.id,
        "state": offer.state,
        "made_at": offer.made_at,
        "expires_at": offer.expires_at,
        "time_zone": offer.time_zone,
        "expires_at_local": f"{local:%Y-%m-%d %H:%M} {offer.time_zone}",
        "booking_id": offer.booking_id,
    }
