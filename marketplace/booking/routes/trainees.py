"""A trainee's bookings: held, extended, paid, cancelled."""

from typing import Any
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.models import Booking
from marketplace.booking.routes import finding
from marketplace.booking.rules.cancellation import Quote
from marketplace.booking.schemas import (
    BookingReasonArgs,
    BookingsArgs,
    BookingSchema,
    BookingTermsSchema,
    CancelArgs,
    CancellationQuoteArgs,
    HoldArgs,
)
from marketplace.booking.schemas.cancelling import (
    CancellationQuoteSchema,
    CancellationRecordSchema,
    CancelledSchema,
)
from marketplace.booking.schemas.paying import PayArgs, PaymentLookSchema, PaymentStartedSchema
from marketplace.booking.schemas.stories import BookingPaymentsSchema
from marketplace.booking.service import (
    applications,
    balances,
    cancellations,
    extending,
    holds,
    payment,
)
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.states import BookingState
from marketplace.catalog import queries as catalog
from marketplace.identity.access import current_id, signed_in
from marketplace.payments import queries as payments
from marketplace.web import context
from marketplace.web.api import PREFIX, Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import page_of

blueprint = Blueprint(
    "bookings",
    __name__,
    url_prefix="/bookings",
    description="A trainee's bookings, from the held seat to the end.",
)


@blueprint.route("", methods=["POST"])
@signed_in
@blueprint.arguments(HoldArgs)
@blueprint.response(201, BookingSchema)
def hold(data: dict[str, Any]) -> tuple[Booking, dict[str, str]]:
    """Hold a seat in each week, for minutes, at the price that is shown.

    409 `seat_taken` if a week is full, `already_booked_then` if you have a seat elsewhere in one
    of the weeks, `not_eligible` with the rules that are not met.
    """
    booking = holds.hold(
        context.session(),
        trainee_id=current_id(),
        terms=finding.terms(),
        now=context.now(),
        **data,
    )
    where = {"Location": f"{PREFIX}/bookings/{booking.id}"}
    return booking, {**where, **finding.version_of(booking)}


@blueprint.route("", methods=["GET"])
@signed_in
@blueprint.arguments(BookingsArgs, location="query")
@blueprint.response(200, page_of(BookingSchema))
def list_own(args: dict[str, Any]) -> Page[Booking]:
    """List your bookings, newest first."""
    states = args.pop("state")
    return queries.of_trainee(context.session(), current_id(), states=states, **args)


@blueprint.route("/<uuid:booking_id>", methods=["GET"])
@signed_in
@blueprint.response(200, BookingSchema)
def read(booking_id: UUID) -> tuple[Booking, dict[str, str]]:
    """Read a booking of yours, or one at a site that you are a member of."""
    booking = finding.visible(booking_id)
    return booking, finding.version_of(booking)


@blueprint.route("/<uuid:booking_id>/terms", methods=["GET"])
@signed_in
@blueprint.response(200, BookingTermsSchema)
def read_terms(booking_id: UUID) -> dict[str, Any]:
    """Read what the listing said when the booking was made, whatever it says now."""
    booking = finding.visible(booking_id)
    listing_id, version = booking.listing_id, booking.listing_version
    return {
        "booking_id": booking.id,
        "listing_id": listing_id,
        "listing_version": version,
        "deposit_rule": booking.price.get("deposit_rule", ""),
        "terms": catalog.terms_at(context.session(), listing_id, version),
    }


@blueprint.route("/<uuid:booking_id>/extend", methods=["POST"])
@signed_in
@blueprint.response(200, BookingSchema)
def extend(booking_id: UUID) -> Booking:
    """Keep a held seat for as long again; once. 409 `already_extended` the second time."""
    booking = finding.own(booking_id)
    payment.check_alone(booking)
    extending.extend(context.session(), booking, terms=finding.terms(), now=context.now())
    return booking


@blueprint.route("/<uuid:booking_id>/payments", methods=["POST"])
@signed_in
@blueprint.arguments(PayArgs)
@blueprint.response(201, PaymentStartedSchema)
def pay(data: dict[str, Any], booking_id: UUID) -> dict[str, Any]:
    """Ask to pay what is due: the deposit, the whole price, or the balance of a confirmed booking.

    Asking again returns the same payment for as long as its page is open, whatever `whole` says.
    A kept card (`card_id`) pays a balance without a page, or with your bank's own.
    """
    booking = finding.own_to_pay(booking_id)
    wish = data.pop("wish")
    use = balances.use_of(
        context.session(), booking, wish, data["less"], whole=data["whole"], now=context.now()
    )
    payment_id = payment.pay(
        context.session(),
        booking,
        terms=finding.terms(),
        now=context.now(),
        locked=True,
        card=use,
        **data,
    )
    return {"payment_id": payment_id, "booking": booking}


@blueprint.route("/<uuid:booking_id>/payment-quote", methods=["POST"])
@signed_in
@blueprint.arguments(PayArgs)
@blueprint.response(200, PaymentLookSchema)
def quote_payment(data: dict[str, Any], booking_id: UUID) -> dict[str, Any]:
    """See what would be paid now, with a code and with credit, by line; nothing is changed.

    And what you would agree to by having your card kept.
    """
    booking = finding.own(booking_id)
    data.pop("wish")
    found = payment.look(context.session(), booking, now=context.now(), **data)
    words = balances.words(
        context.session(), booking, data["less"], whole=data["whole"], now=context.now()
    )
    return {**vars(found), "card_words": words}


@blueprint.route("/<uuid:booking_id>/cancellation", methods=["GET"])
@signed_in
@blueprint.response(200, CancellationRecordSchema)
def read_cancellation(booking_id: UUID) -> dict[str, Any]:
    """Read what was agreed on when a booking of yours was cancelled: what is kept, what went where."""
    return cancellations.certificate(context.session(), finding.own(booking_id))


@blueprint.route("/<uuid:booking_id>/payments", methods=["GET"])
@signed_in
@blueprint.response(200, BookingPaymentsSchema)
def list_payments(booking_id: UUID) -> dict[str, Any]:
    """List what was asked and paid for your booking, the oldest first, with what went back."""
    booking = finding.own(booking_id)
    found = payments.money_of(context.session(), queries.PAYABLE, [booking.id])
    return {"items": found[booking.id]}


@blueprint.route("/<uuid:booking_id>/withdraw", methods=["POST"])
@signed_in
@blueprint.arguments(BookingReasonArgs)
@blueprint.response(200, BookingSchema)
def withdraw(data: dict[str, Any], booking_id: UUID) -> Booking:
    """Give up a booking that is not confirmed; nothing is owed."""
    booking = finding.own(booking_id)
    applications.withdraw(context.session(), booking, now=context.now(), **data)
    return booking


@blueprint.route("/<uuid:booking_id>/cancellation-quote", methods=["POST"])
@signed_in
@blueprint.arguments(CancellationQuoteArgs)
@blueprint.response(200, CancellationQuoteSchema)
def quote_cancellation(data: dict[str, Any], booking_id: UUID) -> Quote:
    """See what cancelling now would pay back, line by line; nothing is changed."""
    return cancellations.quote(
        context.session(), finding.own(booking_id), Wish(**data), context.now()
    )


@blueprint.route("/<uuid:booking_id>/cancel", methods=["POST"])
@signed_in
@blueprint.arguments(CancelArgs)
@blueprint.response(200, CancelledSchema)
def cancel(data: dict[str, Any], booking_id: UUID) -> dict[str, Any]:
    """Cancel a confirmed booking under the very quote that you were shown.

    409 `quote_changed`, with the present terms, if the money would differ.
    """
    booking = finding.own(booking_id)
    agreed = cancellations.cancel(
        context.session(),
        booking,
        Wish(option=data["option"]),
        mark=data["quote"],
        to=BookingState.CANCELLED_BY_TRAINEE,
        actor_id=booking.trainee_id,
        reason=data["reason"] or "No reason was given.",
        now=context.now(),
    )
    return {"booking": booking, "quote": agreed}


BLUEPRINTS = (blueprint,)
