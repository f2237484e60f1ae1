"""What students ask of their school, and the school's word; their bookings as far as they show them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response, request
from werkzeug.wrappers import Response as Answer

from marketplace.booking.errors import Superseded
from marketplace.booking.queries import schools as queries
from marketplace.booking.schemas.schools import SchoolDeclineArgs
from marketplace.booking.service import clearances, schooling
from marketplace.identity.access import current_account, school_member
from marketplace.identity.rules import Seen
from marketplace.pages import asked, forms
from marketplace.pages.school.frame import NOT_PROCESSABLE, asked_for, back, panel, refusal
from marketplace.pages.school.words import REQUEST_STATES
from marketplace.pages.view import Pages, reader
from marketplace.web import context

TAB = "/requests"
ONE = "/schools/<uuid:school_id>/requests/<uuid:booking_id>"

blueprint = Pages("school_requests")


@blueprint.get("/schools/<uuid:school_id>/requests")
@school_member(operators=False)
def list_requests(school_id: UUID) -> Response:
    """List what waits for the school's word, the most urgent first; or all that was ever asked."""
    waiting = request.args.get("all") != "yes"
    found = queries.requests(context.session(), school_id, waiting=waiting, **asked_for())
    return panel(
        "school/requests.html",
        school_id,
        TAB,
        found=found,
        waiting=waiting,
        states=REQUEST_STATES,
    )


@blueprint.get(ONE)
@school_member(operators=False)
def show(school_id: UUID, booking_id: UUID) -> Response:
    """Show one request with what it is about."""
    return _shown(school_id, booking_id)


@blueprint.post(f"{ONE}/approve")
@school_member(operators=False)
def approve(school_id: UUID, booking_id: UUID) -> Answer:
    """Approve; whoever comes second is told who decided and what."""

    def decide() -> None:
        schooling.approve(context.session(), booking_id, school_id, **_by())

    return _decided(school_id, booking_id, decide, "approved")


@blueprint.post(f"{ONE}/decline")
@school_member(operators=False)
def decline(school_id: UUID, booking_id: UUID) -> Answer:
    """Decline with a reason, which the student reads; the seat is given up."""
    given = forms.typed()
    values, errors = forms.read(SchoolDeclineArgs(), given)
    if errors:
        return _shown(school_id, booking_id, NOT_PROCESSABLE, given, errors)

    def decide() -> None:
        schooling.decline(context.session(), booking_id, school_id, **_by(), **values)

    return _decided(school_id, booking_id, decide, "declined", given)


@blueprint.get("/schools/<uuid:school_id>/bookings")
@school_member(operators=False)
def bookings(school_id: UUID) -> Response:
    """List the students' bookings, each as far as its student lets the school see it now."""
    session, now, who = context.session(), context.now(), reader()
    found = queries.shown(session, school_id, **asked_for())
    open_to_it = [one.booking for one in found.items if Seen.CLEARANCE in one.sees]
    return panel(
        "school/bookings.html",
        school_id,
        "/bookings",
        found=found,
        cleared=clearances.clearances(session, open_to_it, now),
        dates=Seen.DATES,
        paper_called=lambda one: asked.title(one, who),
    )


def _by() -> dict[str, Any]:
    return {"actor_id": current_account().id, "now": context.now()}


def _decided(
    school_id: UUID,
    booking_id: UUID,
    decide: Callable[[], None],
    done: str,
    typed: Mapping[str, str] | None = None,
) -> Answer:
    try:
        decide()
    except forms.REFUSALS as error:
        refused = forms.meant(error)
        if refused.status not in forms.SHOWN_AGAIN:
            raise refused from error
        told = _faster(refused) if isinstance(refused, Superseded) else refusal(refused)
        return _shown(school_id, booking_id, refused.status, typed, refused.fields, told)
    return back(school_id, f"{TAB}/{booking_id}", done)


def _faster(second: Superseded) -> str:
    """Who decided first, what, and when."""
    who, found = reader(), second.extra
    if "decided_at" not in found:
        return refusal(second)
    return who.say(
        "%(name)s was faster, at %(moment)s: %(state)s. Your own decision had no effect.",
        name=found["decided_by"] or who.say("Somebody"),
        moment=who.moment(datetime.fromisoformat(str(found["decided_at"]))),
        state=who.say(REQUEST_STATES[str(found["state"])]),
    )


def _shown(
    school_id: UUID,
    booking_id: UUID,
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, Any] | None = None,
    refused: str | None = None,
) -> Response:
    found = queries.asked_of(context.session(), school_id, booking_id)
    kept = found.booking.hold_expires_at
    return panel(
        "school/request.html",
        school_id,
        TAB,
        status,
        asked=found,
        open_now=found.request.state == "waiting"
        and found.booking.state == "held"
        and kept is not None
        and kept > context.now(),
        states=REQUEST_STATES,
        typed=typed or {},
        errors=errors or {},
        refused=refused,
    )
