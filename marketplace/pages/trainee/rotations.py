"""A trainee's rotations: the seat that is kept, the application, and calling it off."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol
from urllib.parse import urlencode
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.booking import queries as bookings
from marketplace.booking.errors import ProfileMissing, QuoteChanged
from marketplace.booking.queries import applying, changes, rounds
from marketplace.booking.queries import schools as asked_schools
from marketplace.booking.routes import finding
from marketplace.booking.rules import frozen
from marketplace.booking.rules.cancellation import Quote
from marketplace.booking.rules.deadlines import site_day
from marketplace.booking.rules.rotation import Rotation as Days
from marketplace.booking.schemas import HoldArgs
from marketplace.booking.schemas.applying import SubmitArgs
from marketplace.booking.service import (
    applications,
    cancellations,
    extending,
    holds,
    payment,
    schooling,
)
from marketplace.booking.service import questions as asking
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.states import CANCELLABLE, TIMED, BookingState
from marketplace.core.errors import DomainError, Invalid
from marketplace.core.money import Money
from marketplace.identity.access import current_account, signed_in
from marketplace.identity.queries import schools
from marketplace.pages import forms
from marketplace.pages.trainee.answers import answers_of
from marketplace.pages.trainee.paying import asked_for, moved, paid_by_others, why_declined
from marketplace.pages.trainee.turns import turns
from marketplace.pages.view import Pages, form_page, page, reader
from marketplace.payments.queries import cards
from marketplace.web import context

A_PAGE = 20
NOT_PROCESSABLE = 422
CONFLICT = 409
# What is left of these is what was agreed on with the cancellation.
CALLED_OFF = frozenset(
    {
        BookingState.CANCELLED_BY_TRAINEE,
        BookingState.CANCELLED_BY_HOST,
        BookingState.CANCELLED_BY_OPERATOR,
    }
)

blueprint = Pages("rotation_pages")


class Rotation(Protocol):
    """What the pages read of a booking, beside what the templates show."""

    @property
    def id(self) -> UUID: ...
    @property
    def listing_id(self) -> UUID: ...
    @property
    def trainee_id(self) -> UUID: ...
    @property
    def itinerary_id(self) -> UUID | None: ...
    @property
    def cohort_id(self) -> UUID | None: ...
    @property
    def school_id(self) -> UUID | None: ...
    @property
    def payment_id(self) -> UUID | None: ...
    @property
    def first_day(self) -> date: ...
    @property
    def weeks(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def approval(self) -> str: ...
    @property
    def balance_due_on(self) -> date | None: ...
    @property
    def time_zone(self) -> str: ...
    @property
    def price(self) -> Mapping[str, Any]: ...
    @property
    def paid(self) -> Money: ...
    @property
    def total(self) -> Money: ...


@blueprint.post("/listings/<uuid:listing_id>/hold")
@signed_in
def hold(listing_id: UUID) -> Response:
    """Keep a seat in each week for some minutes; the page says what comes next."""
    given: dict[str, Any] = {**forms.typed(), "listing_id": str(listing_id)}
    if "weeks" in given:
        given["weeks"] = forms.whole_number(given["weeks"])
    values, errors = forms.read(HoldArgs(), given)
    if errors:
        raise Invalid(fields=errors)
    try:
        booking = holds.hold(
            context.session(),
            trainee_id=current_account().id,
            terms=finding.terms(),
            now=context.now(),
            **values,
        )
    except ProfileMissing as refused:
        forms.meant(refused)
        weeks = urlencode({"first_day": values["first_day"], "weeks": values["weeks"]})
        going_to = urlencode({"next": f"/listings/{listing_id}?{weeks}#book"})
        return redirect(f"/profile?{going_to}", 303)
    return _to(booking)


@blueprint.get("/rotations")
@signed_in
def list_own() -> Response:
    """List one's rotations, the newest first."""
    session, own = context.session(), current_account().id
    found = bookings.of_trainee(
        session, own, limit=A_PAGE, cursor=request.args.get("cursor") or None
    )
    has_rounds = rounds.concern(session, own, context.now())
    return page(
        "rotations/list.html",
        found=found,
        tone=tone,
        called=_names(found.items),
        offers=changes.count_to(session, own, context.now()),
        has_rounds=has_rounds,
    )


@blueprint.get("/rotations/<uuid:booking_id>")
@signed_in
def show(booking_id: UUID) -> Response:
    """Show one rotation: where it stands, until when, and what can be done now."""
    return _shown(finding.own(booking_id))


@blueprint.post("/rotations/<uuid:booking_id>/extend")
@signed_in
def extend(booking_id: UUID) -> Response:
    """Keep the seat for as long again, once."""
    booking = finding.own(booking_id)
    payment.check_alone(booking)
    extending.extend(context.session(), booking, terms=finding.terms(), now=context.now())
    return _to(booking)


@blueprint.post("/rotations/<uuid:booking_id>/apply")
@signed_in
def apply(booking_id: UUID) -> Response:
    """Hand the application to the host, with answers to what it asks."""
    booking = finding.own(booking_id)
    version = applying.current_questions(context.session(), booking.listing_id)
    asked = asking.asked(version)
    given = forms.typed()
    sent = {
        "message": given.get("message"),
        "answers": answers_of(asked),
        "questions_version": version.number if asked and version else None,
    }
    values, errors = forms.read(SubmitArgs(), sent)
    if not errors:
        try:
            applications.submit(context.session(), booking, now=context.now(), **values)
        except DomainError as refused:
            if not refused.fields:
                raise
            errors = forms.wrong(refused, "message")
    if errors:
        return _shown(booking, given, errors)
    return _to(booking)


@blueprint.post("/rotations/<uuid:booking_id>/withdraw")
@signed_in
def withdraw(booking_id: UUID) -> Response:
    """Give up what is not confirmed; nothing is owed."""
    booking = finding.own(booking_id)
    applications.withdraw(context.session(), booking, reason="", now=context.now())
    return _to(booking)


@blueprint.get("/rotations/<uuid:booking_id>/cancel")
@signed_in
def ask_to_cancel(booking_id: UUID) -> Response:
    """Show to the cent what cancelling now would pay back; nothing is changed."""
    booking = finding.own(booking_id)
    quote = cancellations.quote(context.session(), booking, _wish(request.args), context.now())
    return _to_cancel(booking, quote)


@blueprint.post("/rotations/<uuid:booking_id>/cancel")
@signed_in
def cancel(booking_id: UUID) -> Response:
    """Cancel under the quote that was shown; where the money has changed, show the new one."""
    booking = finding.own(booking_id)
    wish = _wish(request.form)
    try:
        cancellations.cancel(
            context.session(),
            booking,
            wish,
            mark=request.form.get("quote", ""),
            to=BookingState.CANCELLED_BY_TRAINEE,
            actor_id=booking.trainee_id,
            reason="No reason was given.",
            now=context.now(),
        )
    except QuoteChanged:
        quote = cancellations.quote(context.session(), booking, wish, context.now())
        return _to_cancel(booking, quote, CONFLICT)
    return _to(booking)


def _to_cancel(booking: Rotation, quote: Quote, status: int = 200) -> Response:
    return form_page(
        "rotations/cancel.html",
        status,
        booking=booking,
        quote=quote,
        new=status == CONFLICT,
        others=booking.cohort_id is not None or paid_by_others(booking.id),
    )


# What a booking's end is called where another booking took its place.
BECAME = {"transfer": "handed_on_by_you", "reschedule": "moved_by_you"}


def _names(found: Sequence[Rotation]) -> Mapping[UUID, str]:
    """What the state of each is called: who cancelled, and whether anybody did at all."""
    session = context.session()
    over = changes.taken_over(session, [one.id for one in found])
    named = {one.id: BECAME.get(over.get(one.id, "")) or _own_name(one) for one in found}
    ended = [one.id for one in found if one.state == BookingState.DECLINED and one.school_id]
    words = asked_schools.states(session, ended) if ended else {}
    by_school = [one for one, word in words.items() if word == "declined"]
    return named | dict.fromkeys(by_school, "declined_by_school")


def _own_name(booking: Rotation) -> str:
    if booking.state == BookingState.NO_SHOW:
        return "said_no_show"
    by_school = booking.cohort_id is not None and booking.state == BookingState.CANCELLED_BY_TRAINEE
    return "cancelled_for_school" if by_school else booking.state


def tone(state: str) -> str:
    """How a state is coloured: good, fair or bad."""
    if state in {BookingState.CONFIRMED, BookingState.IN_PROGRESS, BookingState.COMPLETED}:
        return "good"
    return "fair" if BookingState(state) in TIMED else "bad"


def _shown(
    booking: Rotation, typed: Mapping[str, str] | None = None, errors: forms.Errors | None = None
) -> Response:
    session = context.session()
    state = BookingState(booking.state)
    asked = asked_for(booking)
    waits = _waits(booking)
    may_change = state is BookingState.CONFIRMED and booking.cohort_id is None
    applies = not waits and state is BookingState.HELD and booking.approval == "request"
    version = applying.current_questions(session, booking.listing_id) if applies else None
    return form_page(
        "rotations/rotation.html",
        NOT_PROCESSABLE if errors else 200,
        booking=booking,
        lines=frozen.price_lines(booking.price),
        history=bookings.history(session, booking.id),
        payment=asked,
        declined=why_declined(asked, reader().language),
        money=moved(booking.id),
        others=booking.cohort_id is not None or paid_by_others(booking.id),
        cards=cards.of_account(session, booking.trainee_id) if _by_card(booking, state) else (),
        questions=asking.asked(version),
        applies=applies,
        may_pay=not waits and _may_pay(booking, state),
        waits=waits,
        # Who books late owes the balance at once: there is no deposit then.
        whole=state in TIMED and _balance_is_due(booking),
        may_withdraw=state in TIMED,
        may_cancel=state in CANCELLABLE,
        may_change=may_change,
        agreed=bookings.cancellation(session, booking.id) if state in CALLED_OFF else None,
        linked=schools.own_link(session, booking.trainee_id) is not None,
        turns=turns(booking, context.now()),
        looked_at_from=_left_open(booking, state),
        tone=tone,
        called=_names([booking]),
        typed=typed or {},
        errors=errors or {},
    )


def _waits(booking: Any) -> Sequence[schooling.Waits]:
    """What there has to be before one can apply or pay: one's school's word, an agreement."""
    if booking.state not in TIMED or booking.cohort_id is not None:
        return ()
    return schooling.waits_for(context.session(), booking)


def _left_open(booking: Rotation, state: BookingState) -> date | None:
    """Of a rotation whose days are over and that nobody has closed: when our people look at it."""
    days = Days(booking.first_day, booking.weeks)
    over = days.is_over(site_day(context.now(), booking.time_zone))
    return days.looked_at_from if over and state in CANCELLABLE else None


def _balance_is_due(booking: Rotation) -> bool:
    due = booking.balance_due_on
    return due is not None and due <= site_day(context.now(), booking.time_zone)


def _by_card(booking: Rotation, state: BookingState) -> bool:
    """Whether what is left can be paid by a kept card with one click."""
    return state in CANCELLABLE and booking.paid < booking.total


def _may_pay(booking: Rotation, state: BookingState) -> bool:
    if booking.cohort_id is not None:
        return False
    if state in TIMED:
        # The deposits of an itinerary are paid together, on its own page.
        at_once = state is BookingState.AWAITING_PAYMENT or booking.approval == "instant"
        return booking.itinerary_id is None and state is not BookingState.SUBMITTED and at_once
    return state in CANCELLABLE and booking.paid < booking.total


def _wish(given: Mapping[str, str]) -> Wish:
    return Wish(option=given.get("option") or None)


def _to(booking: Rotation) -> Response:
    return redirect(f"/rotations/{booking.id}", 303)
