"""Corrections to Match outcomes as a list, for operators and analysts."""

from typing import Any

from marketplace.identity.access import current_account, require
from marketplace.outcomes.service.corrections import Outcome
from marketplace.reporting.errors import BadCell, TableUnreadable
from marketplace.reporting.schemas.corrections import CorrectionsArgs, CorrectionsSchema
from marketplace.reporting.service import outcome_corrections
from marketplace.web import context, openapi, uploads
from marketplace.web.api import Blueprint

blueprint = Blueprint(
    "outcome_corrections",
    __name__,
    url_prefix="/match-outcomes",
    description="Corrections to Match outcomes, many at once.",
)
BODY = {"requestBody": {"required": True, "content": {"text/csv": {"schema": openapi.BINARY}}}}


@blueprint.route("/corrections", methods=["POST"])
@require("operator", "analyst")
@blueprint.arguments(CorrectionsArgs, location="query")
@blueprint.response(200, CorrectionsSchema)
@blueprint.doc(**BODY)
def correct(data: dict[str, Any]) -> Outcome:
    """Correct outcomes by a CSV of up to 4 MiB: a dry run unless `commit` is given.

    Columns: event_id, trainee_id, match_year, field, old_value, new_value, new_outcome_source,
    recorded_at, retracted_at and, if you like, evidence. With one row refused none is recorded. The
    same list again changes nothing; a row whose `retracted_at` was filled in since is taken back.
    """
    content = uploads.whole(outcome_corrections.LARGEST)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        cell = BadCell(0, "", "", f"a UTF-8 CSV file ({error.reason} at byte {error.start})")
        raise TableUnreadable("corrections", [cell]) from error
    return outcome_corrections.take_in(
        context.session(),
        text,
        actor_id=current_account().id,
        commit=data["commit"],
        now=context.now(),
    )
