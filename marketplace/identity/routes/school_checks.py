"""`/schools`: made by who is to act for one, and shown to be what it says."""

from typing import Any
from uuid import UUID

from marketplace.identity.access import current_account, in_person, school_member
from marketplace.identity.models import School
from marketplace.identity.queries import school_checks as kept
from marketplace.identity.queries import schools as queries
from marketplace.identity.schemas.schools import (
    SchoolDetailSchema,
    SchoolEvidenceArgs,
    SchoolRegisterArgs,
    SchoolVerificationSchema,
)
from marketplace.identity.service import schools
from marketplace.identity.service.schools import Evidence
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.etags import etag

VERIFICATION = "/<uuid:school_id>/verification"

blueprint = Blueprint(
    "school_checks",
    __name__,
    url_prefix="/schools",
    description="Schools that join, and their proof.",
)


@blueprint.route("", methods=["POST"])
@in_person
@blueprint.arguments(SchoolRegisterArgs)
@blueprint.response(201, SchoolDetailSchema)
def register(data: dict[str, Any]) -> tuple[School, int, dict[str, str]]:
    """Make your school; you act for it, once our staff has verified it.

    409 `school_exists` where it is here already: who acts for it invites you; 409 `too_many_schools`
    while you act for three that are not verified.
    """
    made = schools.register(
        context.session(),
        evidence=Evidence(data.pop("kind"), data.pop("reference")),
        account_id=current_account().id,
        now=context.now(),
        **data,
    )
    return made, 201, {"ETag": f'"{etag(made.id, made.version)}"'}


@blueprint.route(VERIFICATION, methods=["GET"])
@school_member()
@blueprint.response(200, SchoolVerificationSchema)
def show_verification(school_id: UUID) -> dict[str, Any]:
    """Read whether your school is verified, and every step towards it."""
    return _verification(queries.find(context.session(), school_id))


@blueprint.route(VERIFICATION, methods=["POST"])
@school_member(operators=False)
@blueprint.arguments(SchoolEvidenceArgs)
@blueprint.response(200, SchoolVerificationSchema)
def submit_evidence(data: dict[str, Any], school_id: UUID) -> dict[str, Any]:
    """Show by what your school is known; an operator looks at it, also where it was refused before."""
    school = schools.submit(
        context.session(),
        school_id,
        Evidence(data["kind"], data["reference"]),
        note=data["note"],
        account_id=current_account().id,
        now=context.now(),
    )
    return _verification(school)


def _verification(school: School) -> dict[str, Any]:
    return {
        "verified_at": school.verified_at,
        "refused_at": school.refused_at,
        "checks": kept.checks(context.session(), school.id),
    }
