"""Events from the processor that wait or were set aside: why, and tried again."""

from collections.abc import Mapping
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.identity.access import require
from marketplace.pages import forms
from marketplace.pages.operator.recording import record
from marketplace.pages.view import Pages, form_page, reader
from marketplace.payments import queries as payments
from marketplace.payments.queries import events
from marketplace.payments.schemas import EventAgainArgs
from marketplace.payments.service import inbox_again, steps
from marketplace.payments.states import EventState
from marketplace.web import context

MANY = 200
NOT_PROCESSABLE = 422
BASE = "/desk/events"

blueprint = Pages("desk_events")


@blueprint.get(BASE)
@require("operator")
def show() -> Response:
    """List what waits and what was set aside, the oldest first; or find one by its id at Stripe."""
    session, text = context.session(), request.args.get("id", "").strip()
    errors: forms.Errors = {}
    if text:
        found = events.called(session, text)
        if found is not None:
            return redirect(f"{BASE}/{found.id}", 303)
        said = reader().say(
            "No event of this id has come: ask for a reconciliation, or look there."
        )
        errors = {"id": [said]}
    return form_page(
        "desk/events.html",
        NOT_PROCESSABLE if errors else 200,
        waiting=events.waiting(session, context.now() - steps.LOOK_AGAIN, MANY),
        aside=events.set_aside(session, MANY),
        text=text,
        errors=errors,
    )


@blueprint.get(f"{BASE}/<uuid:event_id>")
@require("operator")
def one(event_id: UUID) -> Response:
    """Show an event: what it says, what became of it, and what can be done."""
    return _event(event_id, {}, {})


@blueprint.post(f"{BASE}/<uuid:event_id>/again")
@require("operator")
def again(event_id: UUID) -> Response:
    """Have it handled again, now; why is recorded."""
    typed, session = forms.typed(), context.session()

    def do(values: Mapping[str, str]) -> None:
        row = inbox_again.again(session, event_id)
        about = {"event": row.processor_event, "reason": values["reason"]}
        record("payment_event.tried_again", "payment_event", event_id, **about)

    given = {"reason": typed.get("reason", "")}
    errors = forms.carried_out(EventAgainArgs(), given, do, "reason")
    return _event(event_id, typed, errors) if errors else redirect(f"{BASE}/{event_id}", 303)


def _event(event_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session = context.session()
    row = events.event(session, event_id)
    cases = events.cases(session, event_id)
    about = next((case.payment_id for case in cases if case.payment_id), None)
    data = row.payload.get("data", {}).get("object", {})
    return form_page(
        "desk/event.html",
        NOT_PROCESSABLE if errors else 200,
        row=row,
        about=data.get("id") if isinstance(data, dict) else None,
        cases=cases,
        payment=payments.payment(session, about) if about else None,
        waits=row.state == EventState.RECEIVED.value,
        may_try=EventState(row.state) in inbox_again.AGAIN,
        typed=typed,
        errors=errors,
    )
