"""`/webhooks/event-types`: what can be told, for whoever writes the receiving side."""

from typing import Any

from marketplace.identity.access import public
from marketplace.web.api import Blueprint
from marketplace.webhooks.rules import catalogue
from marketplace.webhooks.schemas import EventTypesSchema

blueprint = Blueprint(
    "webhooks", __name__, url_prefix="/webhooks", description="What webhooks can tell."
)


@blueprint.route("/event-types", methods=["GET"])
@public
@blueprint.response(200, EventTypesSchema)
def event_types() -> dict[str, Any]:
    """List the event types, each with its JSON Schema, an example, and whom it is told to."""
    return {
        "items": [
            {
                "name": one.name,
                "version": one.version,
                "sides": sorted(side.value for side in one.sides),
                "says": one.says,
                "schema": one.schema,
                "example": one.example,
            }
            for one in catalogue.types().values()
        ]
    }
