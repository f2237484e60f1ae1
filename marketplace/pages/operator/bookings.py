"""Any booking: found, its whole story, its messages with a reason, calling it off, paying back."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.booking import queries
from marketplace.booking.queries import messages as kept
from marketplace.booking.routes import operators as routes
from marketplace.booking.routes.messages import shown
from marketplace.booking.schemas import OperatorCancelArgs, OperatorCancellationQuoteArgs
from marketplace.booking.schemas.stories import BookingSearchArgs
from marketplace.booking.service import cancellations, messages, rescues, rotations, stories
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.states import CANCELLABLE, TIMED, BookingState
from marketplace.catalog.rules.policies import POLICIES, PolicyEvent
from marketplace.compliance import service as compliance
from marketplace.core.db import Session, edge
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, require
from marketplace.outcomes.routes.papers import shown_of
from marketplace.pages import forms
from marketplace.pages.operator import places
from marketplace.pages.trainee.rotations import tone
from marketplace.pages.view import Pages, form_page, page, reader
from marketplace.payments import queries as payments
from marketplace.payments.queries import disputes
from marketplace.payments.rules.credit import CreditTerms
from marketplace.payments.schemas import RefundRequestSchema
from marketplace.payments.service import refund
from marketplace.payments.states import DisputeState, PaymentState
from marketplace.web import context

A_PAGE = 50
NOT_PROCESSABLE = 422
LONGEST_REASON = 500
# What clauses want to be seen before they count.
PROOFS = sorted({one.proof for policy in POLICIES.values() for one in policy.clauses if one.proof})
# Payments that the processor may know more about than we do.
UNPAID = frozenset(PaymentState) - {PaymentState.REQUESTED, PaymentState.SETTLED}

blueprint = Pages("desk_bookings")


@blueprint.get("/desk/bookings")
@require("operator")
def search() -> Response:
    """Find bookings by trainee, site, listing, state or first day, or one by its id."""
    session, who = context.session(), reader()
    typed = {name: text.strip() for name, text in request.args.items() if text.strip()}
    if "id" in typed and _is_id(typed["id"]):
        return redirect(f"/desk/bookings/{UUID(typed['id'])}", 303)
    given, errors = _sought(typed)
    values, wrong = forms.read(BookingSearchArgs(), {**given, "limit": A_PAGE})
    errors = {**wrong, **errors}
    found = None
    if not errors:
        found = routes.find(dict(values))
    return page(
        "desk/bookings.html",
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        found=found,
        people=identity.contacts(session, sorted({one.trainee_id for one in found.items}))
        if found
        else {},
        states=[(one.value, who.coded("desk_state", one.value)) for one in BookingState],
        tone=tone,
        typed=typed,
        older={name: text for name, text in typed.items() if name != "cursor"},
        errors=errors,
    )


def _sought(typed: Mapping[str, str]) -> tuple[dict[str, Any], forms.Errors]:
    """What bookings are looked for by, as the API has it, and what nothing is meant by."""
    names = ("listing_id", "first_day_from", "first_day_to", "overdue", "cursor")
    given: dict[str, Any] = {name: typed[name] for name in names if name in typed}
    if "state" in typed:
        given["state"] = [typed["state"]]
    if "id" in typed:
        return given, {"id": ["Expected an id: 32 digits and letters in five groups."]}
    errors: dict[str, list[str]] = {}
    meant = (("site_id", "site_id", places.place_or_id), ("email", "trainee_id", places.account))
    for field, name, find in meant:
        found = find(typed[field]) if field in typed else None
        if isinstance(found, str):
            errors[field] = [found]
        elif found is not None:
            given[name] = str(found)
    return given, errors


@blueprint.get("/desk/bookings/<uuid:booking_id>")
@require("operator")
def story(booking_id: UUID) -> Response:
    """Show everything that happened to a booking. The reading is recorded."""
    return told(booking_id, {}, {})


@blueprint.post("/desk/bookings/<uuid:booking_id>/messages")
@require("operator")
def join(booking_id: UUID) -> Response:
    """Join the thread to read it, saying why: the thread says so to its people."""
    typed, session = forms.typed(), context.session()
    reason = typed.get("reason", "")[:LONGEST_REASON]
    if not reason:
        return told(booking_id, typed, {"reason": [reader().say("Say why you read it.")]})
    booking = queries.find(session, booking_id)
    messages.join(session, booking, current_account().id, context.now())
    recorded(session, booking_id, "booking.messages_joined", reason=reason)
    return redirect(f"/desk/bookings/{booking_id}/messages", 303)


@blueprint.get("/desk/bookings/<uuid:booking_id>/messages")
@require("operator")
def read_messages(booking_id: UUID) -> Response:
    """Show the thread to an operator who has joined it; who has not says why first."""
    session, own = context.session(), current_account().id
    booking = queries.find(session, booking_id)
    if kept.joining(session, booking_id, own) is None:
        return redirect(f"/desk/bookings/{booking_id}#read", 303)
    cursor = request.args.get("cursor") or None
    found = kept.page(session, booking_id, limit=A_PAGE, cursor=cursor)
    said = shown(booking, found.items)
    return page(
        "desk/messages.html",
        booking=booking,
        said=list(reversed(said)),
        older=found.next_cursor,
        own=own,
    )


@blueprint.get("/desk/bookings/<uuid:booking_id>/cancel")
@require("operator")
def ask_to_cancel(booking_id: UUID) -> Response:
    """Show to the cent what calling it off under a clause would pay back; nothing is changed."""
    return _quote(booking_id, dict(request.args.items()), {})


@blueprint.post("/desk/bookings/<uuid:booking_id>/cancel")
@require("operator")
def cancel(booking_id: UUID) -> Response:
    """Call a booking off under the quote that was shown; what was accepted is recorded."""
    typed, session = forms.typed(), context.session()
    given = {**_clause(typed), "quote": typed.get("quote", ""), "reason": typed.get("reason", "")}
    values, errors = forms.read(OperatorCancelArgs(), given)
    if not errors:
        booking, own = queries.find(session, booking_id), current_account().id
        _, errors = forms.tried(
            lambda: cancellations.cancel(
                session,
                booking,
                _wish(values),
                mark=values["quote"],
                to=BookingState.CANCELLED_BY_OPERATOR,
                actor_id=own,
                reason=values["reason"],
                now=context.now(),
            ),
            "event",
        )
    if errors:
        return _quote(booking_id, typed, errors)
    detail = {"event": values["event"], "proofs": sorted(values["proofs"])}
    recorded(session, booking_id, "booking.cancelled", **detail)
    return redirect(f"/desk/bookings/{booking_id}", 303)


@blueprint.post("/desk/bookings/<uuid:booking_id>/refunds")
@require("operator")
def pay_back(booking_id: UUID) -> Response:
    """Grant a refund of one of the booking's payments, whole or in part, to the card or as credit."""
    typed, session = forms.typed(), context.session()
    paid = payments.money_of(session, queries.PAYABLE, [booking_id])[booking_id]
    of = next((one for one in paid if str(one.id) == typed.get("payment")), None)
    if of is None:
        return told(booking_id, typed, {"payment": [reader().say("Choose a payment.")]})
    amount, wrong = forms.amount(typed.get("amount", ""), of.amount.currency)
    if wrong:
        return told(booking_id, typed, wrong)
    given: dict[str, Any] = {
        "amount": amount,
        "reason": typed.get("why", ""),
        "as_credit": typed.get("as_credit") == "yes",
    }
    # Of what was paid for several things at once this booking's part gives back.
    for part in payments.parts(session, of.id):
        if part.payable_id == booking_id:
            given["part_id"] = str(part.payable_id)
    values, errors = forms.read(RefundRequestSchema(), given)
    if not errors:
        _, errors = forms.tried(
            lambda: refund(
                session,
                of.id,
                amount=values["amount"],
                reason=values["reason"],
                part_id=values["part_id"],
                as_credit=CreditTerms() if values["as_credit"] else None,
                requested_by=current_account().id,
                now=context.now(),
            ),
            "amount",
        )
    if errors:
        beside = {"why" if name == "reason" else name: texts for name, texts in errors.items()}
        return told(booking_id, typed, beside)
    return redirect(f"/desk/bookings/{booking_id}#money", 303)


def told(booking_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    """The page of a booking's story, with what was wrong with a form of it."""
    session = context.session()
    found = stories.story(session, booking_id)
    # Also of a form that is shown again, whose own transaction leaves nothing behind.
    with context.sessions()() as own, edge(own):
        recorded(own, booking_id, "booking.story_read")
    paid = payments.money_of(session, queries.PAYABLE, [booking_id])[booking_id]
    disputed = disputes.of_payments(session, [one.id for one in paid])
    lost = {one.payment_id for one in disputed if one.state == DisputeState.LOST}
    people = identity.contacts(session, [found.booking.trainee_id])
    state = BookingState(found.booking.state)
    rescue = queries.rescue(session, booking_id)
    return form_page(
        "desk/booking.html",
        NOT_PROCESSABLE if errors else 200,
        story=found,
        booking=found.booking,
        trainee=people.get(found.booking.trainee_id),
        paid=paid,
        disputes=disputed,
        to_pay_back=[
            one
            for one in paid
            if one.captured and one.captured > one.granted and one.id not in lost
        ],
        settled=PaymentState.SETTLED,
        may_cancel=state in CANCELLABLE,
        may_release=state in TIMED,
        may_replace=state is BookingState.CONFIRMED,
        may_close=state is BookingState.IN_PROGRESS
        and rotations.can_be_completed(found.booking, context.now()),
        rescue=rescue,
        rescue_open=rescue is not None and rescue.state in rescues.OPEN,
        offer=queries.find(session, rescue.offer_id) if rescue and rescue.offer_id else None,
        in_time=rescue is not None and context.now() < rescue.decide_by,
        unpaid=UNPAID,
        papers=shown_of(booking_id),
        tone=tone,
        typed=typed,
        errors=errors,
    )


def _quote(booking_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session, who = context.session(), reader()
    booking, quote = queries.find(session, booking_id), None
    values, wrong = forms.read(OperatorCancellationQuoteArgs(), _clause(typed))
    if not wrong:
        quote, wrong = forms.tried(
            lambda: cancellations.quote(context.session(), booking, _wish(values), context.now()),
            "event",
        )
        booking = queries.find(session, booking_id)
    found = {**wrong, **errors}
    return form_page(
        "desk/cancel.html",
        NOT_PROCESSABLE if found else 200,
        reader=who,
        booking=booking,
        quote=quote,
        proofs=PROOFS,
        events=[(one.value, who.label(f"desk_{one.value}")) for one in PolicyEvent],
        typed=typed,
        errors=found,
    )


def _clause(typed: Mapping[str, str]) -> dict[str, Any]:
    """Under which clause: by default the trainee's own, with the proofs that were seen."""
    proofs = [one.strip() for one in typed.get("proofs", "").split(",") if one.strip()]
    event = typed.get("event") or PolicyEvent.TRAINEE_CANCELS.value
    return {"event": event, "proofs": proofs, "option": typed.get("option") or None}


def _wish(values: Mapping[str, Any]) -> Wish:
    return Wish(
        event=PolicyEvent(values["event"]),
        option=values["option"],
        proofs=frozenset(values["proofs"]),
    )


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def recorded(session: Session, booking_id: UUID, action: str, **detail: Any) -> None:
    """Note in the audit trail what whoever asks has done to a booking."""
    compliance.record(
        session,
        actor_id=current_account().id,
        action=action,
        subject_kind="booking",
        subject_id=booking_id,
        detail=detail,
        now=context.now(),
    )
