"""`/listings`: search. It stands on the blueprint of listings, whose address it shares."""

from typing import Any

from marketplace.catalog.queries.search import Found
from marketplace.catalog.routes.public import blueprint
from marketplace.catalog.schemas.search import FoundSchema, SearchArgs
from marketplace.catalog.service import counting
from marketplace.catalog.service.searching import filters_of
from marketplace.core.db import only_read
from marketplace.core.ports import Cache
from marketplace.identity.access import current_caller, public
from marketplace.web import context

__all__ = ["blueprint", "search_listings"]


@blueprint.route("", methods=["GET"])
@public
@blueprint.arguments(SearchArgs, location="query")
@blueprint.response(200, FoundSchema)
def search_listings(data: dict[str, Any]) -> Found:
    """Search published listings, with facets.

    A signed-in trainee is shown what is open to them by their status on the first day, unless
    `learner_status` says otherwise.
    """
    caller = current_caller()
    session = context.session()
    only_read(session)
    filters = filters_of(
        session,
        data,
        today=context.now().date(),
        account_id=None if caller is None else caller.account.id,
    )
    return counting.find(
        session,
        context.parts().get(Cache),
        filters,
        sort=data["sort"],
        limit=data["limit"],
        cursor=data["cursor"],
        facets=data["facets"],
    )
