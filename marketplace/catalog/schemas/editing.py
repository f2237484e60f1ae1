"""A listing as its host writes it: JSON in, the cells of a sheet's row out.

What a field may be is said here for the document; what a row may be is said by `rules.row`.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from marketplace.catalog.rules import cells, deposits, english, vocabulary
from marketplace.catalog.rules.deposits import DepositKind, DepositRule
from marketplace.catalog.rules.english import EnglishTerms
from marketplace.catalog.rules.policies import SELECTABLE
from marketplace.catalog.schemas.words import SpecialtyField
from marketplace.web.schemas import MoneyField, StrictSchema, Text

NEEDED = (
    "external_id", "preceptor_id", "title", "specialty", "setting", "duties", "audience",
    "weeks_min", "weeks_max", "price_per_week", "seats_per_week", "first_start", "last_start",
    "visa_types", "step1_required", "letter_policy", "cancellation_policy", "approval",
)  # fmt: skip


def _one_of(words: str, **kwargs: Any) -> fields.String:
    return fields.String(validate=validate.OneOf(vocabulary.allowed(words)), **kwargs)


def _some_of(words: str, example: list[str]) -> "fields.List[Any]":
    return fields.List(
        _one_of(words),
        validate=validate.Length(max=len(vocabulary.allowed(words))),
        metadata={"example": example},
    )


def _number(least: int, most: int, example: int, **kwargs: Any) -> fields.Integer:
    between = validate.Range(least, most)
    return fields.Integer(strict=True, validate=between, metadata={"example": example}, **kwargs)


def _in_steps_of(step: float) -> Callable[[float], None]:
    def check(value: float) -> None:
        if value % step:
            raise ValidationError(f"Must be a multiple of {step:g}.")

    return check


class EnglishArgs(StrictSchema):
    """Accepted proofs of English, any one of which is enough: least scores."""

    native = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    toefl_ibt = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(1, 120)
    )
    ielts = fields.Float(
        load_default=None,
        allow_none=True,
        validate=[validate.Range(0.5, 9), _in_steps_of(0.5)],
        metadata={"description": "Least overall band, in halves.", "multipleOf": 0.5},
    )
    oet = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=[validate.Range(10, 500), _in_steps_of(10)],
        metadata={"description": "Least score in each part, in tens.", "multipleOf": 10},
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> EnglishTerms:
        band = data["ielts"]
        return EnglishTerms(
            native=data["native"],
            toefl_ibt=data["toefl_ibt"],
            ielts=None if band is None else Decimal(str(band)).quantize(Decimal("0.1")),
            oet=data["oet"],
        )


class DepositArgs(StrictSchema):
    """What is due when a seat is booked; `basis_points` for a share, `amount` for an amount."""

    kind = fields.String(
        required=True,
        validate=validate.OneOf([kind.value for kind in DepositKind]),
        metadata={"example": "share"},
    )
    basis_points = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(1, deposits.WHOLE_BASIS_POINTS - 1),
        metadata={"description": "2500 is a quarter of the total.", "example": 2500},
    )
    amount = MoneyField(load_default=None, allow_none=True)

    @validates_schema
    def check_kind(self, data: dict[str, Any], **_: Any) -> None:
        for kind, name in ((DepositKind.SHARE, "basis_points"), (DepositKind.AMOUNT, "amount")):
            if data["kind"] == kind and data[name] is None:
                raise ValidationError(f"Needed for a deposit of kind {kind.value}.", name)
            if data["kind"] != kind and data[name] is not None:
                raise ValidationError(f"Only for a deposit of kind {kind.value}.", name)
        if data["amount"] is not None and data["amount"].minor <= 0:
            raise ValidationError("Expected an amount above 0.", "amount")

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> DepositRule:
        return DepositRule(DepositKind(data["kind"]), data["basis_points"], data["amount"])


class ListingChangeArgs(StrictSchema):
    """What of a listing is to change; what is not named stays."""

    preceptor_id = fields.UUID()
    title = Text(validate=validate.Length(1, 200), metadata={"example": "Inpatient Elective"})
    specialty = SpecialtyField()
    setting = _one_of("setting")
    duties = _some_of("duty", ["history_taking", "physical_examination", "case_presentation"])
    audience = _one_of("audience")
    weeks_min = _number(1, cells.MOST_WEEKS, 4)
    weeks_max = _number(1, cells.MOST_WEEKS, 12)
    price_per_week = MoneyField()
    seats_per_week = _number(0, cells.MOST_SEATS, 2)
    first_start = fields.Date(metadata={"description": "A Monday.", "example": "2027-01-04"})
    last_start = fields.Date(metadata={"description": "A Monday.", "example": "2027-12-06"})
    blackout_weeks = fields.List(
        fields.Date(),
        validate=validate.Length(max=150),
        metadata={"description": "Mondays of closed weeks.", "example": ["2027-11-22"]},
    )
    visa_types = _some_of("visa", ["B1/B2"])
    step1_required = fields.Boolean(truthy={True}, falsy={False})
    step2_min = _number(1, cells.HIGHEST_SCORE, 220, allow_none=True)
    english = fields.Nested(EnglishArgs, allow_none=True)
    documents = _some_of("document", ["passport", "tb_test"])
    letter_policy = _one_of("letter_policy")
    cancellation_policy = fields.String(validate=validate.OneOf(SELECTABLE))
    deposit = fields.Nested(DepositArgs)
    approval = _one_of("approval")
    lead_days = _number(0, cells.MOST_LEAD_DAYS, 30)
    residency_affiliation = Text(validate=validate.Length(max=200))
    claimed_tier = _one_of("tier", allow_none=True)
    notes = Text(validate=validate.Length(max=2000))

    @validates_schema
    def check_some(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Name at least one field to change.")


class ListingArgs(ListingChangeArgs):
    """A new listing."""

    external_id = Text(
        validate=validate.Length(1, 64),
        metadata={"description": "Your own id, one of a kind.", "example": "CHI-IM-03"},
    )

    def on_bind_field(self, field_name: str, field_obj: Any) -> None:
        field_obj.required = field_name in NEEDED
        super().on_bind_field(field_name, field_obj)


class ListingStepSchema(Schema):
    """A change of a listing's state: from, to, who, when, why."""

    from_state = fields.String(allow_none=True)
    to_state = fields.String(required=True)
    account_id = fields.UUID(allow_none=True)
    recorded_at = fields.AwareDateTime(required=True)
    why = fields.String(required=True)


class ListingHistorySchema(Schema):
    """Every state that a listing has been in, the first one first."""

    items = fields.List(fields.Nested(ListingStepSchema), required=True)


def cells_of(data: Mapping[str, Any]) -> dict[str, str]:
    """What was sent as the cells of a row; the preceptor, who is named by id, left out."""
    found = {}
    for name, value in data.items():
        if name == "price_per_week":
            found["price_per_week"] = f"{value.as_decimal():f}"
            found["currency"] = value.currency
        elif name != "preceptor_id":
            found[name] = _cell(value)
    return found


def _cell(value: Any) -> str:
    if isinstance(value, EnglishTerms):
        return english.text_of(value)
    if isinstance(value, DepositRule):
        # An amount with its currency, so that another one than the price's is seen.
        amount = value.amount
        return f"{amount.as_decimal():f} {amount.currency}" if amount else deposits.text_of(value)
    if isinstance(value, list):
        return ";".join(str(each) for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
