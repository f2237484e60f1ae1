"""What a rotation asks of its trainee out of turn: an answer to the host, a choice, a word."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from flask import redirect
from werkzeug.wrappers import Response

from marketplace.booking import queries as bookings
from marketplace.booking.queries import applying, cohorts
from marketplace.booking.queries import changes as changed
from marketplace.booking.routes import finding
from marketplace.booking.schemas.applying import ApplicationAnswerArgs
from marketplace.booking.schemas.changes import AcceptRescueArgs, SwitchRescueArgs
from marketplace.booking.schemas.endings import DisputeArgs
from marketplace.booking.service import applications, conversations, no_shows, rescues
from marketplace.booking.service import questions as asking
from marketplace.booking.states import TIMED, BookingState
from marketplace.core.errors import NotFound
from marketplace.identity.access import current_account, signed_in
from marketplace.pages import forms
from marketplace.pages.trainee.answers import answers_of
from marketplace.pages.view import Pages, form_page
from marketplace.pages.words import noted
from marketplace.web import context

NOT_PROCESSABLE = 422
OPEN_RESCUES = frozenset({"searching", "offered"})

blueprint = Pages("turn_pages")


class Rotation(Protocol):
    """What is read of a booking here."""

    @property
    def id(self) -> UUID: ...
    @property
    def state(self) -> str: ...
    @property
    def cohort_id(self) -> UUID | None: ...
    @property
    def school_id(self) -> UUID | None: ...


def turns(booking: Rotation, now: datetime) -> list[tuple[str, str]]:
    """Where its trainee has something to say now: the page after the rotation's, and the words."""
    session, state = context.session(), BookingState(booking.state)
    if booking.cohort_id and booking.school_id and state in TIMED:
        place = cohorts.place(session, booking.id)
        cohort = cohorts.find(session, booking.cohort_id, booking.school_id)
        if place.answer == "waiting" and cohort.state == "held" and cohort.answer_by > now:
            return [("/school", noted("Your school keeps this place for you. Say yes or no."))]
    if state is BookingState.MORE_ASKED:
        return [("/answer", noted("The host asks for more. Answer it."))]
    if state is BookingState.CANCELLED_BY_HOST:
        rescue = changed.rescue(session, booking.id)
        if rescue is not None:
            is_open = rescue.state in OPEN_RESCUES and rescue.decide_by > now
            choose = noted(
                "The host called it off. Choose: the same weeks elsewhere, or your money."
            )
            return [("/instead", choose if is_open else noted("What came of it"))]
    if state is BookingState.NO_SHOW and bookings.no_show(session, booking.id) is not None:
        return [("/no-show", noted("The host says that you did not come. See what you can do."))]
    return []


@blueprint.get("/rotations/<uuid:booking_id>/answer")
@signed_in
def asked_for_more(booking_id: UUID) -> Response:
    """Show what was said about the application, and a field for the answer."""
    return _conversation(booking_id, {}, {})


@blueprint.post("/rotations/<uuid:booking_id>/answer")
@signed_in
def answer(booking_id: UUID) -> Response:
    """Answer what the host asked for."""
    booking, typed = finding.own(booking_id), forms.typed()
    values, errors = forms.read(ApplicationAnswerArgs(), {"text": typed.get("text", "")})
    if not errors:
        _, errors = forms.tried(
            lambda: applications.answer(context.session(), booking, now=context.now(), **values),
            "text",
        )
    if errors:
        return _conversation(booking_id, typed, errors)
    return redirect(f"/rotations/{booking_id}", 303)


@blueprint.get("/rotations/<uuid:booking_id>/instead")
@signed_in
def instead(booking_id: UUID) -> Response:
    """Show what is held in place of a rotation that its host called off, and what else there is."""
    return _rescue(booking_id, {}, {})


@blueprint.post("/rotations/<uuid:booking_id>/instead")
@signed_in
def take(booking_id: UUID) -> Response:
    """Take what is held under the quote that was shown; its host may have to agree."""
    booking, typed, session = finding.own(booking_id), forms.typed(), context.session()
    offer = rescues.offered(session, booking.id).offer
    version = applying.current_questions(session, offer.listing_id) if offer else None
    asks = asking.asked(version) if offer and offer.approval == "request" else []
    sent: dict[str, Any] = {"quote": typed.get("quote", "")}
    if offer and offer.approval == "request":
        sent |= {"message": typed.get("message"), "answers": answers_of(asks)}
        sent |= {"questions_version": version.number if asks and version else None}
    values, errors = forms.read(AcceptRescueArgs(), sent)
    if not errors:
        mark = values.pop("quote")
        _, errors = forms.tried(
            lambda: rescues.accept(
                session,
                booking,
                mark=mark,
                actor_id=current_account().id,
                now=context.now(),
                **values,
            ),
            "quote",
        )
    if errors:
        return _rescue(booking_id, typed, errors)
    return redirect(f"/rotations/{booking_id}/instead", 303)


@blueprint.post("/rotations/<uuid:booking_id>/instead/other")
@signed_in
def other(booking_id: UUID) -> Response:
    """Have another of the listings that are named held instead."""
    booking = finding.own(booking_id)
    values, errors = forms.read(SwitchRescueArgs(), forms.typed())
    if not errors:
        _, errors = forms.tried(
            lambda: rescues.switch(
                context.session(), booking, terms=finding.terms(), now=context.now(), **values
            ),
            "listing_id",
        )
    if errors:
        return _rescue(booking_id, {}, errors)
    return redirect(f"/rotations/{booking_id}/instead", 303)


@blueprint.post("/rotations/<uuid:booking_id>/instead/refund")
@signed_in
def money_back(booking_id: UUID) -> Response:
    """Take all of one's money back instead."""
    booking, by = finding.own(booking_id), current_account().id
    _, errors = forms.tried(
        lambda: rescues.refund(context.session(), booking, actor_id=by, now=context.now()), "refund"
    )
    if errors:
        return _rescue(booking_id, {}, errors)
    return redirect(f"/rotations/{booking_id}/instead", 303)


@blueprint.get("/rotations/<uuid:booking_id>/no-show")
@signed_in
def no_show(booking_id: UUID) -> Response:
    """Show what the host said, until when it can be disputed, and what was decided."""
    return _no_show(booking_id, {}, {})


@blueprint.post("/rotations/<uuid:booking_id>/no-show")
@signed_in
def dispute(booking_id: UUID) -> Response:
    """Say that one did come; our staff decides."""
    booking, typed = finding.own(booking_id), forms.typed()
    values, errors = forms.read(DisputeArgs(), {"words": typed.get("words", "")})
    if not errors:
        _, errors = forms.tried(
            lambda: no_shows.dispute(context.session(), booking, now=context.now(), **values),
            "words",
        )
    if errors:
        return _no_show(booking_id, typed, errors)
    return redirect(f"/rotations/{booking_id}/no-show", 303)


def _conversation(booking_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    booking = finding.own(booking_id)
    return form_page(
        "rotations/answer.html",
        NOT_PROCESSABLE if errors else 200,
        booking=booking,
        said=conversations.conversation(context.session(), booking).entries,
        may_answer=booking.state == BookingState.MORE_ASKED,
        typed=typed,
        errors=errors,
    )


def _rescue(booking_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session, booking = context.session(), finding.own(booking_id)
    found = rescues.offered(session, booking.id)
    decides = found.offer is not None and found.offer.approval == "request"
    version = (
        applying.current_questions(session, found.offer.listing_id)
        if found.offer is not None and decides
        else None
    )
    return form_page(
        "rotations/instead.html",
        NOT_PROCESSABLE if errors else 200,
        booking=booking,
        found=found,
        decides=decides,
        questions=asking.asked(version),
        is_open=found.rescue.state in OPEN_RESCUES and found.rescue.decide_by > context.now(),
        typed=typed,
        errors=errors,
    )


def _no_show(booking_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    booking = finding.own(booking_id)
    found = bookings.no_show(context.session(), booking.id)
    if found is None:
        raise NotFound
    waits = found.decision is None and found.disputed_at is None
    return form_page(
        "rotations/no_show.html",
        NOT_PROCESSABLE if errors else 200,
        booking=booking,
        found=found,
        may_dispute=waits and found.dispute_until > context.now(),
        typed=typed,
        errors=errors,
    )
