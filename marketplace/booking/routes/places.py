"""A school's places one by one: other weeks, another student, cancelled, rescued, given up."""

from typing import Any
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.models import Booking, BookingProposal, Cohort
from marketplace.booking.queries import cohorts
from marketplace.booking.routes import finding
from marketplace.booking.rules.cancellation import Quote
from marketplace.booking.rules.changes import ChangeQuote
from marketplace.booking.schemas import CancellationQuoteArgs
from marketplace.booking.schemas.cancelling import CancellationQuoteSchema
from marketplace.booking.schemas.changes import (
    ChangeQuoteSchema,
    ProposalSchema,
    SwitchRescueArgs,
    WeeksArgs,
)
from marketplace.booking.schemas.places import (
    PlaceCancelArgs,
    PlaceCancelledSchema,
    PlaceGiveUpArgs,
    PlaceRescueSchema,
    PlaceSchema,
    PlaceStudentArgs,
    PlaceTransferArgs,
    PlaceWeeksArgs,
    TakeRescueArgs,
)
from marketplace.booking.service import cancellations, proposals, rescues
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.service.cohorts import changing, paying, unpaid
from marketplace.core.errors import NotFound
from marketplace.identity.access import current_account, school_member
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs, page_of

blueprint = Blueprint(
    "cohort-places", __name__, description="Changes of single places that a school has booked."
)
ONE = "/schools/<uuid:school_id>/places/<uuid:booking_id>"
PROPOSALS = "/schools/<uuid:school_id>/place-proposals"


@blueprint.route(ONE, methods=["GET"])
@school_member()
@blueprint.response(200, PlaceSchema)
def show(school_id: UUID, booking_id: UUID) -> Booking:
    """Read one of your places."""
    return finding.place(school_id, booking_id)


@blueprint.route(f"{ONE}/reschedule-quote", methods=["POST"])
@school_member(operators=False)
@blueprint.arguments(WeeksArgs)
@blueprint.response(200, ChangeQuoteSchema)
def quote_weeks(data: dict[str, Any], school_id: UUID, booking_id: UUID) -> ChangeQuote:
    """See what other weeks of a paid place would cost; nothing is changed, nobody is told.

    409 `place_refused` where the student can't come then; why is theirs to know.
    """
    booking = finding.place(school_id, booking_id)
    now = context.now()
    return changing.quote_weeks(context.session(), booking, terms=finding.terms(), now=now, **data)


@blueprint.route(f"{ONE}/reschedule", methods=["POST"])
@school_member(operators=False)
@blueprint.arguments(PlaceWeeksArgs)
@blueprint.response(201, ProposalSchema)
def propose_weeks(data: dict[str, Any], school_id: UUID, booking_id: UUID) -> BookingProposal:
    """Propose other weeks under the quote that you were shown.

    The student has seven days to agree, then the host where it decides on each. What is too much
    goes back to you; what is missing is invoiced when it takes effect.
    """
    return changing.propose_weeks(
        context.session(),
        finding.place(school_id, booking_id),
        mark=data.pop("quote"),
        actor_id=current_account().id,
        terms=finding.terms(),
        now=context.now(),
        **data,
    )


@blueprint.route(f"{ONE}/transfer-quote", methods=["POST"])
@school_member(operators=False)
@blueprint.arguments(PlaceStudentArgs)
@blueprint.response(200, ChangeQuoteSchema)
def quote_transfer(data: dict[str, Any], school_id: UUID, booking_id: UUID) -> ChangeQuote:
    """See what another of your students would take over; nothing is changed, nobody is told."""
    booking = finding.place(school_id, booking_id)
    now = context.now()
    return changing.quote_transfer(
        context.session(), booking, terms=finding.terms(), now=now, **data
    )


@blueprint.route(f"{ONE}/transfer", methods=["POST"])
@school_member(operators=False)
@blueprint.arguments(PlaceTransferArgs)
@blueprint.response(201, ProposalSchema)
def propose_transfer(data: dict[str, Any], school_id: UUID, booking_id: UUID) -> BookingProposal:
    """Offer a paid place to another of your students, who has seven days to take it."""
    return changing.propose_transfer(
        context.session(),
        finding.place(school_id, booking_id),
        mark=data.pop("quote"),
        actor_id=current_account().id,
        terms=finding.terms(),
        now=context.now(),
        **data,
    )


@blueprint.route(PROPOSALS, methods=["GET"])
@school_member()
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(ProposalSchema))
def list_proposals(data: dict[str, Any], school_id: UUID) -> Page[BookingProposal]:
    """List what you have proposed and nobody has answered yet, the newest first."""
    return queries.proposals_of_school(context.session(), school_id, context.now(), **data)


@blueprint.route(f"{PROPOSALS}/<uuid:proposal_id>/withdraw", methods=["POST"])
@school_member(operators=False)
@blueprint.response(200, ProposalSchema)
def withdraw(school_id: UUID, proposal_id: UUID) -> BookingProposal:
    """Take back what you proposed."""
    session = context.session()
    found = queries.proposal(session, proposal_id)
    finding.place(school_id, found.booking_id)
    if found.proposed_by is None:
        raise NotFound
    proposals.withdraw(session, found, actor_id=current_account().id, now=context.now())
    return found


@blueprint.route(f"{ONE}/cancellation-quote", methods=["POST"])
@school_member(operators=False)
@blueprint.arguments(CancellationQuoteArgs)
@blueprint.response(200, CancellationQuoteSchema)
def quote_cancellation(data: dict[str, Any], school_id: UUID, booking_id: UUID) -> Quote:
    """See what cancelling a paid place would give back to you, line by line."""
    return cancellations.quote(
        context.session(), finding.place(school_id, booking_id), Wish(**data), context.now()
    )


@blueprint.route(f"{ONE}/cancel", methods=["POST"])
@school_member(operators=False)
@blueprint.arguments(PlaceCancelArgs)
@blueprint.response(200, PlaceCancelledSchema)
def cancel(data: dict[str, Any], school_id: UUID, booking_id: UUID) -> dict[str, Any]:
    """Cancel a paid place under the very quote that you were shown; the money is yours.

    409 `quote_changed`, with the present terms, if the money would differ.
    """
    booking = finding.place(school_id, booking_id)
    agreed = changing.cancel(
        context.session(),
        booking,
        mark=data.pop("quote"),
        actor_id=current_account().id,
        now=context.now(),
        **data,
    )
    return {"place": booking, "quote": agreed}


@blueprint.route(f"{ONE}/give-up", methods=["POST"])
@school_member(operators=False)
@blueprint.arguments(PlaceGiveUpArgs)
@blueprint.response(200, PlaceSchema)
def give_up(data: dict[str, str], school_id: UUID, booking_id: UUID) -> Booking:
    """Give up a place that is not paid; an open invoice is void, ask for another. Nothing is owed."""
    booking, cohort = _locked(school_id, booking_id)
    actor_id, now = current_account().id, context.now()
    unpaid.give_up(context.session(), cohort, booking, actor_id=actor_id, now=now, **data)
    return booking


@blueprint.route(f"{ONE}/hand-on", methods=["POST"])
@school_member(operators=False)
@blueprint.arguments(PlaceStudentArgs)
@blueprint.response(200, PlaceSchema)
def hand_on(data: dict[str, UUID], school_id: UUID, booking_id: UUID) -> Booking:
    """Hold a place that is not paid for another of your students, who is asked as the first was."""
    booking, cohort = _locked(school_id, booking_id)
    return unpaid.hand_on(
        context.session(),
        cohort,
        booking,
        actor_id=current_account().id,
        terms=finding.terms(),
        now=context.now(),
        **data,
    )


@blueprint.route(f"{ONE}/rescue", methods=["GET"])
@school_member()
@blueprint.response(200, PlaceRescueSchema)
def read_rescue(school_id: UUID, booking_id: UUID) -> rescues.Offered:
    """Read what is held in place of one that its host called off, and whether its student agrees."""
    return rescues.offered(context.session(), finding.place(school_id, booking_id).id)


@blueprint.route(f"{ONE}/rescue/accept", methods=["POST"])
@school_member(operators=False)
@blueprint.arguments(TakeRescueArgs)
@blueprint.response(200, PlaceSchema)
def take_rescue(data: dict[str, Any], school_id: UUID, booking_id: UUID) -> Booking:
    """Take what is held, once your student has agreed to it; it costs you no more.

    Where its host decides on each trainee it is an application, and yours when that host approves.
    """
    return rescues.accept(
        context.session(),
        finding.place(school_id, booking_id),
        mark=data.pop("quote"),
        actor_id=current_account().id,
        now=context.now(),
        by_school=True,
        **data,
    )


@blueprint.route(f"{ONE}/rescue/switch", methods=["POST"])
@school_member(operators=False)
@blueprint.arguments(SwitchRescueArgs)
@blueprint.response(200, PlaceRescueSchema)
def switch_rescue(data: dict[str, UUID], school_id: UUID, booking_id: UUID) -> rescues.Offered:
    """Have another of the listings that are named held instead; your student is asked anew."""
    return rescues.switch(
        context.session(),
        finding.place(school_id, booking_id),
        terms=finding.terms(),
        now=context.now(),
        by_school=current_account().id,
        **data,
    )


@blueprint.route(f"{ONE}/rescue/refund", methods=["POST"])
@school_member(operators=False)
@blueprint.response(200, PlaceSchema)
def refund_rescue(school_id: UUID, booking_id: UUID) -> Booking:
    """Take all of your money back instead."""
    session, booking = context.session(), finding.place(school_id, booking_id)
    rescues.refund(session, booking, actor_id=current_account().id, now=context.now())
    return queries.find(session, booking_id)


def _locked(school_id: UUID, booking_id: UUID) -> tuple[Booking, Cohort]:
    """Return a place and its cohort: the money, the cohort's row and the booking's ours, in order."""
    session = context.session()
    booking = finding.place(school_id, booking_id)
    cohort_id = cohorts.place(session, booking.id).cohort_id
    paying.lock_money(session, cohort_id)
    cohort = cohorts.lock(session, cohort_id)
    return queries.lock(session, booking.id), cohort
