"""`/me`: one's own account, profile, memberships and API keys."""

from typing import Any
from uuid import UUID

from flask import Response, after_this_request

from marketplace.core.errors import NotFound
from marketplace.identity import queries
from marketplace.identity.access import current_account, in_person, require, signed_in
from marketplace.identity.models import Account, TraineeProfile, TraineeProfileRevision
from marketplace.identity.schemas.people import (
    AccountChangesSchema,
    AccountSchema,
    ApiKeySchema,
    ApiKeysSchema,
    MembershipsSchema,
    NewApiKeySchema,
)
from marketplace.identity.schemas.profile import ProfileRevisionPage, ProfileSchema
from marketplace.identity.service import accounts, api_keys, profiles
from marketplace.web import context, etags, openapi
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs

blueprint = Blueprint("me", __name__, url_prefix="/me", description="One's own account")


@blueprint.route("", methods=["GET"])
@signed_in
@blueprint.response(200, AccountSchema)
def show() -> Account:
    """Read one's own account."""
    return current_account()


@blueprint.route("", methods=["PATCH"])
@in_person
@blueprint.arguments(AccountChangesSchema)
@blueprint.response(200, AccountSchema)
def change(data: dict[str, str]) -> Account:
    """Change the name, language or time zone by which one is addressed."""
    return accounts.update(context.session(), current_account(), data)


@blueprint.route("/memberships", methods=["GET"])
@signed_in
@blueprint.response(200, MembershipsSchema)
def memberships() -> dict[str, Any]:
    """Read one's roles, and where they hold now."""
    return {"items": queries.live_memberships(context.session(), current_account().id)}


@blueprint.route("/profile", methods=["GET"])
@signed_in
@blueprint.response(200, ProfileSchema)
@blueprint.alt_response(304, description="As you have it already.")
def profile() -> TraineeProfile:
    """Read one's applicant facts; 404 until they are filled in."""
    found = queries.profile(context.session(), current_account().id)
    if found is None:
        raise NotFound("The profile is not filled in yet.")
    return _tagged(found)


@blueprint.route("/profile", methods=["PUT"])
@require("trainee")
@blueprint.arguments(ProfileSchema)
@blueprint.response(200, ProfileSchema)
@blueprint.doc(**openapi.IF_MATCH)
def save_profile(data: dict[str, Any]) -> TraineeProfile:
    """Save one's applicant facts, whole. Over an earlier version: with If-Match."""
    session, account = context.session(), current_account()
    present = queries.profile(session, account.id, lock=True)
    # Where there was none, another request may be saving the first one right now.
    onto = 0 if present is None else present.version
    if present is not None:
        etags.require_match(account.id, present.version)
    content = profiles.ProfileData(**data)
    saved = profiles.save(
        session, account.id, content, recorded_by=account.id, now=context.now(), onto=onto
    )
    return _tagged(saved)


@blueprint.route("/profile/history", methods=["GET"])
@signed_in
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, ProfileRevisionPage)
def profile_history(data: dict[str, Any]) -> Page[TraineeProfileRevision]:
    """Read every version that one has saved, newest first."""
    return queries.profile_history(context.session(), current_account().id, **data)


@blueprint.route("/api-keys", methods=["GET"])
@signed_in
@blueprint.response(200, ApiKeysSchema)
def list_keys() -> dict[str, Any]:
    """Read one's API keys; none of them can be read again."""
    return {"items": queries.api_keys(context.session(), current_account().id)}


@blueprint.route("/api-keys", methods=["POST"])
@in_person
@blueprint.arguments(ApiKeySchema)
@blueprint.response(201, NewApiKeySchema)
def create_key(data: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Make a key for a program. It may do what one may do oneself, within its scopes."""
    account, now = current_account(), context.now()
    key, text = api_keys.create(context.session(), account.id, now=now, **data)
    names = ("id", "name", "prefix", "scopes", "created_at", "expires_at", "revoked_at")
    shown = {name: getattr(key, name) for name in names}
    return {**shown, "key": text}, 201, {"Cache-Control": "no-store"}


@blueprint.route("/api-keys/<uuid:key_id>", methods=["DELETE"])
@in_person
@blueprint.response(204)
def revoke_key(key_id: UUID) -> None:
    """Revoke a key, at once and for good."""
    api_keys.revoke(context.session(), current_account().id, key_id, context.now())


def _tagged(found: TraineeProfile) -> TraineeProfile:
    @after_this_request
    def tag(response: Response) -> Response:
        return etags.tag(response, found.account_id, found.version)

    return found
