"""Endpoints below a site's or a school's path: made, changed, deleted; their secrets."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from marketplace.identity.access import current_account
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.etags import etag, require_match
from marketplace.web.openapi import IF_MATCH
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs, page_of
from marketplace.webhooks import queries
from marketplace.webhooks.models import WebhookEndpoint
from marketplace.webhooks.rules.owners import Owner, Side
from marketplace.webhooks.schemas import (
    WebhookEndpointArgs,
    WebhookEndpointChangeArgs,
    WebhookEndpointSchema,
    WebhookNewEndpointSchema,
    WebhookNewSecretSchema,
    WebhookRotationArgs,
    WebhookSecretsSchema,
)
from marketplace.webhooks.service import endpoints

Guard = Callable[[Any], Any]
Made = tuple[dict[str, Any], int, dict[str, str]]
ONE = "/<uuid:endpoint_id>"
# What carries a secret is not remembered for an Idempotency-Key, nor by anybody else.
NOT_KEPT = {"Cache-Control": "no-store"}


@dataclass(frozen=True)
class Guards:
    """Who may look, and who may change."""

    read: Guard
    write: Guard


def owner_of(where: dict[str, UUID]) -> Owner:
    """The site or the school of the path."""
    ((name, found),) = where.items()
    return Owner(Side(name.removesuffix("_id")), found)


def endpoints_of(side: str, guards: Guards) -> Blueprint:
    """Return the routes for sites, or for schools."""
    blueprint = Blueprint(
        f"{side}_webhooks",
        __name__,
        url_prefix=f"/{side}s/<uuid:{side}_id>/webhooks",
        description=f"Where a {side}'s own systems are told what happened.",
    )
    _add_reads(blueprint, guards)
    _add_writes(blueprint, guards)
    _add_secrets(blueprint, guards)
    return blueprint


def _add_reads(blueprint: Blueprint, guards: Guards) -> None:
    @blueprint.route("", methods=["GET"])
    @guards.read
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.response(200, page_of(WebhookEndpointSchema))
    def list_endpoints(args: dict[str, Any], **where: UUID) -> Page[WebhookEndpoint]:
        """List the endpoints, the newest first."""
        return queries.endpoints(context.session(), owner_of(where), **args)

    @blueprint.route(ONE, methods=["GET"])
    @guards.read
    @blueprint.response(200, WebhookEndpointSchema)
    def show(endpoint_id: UUID, **where: UUID) -> tuple[WebhookEndpoint, dict[str, str]]:
        """Read an endpoint: where it leads, what it is told, whether it takes it."""
        return _tagged(queries.endpoint(context.session(), owner_of(where), endpoint_id))


def _add_writes(blueprint: Blueprint, guards: Guards) -> None:
    @blueprint.route("", methods=["POST"])
    @guards.write
    @blueprint.arguments(WebhookEndpointArgs)
    @blueprint.response(201, WebhookNewEndpointSchema)
    def create(data: dict[str, Any], **where: UUID) -> Made:
        """Name an address to be told at. The secret is shown once: the signatures are checked by it."""
        row, secret = endpoints.create(
            context.session(),
            owner_of(where),
            actor_id=current_account().id,
            now=context.now(),
            **data,
        )
        shown = {name: getattr(row, name) for name in WebhookEndpointSchema().fields}
        headers = {**NOT_KEPT, "ETag": f'"{etag(row.id, row.version)}"'}
        return {**shown, "secret": secret}, 201, headers

    @blueprint.route(ONE, methods=["PATCH"])
    @guards.write
    @blueprint.arguments(WebhookEndpointChangeArgs)
    @blueprint.response(200, WebhookEndpointSchema)
    @blueprint.doc(**IF_MATCH)
    def change(
        data: dict[str, Any], endpoint_id: UUID, **where: UUID
    ) -> tuple[WebhookEndpoint, dict[str, str]]:
        """Change an endpoint, disable it, or enable it again."""
        session = context.session()
        row = queries.endpoint(session, owner_of(where), endpoint_id, lock=True)
        require_match(row.id, row.version)
        return _tagged(
            endpoints.change(session, row, data, actor_id=current_account().id, now=context.now())
        )

    @blueprint.route(ONE, methods=["DELETE"])
    @guards.write
    @blueprint.response(204)
    def delete(endpoint_id: UUID, **where: UUID) -> None:
        """Delete an endpoint: nothing more is sent there, and its secrets are forgotten."""
        session = context.session()
        row = queries.endpoint(session, owner_of(where), endpoint_id, lock=True)
        endpoints.delete(session, row, actor_id=current_account().id, now=context.now())


def _add_secrets(blueprint: Blueprint, guards: Guards) -> None:
    @blueprint.route(f"{ONE}/secrets", methods=["GET"])
    @guards.write
    @blueprint.response(200, WebhookSecretsSchema)
    def list_secrets(endpoint_id: UUID, **where: UUID) -> dict[str, Any]:
        """List the secrets that sign now; none of them can be read again."""
        session = context.session()
        row = queries.endpoint(session, owner_of(where), endpoint_id)
        return {"items": queries.secrets(session, row.id, context.now())}

    @blueprint.route(f"{ONE}/secrets", methods=["POST"])
    @guards.write
    @blueprint.arguments(WebhookRotationArgs)
    @blueprint.response(201, WebhookNewSecretSchema)
    def rotate(data: dict[str, int], endpoint_id: UUID, **where: UUID) -> Made:
        """Make a new secret; until the overlap is over calls are signed by the old one, too."""
        session = context.session()
        row = queries.endpoint(session, owner_of(where), endpoint_id, lock=True)
        secret = endpoints.rotate(
            session,
            row,
            timedelta(hours=data["overlap_hours"]),
            actor_id=current_account().id,
            now=context.now(),
        )
        return {"secret": secret}, 201, NOT_KEPT

    @blueprint.route(f"{ONE}/secrets/<uuid:secret_id>", methods=["DELETE"])
    @guards.write
    @blueprint.response(204)
    def revoke_secret(endpoint_id: UUID, secret_id: UUID, **where: UUID) -> None:
        """Let a secret that was rotated out sign no more, before its overlap is over."""
        session = context.session()
        row = queries.endpoint(session, owner_of(where), endpoint_id, lock=True)
        endpoints.revoke_secret(
            session, row, secret_id, actor_id=current_account().id, now=context.now()
        )


def _tagged(row: WebhookEndpoint) -> tuple[WebhookEndpoint, dict[str, str]]:
    return row, {"ETag": f'"{etag(row.id, row.version)}"'}
