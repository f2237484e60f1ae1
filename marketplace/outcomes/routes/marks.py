"""Who of a survey's frame has died, or stands in it twice."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from marketplace.identity.access import current_account, require
from marketplace.outcomes.models import FrameMark
from marketplace.outcomes.queries import marks as queries
from marketplace.outcomes.schemas.survey import MarkArgs, MarkSchema
from marketplace.outcomes.service import marks
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs, page_of

blueprint = Blueprint(
    "frame_marks", __name__, description="Who of a survey's frame has died, or is in it twice."
)


@blueprint.route("/campaigns/<uuid:campaign_id>/marks", methods=["POST"])
@require("analyst", "operator")
@blueprint.arguments(MarkArgs)
@blueprint.response(201, MarkSchema)
def mark(data: dict[str, Any], campaign_id: UUID) -> dict[str, Any]:
    """Record that somebody has died or is in the frame twice, or that this was not so.

    From then on the survey writes to them no more and their link opens nothing. Who has died stays
    eligible, and what they had answered counts; a duplicate is not eligible. `ok` takes it back.
    """
    campaign = marks.campaign(context.session(), campaign_id)
    made = marks.mark(
        context.session(), campaign, actor_id=current_account().id, now=context.now(), **data
    )
    return _shown([made])[0]


@blueprint.route("/campaigns/<uuid:campaign_id>/marks", methods=["GET"])
@require("analyst", "operator")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(MarkSchema))
def history(args: dict[str, Any], campaign_id: UUID) -> Page[dict[str, Any]]:
    """List all that was recorded so, newest first; of each person the newest stands."""
    campaign = marks.campaign(context.session(), campaign_id)
    found = queries.history(context.session(), campaign.id, **args)
    return Page(_shown(found.items), found.next_cursor)


def _shown(found: Sequence[FrameMark]) -> list[dict[str, Any]]:
    people = queries.people(context.session(), found)
    return [
        {
            "id": one.id,
            "person_id": people[one.member_id].person_id,
            "account_id": people[one.member_id].account_id,
            "flag": one.flag,
            "duplicate_of": people[one.duplicate_of].person_id if one.duplicate_of else None,
            "reason": one.reason,
            "recorded_by": one.recorded_by,
            "recorded_at": one.recorded_at,
        }
        for one in found
    ]
