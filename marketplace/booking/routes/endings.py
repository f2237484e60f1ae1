"""No-shows that are disputed, and force majeure: what trainees say and operators decide."""

from typing import Any
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.models import ForceMajeure, ForceMajeureBooking, NoShow
from marketplace.booking.routes import finding
from marketplace.booking.schemas.endings import (
    DecideNoShowArgs,
    DisputeArgs,
    ForceMajeureArgs,
    ForceMajeureBookingsArgs,
    ForceMajeureBookingSchema,
    ForceMajeureListArgs,
    ForceMajeureListedSchema,
    ForceMajeureReportSchema,
    ForceMajeureSchema,
    NoShowSchema,
    RunForceMajeureArgs,
)
from marketplace.booking.service import force_majeure, force_majeure_reports, no_shows
from marketplace.core.errors import NotFound
from marketplace.identity.access import current_account, require, signed_in
from marketplace.web import context
from marketplace.web.api import PREFIX, Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs, page_of

blueprint = Blueprint(
    "booking-endings",
    __name__,
    url_prefix="/bookings",
    description="Trainees who are said not to have come.",
)
operators = Blueprint(
    "booking-endings-operations",
    __name__,
    url_prefix="/operator",
    description="Disputes about no-shows, and rotations that can't take place.",
)


@blueprint.route("/<uuid:booking_id>/no-show", methods=["GET"])
@signed_in
@blueprint.response(200, NoShowSchema)
def read(booking_id: UUID) -> NoShow:
    """Read what was said, until when it can be disputed, and what was decided."""
    found = queries.no_show(context.session(), finding.visible(booking_id).id)
    if found is None:
        raise NotFound
    return found


@blueprint.route("/<uuid:booking_id>/no-show/dispute", methods=["POST"])
@signed_in
@blueprint.arguments(DisputeArgs)
@blueprint.response(200, NoShowSchema)
def dispute(data: dict[str, Any], booking_id: UUID) -> NoShow:
    """Say that you did come; once, within a week of the mark. An operator decides."""
    booking = finding.own(booking_id)
    return no_shows.dispute(context.session(), booking, now=context.now(), **data)


@operators.route("/no-shows", methods=["GET"])
@require("operator")
@operators.arguments(PageArgs, location="query")
@operators.response(200, page_of(NoShowSchema))
def list_disputed(args: dict[str, Any]) -> Page[NoShow]:
    """List the disputes that wait for a decision, the oldest first."""
    return queries.no_shows_disputed(context.session(), **args)


@operators.route("/bookings/<uuid:booking_id>/no-show/decision", methods=["POST"])
@require("operator")
@operators.arguments(DecideNoShowArgs)
@operators.response(200, NoShowSchema)
def decide(data: dict[str, Any], booking_id: UUID) -> NoShow:
    """Decide a dispute; 409 `seat_taken` where a rotation can't go on: then refund it."""
    session = context.session()
    booking = queries.find(session, booking_id)
    return no_shows.decide(
        session, booking, actor_id=current_account().id, now=context.now(), **data
    )


@operators.route("/force-majeure", methods=["POST"])
@require("operator")
@operators.arguments(ForceMajeureArgs)
@operators.response(201, ForceMajeureSchema)
def plan(data: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """See which bookings would be called off, what goes back and who is written to.

    Nothing is changed. The answer's `code` is needed for the real run, within a day.
    """
    found = force_majeure.dry_run(
        context.session(), actor_id=current_account().id, now=context.now(), **data
    )
    return _shown(found), {"Location": f"{PREFIX}/operator/force-majeure/{found.id}"}


@operators.route("/force-majeure", methods=["GET"])
@require("operator")
@operators.arguments(ForceMajeureListArgs, location="query")
@operators.response(200, page_of(ForceMajeureListedSchema))
def list_runs(args: dict[str, Any]) -> Page[dict[str, Any]]:
    """List dry runs and runs, the newest first: their state, and how far each is."""
    session = context.session()
    page = queries.force_majeures(session, states=args.pop("state"), **args)
    return Page(force_majeure_reports.shown(session, page.items), page.next_cursor)


@operators.route("/force-majeure/<uuid:run_id>", methods=["GET"])
@require("operator")
@operators.response(200, ForceMajeureSchema)
def read_run(run_id: UUID) -> dict[str, Any]:
    """Read a dry run, or how far a run is."""
    return _shown(queries.force_majeure(context.session(), run_id))


@operators.route("/force-majeure/<uuid:run_id>/report", methods=["GET"])
@require("operator")
@operators.response(200, ForceMajeureReportSchema)
def report(run_id: UUID) -> dict[str, Any]:
    """Read a run in sums: what was planned, what has gone back, site by site, what needs a person."""
    return force_majeure_reports.report(context.session(), run_id)


@operators.route("/force-majeure/<uuid:run_id>/bookings", methods=["GET"])
@require("operator")
@operators.arguments(ForceMajeureBookingsArgs, location="query")
@operators.response(200, page_of(ForceMajeureBookingSchema))
def list_bookings(args: dict[str, Any], run_id: UUID) -> Page[ForceMajeureBooking]:
    """List the bookings that are touched, and once it runs what became of each."""
    session = context.session()
    queries.force_majeure(session, run_id)
    return queries.force_majeure_bookings(session, run_id, states=args.pop("state"), **args)


@operators.route("/force-majeure/<uuid:run_id>/run", methods=["POST"])
@require("operator")
@operators.arguments(RunForceMajeureArgs)
@operators.response(202, ForceMajeureSchema)
def run(data: dict[str, Any], run_id: UUID) -> dict[str, Any]:
    """Call the bookings of a dry run off, as a job; asking again shows how far it is.

    409 `set_changed` where a booking has come, gone or changed since the dry run.
    """
    found = force_majeure.run(
        context.session(), run_id, actor_id=current_account().id, now=context.now(), **data
    )
    return _shown(found)


def _shown(found: ForceMajeure) -> dict[str, Any]:
    return force_majeure_reports.shown(context.session(), [found])[0]
