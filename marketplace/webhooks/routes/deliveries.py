"""What went out and what did not, below an endpoint's path; trying it out, and replaying."""

import json
from typing import Any
from uuid import UUID

from marketplace.identity.access import current_account
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import page_of
from marketplace.webhooks import queries
from marketplace.webhooks.models import WebhookDelivery
from marketplace.webhooks.routes.endpoints import ONE, Guards, owner_of
from marketplace.webhooks.schemas import (
    WebhookDeliveriesArgs,
    WebhookDeliveryDetailSchema,
    WebhookDeliverySchema,
    WebhookPingSchema,
    WebhookReplayArgs,
    WebhookReplayedSchema,
)
from marketplace.webhooks.service import replaying, sending

A_DELIVERY = f"{ONE}/deliveries/<uuid:delivery_id>"


def add_deliveries(blueprint: Blueprint, guards: Guards) -> None:
    """Add the routes to those of a site's or a school's endpoints."""
    _add_reads(blueprint, guards)
    _add_replays(blueprint, guards)


def _add_reads(blueprint: Blueprint, guards: Guards) -> None:
    @blueprint.route(f"{ONE}/deliveries", methods=["GET"])
    @guards.read
    @blueprint.arguments(WebhookDeliveriesArgs, location="query")
    @blueprint.response(200, page_of(WebhookDeliverySchema))
    def list_deliveries(
        args: dict[str, Any], endpoint_id: UUID, **where: UUID
    ) -> Page[WebhookDelivery]:
        """List an endpoint's deliveries of the last 30 days, the newest first."""
        session = context.session()
        row = queries.endpoint(session, owner_of(where), endpoint_id)
        return queries.deliveries(session, row.id, **args)

    @blueprint.route(A_DELIVERY, methods=["GET"])
    @guards.read
    @blueprint.response(200, WebhookDeliveryDetailSchema)
    def read(endpoint_id: UUID, delivery_id: UUID, **where: UUID) -> dict[str, Any]:
        """See what a delivery carries, and every attempt at it."""
        session = context.session()
        row = queries.endpoint(session, owner_of(where), endpoint_id)
        delivery, message = queries.delivery(session, row.id, delivery_id)
        shown = {name: getattr(delivery, name) for name in SHOWN}
        return {
            **shown,
            "webhook_id": sending.message_name(message.id),
            "payload": json.loads(message.body),
            "tried": queries.attempts(session, row.id, delivery_id),
        }


def _add_replays(blueprint: Blueprint, guards: Guards) -> None:
    @blueprint.route(f"{ONE}/ping", methods=["POST"])
    @guards.write
    @blueprint.response(202, WebhookPingSchema)
    def ping(endpoint_id: UUID, **where: UUID) -> dict[str, UUID]:
        """Have a message sent that says nothing but that it came, to try the endpoint out."""
        session = context.session()
        row = queries.endpoint(session, owner_of(where), endpoint_id)
        return {"delivery_id": replaying.ping(session, row, context.now())}

    @blueprint.route(f"{A_DELIVERY}/replay", methods=["POST"])
    @guards.write
    @blueprint.response(202, WebhookDeliverySchema)
    def replay(endpoint_id: UUID, delivery_id: UUID, **where: UUID) -> WebhookDelivery:
        """Send a delivery again, under the `webhook-id` that it had."""
        session = context.session()
        row = queries.endpoint(session, owner_of(where), endpoint_id)
        return replaying.replay(
            session, row, delivery_id, actor_id=current_account().id, now=context.now()
        )

    @blueprint.route(f"{ONE}/replays", methods=["POST"])
    @guards.write
    @blueprint.arguments(WebhookReplayArgs)
    @blueprint.response(202, WebhookReplayedSchema)
    def replay_failed(data: dict[str, Any], endpoint_id: UUID, **where: UUID) -> dict[str, Any]:
        """Send again all that failed and happened since a time, the oldest first."""
        session = context.session()
        row = queries.endpoint(session, owner_of(where), endpoint_id)
        count, more = replaying.replay_failed(
            session, row, actor_id=current_account().id, now=context.now(), **data
        )
        return {"deliveries": count, "more": more}


SHOWN = ("message_id", *(name for name in WebhookDeliverySchema().fields if name != "id"))
