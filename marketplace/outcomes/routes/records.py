"""Evaluations and attestations of a booking."""

from typing import Any
from uuid import UUID

from marketplace.core.errors import NotFound
from marketplace.identity.access import check_site, current_account, signed_in
from marketplace.outcomes.models import Attestation, Evaluation
from marketplace.outcomes.queries import records as queries
from marketplace.outcomes.schemas.records import (
    AttestationArgs,
    AttestationSchema,
    EvaluationArgs,
    EvaluationSchema,
    EvaluationsSchema,
)
from marketplace.outcomes.service import records
from marketplace.outcomes.service.rotations import Rotation, rotation
from marketplace.web import context
from marketplace.web.api import Blueprint

blueprint = Blueprint(
    "rotation_records",
    __name__,
    url_prefix="/bookings/<uuid:booking_id>",
    description="What the host says of the trainee, and what the trainee says was done.",
)
EVALUATORS = ("preceptor", "coordinator", "site_owner")


@blueprint.route("/evaluations", methods=["POST"])
@signed_in
@blueprint.arguments(EvaluationArgs)
@blueprint.response(201, EvaluationSchema)
def evaluate(data: dict[str, Any], booking_id: UUID) -> Evaluation:
    """Evaluate the trainee of a completed rotation at your site; saying it anew adds a revision."""
    about = rotation(context.session(), booking_id)
    caller = check_site(about.site_id, *EVALUATORS, operators=False)
    return records.evaluate(
        context.session(), about, evaluator_id=caller.account.id, now=context.now(), **data
    )


@blueprint.route("/evaluations", methods=["GET"])
@signed_in
@blueprint.response(200, EvaluationsSchema)
def list_evaluations(booking_id: UUID) -> dict[str, list[Evaluation]]:
    """List the evaluations: all for the site, those shown to you as the trainee."""
    about, own = _visible(booking_id)
    found = queries.evaluations(context.session(), about.booking_id)
    return {"items": [row for row in found if row.shown_to_trainee or not own]}


@blueprint.route("/attestation", methods=["POST"])
@signed_in
@blueprint.arguments(AttestationArgs)
@blueprint.response(201, AttestationSchema)
def attest(data: dict[str, Any], booking_id: UUID) -> Attestation:
    """Say which duties you really performed, once the rotation is completed; once for good."""
    about = rotation(context.session(), booking_id)
    if about.trainee_id != current_account().id:
        raise NotFound
    return records.attest(context.session(), about, now=context.now(), **data)


@blueprint.route("/attestation", methods=["GET"])
@signed_in
@blueprint.response(200, AttestationSchema)
def read_attestation(booking_id: UUID) -> Attestation:
    """Read what the trainee attested."""
    about, _ = _visible(booking_id)
    found = queries.attestation(context.session(), about.booking_id)
    if found is None:
        raise NotFound
    return found


def _visible(booking_id: UUID) -> tuple[Rotation, bool]:
    """Return the rotation and whether the caller is its trainee; else the site's people only."""
    about = rotation(context.session(), booking_id)
    own = about.trainee_id == current_account().id
    if not own:
        check_site(about.site_id, *EVALUATORS)
    return about, own
