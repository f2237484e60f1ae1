"""A site's side of bookings: the roster, attendance, completion; calling a rotation off."""

from typing import Any
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.models import Booking
from marketplace.booking.routes import finding
from marketplace.booking.schemas import (
    AttendanceArgs,
    AttendanceSchema,
    BookingReasonArgs,
    BookingSchema,
    RequiredBookingReasonArgs,
    RosterArgs,
    RosterSchema,
)
from marketplace.booking.service import (
    cancellations,
    no_shows,
    rescues,
    rosters,
    rotations,
)
from marketplace.booking.service.rotations import Day
from marketplace.booking.states import TIMED, BookingState
from marketplace.identity.access import current_account, signed_in, site_member
from marketplace.web import context
from marketplace.web.api import Blueprint

blueprint = Blueprint("hosting", __name__, description="What a site's people do with rotations.")


@blueprint.route("/sites/<uuid:site_id>/roster", methods=["GET"])
@site_member()
@blueprint.arguments(RosterArgs, location="query")
@blueprint.response(200, RosterSchema)
def roster(args: dict[str, Any], site_id: UUID) -> rosters.Roster:
    """See who is at the site in each week between two days."""
    return rosters.roster(context.session(), site_id, **args)


@blueprint.route("/bookings/<uuid:booking_id>/attendance", methods=["GET"])
@signed_in
@blueprint.response(200, AttendanceSchema)
def read_attendance(booking_id: UUID) -> dict[str, Any]:
    """Read the marks that count, day by day; the trainee may too."""
    return _attendance(finding.visible(booking_id))


@blueprint.route("/bookings/<uuid:booking_id>/attendance", methods=["POST"])
@signed_in
@blueprint.arguments(AttendanceArgs)
@blueprint.response(200, AttendanceSchema)
def mark_attendance(data: dict[str, Any], booking_id: UUID) -> dict[str, Any]:
    """Mark days as present or absent; a later mark of a day corrects the earlier one."""
    booking = finding.hosted(booking_id)
    rotations.mark_attendance(
        context.session(),
        booking,
        [Day(**day) for day in data["days"]],
        actor_id=current_account().id,
        now=context.now(),
    )
    return _attendance(booking)


@blueprint.route("/bookings/<uuid:booking_id>/complete", methods=["POST"])
@signed_in
@blueprint.response(200, BookingSchema)
def complete(booking_id: UUID) -> Booking:
    """Say that the rotation was done; from the Friday of its last week on."""
    booking = finding.hosted(booking_id)
    rotations.complete(context.session(), booking, actor_id=current_account().id, now=context.now())
    return booking


@blueprint.route("/bookings/<uuid:booking_id>/no-show", methods=["POST"])
@signed_in
@blueprint.arguments(BookingReasonArgs)
@blueprint.response(200, BookingSchema)
def no_show(data: dict[str, Any], booking_id: UUID) -> Booking:
    """Say that the trainee never came: from the second day on, if no day was marked as present.

    The trainee has a week to dispute it; then the terms of cancellation apply.
    """
    booking = finding.hosted(booking_id, operators=True)
    no_shows.mark(
        context.session(), booking, actor_id=current_account().id, now=context.now(), **data
    )
    return booking


@blueprint.route("/bookings/<uuid:booking_id>/host-cancellation", methods=["POST"])
@signed_in
@blueprint.arguments(RequiredBookingReasonArgs)
@blueprint.response(200, BookingSchema)
def cancel_as_host(data: dict[str, Any], booking_id: UUID) -> Booking:
    """Call a rotation off for the site.

    The trainee is offered the same weeks elsewhere, or gets back all that was paid, and chooses.
    """
    booking = finding.hosted(booking_id)
    session, now, actor_id = context.session(), context.now(), current_account().id
    to = BookingState.CANCELLED_BY_HOST
    if BookingState(booking.state) in TIMED:
        cancellations.cancel_unpaid(session, booking, to=to, actor_id=actor_id, now=now, **data)
        return booking
    rescues.call_off(session, booking, actor_id=actor_id, now=now, **data)
    return booking


def _attendance(booking: Booking) -> dict[str, Any]:
    marks = queries.attendance(context.session(), [booking.id])[booking.id]
    return {"booking_id": booking.id, "state": booking.state, "marks": marks}
