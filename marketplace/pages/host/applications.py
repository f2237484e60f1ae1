"""Applications: those that wait, side by side, one in full, and the decision."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from flask import Response, request
from marshmallow import Schema, fields, validate
from werkzeug.wrappers import Response as Answer

from marketplace.booking import queries as bookings
from marketplace.booking.errors import Superseded
from marketplace.booking.routes import finding
from marketplace.booking.rules import reasons
from marketplace.booking.schemas.applying import ApplicationsArgs, AskForMoreArgs, DeclineArgs
from marketplace.booking.service import applications, conversations, rosters
from marketplace.booking.states import UNDECIDED, BookingState
from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, site_member
from marketplace.pages import forms
from marketplace.pages.host.frame import DECIDERS, NOT_PROCESSABLE, back, panel, refusal, state_of
from marketplace.pages.view import Pages, reader, with_query
from marketplace.web import context

TAB = "/applications"
A_PAGE = 20
# More columns than these are not read side by side.
MOST_BESIDE = 4
FEWEST_BESIDE = 2

blueprint = Pages("host_applications")


class BesideArgs(Schema):
    """Which applications are looked at side by side."""

    booking = fields.List(fields.UUID(), validate=validate.Length(max=50), load_default=list)


class Booking(Protocol):
    """What the pages read of the booking that is decided on."""

    @property
    def id(self) -> UUID: ...
    @property
    def site_id(self) -> UUID: ...
    @property
    def trainee_id(self) -> UUID: ...
    @property
    def state(self) -> str: ...


@blueprint.get("/host/sites/<uuid:site_id>/applications")
@site_member(*DECIDERS, operators=False)
def list_waiting(site_id: UUID) -> Response:
    """List what waits for a decision, the most urgent first, by what is wished."""
    given: dict[str, Any] = {name: text for name, text in request.args.items() if text.strip()}
    if "state" in given:
        given["state"] = [given["state"]]
    values, errors = forms.read(ApplicationsArgs(unknown="exclude"), {**given, "limit": A_PAGE})
    found = None if errors else rosters.applications(context.session(), site_id, **values)
    return panel(
        "host/applications.html",
        site_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        found=found,
        typed=request.args,
        errors=errors,
        with_query=with_query,
    )


@blueprint.get("/host/sites/<uuid:site_id>/applications/beside")
@site_member(*DECIDERS, operators=False)
def beside(site_id: UUID) -> Response:
    """Show applications side by side, fact by fact."""
    values, _ = forms.read(
        BesideArgs(unknown="exclude"), {"booking": request.args.getlist("booking")}
    )
    chosen: list[UUID] = values.get("booking", [])[:MOST_BESIDE]
    found = _undecided(site_id, chosen) if chosen else []
    asked = list({one.question: None for each in found for one in each.answers})
    answers = {
        each.booking_id: {one.question: one.answer for one in each.answers} for each in found
    }
    return panel(
        "host/beside.html",
        site_id,
        TAB,
        found=found,
        asked=asked,
        answers=answers,
        fewest=FEWEST_BESIDE,
        most=MOST_BESIDE,
    )


@blueprint.get("/host/sites/<uuid:site_id>/applications/<uuid:booking_id>")
@site_member(*DECIDERS, operators=False)
def show(site_id: UUID, booking_id: UUID) -> Response:
    """Show an application in full, what was said about it, and what can be decided."""
    return _shown(site_id, _booking(site_id, booking_id))


@blueprint.post("/host/sites/<uuid:site_id>/applications/<uuid:booking_id>/approve")
@site_member(*DECIDERS, operators=False)
def approve(site_id: UUID, booking_id: UUID) -> Answer:
    """Accept the application; who comes second is told who was first."""

    def decide(booking: Any, by: UUID, now: datetime, _: Mapping[str, Any]) -> None:
        applications.approve(context.session(), booking, actor_id=by, now=now)

    return _decided(site_id, booking_id, Schema(unknown="exclude"), decide, "approved")


@blueprint.post("/host/sites/<uuid:site_id>/applications/<uuid:booking_id>/decline")
@site_member(*DECIDERS, operators=False)
def decline(site_id: UUID, booking_id: UUID) -> Answer:
    """Decline with a reason, which the trainee reads."""

    def decide(booking: Any, by: UUID, now: datetime, values: Mapping[str, Any]) -> None:
        applications.decline(context.session(), booking, actor_id=by, now=now, **values)

    return _decided(site_id, booking_id, DeclineArgs(), decide, "declined")


@blueprint.post("/host/sites/<uuid:site_id>/applications/<uuid:booking_id>/more")
@site_member(*DECIDERS, operators=False)
def ask_for_more(site_id: UUID, booking_id: UUID) -> Answer:
    """Ask the trainee for more; the host's own time stands still."""

    def decide(booking: Any, by: UUID, now: datetime, values: Mapping[str, Any]) -> None:
        applications.ask_for_more(context.session(), booking, actor_id=by, now=now, **values)

    return _decided(site_id, booking_id, AskForMoreArgs(), decide, "asked")


def _decided(
    site_id: UUID,
    booking_id: UUID,
    schema: Schema,
    decide: Callable[[Any, UUID, datetime, Mapping[str, Any]], None],
    done: str,
) -> Answer:
    booking = _booking(site_id, booking_id)
    given = forms.typed()
    values, errors = forms.read(schema, given)
    if errors:
        return _shown(site_id, booking, NOT_PROCESSABLE, given, errors)
    try:
        decide(booking, current_account().id, context.now(), values)
    except forms.REFUSALS as error:
        refused = forms.meant(error)
        if isinstance(refused, Superseded):
            return _shown(site_id, booking, refused.status, refused=_faster(refused))
        told = None if refused.fields else refusal(refused)
        return _shown(site_id, booking, refused.status, given, refused.fields or {}, told)
    return back(site_id, f"{TAB}/{booking_id}", done)


def _faster(second: Superseded) -> str:
    """Who decided first, what, and when."""
    who = reader()
    found = second.extra
    return who.say(
        "%(name)s was faster, at %(moment)s: %(state)s. Your own decision had no effect.",
        name=found["decided_by"] or who.say("Somebody"),
        moment=who.moment(datetime.fromisoformat(str(found["decided_at"]))),
        state=state_of(who, str(found["state"])),
    )


def _shown(
    site_id: UUID,
    booking: Booking,
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, Any] | None = None,
    refused: str | None = None,
) -> Response:
    session = context.session()
    open_now = BookingState(booking.state) in UNDECIDED
    waiting = _undecided(site_id, [booking.id]) if open_now else []
    facts = identity.many_trainee_facts(session, [booking.trainee_id])
    return panel(
        "host/application.html",
        site_id,
        TAB,
        status,
        booking=booking,
        application=waiting[0] if waiting else None,
        person=facts.get(booking.trainee_id),
        said=conversations.conversation(session, finding.hosted(booking.id)).entries,
        history=bookings.history(session, booking.id),
        why=list(reasons.DECLINE.items()),
        typed=typed or {},
        errors=errors or {},
        refused=refused,
    )


def _booking(site_id: UUID, booking_id: UUID) -> Any:
    """A booking of this site that came by an application."""
    found = finding.hosted(booking_id)
    if found.site_id != site_id or found.approval != "request":
        raise NotFound
    return found


def _undecided(site_id: UUID, booking_ids: Sequence[UUID]) -> Sequence[rosters.Application]:
    wanted = {"booking_ids": booking_ids, "limit": MOST_BESIDE, "cursor": None}
    return rosters.applications(context.session(), site_id, **wanted).items
