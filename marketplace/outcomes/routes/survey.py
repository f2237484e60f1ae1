"""The survey: by link for its members, campaigns for analysts."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from marketplace.core.errors import NotFound
from marketplace.identity.access import public, require
from marketplace.outcomes.gateway import LinkSigner
from marketplace.outcomes.models import Campaign
from marketplace.outcomes.queries import survey as queries
from marketplace.outcomes.rules import questionnaire
from marketplace.outcomes.schemas.survey import (
    AnswersArgs,
    BouncedSchema,
    BouncesArgs,
    CampaignArgs,
    CampaignSchema,
    SheetSchema,
    WaveSchema,
)
from marketplace.outcomes.service import campaigns, survey
from marketplace.web import context
from marketplace.web.api import PREFIX, Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs, page_of

blueprint = Blueprint("surveys", __name__, description="The yearly survey of outcomes.")


@blueprint.route("/surveys/<string:token>", methods=["GET"])
@public
@blueprint.response(200, SheetSchema)
def look(token: str) -> dict[str, Any]:
    """See the questions and your answers so far. Opening the link records nothing."""
    return _dump(survey.look(context.session(), _signer(), token, context.now()))


@blueprint.route("/surveys/<string:token>", methods=["PUT"])
@public
@blueprint.arguments(AnswersArgs)
@blueprint.response(200, SheetSchema)
def save(data: dict[str, Any], token: str) -> dict[str, Any]:
    """Save all your answers so far, page by page or at the end, as often as you like.

    409 `answers_changed`, with the answers that stand, if another window has saved since.
    """
    sheet = survey.save(context.session(), _signer(), token, now=context.now(), **data)
    return _dump(sheet)


@blueprint.route("/campaigns", methods=["POST"])
@require("analyst")
@blueprint.arguments(CampaignArgs)
@blueprint.response(201, CampaignSchema)
def make_campaign(data: dict[str, Any]) -> tuple[Campaign, dict[str, str]]:
    """Make the survey campaign of a Match year."""
    campaign = campaigns.make(context.session(), now=context.now(), **data)
    return campaign, {"Location": f"{PREFIX}/campaigns/{campaign.id}"}


@blueprint.route("/campaigns", methods=["GET"])
@require("analyst", "operator")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(CampaignSchema))
def list_campaigns(args: dict[str, Any]) -> Page[Campaign]:
    """List the survey campaigns, the newest first."""
    return queries.campaigns(context.session(), **args)


@blueprint.route("/campaigns/<uuid:campaign_id>", methods=["GET"])
@require("analyst", "operator")
@blueprint.response(200, CampaignSchema)
def read_campaign(campaign_id: UUID) -> Campaign:
    """Read a campaign."""
    return _campaign(campaign_id)


@blueprint.route("/campaigns/<uuid:campaign_id>/waves", methods=["POST"])
@require("analyst")
@blueprint.response(202, WaveSchema)
def send_wave(campaign_id: UUID) -> dict[str, int]:
    """Send the next wave, of four at most, to those who have not finished, refused or bounced."""
    campaign = _campaign(campaign_id)
    return {"wave": campaigns.send_next(context.session(), campaign, context.now())}


@blueprint.route("/campaigns/<uuid:campaign_id>/bounces", methods=["POST"])
@require("analyst", "operator")
@blueprint.arguments(BouncesArgs)
@blueprint.response(200, BouncedSchema)
def record_bounces(data: dict[str, Any], campaign_id: UUID) -> dict[str, Any]:
    """Record the addresses that mail came back from: no further wave goes to them.

    Who has answered stays as they are. Addresses that are in nobody's account of this campaign
    come back in `not_found`.
    """
    session = context.session()
    campaign = _campaign(campaign_id)
    recorded, missing = campaigns.bounced(session, campaign, data["emails"], context.now())
    return {"recorded": recorded, "not_found": missing}


def _campaign(campaign_id: UUID) -> Campaign:
    campaign = queries.campaign(context.session(), campaign_id)
    if campaign is None:
        raise NotFound
    return campaign


def _dump(sheet: survey.Sheet) -> dict[str, Any]:
    questions = questionnaire.VERSIONS[sheet.questionnaire_version]
    asked = questionnaire.asked(questions, sheet.answers)
    return {**asdict(sheet), "questions": asked}


def _signer() -> LinkSigner:
    return context.parts().get(LinkSigner)
