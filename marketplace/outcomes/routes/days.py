"""Hours, incident notes and safety reports of a rotation; the form of its evaluation."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Response

from marketplace.compliance import service as compliance
from marketplace.core.errors import Forbidden, NotFound
from marketplace.identity.access import caller, check_site, current_account, require, signed_in
from marketplace.identity.rules import Role
from marketplace.outcomes.models import IncidentNote, SafetyReport
from marketplace.outcomes.queries import days as queries
from marketplace.outcomes.rules.evaluation_form import FORM
from marketplace.outcomes.schemas.days import (
    EvaluationFormSchema,
    HappenedArgs,
    HoursArgs,
    HoursSchema,
    IncidentSchema,
    IncidentsSchema,
    SafetyReportSchema,
    SafetyReportsSchema,
    SignArgs,
    WithdrawArgs,
)
from marketplace.outcomes.service import hours, incidents
from marketplace.outcomes.service.hours import Worked
from marketplace.outcomes.service.rotations import Rotation, rotation
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs, page_of

blueprint = Blueprint(
    "rotation_days",
    __name__,
    description="What is written down while a rotation goes on: hours, incidents, safety.",
)
BOOKING = "/bookings/<uuid:booking_id>"
TEACHERS = ("preceptor", "coordinator", "site_owner")
LEADS = frozenset({"coordinator", "site_owner"})


@blueprint.route("/bookings/evaluation-form", methods=["GET"])
@signed_in
@blueprint.response(200, EvaluationFormSchema)
def evaluation_form() -> dict[str, Any]:
    """Read the form: six competencies, and what one, three and five points mean."""
    items = [
        {
            "name": one.name,
            "title": one.title,
            "anchors": {str(k): v for k, v in one.anchors.items()},
        }
        for one in FORM
    ]
    return {"items": items}


@blueprint.route(f"{BOOKING}/hours", methods=["POST"])
@signed_in
@blueprint.arguments(HoursArgs)
@blueprint.response(200, HoursSchema)
def log_hours(data: dict[str, Any], booking_id: UUID) -> hours.Log:
    """Log your hours by day; a day logged anew is corrected, and waits for a signature again."""
    about = _own(booking_id)
    days = [Worked(**day) for day in data["days"]]
    return hours.write(context.session(), about.booking_id, days, context.now())


@blueprint.route(f"{BOOKING}/hours", methods=["GET"])
@signed_in
@blueprint.response(200, HoursSchema)
def read_hours(booking_id: UUID) -> hours.Log:
    """Read the hours that count, with totals by week."""
    return hours.log(context.session(), _visible(booking_id).booking_id)


@blueprint.route(f"{BOOKING}/hours.csv", methods=["GET"])
@signed_in
@blueprint.response(200, {"type": "string"}, description="A table.", content_type="text/csv")
def read_hours_as_table(booking_id: UUID) -> Response:
    """Read the hours that count as a table."""
    about = _visible(booking_id)
    content = hours.as_csv(hours.log(context.session(), about.booking_id))
    response = Response(content, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="hours.csv"'
    return response


@blueprint.route(f"{BOOKING}/hours/signatures", methods=["POST"])
@signed_in
@blueprint.arguments(SignArgs)
@blueprint.response(200, HoursSchema)
def sign_hours(data: dict[str, Any], booking_id: UUID) -> hours.Log:
    """Sign the very entries that you read, for the site.

    409 `absent_that_day` for hours of a day on which the trainee is marked absent.
    """
    about = taught(booking_id)
    return hours.sign(
        context.session(),
        about.booking_id,
        data["entries"],
        signer_id=current_account().id,
        now=context.now(),
    )


@blueprint.route(f"{BOOKING}/hours/signatures/withdrawal", methods=["POST"])
@signed_in
@blueprint.arguments(WithdrawArgs)
@blueprint.response(200, HoursSchema)
def withdraw_signatures(data: dict[str, Any], booking_id: UUID) -> hours.Log:
    """Let signatures count no more, for good: your own, or as a coordinator a colleague's too.

    The trainee is told why, and logs the day anew to have it signed.
    """
    about = taught(booking_id)
    lead = caller().site_roles(about.site_id) & LEADS
    return hours.withdraw(
        context.session(),
        about.booking_id,
        data["entries"],
        reason=data["reason"],
        by=current_account().id,
        any_signer=bool(lead),
        now=context.now(),
    )


@blueprint.route(f"{BOOKING}/incidents", methods=["POST"])
@signed_in
@blueprint.arguments(HappenedArgs)
@blueprint.response(201, IncidentSchema)
def note_incident(data: dict[str, Any], booking_id: UUID) -> IncidentNote:
    """Note an incident, for the site and the operator; it is never changed."""
    about = taught(booking_id)
    return incidents.note(
        context.session(),
        about.booking_id,
        author_id=current_account().id,
        now=context.now(),
        **data,
    )


@blueprint.route(f"{BOOKING}/incidents", methods=["GET"])
@signed_in
@blueprint.response(200, IncidentsSchema)
def list_incidents(booking_id: UUID) -> dict[str, Any]:
    """List the site's notes; the trainee of the booking is told of none."""
    about = rotation(context.session(), booking_id)
    if about.trainee_id == current_account().id:
        raise NotFound
    check_site(about.site_id, *TEACHERS)
    return {"items": queries.incident_notes(context.session(), booking_id)}


@blueprint.route(f"{BOOKING}/safety-reports", methods=["POST"])
@signed_in
@blueprint.arguments(HappenedArgs)
@blueprint.response(201, SafetyReportSchema)
def report_safety(data: dict[str, Any], booking_id: UUID) -> SafetyReport:
    """Tell the operators what is not safe; nobody of the site ever reads it."""
    about = _own(booking_id)
    return incidents.report(context.session(), about.booking_id, now=context.now(), **data)


@blueprint.route(f"{BOOKING}/safety-reports", methods=["GET"])
@signed_in
@blueprint.response(200, SafetyReportsSchema)
def list_safety_reports(booking_id: UUID) -> dict[str, Any]:
    """List your own reports on a booking; an operator who has no part in the site reads them too."""
    return {"items": reports_of(booking_id)}


@blueprint.route("/operator/safety-reports", methods=["GET"])
@require("operator")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(SafetyReportSchema))
def list_all_safety_reports(args: dict[str, Any]) -> Page[SafetyReport]:
    """List all reports, the newest first, but for sites that you have a part in."""
    return every_report(**args)


def reports_of(booking_id: UUID) -> Sequence[SafetyReport]:
    """A booking's reports, for its trainee and for operators without a part in the site: recorded."""
    about = rotation(context.session(), booking_id)
    reader = caller()
    if about.trainee_id != reader.account.id:
        if Role.OPERATOR not in reader.roles or reader.site_roles(about.site_id):
            raise NotFound
        _record(about.booking_id)
    return queries.safety_reports(context.session(), booking_id)


def every_report(*, limit: int, cursor: str | None) -> Page[SafetyReport]:
    """All reports but those on sites that the caller has a part in; that they were read is recorded."""
    own = {grant.site_id for grant in caller().grants if grant.site_id is not None}
    found = queries.all_safety_reports(context.session(), limit=limit, cursor=cursor, besides=own)
    _record(current_account().id, action="safety_reports.listed", kind="account")
    return found


def _record(subject_id: UUID, action: str = "safety_reports.read", kind: str = "booking") -> None:
    compliance.record(
        context.session(),
        actor_id=current_account().id,
        action=action,
        subject_kind=kind,
        subject_id=subject_id,
        now=context.now(),
    )


def _own(booking_id: UUID) -> Rotation:
    about = rotation(context.session(), booking_id)
    if about.trainee_id != current_account().id:
        raise NotFound
    return about


def _visible(booking_id: UUID) -> Rotation:
    about = rotation(context.session(), booking_id)
    if about.trainee_id != current_account().id:
        check_site(about.site_id, *TEACHERS)
    return about


def taught(booking_id: UUID) -> Rotation:
    """Return a rotation at a site that the caller teaches for; never their own."""
    about = rotation(context.session(), booking_id)
    check_site(about.site_id, *TEACHERS, operators=False)
    if about.trainee_id == current_account().id:
        raise Forbidden("This is a rotation of your own.")
    return about
