"""Documents for a booking: handed over, cleared, waived, and what has to be done by when."""

from typing import Any
from uuid import UUID

from flask import Response

from marketplace.booking import queries
from marketplace.booking.models import Booking
from marketplace.booking.routes import finding
from marketplace.booking.rules.deadlines import site_day
from marketplace.booking.schemas import RosterArgs
from marketplace.booking.schemas.clearing import (
    BookingDocumentsArgs,
    ClearanceSchema,
    ClearanceSummarySchema,
    PathSchema,
    RequirementWaiverArgs,
)
from marketplace.booking.service import clearances, paths
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, require, signed_in, site_member
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import page_of

blueprint = Blueprint(
    "clearance", __name__, description="Documents for bookings, and who is cleared to begin."
)
BOOKING = "/bookings/<uuid:booking_id>"


@blueprint.route(f"{BOOKING}/documents", methods=["POST"])
@signed_in
@blueprint.arguments(BookingDocumentsArgs)
@blueprint.response(200, ClearanceSchema)
def hand_over(data: dict[str, Any], booking_id: UUID) -> dict[str, Any]:
    """Let the booking's site read documents of yours, until a month after the rotation."""
    booking = finding.own(booking_id)
    clearances.release(context.session(), booking, data["document_ids"], context.now())
    return _clearance(booking)


@blueprint.route(f"{BOOKING}/documents/<uuid:document_id>", methods=["DELETE"])
@signed_in
@blueprint.response(204)
def take_back(booking_id: UUID, document_id: UUID) -> None:
    """Take a document back from a booking that has not begun."""
    clearances.take_back(context.session(), finding.own(booking_id), document_id, context.now())


@blueprint.route(f"{BOOKING}/clearance", methods=["GET"])
@signed_in
@blueprint.response(200, ClearanceSchema)
def read(booking_id: UUID) -> dict[str, Any]:
    """See, requirement by requirement, what is met, what is missing and by when it is due."""
    return _clearance(finding.visible(booking_id))


@blueprint.route(f"{BOOKING}/path", methods=["GET"])
@signed_in
@blueprint.response(200, PathSchema)
def read_path(booking_id: UUID) -> dict[str, Any]:
    """See what has to be done by when, counted back from the first day."""
    booking = finding.visible(booking_id)
    today = site_day(context.now(), booking.time_zone)
    steps = paths.critical_path(context.session(), booking, context.now())
    return {
        "booking_id": booking.id,
        "steps": [
            {
                "key": step.key,
                "kind": step.kind,
                "title": step.title,
                "on": step.on,
                "state": step.state,
                "blocks": step.blocks,
                "days_left": step.days_left(today),
            }
            for step in steps
        ],
    }


@blueprint.route(f"{BOOKING}/path.ics", methods=["GET"])
@signed_in
@blueprint.response(
    200, {"type": "string"}, description="The calendar.", content_type="text/calendar"
)
def read_path_calendar(booking_id: UUID) -> Response:
    """Read the same as days for a calendar program."""
    booking = finding.visible(booking_id)
    content = paths.calendar(context.session(), booking, context.now())
    response = Response(content, content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="path.ics"'
    return response


@blueprint.route("/sites/<uuid:site_id>/clearances", methods=["GET"])
@site_member(*finding.DECIDERS)
@blueprint.arguments(RosterArgs, location="query")
@blueprint.response(200, page_of(ClearanceSummarySchema))
def list_for_site(args: dict[str, Any], site_id: UUID) -> Page[dict[str, Any]]:
    """List who is at the site between two days, and what each still has to hand over."""
    session, now = context.session(), context.now()
    page = queries.roster(session, site_id, **args)
    found = clearances.clearances(session, page.items, now)
    people = identity.contacts(session, [booking.trainee_id for booking in page.items])
    items = [
        {
            "booking_id": booking.id,
            "state": booking.state,
            "trainee_id": booking.trainee_id,
            "trainee_name": people[booking.trainee_id].name,
            "listing_title": booking.listing_title,
            "first_day": booking.first_day,
            "last_day": booking.last_day,
            "complete": found[booking.id].complete,
            "may_start": found[booking.id].may_start,
            "next_due_on": found[booking.id].next_due_on,
            "missing": [item.requirement.key for item in found[booking.id].missing],
        }
        for booking in page.items
    ]
    return Page(items, page.next_cursor)


@blueprint.route("/operator/bookings/<uuid:booking_id>/waivers", methods=["POST"])
@require("operator")
@blueprint.arguments(RequirementWaiverArgs)
@blueprint.response(200, ClearanceSchema)
def waive(data: dict[str, Any], booking_id: UUID) -> dict[str, Any]:
    """Let a booking begin without some of its requirements, saying why; both are kept for good."""
    session = context.session()
    booking = queries.find(session, booking_id)
    clearances.waive(
        session,
        booking,
        data["requirements"],
        reason=data["reason"],
        actor_id=current_account().id,
        now=context.now(),
    )
    return _clearance(booking)


def _clearance(booking: Booking) -> dict[str, Any]:
    found = clearances.clearance(context.session(), booking, context.now())
    return {
        "booking_id": booking.id,
        "complete": found.complete,
        "may_start": found.may_start,
        "next_due_on": found.next_due_on,
        "items": found.items,
    }
