"""`/listings/hidden`: what a search by one's own eligibility leaves out, and why."""

from typing import Any

from marketplace.catalog.schemas.hidden import HiddenArgs, HiddenPage
from marketplace.catalog.service.hiding import Hidden, why_not
from marketplace.identity.access import current_account, signed_in
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page

blueprint = Blueprint(
    "hidden_listings", __name__, url_prefix="/listings", description="Why a listing is not found"
)


@blueprint.route("/hidden", methods=["GET"])
@signed_in
@blueprint.arguments(HiddenArgs, location="query")
@blueprint.response(200, HiddenPage)
def list_hidden(data: dict[str, Any]) -> Page[Hidden]:
    """List what `prerequisites=met` hides of a search, each with every rule that blocks it.

    Takes the search's filters; by price. Each page looks through a few thousand listings: it may
    have fewer than `limit`, even none, while `next_cursor` says that there are more to look at.
    """
    limit, cursor = data.pop("limit"), data.pop("cursor")
    return why_not(
        context.session(),
        current_account().id,
        data,
        context.now(),
        limit=limit,
        cursor=cursor,
    )
