"""What can be mended of a booking: one released, replaced or closed, money asked about, papers."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from flask import redirect
from werkzeug.wrappers import Response

from marketplace.booking import queries
from marketplace.booking.schemas import RequiredBookingReasonArgs
from marketplace.booking.service import cancellations, rescues, rotations
from marketplace.booking.states import BookingState
from marketplace.core.errors import NotFound
from marketplace.core.jobs import defer
from marketplace.identity.access import current_account, require
from marketplace.outcomes.routes.papers import shown_of
from marketplace.outcomes.schemas.papers import PaperRevocationArgs
from marketplace.outcomes.service.papers import issuing
from marketplace.pages import forms
from marketplace.pages.operator.bookings import recorded, told
from marketplace.pages.view import Pages, reader
from marketplace.payments import queries as payments
from marketplace.payments.service import steps
from marketplace.web import context

ONE = "/desk/bookings/<uuid:booking_id>"

blueprint = Pages("desk_repairs")


@blueprint.post(f"{ONE}/release")
@require("operator")
def release(booking_id: UUID) -> Response:
    """End a booking that is not confirmed, and free its seat."""

    def do(booking: Any, reason: str, by: Mapping[str, Any]) -> None:
        to = BookingState.CANCELLED_BY_OPERATOR
        cancellations.cancel_unpaid(context.session(), booking, to=to, reason=reason, **by)

    return _done(booking_id, "why_release", "booking.released", do)


@blueprint.post(f"{ONE}/complete")
@require("operator")
def complete(booking_id: UUID) -> Response:
    """Say in the host's place that a rotation was completed."""

    def do(booking: Any, reason: str, by: Mapping[str, Any]) -> None:
        rotations.complete(context.session(), booking, reason=reason, **by)

    return _done(booking_id, "why_complete", "booking.completed_for_host", do)


@blueprint.post(f"{ONE}/rescue")
@require("operator")
def replace(booking_id: UUID) -> Response:
    """Call a paid booking off in its host's place: the same weeks elsewhere, or the money back."""

    def do(booking: Any, reason: str, by: Mapping[str, Any]) -> None:
        rescues.call_off(context.session(), booking, reason=reason, **by)

    return _done(booking_id, "why_rescue", "booking.called_off_for_host", do)


@blueprint.post(f"{ONE}/rescue/look")
@require("operator")
def look_again(booking_id: UUID) -> Response:
    """Have the search, or the host's decision, gone through again."""

    def do(booking: Any, _reason: str, _by: Mapping[str, Any]) -> None:
        rescues.look_again(context.session(), booking)

    return _done(booking_id, None, "booking.rescue_looked_at", do)


@blueprint.post(f"{ONE}/rescue/refund")
@require("operator")
def refund(booking_id: UUID) -> Response:
    """Give all the money back, without waiting for a choice."""

    def do(booking: Any, reason: str, by: Mapping[str, Any]) -> None:
        rescues.refund(context.session(), booking, reason=reason, **by)

    return _done(booking_id, "why_refund", "booking.rescue_refunded", do)


@blueprint.post(f"{ONE}/payments/<uuid:payment_id>/look")
@require("operator")
def ask(booking_id: UUID, payment_id: UUID) -> Response:
    """Ask the processor how a payment of the booking stands, now; a second time is harmless."""
    session = context.session()
    paid = payments.money_of(session, queries.PAYABLE, [booking_id])[booking_id]
    if payment_id not in {one.id for one in paid}:
        raise NotFound
    defer(
        session,
        steps.LOOK_AT_CHECKOUT,
        lock=f"look:{payment_id}",
        payment_id=str(payment_id),
    )
    recorded(session, booking_id, "booking.payment_asked_about", payment=str(payment_id))
    return redirect(f"/desk/bookings/{booking_id}#money", 303)


@blueprint.post(f"{ONE}/papers")
@require("operator")
def take_back(booking_id: UUID) -> Response:
    """Take a paper about the booking back for good, saying why."""
    typed, session = forms.typed(), context.session()
    papers = {str(one["id"]): one["id"] for one in shown_of(booking_id)}
    paper_id = papers.get(typed.get("paper", ""))
    if paper_id is None:
        return told(booking_id, typed, {"paper": [reader().say("Choose a paper.")]})
    values, errors = forms.read(PaperRevocationArgs(), {"reason": typed.get("why_paper", "")})
    if not errors:
        own, now = current_account().id, context.now()
        _, errors = forms.tried(
            lambda: issuing.revoke(session, paper_id, actor_id=own, now=now, **values), "reason"
        )
    if errors:
        return told(booking_id, typed, {"why_paper": errors["reason"]})
    return redirect(f"/desk/bookings/{booking_id}#papers", 303)


def _done(
    booking_id: UUID,
    field: str | None,
    action: str,
    do: Callable[[Any, str, Mapping[str, Any]], None],
) -> Response:
    """Do it for the reason in `field`, where one is asked for, and keep both on record."""
    typed, session = forms.typed(), context.session()
    beside = field or "repairs"
    reason = ""
    if field is not None:
        values, wrong = forms.read(RequiredBookingReasonArgs(), {"reason": typed.get(field, "")})
        if wrong:
            return told(booking_id, typed, {field: wrong["reason"]})
        reason = values["reason"]
    by = {"actor_id": current_account().id, "now": context.now()}
    _, errors = forms.tried(lambda: do(queries.find(session, booking_id), reason, by), beside)
    if errors:
        return told(booking_id, typed, {beside: [" ".join(texts) for texts in errors.values()]})
    recorded(session, booking_id, action)
    return redirect(f"/desk/bookings/{booking_id}#repairs", 303)
