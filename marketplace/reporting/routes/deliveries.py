"""Exports on schedule: what is delivered when, and the log of it."""

from typing import Any
from uuid import UUID

from marketplace.core.errors import NotFound
from marketplace.identity.access import current_account, require
from marketplace.reporting.models import ExportDelivery, ExportSchedule
from marketplace.reporting.queries import exports as queries
from marketplace.reporting.schemas.exports import (
    DeliveryDetailSchema,
    DeliverySchema,
    ScheduleArgs,
    ScheduleSchema,
)
from marketplace.reporting.service import deliveries
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs, page_of

schedules = Blueprint(
    "export-schedules",
    __name__,
    url_prefix="/exports/schedules",
    description="Exports that are made again and again.",
)
blueprint = Blueprint(
    "export-deliveries",
    __name__,
    url_prefix="/exports/deliveries",
    description="What went out, and what did not.",
)


@schedules.route("", methods=["POST"])
@require("analyst")
@schedules.arguments(ScheduleArgs)
@schedules.response(201, ScheduleSchema)
def create(data: dict[str, Any]) -> ExportSchedule:
    """Have an export made and delivered on schedule, each with the difference from the last."""
    return deliveries.schedule(
        context.session(), created_by=current_account().id, now=context.now(), **data
    )


@schedules.route("", methods=["GET"])
@require("analyst", "operator")
@schedules.arguments(PageArgs, location="query")
@schedules.response(200, page_of(ScheduleSchema))
def list_schedules(args: dict[str, Any]) -> Page[ExportSchedule]:
    """List all schedules, ended ones too, newest first."""
    return queries.schedules(context.session(), **args)


@schedules.route("/<uuid:schedule_id>", methods=["DELETE"])
@require("analyst", "operator")
@schedules.response(200, ScheduleSchema)
def end(schedule_id: UUID) -> ExportSchedule:
    """Start no more deliveries of a schedule; its log stays."""
    return deliveries.end(
        context.session(), schedule_id, by=current_account().id, now=context.now()
    )


@blueprint.route("", methods=["GET"])
@require("analyst", "operator")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(DeliverySchema))
def list_deliveries(args: dict[str, Any]) -> Page[ExportDelivery]:
    """List the deliveries, newest first."""
    return queries.deliveries(context.session(), **args)


@blueprint.route("/<uuid:delivery_id>", methods=["GET"])
@require("analyst", "operator")
@blueprint.response(200, DeliveryDetailSchema)
def read(delivery_id: UUID) -> dict[str, Any]:
    """See a delivery and every attempt at it."""
    row = queries.delivery(context.session(), delivery_id)
    if row is None:
        raise NotFound
    return {
        **{name: getattr(row, name) for name in DeliverySchema().fields},
        "attempts": queries.attempts(context.session(), row.id),
    }


@blueprint.route("/<uuid:delivery_id>/retry", methods=["POST"])
@require("analyst", "operator")
@blueprint.response(202, DeliverySchema)
def retry(delivery_id: UUID) -> ExportDelivery:
    """Try a delivery that has failed once more."""
    return deliveries.retry(context.session(), delivery_id)
