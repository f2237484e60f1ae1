"""An operator's side of bookings: finding them, the whole history, cancelling under any clause."""

from typing import Any
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.models import Booking
from marketplace.booking.rules.cancellation import Quote
from marketplace.booking.schemas import (
    BookingHistorySchema,
    BookingSchema,
    OperatorCancelArgs,
    OperatorCancellationQuoteArgs,
    RequiredBookingReasonArgs,
)
from marketplace.booking.schemas.cancelling import CancellationQuoteSchema, CancelledSchema
from marketplace.booking.schemas.stories import BookingSearchArgs, BookingStorySchema
from marketplace.booking.service import cancellations, histories, rotations, stories
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.states import BookingState
from marketplace.catalog.rules.policies import PolicyEvent
from marketplace.compliance import service as compliance
from marketplace.identity.access import current_account, require
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs, page_of

blueprint = Blueprint(
    "booking-operations",
    __name__,
    url_prefix="/operator/bookings",
    description="What the marketplace's staff sees and does about bookings.",
)


@blueprint.route("", methods=["GET"])
@require("operator")
@blueprint.arguments(BookingSearchArgs, location="query")
@blueprint.response(200, page_of(BookingSchema))
def search(args: dict[str, Any]) -> Page[Booking]:
    """List bookings, the newest first: of a trainee, a site, a listing, in a state, by first day."""
    return find(args)


def find(args: dict[str, Any]) -> Page[Booking]:
    """Return the bookings that fit what `BookingSearchArgs` has read."""
    at = context.now() if args.pop("overdue") else None
    return queries.search(context.session(), states=args.pop("state"), overdue_at=at, **args)


@blueprint.route("/left-open", methods=["GET"])
@require("operator")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(BookingSchema))
def list_left_open(args: dict[str, Any]) -> Page[Booking]:
    """List rotations that ended two weeks ago and that nobody closed, by their last day.

    Their hosts have not said how they went. Those still `confirmed` never began: a document was missing.
    """
    return queries.left_open(context.session(), context.now(), **args)


@blueprint.route("/<uuid:booking_id>/complete", methods=["POST"])
@require("operator")
@blueprint.arguments(RequiredBookingReasonArgs)
@blueprint.response(200, BookingSchema)
def complete(data: dict[str, Any], booking_id: UUID) -> Booking:
    """Say in the host's place that a rotation was completed, by what is known of it."""
    session, account, now = context.session(), current_account(), context.now()
    booking = queries.find(session, booking_id)
    rotations.complete(session, booking, actor_id=account.id, now=now, **data)
    compliance.record(
        session,
        actor_id=account.id,
        action="booking.completed_for_host",
        subject_kind="booking",
        subject_id=booking_id,
        now=now,
    )
    return booking


@blueprint.route("/<uuid:booking_id>/history", methods=["GET"])
@require("operator")
@blueprint.response(200, BookingHistorySchema)
def history(booking_id: UUID) -> histories.History:
    """Read every step of a booking: from, to, when, who and why. The reading is recorded."""
    session, account = context.session(), current_account()
    found = histories.history(session, booking_id)
    compliance.record(
        session,
        actor_id=account.id,
        action="booking.history_read",
        subject_kind="booking",
        subject_id=booking_id,
        now=context.now(),
    )
    return found


@blueprint.route("/<uuid:booking_id>/story", methods=["GET"])
@require("operator")
@blueprint.response(200, BookingStorySchema)
def story(booking_id: UUID) -> stories.Story:
    """Read everything that happened, in its order, and whether the history leads to what is stored.

    Steps, seats, money with its postings, what was said, documents handed over (not what is in
    them). The reading is recorded.
    """
    session = context.session()
    found = stories.story(session, booking_id)
    compliance.record(
        session,
        actor_id=current_account().id,
        action="booking.story_read",
        subject_kind="booking",
        subject_id=booking_id,
        now=context.now(),
    )
    return found


@blueprint.route("/<uuid:booking_id>/cancellation-quote", methods=["POST"])
@require("operator")
@blueprint.arguments(OperatorCancellationQuoteArgs)
@blueprint.response(200, CancellationQuoteSchema)
def quote_cancellation(data: dict[str, Any], booking_id: UUID) -> Quote:
    """See what cancelling now under a clause would pay back, the proofs that you accept given."""
    booking = queries.find(context.session(), booking_id)
    return cancellations.quote(context.session(), booking, _wish(data), context.now())


@blueprint.route("/<uuid:booking_id>/cancel", methods=["POST"])
@require("operator")
@blueprint.arguments(OperatorCancelArgs)
@blueprint.response(200, CancelledSchema)
def cancel(data: dict[str, Any], booking_id: UUID) -> dict[str, Any]:
    """Cancel a confirmed booking under the quote that you were shown; the acceptance is recorded."""
    session, account, now = context.session(), current_account(), context.now()
    booking = queries.find(session, booking_id)
    agreed = cancellations.cancel(
        session,
        booking,
        _wish(data),
        mark=data["quote"],
        to=BookingState.CANCELLED_BY_OPERATOR,
        actor_id=account.id,
        reason=data["reason"],
        now=now,
    )
    compliance.record(
        session,
        actor_id=account.id,
        action="booking.cancelled",
        subject_kind="booking",
        subject_id=booking_id,
        detail={"event": data["event"], "proofs": sorted(data["proofs"])},
        now=now,
    )
    return {"booking": booking, "quote": agreed}


@blueprint.route("/<uuid:booking_id>/release", methods=["POST"])
@require("operator")
@blueprint.arguments(RequiredBookingReasonArgs)
@blueprint.response(200, BookingSchema)
def release(data: dict[str, Any], booking_id: UUID) -> Booking:
    """End a booking that is not confirmed, and free its seat."""
    session = context.session()
    booking = queries.find(session, booking_id)
    cancellations.cancel_unpaid(
        session,
        booking,
        to=BookingState.CANCELLED_BY_OPERATOR,
        actor_id=current_account().id,
        now=context.now(),
        **data,
    )
    return booking


def _wish(data: dict[str, Any]) -> Wish:
    return Wish(
        event=PolicyEvent(data["event"]),
        option=data["option"],
        proofs=frozenset(data["proofs"]),
    )
