"""What a trainee chooses when a host has called a paid rotation off."""

from typing import Any
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.models import Booking
from marketplace.booking.routes import finding
from marketplace.booking.schemas import BookingSchema
from marketplace.booking.schemas.changes import AcceptRescueArgs, RescueSchema, SwitchRescueArgs
from marketplace.booking.service import rescues
from marketplace.identity.access import current_account, signed_in
from marketplace.web import context
from marketplace.web.api import Blueprint

blueprint = Blueprint(
    "booking-rescues",
    __name__,
    url_prefix="/bookings",
    description="The same weeks elsewhere, or all of the money back, when a host calls off.",
)


@blueprint.route("/<uuid:booking_id>/rescue", methods=["GET"])
@signed_in
@blueprint.response(200, RescueSchema)
def read(booking_id: UUID) -> rescues.Offered:
    """Read what is held for you in place of a booking that its host called off, and until when."""
    return rescues.offered(context.session(), finding.own(booking_id).id)


@blueprint.route("/<uuid:booking_id>/rescue/accept", methods=["POST"])
@signed_in
@blueprint.arguments(AcceptRescueArgs)
@blueprint.response(200, BookingSchema)
def accept(data: dict[str, Any], booking_id: UUID) -> Booking:
    """Take what is held under the very quote that you were shown.

    It is confirmed at once; or, where its host decides on each trainee, it is `submitted` with your
    message and answers, and confirmed when the host approves by `decide_by`. Until then you can
    take your money back instead.
    """
    return rescues.accept(
        context.session(),
        finding.own(booking_id),
        mark=data.pop("quote"),
        actor_id=current_account().id,
        now=context.now(),
        **data,
    )


@blueprint.route("/<uuid:booking_id>/rescue/switch", methods=["POST"])
@signed_in
@blueprint.arguments(SwitchRescueArgs)
@blueprint.response(200, RescueSchema)
def switch(data: dict[str, Any], booking_id: UUID) -> rescues.Offered:
    """Have another of the listings that are named held instead; one is held at a time."""
    return rescues.switch(
        context.session(),
        finding.own(booking_id),
        terms=finding.terms(),
        now=context.now(),
        **data,
    )


@blueprint.route("/<uuid:booking_id>/rescue/refund", methods=["POST"])
@signed_in
@blueprint.response(200, BookingSchema)
def refund(booking_id: UUID) -> Booking:
    """Take all of your money back instead."""
    session = context.session()
    booking = finding.own(booking_id)
    rescues.refund(session, booking, actor_id=current_account().id, now=context.now())
    return queries.find(session, booking_id)
