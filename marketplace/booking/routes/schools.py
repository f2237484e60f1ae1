"""Schools and bookings: what a student asks of the school, what it decides, what it sees."""

from typing import Any
from uuid import UUID

from marketplace.booking.models import Booking, SchoolRequest
from marketplace.booking.queries import schools as queries
from marketplace.booking.routes import finding
from marketplace.booking.schemas.schools import (
    AskedSchoolSchema,
    SchoolBookingsArgs,
    SchoolBookingSchema,
    SchoolDeclineArgs,
    SchoolRequestArgs,
    SchoolRequestsArgs,
    SchoolRequestSchema,
    WaitingForSchema,
)
from marketplace.booking.service import clearances, schooling
from marketplace.core.errors import NotFound
from marketplace.identity.access import current_account, school_member, signed_in
from marketplace.identity.rules import Seen
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import page_of

blueprint = Blueprint(
    "school_bookings", __name__, description="A school's word on the bookings of its students."
)
OF_SCHOOL = "/schools/<uuid:school_id>"


@blueprint.route("/bookings/<uuid:booking_id>/school-request", methods=["POST"])
@signed_in
@blueprint.arguments(SchoolRequestArgs)
@blueprint.response(201, SchoolRequestSchema)
def ask(data: dict[str, str], booking_id: UUID) -> SchoolRequest:
    """Ask your school to approve a seat that you hold; it is kept for five business days.

    Asking shows your school this booking. 409 `no_school` if you are linked to none.
    """
    booking = finding.own(booking_id)
    return schooling.ask(context.session(), booking, now=context.now(), **data)


@blueprint.route("/bookings/<uuid:booking_id>/school-request", methods=["GET"])
@signed_in
@blueprint.response(200, SchoolRequestSchema)
def read_own(booking_id: UUID) -> SchoolRequest:
    """Read what your school says about a booking of yours."""
    booking = finding.own(booking_id)
    found = queries.request(context.session(), booking.id)
    if found is None:
        raise NotFound
    return found


@blueprint.route("/bookings/<uuid:booking_id>/waiting-for", methods=["GET"])
@signed_in
@blueprint.response(200, WaitingForSchema)
def waiting_for(booking_id: UUID) -> dict[str, Any]:
    """See what a booking waits for before it can be confirmed: its school, an agreement."""
    booking = finding.concerning(booking_id)
    found = schooling.waits_for(context.session(), booking)
    return {"booking_id": booking.id, "items": found}


@blueprint.route(f"{OF_SCHOOL}/requests", methods=["GET"])
@school_member()
@blueprint.arguments(SchoolRequestsArgs, location="query")
@blueprint.response(200, page_of(AskedSchoolSchema))
def list_requests(data: dict[str, Any], school_id: UUID) -> Page[queries.Asked]:
    """List what your students ask of you, the most urgent first; or all that was ever asked."""
    return queries.requests(context.session(), school_id, **data)


@blueprint.route(f"{OF_SCHOOL}/requests/<uuid:booking_id>", methods=["GET"])
@school_member()
@blueprint.response(200, AskedSchoolSchema)
def read_request(school_id: UUID, booking_id: UUID) -> queries.Asked:
    """Read one request."""
    return queries.asked_of(context.session(), school_id, booking_id)


@blueprint.route(f"{OF_SCHOOL}/requests/<uuid:booking_id>/approve", methods=["POST"])
@school_member(operators=False)
@blueprint.response(200, AskedSchoolSchema)
def approve(school_id: UUID, booking_id: UUID) -> queries.Asked:
    """Approve. 409 `decided_already`, naming who, if a colleague was faster."""
    session = context.session()
    schooling.approve(
        session, booking_id, school_id, actor_id=current_account().id, now=context.now()
    )
    return queries.asked_of(session, school_id, booking_id)


@blueprint.route(f"{OF_SCHOOL}/requests/<uuid:booking_id>/decline", methods=["POST"])
@school_member(operators=False)
@blueprint.arguments(SchoolDeclineArgs)
@blueprint.response(200, AskedSchoolSchema)
def decline(data: dict[str, str], school_id: UUID, booking_id: UUID) -> queries.Asked:
    """Decline with a reason, which the student reads; the seat is given up."""
    session, now = context.session(), context.now()
    schooling.decline(
        session, booking_id, school_id, actor_id=current_account().id, now=now, **data
    )
    return queries.asked_of(session, school_id, booking_id)


@blueprint.route(f"{OF_SCHOOL}/bookings", methods=["GET"])
@school_member()
@blueprint.arguments(SchoolBookingsArgs, location="query")
@blueprint.response(200, page_of(SchoolBookingSchema))
def list_bookings(data: dict[str, Any], school_id: UUID) -> Page[dict[str, Any]]:
    """List your students' bookings, each as far as its student lets you see it now."""
    session, now = context.session(), context.now()
    states = data.pop("state")
    page = queries.shown(session, school_id, states=states, **data)
    open_to_it = [one.booking for one in page.items if Seen.CLEARANCE in one.sees]
    cleared = clearances.clearances(session, open_to_it, now)
    return Page([_shown(one, cleared) for one in page.items], page.next_cursor)


def _shown(one: queries.Shown, cleared: dict[UUID, Any]) -> dict[str, Any]:
    booking: Booking = one.booking
    dated = Seen.DATES in one.sees
    found = cleared.get(booking.id)
    return {
        "booking_id": booking.id,
        "student_name": one.student_name,
        "state": booking.state,
        "listing_title": booking.listing_title,
        "site_name": booking.site_name,
        "first_day": booking.first_day if dated else None,
        "last_day": booking.last_day if dated else None,
        "clearance": found
        and {
            "may_start": found.may_start,
            "missing": [item.requirement.title for item in found.items if item.blocks],
        },
    }


BLUEPRINTS = (blueprint,)
