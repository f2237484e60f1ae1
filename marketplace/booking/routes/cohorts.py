"""Cohorts: a school books places for its students, each says yes, and an invoice is paid."""

from typing import Any
from uuid import UUID

from marketplace.booking.models import Booking, Cohort
from marketplace.booking.queries import cohorts as queries
from marketplace.booking.routes import finding
from marketplace.booking.schemas import BookingSchema
from marketplace.booking.schemas.cohorts import (
    CohortAnswerArgs,
    CohortArgs,
    CohortDetailSchema,
    CohortInvoiceArgs,
    CohortPage,
    CohortReasonArgs,
    CohortSubmitArgs,
)
from marketplace.booking.service.cohorts import holding, paying
from marketplace.core.settings import Settings
from marketplace.identity.access import current_account, school_member, signed_in
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs

blueprint = Blueprint(
    "cohorts", __name__, description="Places that a school books and pays for its students."
)
OF_SCHOOL = "/schools/<uuid:school_id>/cohorts"
ONE = f"{OF_SCHOOL}/<uuid:cohort_id>"


@blueprint.route(OF_SCHOOL, methods=["POST"])
@school_member(operators=False)
@blueprint.arguments(CohortArgs)
@blueprint.response(201, CohortDetailSchema)
def hold(data: dict[str, Any], school_id: UUID) -> dict[str, Any]:
    """Hold a place for each student, or none at all; each is asked whether they want it.

    409 `cohort_refused` names the students who can't have one, and the weeks that are full.
    """
    made = holding.hold(
        context.session(),
        holding.Wanted(school_id=school_id, **data),
        actor_id=current_account().id,
        terms=finding.terms(),
        now=context.now(),
    )
    return _whole(made)


@blueprint.route(OF_SCHOOL, methods=["GET"])
@school_member()
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, CohortPage)
def list_cohorts(data: dict[str, Any], school_id: UUID) -> Page[Cohort]:
    """List your school's cohorts, the newest first."""
    return queries.page(context.session(), school_id, **data)


@blueprint.route(ONE, methods=["GET"])
@school_member()
@blueprint.response(200, CohortDetailSchema)
def show(school_id: UUID, cohort_id: UUID) -> dict[str, Any]:
    """Read a cohort with its places."""
    return _whole(queries.find(context.session(), cohort_id, school_id))


@blueprint.route(f"{ONE}/submit", methods=["POST"])
@school_member(operators=False)
@blueprint.arguments(CohortSubmitArgs)
@blueprint.response(200, CohortDetailSchema)
def submit(data: dict[str, Any], school_id: UUID, cohort_id: UUID) -> dict[str, Any]:
    """Hand the applications to a host that decides on each trainee, once all have answered."""
    found = _locked(school_id, cohort_id)
    paying.submit(context.session(), found, data, actor_id=current_account().id, now=context.now())
    return _whole(found)


@blueprint.route(f"{ONE}/invoice", methods=["POST"])
@school_member(operators=False)
@blueprint.arguments(CohortInvoiceArgs)
@blueprint.response(200, CohortDetailSchema)
def invoice(data: dict[str, Any], school_id: UUID, cohort_id: UUID) -> dict[str, Any]:
    """Ask for the invoice of all places; they are kept until three days after it is due.

    409 `cohort_incomplete` while students have not answered whom `without` does not name,
    `approval_needed` while the host has not decided.
    """
    found = _locked(school_id, cohort_id)
    paying.invoice(
        context.session(),
        found,
        legal_entity=context.parts().get(Settings).legal_entity,
        actor_id=current_account().id,
        now=context.now(),
        **data,
    )
    return _whole(found)


@blueprint.route(f"{ONE}/give-up", methods=["POST"])
@school_member(operators=False)
@blueprint.arguments(CohortReasonArgs)
@blueprint.response(200, CohortDetailSchema)
def give_up(data: dict[str, str], school_id: UUID, cohort_id: UUID) -> dict[str, Any]:
    """Give up every place that is not paid; an open invoice is void. Nothing is owed."""
    found = _locked(school_id, cohort_id)
    paying.give_up(
        context.session(), found, actor_id=current_account().id, now=context.now(), **data
    )
    return _whole(found)


@blueprint.route("/bookings/<uuid:booking_id>/cohort-answer", methods=["POST"])
@signed_in
@blueprint.arguments(CohortAnswerArgs)
@blueprint.response(200, BookingSchema)
def answer(data: dict[str, bool], booking_id: UUID) -> Booking:
    """Say whether you want the place that your school keeps for you; once."""
    booking = finding.own(booking_id)
    holding.answer(context.session(), booking, now=context.now(), **data)
    return booking


def _locked(school_id: UUID, cohort_id: UUID) -> Cohort:
    """Return the school's cohort with its money and its row ours until the transaction ends."""
    session = context.session()
    queries.find(session, cohort_id, school_id)
    paying.lock_money(session, cohort_id)
    return queries.lock(session, cohort_id)


def _whole(found: Cohort) -> dict[str, Any]:
    return {"cohort": found, "places": queries.places(context.session(), found.id)}


BLUEPRINTS = (blueprint,)
