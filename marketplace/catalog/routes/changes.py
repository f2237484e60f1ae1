"""`/listings/changes`: what partners copy the catalogue by."""

from typing import Any, cast

from flask import Response, make_response, request

from marketplace.catalog.queries import changes
from marketplace.catalog.schemas.changes import ChangesArgs, ChangesSchema
from marketplace.identity.access import public
from marketplace.web import context
from marketplace.web.api import Blueprint

# A page that is followed by another is complete, and stays as it is.
A_DAY = 86_400

blueprint = Blueprint(
    "changes", __name__, url_prefix="/listings", description="What changed in the catalogue"
)


@blueprint.route("/changes", methods=["GET"])
@public
@blueprint.arguments(ChangesArgs, location="query")
@blueprint.response(200, ChangesSchema)
@blueprint.alt_response(304, description="Nothing new.")
def list_changes(data: dict[str, Any]) -> Response:
    """List what changed in published listings after a cursor, oldest first, nothing left out.

    Take a cursor first, then read all listings, then follow: a change is listed once at least.
    """
    session = context.session()
    if data["after"] is None:
        found = changes.Changes([], changes.now(session), more=False)
    else:
        found = changes.after(session, data["after"], data["limit"])
    response = make_response(ChangesSchema().dump(found))
    response.headers["Cache-Control"] = (
        f"public, max-age={A_DAY}, immutable" if found.more else "no-cache"
    )
    response.add_etag()
    return cast("Response", response.make_conditional(request))
