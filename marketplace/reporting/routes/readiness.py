"""Readiness: for the trainee whose record it is, and nobody else."""

from marketplace.identity.access import current_account, signed_in
from marketplace.reporting.schemas.readiness import ReadinessSchema
from marketplace.reporting.service import readiness
from marketplace.web import context
from marketplace.web.api import Blueprint

blueprint = Blueprint(
    "readiness",
    __name__,
    url_prefix="/readiness",
    description="A trainee's own record beside what is published, with no score invented.",
)


@blueprint.route("", methods=["GET"])
@signed_in
@blueprint.response(200, ReadinessSchema)
def read() -> readiness.Readiness:
    """Read your own record beside published figures: experience, letters, Steps, dates and more.

    409 `profile_needed` while your profile is empty.
    """
    return readiness.of(context.session(), current_account().id, context.now())
