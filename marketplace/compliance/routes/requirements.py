"""What sites and listings ask of trainees: read, changed as a whole, and how it came to be."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from marketplace.catalog import queries as catalog
from marketplace.compliance.models import RequirementVersion
from marketplace.compliance.queries import requirements as queries
from marketplace.compliance.rules.requirements import from_json
from marketplace.compliance.rules.usual import usual
from marketplace.compliance.schemas.requirements import (
    AdoptArgs,
    AskedSchema,
    AskedSetSchema,
    RequirementsArgs,
    RequirementSetSchema,
    asked,
)
from marketplace.compliance.service import requirements
from marketplace.core.errors import NotFound
from marketplace.identity.access import current_account, public, signed_in, site_member
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.etags import etag, require_match
from marketplace.web.openapi import IF_MATCH

blueprint = Blueprint(
    "requirements", __name__, description="The documents that sites and listings ask for."
)
EDITORS = ("coordinator", "site_owner")
SITE = "/sites/<uuid:site_id>/requirements"
LISTING = "/sites/<uuid:site_id>/listings/<uuid:listing_id>/requirements"
Answer = tuple[dict[str, Any] | RequirementVersion, dict[str, str]]


@blueprint.route("/requirements/usual", methods=["GET"])
@signed_in
@blueprint.response(200, AskedSchema(many=True))
def list_usual() -> list[dict[str, Any]]:
    """List the requirements that hosts usually have, for a host to adopt."""
    return [asked(one) for one in usual(context.now().date()).values()]


@blueprint.route("/listings/<uuid:listing_id>/requirements", methods=["GET"])
@public
@blueprint.response(200, AskedSetSchema)
def list_asked(listing_id: UUID) -> dict[str, Any]:
    """List what whoever books this listing now is asked for, before they book."""
    session = context.session()
    listing = catalog.listing_for_booking(session, listing_id)
    found = queries.effective_now(
        session, listing.site_id, listing_id, listing.documents, context.now().date()
    )
    return {"listing_id": listing_id, "requirements": [asked(one) for one in found]}


@blueprint.route(SITE, methods=["GET"])
@site_member()
@blueprint.response(200, RequirementSetSchema)
def show_site(site_id: UUID) -> Answer:
    """Show what the site asks for at all of its listings."""
    return _shown(site_id)


@blueprint.route(SITE, methods=["PUT"])
@site_member(*EDITORS)
@blueprint.arguments(RequirementsArgs)
@blueprint.response(200, RequirementSetSchema)
@blueprint.doc(**IF_MATCH)
def change_site(data: dict[str, Any], site_id: UUID) -> Answer:
    """Put a new set in the place of the site's; bookings keep what they were asked for."""
    return _changed(data, site_id, None)


@blueprint.route(f"{SITE}/adoption", methods=["POST"])
@site_member(*EDITORS)
@blueprint.arguments(AdoptArgs)
@blueprint.response(200, RequirementSetSchema)
@blueprint.doc(**IF_MATCH)
def adopt_for_site(data: dict[str, Any], site_id: UUID) -> Answer:
    """Add the usual requirements to the site's set; those that it has stay as they are."""
    return _adopted(data, site_id, None)


@blueprint.route(f"{SITE}/history", methods=["GET"])
@site_member()
@blueprint.response(200, RequirementSetSchema(many=True))
def site_history(site_id: UUID) -> Sequence[RequirementVersion]:
    """List every version of the site's set, the newest first."""
    return queries.history(context.session(), site_id)


@blueprint.route(LISTING, methods=["GET"])
@site_member()
@blueprint.response(200, RequirementSetSchema)
def show_listing(site_id: UUID, listing_id: UUID) -> Answer:
    """Show what this listing asks for besides, or instead of, what its site does."""
    return _shown(_listing(site_id, listing_id))


@blueprint.route(LISTING, methods=["PUT"])
@site_member(*EDITORS)
@blueprint.arguments(RequirementsArgs)
@blueprint.response(200, RequirementSetSchema)
@blueprint.doc(**IF_MATCH)
def change_listing(data: dict[str, Any], site_id: UUID, listing_id: UUID) -> Answer:
    """Put a new set in the place of the listing's: by key it replaces, adds, or omits."""
    return _changed(data, site_id, _listing(site_id, listing_id))


@blueprint.route(f"{LISTING}/adoption", methods=["POST"])
@site_member(*EDITORS)
@blueprint.arguments(AdoptArgs)
@blueprint.response(200, RequirementSetSchema)
@blueprint.doc(**IF_MATCH)
def adopt_for_listing(data: dict[str, Any], site_id: UUID, listing_id: UUID) -> Answer:
    """Add the usual requirements to the listing's set; those that it has stay as they are."""
    return _adopted(data, site_id, _listing(site_id, listing_id))


@blueprint.route(f"{LISTING}/history", methods=["GET"])
@site_member()
@blueprint.response(200, RequirementSetSchema(many=True))
def listing_history(site_id: UUID, listing_id: UUID) -> Sequence[RequirementVersion]:
    """List every version of the listing's set, the newest first."""
    return queries.history(context.session(), _listing(site_id, listing_id))


def _listing(site_id: UUID, listing_id: UUID) -> UUID:
    """The listing, if it is one of the site's."""
    found = catalog.listing_facts(context.session(), [listing_id]).get(listing_id)
    if found is None or found.site_id != site_id:
        raise NotFound
    return listing_id


def _shown(scope_id: UUID) -> Answer:
    found = queries.current(context.session(), scope_id)
    if found is None:
        empty = {"number": 0, "requirements": [], "note": "", "made_by": None, "made_at": None}
        return empty, _tag(scope_id, 0)
    return found, _tag(scope_id, found.number)


def _read(scope_id: UUID) -> int:
    """The version that the caller has read; `If-Match` names it."""
    found = queries.current(context.session(), scope_id)
    number = 0 if found is None else found.number
    require_match(scope_id, number)
    return number


def _changed(data: dict[str, Any], site_id: UUID, listing_id: UUID | None) -> Answer:
    scope_id = listing_id or site_id
    made = requirements.change(
        context.session(),
        site_id=site_id,
        listing_id=listing_id,
        requirements=[from_json(one) for one in data["requirements"]],
        note=data["note"],
        read=_read(scope_id),
        actor_id=current_account().id,
        now=context.now(),
    )
    return made, _tag(scope_id, made.number)


def _adopted(data: dict[str, Any], site_id: UUID, listing_id: UUID | None) -> Answer:
    scope_id = listing_id or site_id
    made = requirements.adopt(
        context.session(),
        site_id=site_id,
        listing_id=listing_id,
        read=_read(scope_id),
        actor_id=current_account().id,
        now=context.now(),
        **data,
    )
    return made, _tag(scope_id, made.number)


def _tag(scope_id: UUID, number: int) -> dict[str, str]:
    return {"ETag": f'"{etag(scope_id, number)}"'}
