"""One rotation as its site sees it: papers, attendance, its end, the evaluation, the messages."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from flask import Response, redirect
from marshmallow import Schema
from werkzeug.wrappers import Response as Answer

from marketplace.booking import queries as bookings
from marketplace.booking.queries import messages as kept
from marketplace.booking.routes.messages import link_for
from marketplace.booking.rules.deadlines import site_day
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.schemas import BookingReasonArgs, RequiredBookingReasonArgs
from marketplace.booking.schemas.messages import NewMessageArgs
from marketplace.booking.service import (
    cancellations,
    clearances,
    messages,
    no_shows,
    rescues,
    rotations,
)
from marketplace.booking.states import CANCELLABLE, TIMED, BookingState
from marketplace.compliance.rules.files import LARGEST, MIB
from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.identity.access import caller, current_account, site_member
from marketplace.outcomes.queries import days, records
from marketplace.outcomes.rules.evaluation_form import FORM
from marketplace.outcomes.schemas.records import EvaluationArgs
from marketplace.outcomes.service import incidents
from marketplace.outcomes.service import records as recording
from marketplace.outcomes.service.rotations import rotation
from marketplace.pages import asked, forms, writing
from marketplace.pages.host.frame import (
    DECIDERS,
    NOT_PROCESSABLE,
    PEOPLE,
    back,
    decides_at,
    panel,
    refusal,
)
from marketplace.pages.view import Pages, reader
from marketplace.web import context
from marketplace.web import uploads as sent

TAB = "/roster"
BASE = "/host/sites/<uuid:site_id>/rotations/<uuid:booking_id>"
# How many of a thread are shown at once, the last ones first.
MESSAGES = 50
POINTS = (1, 2, 3, 4, 5)

blueprint = Pages("host_rotation")


@blueprint.get(BASE)
@site_member(operators=False)
def show(site_id: UUID, booking_id: UUID) -> Response:
    """Show a rotation, and what can be done with it now."""
    return _shown(site_id, _booking(site_id, booking_id))


@blueprint.post(f"{BASE}/complete")
@site_member(*DECIDERS, operators=False)
def complete(site_id: UUID, booking_id: UUID) -> Answer:
    """Say that the rotation was done; from the Friday of its last week on."""

    def do(booking: Any, values: Mapping[str, Any]) -> None:
        del values
        rotations.complete(context.session(), booking, **_by())

    return _done(site_id, booking_id, Schema(unknown="exclude"), do, "completed")


@blueprint.post(f"{BASE}/no-show")
@site_member(*DECIDERS, operators=False)
def no_show(site_id: UUID, booking_id: UUID) -> Answer:
    """Say that the trainee never came; they have a week to dispute it."""

    def do(booking: Any, values: Mapping[str, Any]) -> None:
        no_shows.mark(context.session(), booking, **_by(), **values)

    return _done(site_id, booking_id, BookingReasonArgs(), do, "no_show")


@blueprint.post(f"{BASE}/call-off")
@site_member(*DECIDERS, operators=False)
def call_off(site_id: UUID, booking_id: UUID) -> Answer:
    """Call the rotation off for the site; the trainee is offered the same weeks elsewhere."""

    def do(booking: Any, values: Mapping[str, Any]) -> None:
        session, to = context.session(), BookingState.CANCELLED_BY_HOST
        if BookingState(booking.state) in TIMED:
            cancellations.cancel_unpaid(session, booking, to=to, **_by(), **values)
        else:
            rescues.call_off(session, booking, **_by(), **values)

    return _done(site_id, booking_id, RequiredBookingReasonArgs(), do, "called_off")


@blueprint.post(f"{BASE}/messages")
@sent.form_first
@site_member(*DECIDERS, operators=False)
def write(site_id: UUID, booking_id: UUID) -> Answer:
    """Write to the trainee, with a file or without one; what was there before counts as read."""

    def do(booking: Any, values: Mapping[str, Any]) -> None:
        def find(key: UUID) -> Any:
            return _booking(site_id, key)

        del booking
        made = writing.write(find, booking_id, values["body"], role="host")
        by, now = current_account().id, context.now()
        messages.read(context.session(), find(booking_id), by, made.number, now)

    return _done(site_id, booking_id, NewMessageArgs(), do, "written")


@blueprint.post(f"{BASE}/files/<uuid:file_id>")
@site_member(*DECIDERS, operators=False)
def download(site_id: UUID, booking_id: UUID, file_id: UUID) -> Answer:
    """Go on to a file of a message by a link that is good once; the reading is recorded."""
    link, headers = link_for(_booking(site_id, booking_id).id, file_id)
    answer = redirect(link["url"], 303)
    answer.headers.update(headers)
    return answer


@blueprint.get(f"{BASE}/evaluation")
@site_member(*PEOPLE, operators=False)
def ask_to_evaluate(site_id: UUID, booking_id: UUID) -> Response:
    """Ask for the evaluation, with what one has said before."""
    booking, by = _booking(site_id, booking_id), current_account().id
    found = records.evaluations(context.session(), booking.id)
    own = next((one for one in found if one.evaluator_id == by), None)
    typed = {} if own is None else _as_typed(own)
    return _form(site_id, booking, typed, {}, fixed=own is not None)


@blueprint.post(f"{BASE}/evaluation")
@site_member(*PEOPLE, operators=False)
def evaluate(site_id: UUID, booking_id: UUID) -> Answer:
    """Record the evaluation; said anew, it is another revision."""
    booking, session = _booking(site_id, booking_id), context.session()
    given = forms.typed()
    scores = {one.name: forms.whole_number(given[one.name]) for one in FORM if one.name in given}
    sent = {
        "scores": scores,
        "comments": given.get("comments", ""),
        **({"shown_to_trainee": given["shown_to_trainee"]} if "shown_to_trainee" in given else {}),
    }
    values, errors = forms.read(EvaluationArgs(), sent)
    if not errors:
        by, about = current_account().id, rotation(session, booking.id)
        try:
            recording.evaluate(session, about, evaluator_id=by, now=context.now(), **values)
        except forms.REFUSALS as error:
            errors = forms.wrong(forms.meant(error), "shown_to_trainee")
    if errors:
        plain = {name.removeprefix("scores."): texts for name, texts in errors.items()}
        return _form(site_id, booking, given, plain)
    return back(site_id, f"/rotations/{booking_id}", "evaluated")


def _form(
    site_id: UUID,
    booking: Any,
    typed: Mapping[str, Any],
    errors: forms.Errors,
    *,
    fixed: bool = False,
) -> Response:
    contact = identity.contact(context.session(), booking.trainee_id)
    return panel(
        "host/evaluation.html",
        site_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        booking=booking,
        name=contact.name if contact else "",
        form=FORM,
        points=POINTS,
        typed=typed,
        errors=errors,
        fixed=fixed,
    )


def _done(
    site_id: UUID,
    booking_id: UUID,
    schema: Schema,
    do: Callable[[Any, Mapping[str, Any]], None],
    done: str,
) -> Answer:
    booking = _booking(site_id, booking_id)
    given = forms.typed()
    values, errors = forms.read(schema, given)
    if errors:
        return _shown(site_id, booking, NOT_PROCESSABLE, given, errors)
    try:
        do(booking, values)
    except forms.REFUSALS as error:
        refused = forms.meant(error)
        told = None if refused.fields else refusal(refused)
        return _shown(site_id, booking, refused.status, given, refused.fields or {}, told)
    return back(site_id, f"/rotations/{booking_id}", done)


def _shown(
    site_id: UUID,
    booking: Any,
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, Any] | None = None,
    refused: str | None = None,
) -> Response:
    session, now, state = context.session(), context.now(), BookingState(booking.state)
    day = site_day(now, booking.time_zone)
    run = Rotation(booking.first_day, booking.weeks)
    thread = _thread(booking) if decides_at(site_id) else {}
    under_way = state is BookingState.IN_PROGRESS
    begun = run.has_begun(day) and state is BookingState.CONFIRMED
    marks = bookings.attendance(session, [booking.id])[booking.id]
    there = any(one.mark == "present" for one in marks)
    evaluations = records.evaluations(session, booking.id)
    named = {booking.trainee_id, *(one.evaluator_id for one in evaluations)}
    named |= {one.author_id for one in thread.get("thread", ())}
    people, who = identity.contacts(session, list(named)), reader()
    return panel(
        "host/rotation.html",
        site_id,
        TAB,
        status,
        reader=who,
        paper_called=lambda one: asked.title(one, who),
        booking=booking,
        person=people.get(booking.trainee_id),
        clearance=clearances.clearance(session, booking, now) if state in CANCELLABLE else None,
        marks=marks,
        evaluations=evaluations,
        evaluators=people,
        authors=people,
        names=[one.name for one in FORM],
        history=bookings.history(session, booking.id),
        proposal=_proposed(booking) if decides_at(site_id) else None,
        day_to_mark=max(run.first_day, min(day, run.last_day)),
        may_complete=(under_way or begun) and run.can_be_completed(day),
        may_miss=(under_way or begun) and not there and run.can_be_missed(day),
        may_call_off=state in CANCELLABLE or state in TIMED,
        own_id=current_account().id,
        may_evaluate=state is BookingState.COMPLETED,
        may_note=state in incidents.REPORTED_IN,
        notes=len(days.incident_notes(session, booking.id)),
        largest=LARGEST // MIB,
        typed=typed or {},
        errors=errors or {},
        refused=refused,
        **thread,
    )


def _proposed(booking: Any) -> Any:
    """The change of a booked rotation that its site has to agree to, if one is asked for."""
    if booking.state != BookingState.CONFIRMED:
        return None
    found = bookings.open_proposal(context.session(), booking.id)
    if found is None or not found.needs_host or found.expires_at <= context.now():
        return None
    if found.to_trainee_id is not None and found.trainee_agreed_at is None:
        return None
    return found


def _thread(booking: Any) -> dict[str, Any]:
    """The last messages, with their files; none for who sees the page as another."""
    if caller().seen:
        return {"thread": [], "files": {}, "older": None}
    session = context.session()
    found = kept.page(session, booking.id, limit=MESSAGES, cursor=forms.cursor())
    items = list(reversed(found.items))
    return {
        "thread": items,
        "files": kept.files_of(session, [one.id for one in items]) if items else {},
        "older": found.next_cursor,
    }


def _booking(site_id: UUID, booking_id: UUID) -> Any:
    """A booking of this site; for another's there is nothing here."""
    found = bookings.find(context.session(), booking_id)
    if found.site_id != site_id:
        raise NotFound
    return found


def _by() -> dict[str, Any]:
    return {"actor_id": current_account().id, "now": context.now()}


def _as_typed(found: Any) -> dict[str, Any]:
    return {
        **{one.name: str(getattr(found, one.name)) for one in FORM},
        "comments": found.comments,
        "shown_to_trainee": "true" if found.shown_to_trainee else "false",
    }
