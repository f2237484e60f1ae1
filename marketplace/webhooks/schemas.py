"""Schemas of webhooks."""

from marshmallow import Schema, fields, validate

from marketplace.web.schemas import PageArgs, StrictSchema, Text
from marketplace.webhooks.rules.targets import LONGEST
from marketplace.webhooks.states import DeliveryState, DisabledFor, EndpointState

URL = {
    "description": "Begins with https:// and leads to a public address.",
    "example": "https://ehr.lakeview.example/hooks",
}
TYPES = {"description": "See `GET /webhooks/event-types`.", "example": ["booking.confirmed"]}
LONGEST_OVERLAP = 7 * 24


def _types(*, required: bool = False) -> fields.List[str]:
    one = Text(validate=validate.Length(max=100))
    return fields.List(one, required=required, validate=validate.Length(1, 50), metadata=TYPES)


class WebhookEndpointArgs(StrictSchema):
    url = Text(required=True, validate=validate.Length(1, LONGEST), metadata=URL)
    types = _types(required=True)
    description = Text(load_default="", validate=validate.Length(max=200))


class WebhookEndpointChangeArgs(StrictSchema):
    """What is left out stays."""

    url = Text(validate=validate.Length(1, LONGEST), metadata=URL)
    types = _types()
    description = Text(validate=validate.Length(max=200))
    enabled = fields.Boolean(
        metadata={"description": "Off, and nothing is sent; what waits is given up."}
    )


class WebhookEndpointSchema(Schema):
    id = fields.UUID(required=True)
    url = fields.String(required=True)
    types = fields.List(fields.String(), required=True)
    description = fields.String(required=True)
    state = fields.String(
        required=True, validate=validate.OneOf([one.value for one in EndpointState])
    )
    disabled_for = fields.String(
        allow_none=True, validate=validate.OneOf([one.value for one in DisabledFor])
    )
    failing_since = fields.AwareDateTime(
        allow_none=True, metadata={"description": "Since when it has taken nothing."}
    )
    version = fields.Integer(required=True)
    created_by = fields.UUID(required=True)
    created_at = fields.AwareDateTime(required=True)
    changed_by = fields.UUID(
        allow_none=True, metadata={"description": "Null where it was disabled by us."}
    )
    changed_at = fields.AwareDateTime(required=True)


class WebhookSecretSchema(Schema):
    """A secret that signs; `ends_at` is null for the one that stays."""

    id = fields.UUID(required=True)
    created_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(allow_none=True)


class WebhookSecretsSchema(Schema):
    items = fields.List(fields.Nested(WebhookSecretSchema), required=True)


class WebhookNewSecretSchema(Schema):
    secret = fields.String(
        required=True,
        metadata={"description": "Shown once. `whsec_` and base64.", "example": "whsec_…"},
    )


class WebhookNewEndpointSchema(WebhookEndpointSchema, WebhookNewSecretSchema):
    """An endpoint with its secret, which nobody can read again."""


class WebhookRotationArgs(StrictSchema):
    overlap_hours = fields.Integer(
        load_default=24,
        strict=True,
        validate=validate.Range(0, LONGEST_OVERLAP),
        metadata={"description": "How long the old secret still signs beside the new one."},
    )


class WebhookDeliveriesArgs(PageArgs):
    state = fields.String(
        load_default=None, validate=validate.OneOf([one.value for one in DeliveryState])
    )
    type = Text(load_default=None, validate=validate.Length(max=100))


class WebhookDeliverySchema(Schema):
    id = fields.UUID(required=True, attribute="message_id")
    type = fields.String(required=True)
    state = fields.String(
        required=True, validate=validate.OneOf([one.value for one in DeliveryState])
    )
    attempts = fields.Integer(required=True)
    next_at = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    done_at = fields.AwareDateTime(allow_none=True)


class WebhookAttemptSchema(Schema):
    number = fields.Integer(required=True)
    at = fields.AwareDateTime(required=True)
    took_ms = fields.Integer(allow_none=True)
    status = fields.Integer(allow_none=True)
    excerpt = fields.String(
        allow_none=True, metadata={"description": "The first 1,024 bytes of the answer."}
    )
    error = fields.String(allow_none=True)


class WebhookDeliveryDetailSchema(WebhookDeliverySchema):
    """A delivery with what it carries and every attempt at it."""

    webhook_id = fields.String(required=True, metadata={"example": "msg_01a1f0de7c3c7d6a"})
    payload = fields.Dict(required=True)
    tried = fields.List(fields.Nested(WebhookAttemptSchema), required=True)


class WebhookPingSchema(Schema):
    delivery_id = fields.UUID(required=True)


class WebhookReplayArgs(StrictSchema):
    since = fields.AwareDateTime(
        required=True, metadata={"description": "Of what happened from then on."}
    )


class WebhookReplayedSchema(Schema):
    deliveries = fields.Integer(required=True)
    more = fields.Boolean(
        required=True, metadata={"description": "Whether more than 10,000 failed: ask again."}
    )


class EventTypeSchema(Schema):
    name = fields.String(required=True)
    version = fields.Integer(required=True)
    sides = fields.List(
        fields.String(), required=True, metadata={"description": "`site`, `school`, or neither."}
    )
    says = fields.String(required=True)
    schema = fields.Dict(required=True, metadata={"description": "A JSON Schema (2020-12)."})
    example = fields.Dict(required=True)


class EventTypesSchema(Schema):
    items = fields.List(fields.Nested(EventTypeSchema), required=True)
