"""What trainees would change of a booked rotation: other weeks, or another of their school comes."""

from typing import Any
from uuid import UUID

from flask import Response, request
from werkzeug.wrappers import Response as Answer

from marketplace.booking import queries as bookings
from marketplace.booking.queries import changes as queries
from marketplace.booking.routes import finding
from marketplace.booking.schemas.changes import DeclineProposalArgs
from marketplace.booking.service import proposals
from marketplace.booking.service.cohorts.privacy import unexplained
from marketplace.core.errors import DomainError, NotFound
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, site_member
from marketplace.pages import forms
from marketplace.pages.host.frame import DECIDERS, NOT_PROCESSABLE, back, panel, refusal
from marketplace.pages.view import Pages
from marketplace.web import context

TAB = "/applications"
BASE = "/host/sites/<uuid:site_id>/changes"
ONE = f"{BASE}/<uuid:proposal_id>"
A_PAGE = 25

blueprint = Pages("host_changes")


@blueprint.get(BASE)
@site_member(*DECIDERS, operators=False)
def list_waiting(site_id: UUID) -> Response:
    """List the changes that the site has to agree to, the most urgent first."""
    cursor = request.args.get("cursor") or None
    found = queries.proposed_at(
        context.session(), site_id, context.now(), limit=A_PAGE, cursor=cursor
    )
    return panel("host/changes.html", site_id, TAB, found=found)


@blueprint.get(ONE)
@site_member(*DECIDERS, operators=False)
def show(site_id: UUID, proposal_id: UUID) -> Response:
    """Show one with what it means as things stand."""
    return _shown(site_id, proposal_id, {})


@blueprint.post(f"{ONE}/agree")
@site_member(*DECIDERS, operators=False)
def agree(site_id: UUID, proposal_id: UUID) -> Answer:
    """Agree: another booking takes over at once, or nothing has changed."""
    found, by = _waiting(site_id, proposal_id), current_account().id
    new, errors = forms.tried(
        lambda: proposals.accept(
            context.session(),
            found,
            actor_id=by,
            by_host=True,
            terms=finding.terms(),
            now=context.now(),
        ),
        "change",
    )
    if new is None:
        return _shown(site_id, proposal_id, errors)
    return back(site_id, f"/rotations/{new.id}", "changed")


@blueprint.post(f"{ONE}/decline")
@site_member(*DECIDERS, operators=False)
def decline(site_id: UUID, proposal_id: UUID) -> Answer:
    """Say no, with a reason or without one; the booking stays as it is."""
    found, by = _waiting(site_id, proposal_id), current_account().id
    booking_id = found.booking_id

    def do(values: dict[str, Any]) -> None:
        proposals.decline(context.session(), found, actor_id=by, now=context.now(), **values)

    given = {"reason": forms.typed().get("reason", "")}
    errors = forms.carried_out(DeclineProposalArgs(), given, do, "change")
    if errors:
        return _shown(site_id, proposal_id, errors)
    return back(site_id, f"/rotations/{booking_id}", "change_declined")


def _waiting(site_id: UUID, proposal_id: UUID) -> Any:
    """A proposal that this site has to agree to, or had to; for any other there is nothing here."""
    found = queries.proposal(context.session(), proposal_id)
    asked = found.to_trainee_id is None or found.trainee_agreed_at is not None
    if found.site_id != site_id or not found.needs_host or not asked:
        raise NotFound
    return found


def _shown(site_id: UUID, proposal_id: UUID, errors: forms.Errors) -> Response:
    session, now = context.session(), context.now()
    found = _waiting(site_id, proposal_id)
    booking, quote, against = bookings.find(session, found.booking_id), None, ""
    comes = found.to_trainee_id or booking.trainee_id
    is_open = found.state == "open" and found.expires_at > now
    if is_open:
        try:
            with unexplained(comes):
                quote = proposals.quote(session, found, finding.terms(), now)
        except DomainError as error:
            against = refusal(error)
    return panel(
        "host/change.html",
        site_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        proposal=found,
        booking=booking,
        people=identity.contacts(session, [booking.trainee_id, comes]),
        person=identity.many_trainee_facts(session, [comes]).get(comes),
        other=comes if comes != booking.trainee_id else None,
        quote=quote,
        against=against,
        is_open=is_open,
        over=found.state if found.state != "open" else "expired",
        typed=forms.typed() if errors else {},
        errors=errors,
    )
