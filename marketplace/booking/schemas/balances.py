"""What plans for balances take and give."""

from marshmallow import fields, validate

from marketplace.payments.schemas.cards import AGREED_WORDS, SavedCardSchema
from marketplace.payments.states import PlanState
from marketplace.web.schemas import MoneyField, StrictSchema


class BalancePlanArgs(StrictSchema):
    card_id = fields.UUID(required=True)
    agreed_words = AGREED_WORDS


class BalancePlanStepSchema(StrictSchema):
    """One step of a plan's story; `after` is how it stood then."""

    after = fields.String()
    reason = fields.String()
    at = fields.AwareDateTime()


class BalancePlanSchema(StrictSchema):
    """A balance that is charged to a kept card: ready, or why it is not."""

    state = fields.String(validate=validate.OneOf([state.value for state in PlanState]))
    most = MoneyField(metadata={"description": "More than this is never charged by itself."})
    charge_at = fields.AwareDateTime()
    next_try_at = fields.AwareDateTime(allow_none=True)
    tries = fields.Integer()
    card = fields.Nested(SavedCardSchema, allow_none=True)
    agreed_words = fields.String()
    agreed_at = fields.AwareDateTime()
    steps = fields.List(fields.Nested(BalancePlanStepSchema))
