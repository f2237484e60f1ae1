"""What the verifier of a badge asks for: the issuer, its keys, achievements, and revocations.

All of it is public, at addresses that credentials name for good.
"""

from typing import Any

from flask import Response, jsonify

from marketplace.core.errors import NotFound
from marketplace.core.settings import Settings
from marketplace.identity.access import public
from marketplace.outcomes.gateway import CredentialSigner
from marketplace.outcomes.queries import papers as queries
from marketplace.outcomes.rules import badges
from marketplace.outcomes.service.papers.files import addresses
from marketplace.web import context
from marketplace.web.api import Blueprint

blueprint = Blueprint(
    "badges",
    __name__,
    url_prefix="/public/badges",
    description="Open Badges 3.0: who issues them, by which keys, and which count no more.",
)
OBJECT = {"type": "object"}
AN_HOUR = 3600
FIVE_MINUTES = 300


@blueprint.route("/issuer", methods=["GET"])
@public
@blueprint.response(200, OBJECT, description="A Profile.")
def issuer() -> Response:
    """Read who issues the credentials."""
    settings = _settings()
    found = badges.profile(addresses(settings), settings.legal_entity, settings.public_url)
    return _kept({"@context": list(badges.CONTEXTS), **found}, AN_HOUR)


@blueprint.route("/keys", methods=["GET"])
@public
@blueprint.response(200, OBJECT, description="A JWK Set (RFC 7517).")
def key_set() -> Response:
    """Read the keys by which credentials are verified, old ones too; the first one signs."""
    return _kept({"keys": list(_signer().public_keys())}, AN_HOUR)


@blueprint.route("/keys/<string:kid>", methods=["GET"])
@public
@blueprint.response(200, OBJECT, description="A JWK (RFC 7517).")
def key(kid: str) -> Response:
    """Read one key, by the address that a credential's header names."""
    found = next((one for one in _signer().public_keys() if one["kid"] == kid), None)
    if found is None:
        raise NotFound
    return _kept(dict(found), AN_HOUR)


@blueprint.route("/achievements/<string:tier>", methods=["GET"])
@public
@blueprint.response(200, OBJECT, description="An Achievement.")
def achievement(tier: str) -> Response:
    """Read what a credential is given for."""
    if tier not in badges.NAMES:
        raise NotFound
    found = badges.achievement(addresses(_settings()), tier)
    return _kept({"@context": list(badges.CONTEXTS), **found}, AN_HOUR)


@blueprint.route("/revocations", methods=["GET"])
@public
@blueprint.response(200, OBJECT, description="A list by 1EdTech's revocation list method 1.0.")
def revocations() -> Response:
    """Read which credentials count no more: ids without names, codes or reasons."""
    gone = queries.without_credence(context.session())
    return _kept(badges.revocation_list(addresses(_settings()), gone), FIVE_MINUTES)


def _kept(found: dict[str, Any], seconds: int) -> Response:
    response = jsonify(found)
    response.headers["Cache-Control"] = f"public, max-age={seconds}"
    # Verifiers run in browsers, too.
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _settings() -> Settings:
    return context.parts().get(Settings)


def _signer() -> CredentialSigner:
    return context.parts().get(CredentialSigner)
