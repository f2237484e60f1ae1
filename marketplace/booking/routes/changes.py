"""Changes of a confirmed booking: other weeks, or another trainee of the same school."""

from typing import Any
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.models import Booking, BookingProposal
from marketplace.booking.routes import finding
from marketplace.booking.rules.changes import ChangeQuote
from marketplace.booking.schemas.changes import (
    ChangedSchema,
    ChangeQuoteSchema,
    DeclineProposalArgs,
    ProposalSchema,
    ProposalWithQuoteSchema,
    RescheduleArgs,
    TransferArgs,
    TransferQuoteArgs,
    WeeksArgs,
)
from marketplace.booking.service import changes, proposals, reschedules, transfers
from marketplace.core.errors import DomainError, NotFound
from marketplace.identity.access import check_site, current_account, signed_in, site_member
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs, page_of

blueprint = Blueprint(
    "booking-changes",
    __name__,
    description="Other weeks, or another trainee of the same school, for a confirmed booking.",
)


@blueprint.route("/bookings/<uuid:booking_id>/reschedule-quote", methods=["POST"])
@signed_in
@blueprint.arguments(WeeksArgs)
@blueprint.response(200, ChangeQuoteSchema)
def quote_weeks(data: dict[str, Any], booking_id: UUID) -> ChangeQuote:
    """See what other weeks would cost and what becomes of what you paid; nothing is changed."""
    booking = _to_change(booking_id)
    return reschedules.quote(
        context.session(), booking, terms=finding.terms(), now=context.now(), **data
    )


@blueprint.route("/bookings/<uuid:booking_id>/reschedule", methods=["POST"])
@signed_in
@blueprint.arguments(RescheduleArgs)
@blueprint.response(200, ChangedSchema)
def reschedule(data: dict[str, Any], booking_id: UUID) -> dict[str, Any]:
    """Change the weeks under the very quote that you were shown.

    A new booking takes over; where the host decides on each trainee, it is asked first and
    `proposal` is what waits. 409 `quote_changed` with the present terms, `seat_taken`,
    `already_booked_then`, `not_eligible`: then nothing has changed.
    """
    booking = _to_change(booking_id)
    mark, message = data.pop("quote"), data.pop("message")
    given = {**data, "terms": finding.terms(), "now": context.now()}
    new, proposal = proposals.change_weeks(
        context.session(), booking, mark=mark, message=message, **given
    )
    return {"booking": new, "proposal": proposal}


@blueprint.route("/bookings/<uuid:booking_id>/transfer-quote", methods=["POST"])
@signed_in
@blueprint.arguments(TransferQuoteArgs)
@blueprint.response(200, ChangeQuoteSchema)
def quote_transfer(data: dict[str, Any], booking_id: UUID) -> ChangeQuote:
    """See what a trainee of your school would take over; nothing is changed, nobody is told."""
    session, booking = context.session(), _to_change(booking_id)
    to = transfers.recipient(session, booking, data["email"])
    return transfers.quote(
        session, booking, to_trainee_id=to, terms=finding.terms(), now=context.now()
    )


@blueprint.route("/bookings/<uuid:booking_id>/transfer", methods=["POST"])
@signed_in
@blueprint.arguments(TransferArgs)
@blueprint.response(201, ProposalSchema)
def transfer(data: dict[str, Any], booking_id: UUID) -> BookingProposal:
    """Offer your booking to a trainee of your school, who has seven days to take it."""
    session, booking = context.session(), _to_change(booking_id)
    return proposals.propose_transfer(
        session,
        booking,
        to_trainee_id=transfers.recipient(session, booking, data["email"]),
        mark=data["quote"],
        message=data["message"],
        terms=finding.terms(),
        now=context.now(),
    )


@blueprint.route("/bookings/proposals", methods=["GET"])
@signed_in
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(ProposalSchema))
def list_to_me(args: dict[str, Any]) -> Page[BookingProposal]:
    """List what waits for you: bookings handed on to you, and what your school proposes."""
    return queries.proposals_to(context.session(), current_account().id, context.now(), **args)


@blueprint.route("/sites/<uuid:site_id>/booking-proposals", methods=["GET"])
@site_member(*finding.DECIDERS)
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(ProposalSchema))
def list_at_site(args: dict[str, Any], site_id: UUID) -> Page[BookingProposal]:
    """List the changes that trainees propose and that you have to agree to."""
    return queries.proposals_at(context.session(), site_id, context.now(), **args)


@blueprint.route("/bookings/proposals/<uuid:proposal_id>", methods=["GET"])
@signed_in
@blueprint.response(200, ProposalWithQuoteSchema)
def read_proposal(proposal_id: UUID) -> dict[str, Any]:
    """Read a proposal of yours, to you or at your site, with what it means as things stand.

    `quote` is null where something stands against it now.
    """
    found, _ = _party(proposal_id, maker=True)
    try:
        quote = proposals.quote(context.session(), found, finding.terms(), context.now())
    except DomainError:
        quote = None
    return {"proposal": found, "quote": quote}


@blueprint.route("/bookings/proposals/<uuid:proposal_id>/accept", methods=["POST"])
@signed_in
@blueprint.response(200, ChangedSchema)
def accept(proposal_id: UUID) -> dict[str, Any]:
    """Agree, as the host or as the trainee to whom it is offered.

    `booking` is what takes over; it is null while the host has still to agree.
    """
    found, by_host = _party(proposal_id)
    new = proposals.accept(
        context.session(),
        found,
        actor_id=current_account().id,
        by_host=by_host,
        terms=finding.terms(),
        now=context.now(),
    )
    return {"booking": new, "proposal": found}


@blueprint.route("/bookings/proposals/<uuid:proposal_id>/decline", methods=["POST"])
@signed_in
@blueprint.arguments(DeclineProposalArgs)
@blueprint.response(200, ProposalSchema)
def decline(data: dict[str, Any], proposal_id: UUID) -> BookingProposal:
    """Say no; the booking stays as it is."""
    found, _ = _party(proposal_id)
    proposals.decline(
        context.session(), found, actor_id=current_account().id, now=context.now(), **data
    )
    return found


@blueprint.route("/bookings/proposals/<uuid:proposal_id>/withdraw", methods=["POST"])
@signed_in
@blueprint.response(200, ProposalSchema)
def withdraw(proposal_id: UUID) -> BookingProposal:
    """Take back what you proposed."""
    session = context.session()
    found = queries.proposal(session, proposal_id)
    finding.own(found.booking_id)
    if found.proposed_by is not None:
        # What their school proposes a student declines; the school takes it back.
        raise NotFound
    proposals.withdraw(session, found, actor_id=current_account().id, now=context.now())
    return found


def _to_change(booking_id: UUID) -> Booking:
    """Return the caller's own booking, unless it is their school's to change."""
    booking = finding.own(booking_id)
    changes.check_own(booking)
    return booking


def _party(proposal_id: UUID, *, maker: bool = False) -> tuple[BookingProposal, bool]:
    """Return a proposal that the caller decides on, and whether as the host.

    With `maker` whoever made it may too. For everybody else there is nothing here.
    """
    session, account = context.session(), current_account()
    found = queries.proposal(session, proposal_id)
    if found.to_trainee_id == account.id:
        return found, False
    if maker and queries.find(session, found.booking_id).trainee_id == account.id:
        return found, False
    if not found.needs_host:
        raise NotFound
    check_site(found.site_id, *finding.DECIDERS, operators=maker)
    return found, True
