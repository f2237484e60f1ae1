"""`/saved-searches`: being told by mail when something new fits."""

from typing import Any
from uuid import UUID

from flask import Response

from marketplace.catalog.models import SavedSearch
from marketplace.catalog.models.saved import MOST_SAVED
from marketplace.catalog.queries import saved as queries
from marketplace.catalog.schemas.saved import (
    SavedSearchesSchema,
    SavedSearchSchema,
    SaveSearchSchema,
    UnsubscribeArgs,
    UnsubscribedSchema,
)
from marketplace.catalog.service import alerting, saving
from marketplace.core.errors import NotFound
from marketplace.identity.access import current_account, public, signed_in
from marketplace.identity.routes.mail_links import PAGE, page_or_message
from marketplace.web import context, etags, openapi
from marketplace.web.api import PREFIX, Blueprint

blueprint = Blueprint(
    "saved_searches",
    __name__,
    url_prefix="/saved-searches",
    description="Searches that mail when something new fits",
)
WORDS = {
    "ask": {
        "en": {"title": "Stop the mails about your saved searches?", "button": "Stop them"},
        "es": {
            "title": "¿Dejar de recibir correos sobre sus búsquedas guardadas?",
            "button": "Dejar de recibirlos",
        },
    },
    "done": {
        "en": {"title": "Your saved searches are paused. You can resume each at any time."},
        "es": {"title": "Sus búsquedas guardadas están en pausa. Puede reanudarlas cuando quiera."},
    },
}


@blueprint.route("", methods=["POST"])
@signed_in
@blueprint.arguments(SaveSearchSchema)
@blueprint.response(201, SavedSearchSchema)
def save(data: dict[str, Any]) -> tuple[SavedSearch, int, dict[str, str]]:
    """Save a search under a name: what fits it later is mailed, at most once a day.

    What fits already is no news. An account has twenty at most (409 `too_many_saved_searches`).
    """
    account_id = current_account().id
    found = saving.save(context.session(), account_id, data["name"], data["filters"], context.now())
    headers = {"Location": f"{PREFIX}/saved-searches/{found.id}", **_version(found)}
    return found, 201, headers


@blueprint.route("", methods=["GET"])
@signed_in
@blueprint.response(200, SavedSearchesSchema)
def list_saved() -> dict[str, Any]:
    """List your saved searches."""
    items = queries.of_account(context.session(), current_account().id)
    return {"items": items, "limit": MOST_SAVED}


@blueprint.route("/<uuid:saved_id>", methods=["GET"])
@signed_in
@blueprint.response(200, SavedSearchSchema)
def show(saved_id: UUID) -> tuple[SavedSearch, int, dict[str, str]]:
    """Read one of your saved searches, with the ETag that an edit must send."""
    found = _own(saved_id)
    return found, 200, _version(found)


@blueprint.route("/<uuid:saved_id>", methods=["PUT"])
@signed_in
@blueprint.arguments(SaveSearchSchema)
@blueprint.response(200, SavedSearchSchema)
@blueprint.doc(**openapi.IF_MATCH)
def edit(data: dict[str, Any], saved_id: UUID) -> tuple[SavedSearch, int, dict[str, str]]:
    """Change its name and filters; what fits the new filters already is no news."""
    found = _own(saved_id, lock=True)
    etags.require_match(found.id, found.version)
    saving.edit(context.session(), found, data["name"], data["filters"], context.now())
    return found, 200, _version(found)


@blueprint.route("/<uuid:saved_id>", methods=["DELETE"])
@signed_in
@blueprint.response(204)
def remove(saved_id: UUID) -> None:
    """Delete it."""
    saving.remove(context.session(), _own(saved_id, lock=True))


@blueprint.route("/<uuid:saved_id>/pause", methods=["POST"])
@signed_in
@blueprint.response(200, SavedSearchSchema)
def pause(saved_id: UUID) -> SavedSearch:
    """Be told of nothing until it is resumed."""
    return saving.pause(context.session(), _own(saved_id, lock=True))


@blueprint.route("/<uuid:saved_id>/resume", methods=["POST"])
@signed_in
@blueprint.response(200, SavedSearchSchema)
def resume(saved_id: UUID) -> SavedSearch:
    """Be told again, of what comes from now on."""
    return saving.resume(context.session(), current_account().id, saved_id, context.now())


@blueprint.route("/unsubscribe", methods=["GET"])
@public
@blueprint.arguments(UnsubscribeArgs, location="query")
@blueprint.response(200, UnsubscribedSchema)
@blueprint.alt_response(200, schema=PAGE, content_type="text/html")
def explain_unsubscribe(data: dict[str, str]) -> Response:
    """Show what the link is for; this alone stops nothing, since mail scanners open links."""
    del data
    return _answer("ask", "To pause all your saved searches, POST to this address.")


@blueprint.route("/unsubscribe", methods=["POST"])
@public
@blueprint.arguments(UnsubscribeArgs, location="query")
@blueprint.response(200, UnsubscribedSchema)
@blueprint.alt_response(200, schema=PAGE, content_type="text/html")
def unsubscribe(data: dict[str, str]) -> Response:
    """Pause all saved searches of the account that the link was mailed to; twice is once.

    Serves mail programs' one click too (RFC 8058).
    """
    session = context.session()
    digest = queries.digest_by_token(session, alerting.hashed(data["token"]))
    if digest is None:
        raise NotFound
    saving.pause_all(session, digest.account_id)
    return _answer("done", "Your saved searches are paused.")


def _own(saved_id: UUID, *, lock: bool = False) -> SavedSearch:
    return queries.one(context.session(), current_account().id, saved_id, lock=lock)


def _version(found: SavedSearch) -> dict[str, str]:
    return {"ETag": f'"{etags.etag(found.id, found.version)}"'}


def _answer(page: str, message: str) -> Response:
    return page_or_message("unsubscribe.html", WORDS[page], message)
