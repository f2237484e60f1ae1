"""What is said and heard of credit and of codes that lower prices."""

from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from marketplace.core.money import EXPONENTS, Money
from marketplace.payments.rules.credit import GrantReason, MoveKind
from marketplace.web.schemas import MoneyField, PageArgs, StrictSchema, Text

# An amount above this is a slip of the hand.
MOST = 10**9
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
GIVEN_BY_HAND = [GrantReason.GOODWILL.value, GrantReason.PROMOTION.value]
MOST_PLACES = 500


def a_time(**kwargs: Any) -> fields.AwareDateTime:
    """A time within the reach of calendars that people keep."""
    return fields.AwareDateTime(validate=validate.Range(EARLIEST, LATEST), **kwargs)


def _sum(amount: Money) -> None:
    """An amount that can be given."""
    if not 0 < amount.minor <= MOST:
        raise ValidationError(f"Above nothing, at most {Money(MOST, amount.currency)}.")


class CreditSchema(StrictSchema):
    """What can be spent now, an amount for each currency."""

    available = fields.List(MoneyField())


class CreditGrantSchema(StrictSchema):
    """Credit for one reason; `left` is what was neither spent nor set aside, expired or revoked."""

    id = fields.UUID()
    account_id = fields.UUID()
    amount = MoneyField()
    left = MoneyField()
    reason = fields.String(validate=validate.OneOf([one.value for one in GrantReason]))
    note = fields.String()
    payable_kind = fields.String(
        allow_none=True, metadata={"description": "What it had paid for.", "example": "booking"}
    )
    payable_id = fields.UUID(allow_none=True)
    granted_at = fields.AwareDateTime(format="iso")
    expires_at = fields.AwareDateTime(
        format="iso", allow_none=True, metadata={"description": "Null: it does not expire."}
    )
    transferable = fields.Boolean()


class CreditMovementsArgs(PageArgs):
    grant_id = fields.UUID(load_default=None)


class CreditMovementSchema(StrictSchema):
    """One change of a grant; `amount` is negative where it took away."""

    id = fields.UUID()
    grant_id = fields.UUID()
    kind = fields.String(validate=validate.OneOf([one.value for one in MoveKind]))
    amount = MoneyField()
    left = MoneyField(metadata={"description": "What was left of the grant after it."})
    reason = fields.String()
    at = fields.AwareDateTime(format="iso")


class HandOnArgs(StrictSchema):
    """To whom; another trainee's address here."""

    email = Text(
        required=True,
        validate=validate.Length(3, 254),
        metadata={"description": "The address of another trainee.", "example": "ravi@example.org"},
    )


class GiveCreditArgs(StrictSchema):
    """Credit given by hand, with a note that its owner reads."""

    account_id = fields.UUID(required=True)
    amount = MoneyField(required=True, validate=_sum)
    reason = fields.String(required=True, validate=validate.OneOf(GIVEN_BY_HAND))
    note = Text(required=True, validate=validate.Length(3, 500))
    expires_at = a_time(load_default=None, allow_none=True)
    transferable = fields.Boolean(load_default=False)


class RevokeCreditArgs(StrictSchema):
    """Take back what is left, or an amount of it."""

    reason = Text(required=True, validate=validate.Length(3, 500))
    amount = MoneyField(load_default=None, allow_none=True)


class WithdrawCodeArgs(StrictSchema):
    """Why a code can be used no more."""

    reason = Text(required=True, validate=validate.Length(3, 500))


class AccountCreditArgs(PageArgs):
    account_id = fields.UUID(required=True)


class VoucherCodeArgs(StrictSchema):
    """A percentage (in hundredths of a percent) or an amount off, with where and how often."""

    code = fields.String(
        required=True,
        validate=validate.Regexp(
            r"^[A-Za-z0-9-]{4,32}$", error="4 to 32 letters, digits, hyphens."
        ),
        metadata={"example": "SPRING-27"},
    )
    description = Text(required=True, validate=validate.Length(3, 500))
    basis_points = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(1, 10_000),
        metadata={"description": "Hundredths of a percent of the whole price.", "example": 500},
    )
    amount = MoneyField(load_default=None, allow_none=True, validate=_sum)
    currency = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf(sorted(EXPONENTS))
    )
    valid_from = a_time(required=True)
    valid_until = a_time(required=True)
    max_uses = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(1, 1_000_000)
    )
    max_uses_each = fields.Integer(
        load_default=1, allow_none=True, strict=True, validate=validate.Range(1, 1000)
    )
    listing_ids = fields.List(
        fields.UUID(), load_default=list, validate=validate.Length(max=MOST_PLACES)
    )
    site_ids = fields.List(
        fields.UUID(), load_default=list, validate=validate.Length(max=MOST_PLACES)
    )

    @validates_schema
    def fits_together(self, data: dict[str, Any], **_: Any) -> None:
        amount, share = data.get("amount"), data.get("basis_points")
        if (amount is None) == (share is None):
            raise ValidationError("Give this or an amount, not both.", "basis_points")
        if amount is not None and data.get("currency") not in {None, amount.currency}:
            raise ValidationError("The amount is in another currency.", "currency")
        if data["valid_until"] <= data["valid_from"]:
            raise ValidationError("After it begins.", "valid_until")


class VoucherCodeSchema(StrictSchema):
    """A code as it stands; `uses` counts those that were not given back."""

    id = fields.UUID()
    code = fields.String()
    description = fields.String()
    basis_points = fields.Integer(allow_none=True)
    amount = MoneyField(allow_none=True)
    currency = fields.String(allow_none=True)
    valid_from = fields.AwareDateTime(format="iso")
    valid_until = fields.AwareDateTime(format="iso")
    max_uses = fields.Integer(allow_none=True)
    max_uses_each = fields.Integer(allow_none=True)
    uses = fields.Integer()
    listing_ids = fields.List(fields.UUID())
    site_ids = fields.List(fields.UUID())
    made_by = fields.UUID()
    made_at = fields.AwareDateTime(format="iso")
    withdrawn_at = fields.AwareDateTime(format="iso", allow_none=True)
