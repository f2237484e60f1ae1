"""What is proposed to a trainee, and a booking that they hand on to somebody of their school."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.booking import queries as bookings
from marketplace.booking.queries import changes as queries
from marketplace.booking.routes import finding
from marketplace.booking.schemas.changes import (
    DeclineProposalArgs,
    TransferArgs,
    TransferQuoteArgs,
)
from marketplace.booking.service import changes, proposals, transfers
from marketplace.booking.states import BookingState
from marketplace.core.errors import DomainError, NotFound
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, signed_in
from marketplace.identity.queries import schools
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page, reader
from marketplace.web import context

NOT_PROCESSABLE = 422
A_PAGE = 20

blueprint = Pages("offer_pages")


@blueprint.get("/offers")
@signed_in
def list_to_me() -> Response:
    """List what waits for one's word: bookings handed on, and what one's school proposes."""
    session, cursor = context.session(), request.args.get("cursor") or None
    found = queries.proposals_to(
        session, current_account().id, context.now(), limit=A_PAGE, cursor=cursor
    )
    titles = bookings.titles(session, [one.booking_id for one in found.items])
    return form_page("offers/list.html", found=found, titles=titles, done=request.args.get("done"))


@blueprint.get("/offers/<uuid:proposal_id>")
@signed_in
def show(proposal_id: UUID) -> Response:
    """Show one with what it means as things stand."""
    return _shown(proposal_id, {})


@blueprint.post("/offers/<uuid:proposal_id>/accept")
@signed_in
def accept(proposal_id: UUID) -> Response:
    """Agree; where a host has to as well, it is asked now."""
    session, found = context.session(), _to_me(proposal_id)
    new, errors = forms.tried(
        lambda: proposals.accept(
            session,
            found,
            actor_id=current_account().id,
            by_host=False,
            terms=finding.terms(),
            now=context.now(),
        ),
        "offer",
    )
    if errors:
        return _shown(proposal_id, errors)
    return redirect(f"/rotations/{new.id}" if new else "/offers?done=asked", 303)


@blueprint.post("/offers/<uuid:proposal_id>/decline")
@signed_in
def decline(proposal_id: UUID) -> Response:
    """Say no; the booking stays as it is."""
    session, found, by = context.session(), _to_me(proposal_id), current_account().id
    values, errors = forms.read(DeclineProposalArgs(), forms.typed())
    if not errors:
        _, errors = forms.tried(
            lambda: proposals.decline(session, found, actor_id=by, now=context.now(), **values),
            "offer",
        )
    return _shown(proposal_id, errors) if errors else redirect("/offers?done=declined", 303)


@blueprint.get("/rotations/<uuid:booking_id>/hand-on")
@signed_in
def ask_to_hand_on(booking_id: UUID) -> Response:
    """With an address, show what its trainee would take over; nothing is changed, nobody is told."""
    return _handing_on(booking_id, dict(request.args.items()), {})


@blueprint.post("/rotations/<uuid:booking_id>/hand-on")
@signed_in
def hand_on(booking_id: UUID) -> Response:
    """Offer the booking under the quote that was shown."""
    session, booking, typed = context.session(), finding.own(booking_id), forms.typed()
    changes.check_own(booking)
    values, errors = forms.read(TransferArgs(), typed)
    if not errors:
        email, mark = values.pop("email"), values.pop("quote")
        _, errors = forms.tried(
            lambda: proposals.propose_transfer(
                session,
                booking,
                to_trainee_id=transfers.recipient(session, booking, email),
                mark=mark,
                terms=finding.terms(),
                now=context.now(),
                **values,
            ),
            "email",
        )
    if errors:
        return _handing_on(booking_id, typed, errors)
    return redirect(f"/rotations/{booking_id}/hand-on", 303)


def _to_me(proposal_id: UUID) -> Any:
    """A proposal to who asks; for everybody else there is nothing here."""
    found = queries.proposal(context.session(), proposal_id)
    if found.to_trainee_id != current_account().id:
        raise NotFound
    return found


def _shown(proposal_id: UUID, errors: forms.Errors) -> Response:
    session, found, against = context.session(), _to_me(proposal_id), ""
    try:
        quote = proposals.quote(session, found, finding.terms(), context.now())
    except DomainError as error:
        said = " ".join(filter(None, (error.title, error.detail)))
        quote, against = None, reader().refused(said)
    booking = bookings.find(session, found.booking_id)
    giver = identity.contact(session, booking.trainee_id)
    return form_page(
        "offers/offer.html",
        NOT_PROCESSABLE if errors else 200,
        proposal=found,
        booking=booking,
        giver=giver.name if giver else "",
        quote=quote,
        against=against,
        errors=errors,
    )


def _handing_on(booking_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session, booking = context.session(), finding.own(booking_id)
    found, quote = dict(errors), None
    if typed.get("email"):
        values, wrong = forms.read(TransferQuoteArgs(), {"email": typed["email"]})
        if not wrong:
            quote, wrong = forms.tried(
                lambda: transfers.quote(
                    session,
                    booking,
                    to_trainee_id=transfers.recipient(session, booking, values["email"]),
                    terms=finding.terms(),
                    now=context.now(),
                ),
                "email",
            )
            booking = finding.own(booking_id)
        found = {**wrong, **found}
    return form_page(
        "rotations/hand_on.html",
        NOT_PROCESSABLE if found else 200,
        booking=booking,
        quote=quote,
        proposal=queries.open_proposal(session, booking.id),
        may_hand_on=booking.state == BookingState.CONFIRMED and booking.cohort_id is None,
        school=schools.own_link(session, booking.trainee_id),
        typed=typed,
        errors=found,
    )
