"""Survey campaigns: made, their frames taken, their waves sent, each with its response."""

from collections.abc import Mapping
from uuid import UUID

from flask import redirect
from werkzeug.wrappers import Response

from marketplace.identity.access import caller, require
from marketplace.identity.rules import Role
from marketplace.outcomes.queries import responses
from marketplace.outcomes.schemas.survey import CampaignArgs
from marketplace.outcomes.service import campaigns, marks
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page
from marketplace.reporting.rules import aapor
from marketplace.reporting.service import framing
from marketplace.web import context

NOT_PROCESSABLE = 422

blueprint = Pages("desk_campaigns")


@blueprint.get("/desk/campaigns")
@require("operator", "analyst")
def list_campaigns() -> Response:
    """List the survey campaigns, each with who has answered so far."""
    return _campaigns({}, {})


@blueprint.post("/desk/campaigns")
@require("analyst")
def make() -> Response:
    """Make the campaign of a Match year."""
    typed = forms.typed()
    given = {**typed, "match_year": forms.whole_number(typed.get("match_year", ""))}
    values, errors = forms.read(CampaignArgs(), given)
    if not errors:
        _, errors = forms.tried(
            lambda: campaigns.make(context.session(), now=context.now(), **values),
            "match_year",
        )
    return _campaigns(typed, errors) if errors else redirect("/desk/campaigns", 303)


@blueprint.post("/desk/campaigns/<uuid:campaign_id>/frame")
@require("analyst")
def take_frame(campaign_id: UUID) -> Response:
    """Take into the frame who has completed a rotation; who is in it stays as they are."""
    framing.frame_campaign(context.session(), campaign_id, context.now())
    return redirect("/desk/campaigns", 303)


@blueprint.post("/desk/campaigns/<uuid:campaign_id>/waves")
@require("analyst")
def send_wave(campaign_id: UUID) -> Response:
    """Send the next wave to those who have not finished."""
    campaign = marks.campaign(context.session(), campaign_id)
    _, errors = forms.tried(
        lambda: campaigns.send_next(context.session(), campaign, context.now()), "wave"
    )
    return _campaigns({}, errors) if errors else redirect(f"/campaigns/{campaign_id}", 303)


def _campaigns(typed: Mapping[str, str], errors: forms.Errors) -> Response:
    found = responses.campaigns(context.session())
    return form_page(
        "desk/campaigns.html",
        NOT_PROCESSABLE if errors else 200,
        items=[(one, _rates(one)) for one in found],
        may_make=Role.ANALYST in caller().roles,
        today=context.now().date(),
        typed=typed,
        errors=errors,
    )


def _rates(response: responses.Response) -> Mapping[str, float | None]:
    kinds = ("I", "P", "R", "NC", "O", "NE")
    return aapor.rates(aapor.Dispositions(**{kind: response.of(kind) for kind in kinds}))
