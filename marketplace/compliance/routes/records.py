"""A person's own consents; the audit trail for operators."""

from collections.abc import Sequence
from typing import Any

from marketplace.compliance.models import AuditEntry, Consent
from marketplace.compliance.queries import records as queries
from marketplace.compliance.rules import Purpose
from marketplace.compliance.schemas.records import (
    AuditArgs,
    AuditEntrySchema,
    ConsentArgs,
    ConsentSchema,
)
from marketplace.compliance.service import records
from marketplace.core.errors import NotFound
from marketplace.identity.access import current_account, in_person, require, signed_in
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import page_of

blueprint = Blueprint(
    "compliance", __name__, description="Consents by purpose, and who read and did what."
)


@blueprint.route("/me/consents", methods=["GET"])
@signed_in
@blueprint.response(200, ConsentSchema(many=True))
def my_consents() -> Sequence[Consent]:
    """List every consent that you gave or withdrew; the highest number of a purpose counts."""
    return queries.consent_history(context.session(), current_account().id)


@blueprint.route("/me/consents/<purpose>", methods=["PUT"])
@in_person
@blueprint.arguments(ConsentArgs)
@blueprint.response(200, ConsentSchema)
def decide_consent(data: dict[str, Any], purpose: str) -> Consent:
    """Give or withdraw a consent; earlier decisions stay readable."""
    try:
        known = Purpose(purpose)
    except ValueError as error:
        raise NotFound(f"There is no purpose {purpose!r}.") from error
    return records.decide(context.session(), current_account().id, known, now=context.now(), **data)


@blueprint.route("/operator/audit", methods=["GET"])
@require("operator")
@blueprint.arguments(AuditArgs, location="query")
@blueprint.response(200, page_of(AuditEntrySchema))
def audit(args: dict[str, Any]) -> Page[AuditEntry]:
    """Search the audit trail, newest first."""
    return queries.audit_trail(context.session(), **args)
