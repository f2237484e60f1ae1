"""What hosts' money and disputes look like over HTTP."""

from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validate

from marketplace.payments.gateway import EVIDENCE_PARTS
from marketplace.payments.rules.shares import Bearer
from marketplace.payments.states import DisputeState, EvidenceState, TransferState
from marketplace.web.schemas import MoneyField, StrictSchema, Text

LONGEST_EVIDENCE = 20_000
BEARERS = [one.value for one in Bearer]


class PayoutStatusSchema(StrictSchema):
    """How a site stands with the processor. `onboarding_url` is good once, until it expires."""

    status = fields.String(
        validate=validate.OneOf(["none", "asked", "onboarding", "ready", "restricted", "refused"])
    )
    details_submitted = fields.Boolean()
    transfers_enabled = fields.Boolean()
    payouts_enabled = fields.Boolean()
    requirements_due = fields.List(
        fields.String(), metadata={"description": "What Stripe still asks for, in its own names."}
    )
    due_by = fields.AwareDateTime(allow_none=True)
    disabled_reason = fields.String(allow_none=True)
    refused = fields.String(allow_none=True, metadata={"description": "Why no link could be made."})
    payout_failure = fields.String(
        allow_none=True,
        metadata={"description": "Why your bank returned the last payout; you still have it."},
    )
    onboarding_url = fields.String(allow_none=True)
    onboarding_expires_at = fields.AwareDateTime(allow_none=True)
    seen_at = fields.AwareDateTime(allow_none=True)


class HostTransferSchema(StrictSchema):
    """A part of your share: what was earned, what the fee and old debts took, what is sent."""

    id = fields.UUID()
    payable_kind = fields.String(metadata={"example": "booking"})
    payable_id = fields.UUID()
    site_id = fields.UUID()
    tranche = fields.Integer()
    gross = MoneyField()
    fee = MoneyField()
    netted = MoneyField(metadata={"description": "What paid back an earlier debt."})
    taken = MoneyField(metadata={"description": "What was taken back before it was sent."})
    amount = MoneyField(metadata={"description": "What is sent."})
    reversed = MoneyField(metadata={"description": "What is asked back of it."})
    status = fields.String(
        attribute="state", validate=validate.OneOf([state.value for state in TransferState])
    )
    held_for = fields.String(
        allow_none=True, metadata={"description": "`account` or `dispute`: what it waits for."}
    )
    failure = fields.String(allow_none=True)
    earned_at = fields.AwareDateTime()
    settled_at = fields.AwareDateTime(allow_none=True)


class StatementLineSchema(StrictSchema):
    at = fields.AwareDateTime()
    kind = fields.String(metadata={"example": "share_earned"})
    text = fields.String()
    payable_id = fields.UUID(allow_none=True)
    tranche = fields.Integer(allow_none=True)
    share = MoneyField(allow_none=True)
    fee = MoneyField(allow_none=True)
    amount = MoneyField()
    reference = fields.String()


class StatementAccountSchema(StrictSchema):
    """A month in one currency: opening and lines add up to closing."""

    currency = fields.String()
    opening = MoneyField()
    lines = fields.List(fields.Nested(StatementLineSchema))
    closing = MoneyField()


class StatementSchema(StrictSchema):
    """What is due to a site is positive, what it owes negative; months are in UTC."""

    site_id = fields.UUID()
    month = fields.String(metadata={"example": "2027-03"})
    accounts = fields.List(fields.Nested(StatementAccountSchema))


class OnboardedArgs(StrictSchema):
    expired = fields.Boolean(load_default=False)


class OnboardedSchema(StrictSchema):
    message = fields.String()


HUNDREDTH = Decimal("0.01")


class PercentField(fields.Decimal):
    """0 to 100 with at most two decimals, as text; more are refused, not rounded away."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(as_string=True, validate=_a_share, **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        shown = None if value is None else Decimal(value).quantize(HUNDREDTH)
        return super()._serialize(shown, attr, obj, **kwargs)


def _a_share(percent: Decimal) -> None:
    # Not a range: its limits would stand in the document as those of a number, and this is text.
    if not 0 <= percent <= 100:  # noqa: PLR2004 - the limits are in the message
        raise ValidationError("Between 0 and 100.")
    if percent != percent.quantize(HUNDREDTH):
        raise ValidationError("At most two decimals.")


class ContractArgs(StrictSchema):
    """The terms of a fee contract."""

    valid_from = fields.Date(required=True)
    valid_until = fields.Date(
        load_default=None,
        allow_none=True,
        metadata={"description": "The first day on which it no longer counts."},
    )
    host_fee_percent = PercentField(
        required=True,
        metadata={
            "type": "string",
            "description": "Kept of each released share: 0 to 100.",
            "example": "12.50",
        },
    )
    platform_fee_percent = PercentField(
        load_default=None,
        allow_none=True,
        metadata={
            "type": "string",
            "description": "What who books on a day of the contract pays on top of the price; null:"
            " as everywhere.",
            "example": "10.00",
        },
    )
    losses_borne_by = fields.String(
        load_default=Bearer.PLATFORM.value,
        validate=validate.OneOf(BEARERS),
        metadata={"description": "Who bears the host's part of a lost dispute."},
    )
    note = Text(required=True, validate=validate.Length(1, 500))


class ContractReasonArgs(StrictSchema):
    """Why a contract no longer counts."""

    reason = Text(required=True, validate=validate.Length(1, 500))


class ContractEndArgs(ContractReasonArgs):
    ends_on = fields.Date(required=True)


class ContractSchema(ContractArgs):
    """A contract; one with `replaced_at` no longer counts, and stays readable."""

    id = fields.UUID()
    site_id = fields.UUID()
    set_by = fields.UUID()
    set_at = fields.AwareDateTime()
    replaces_id = fields.UUID(allow_none=True)
    replaced_at = fields.AwareDateTime(allow_none=True)
    replaced_by = fields.UUID(allow_none=True)


class ContractsSchema(StrictSchema):
    items = fields.List(fields.Nested(ContractSchema))


class FrozenReleaseSchema(StrictSchema):
    """A part of a share that is due and waits."""

    id = fields.UUID()
    payable_kind = fields.String()
    payable_id = fields.UUID()
    site_id = fields.UUID()
    step = fields.String()
    from_at = fields.AwareDateTime()
    waits_for = fields.String()


class StoppedPayoutsSchema(StrictSchema):
    """What hosts are owed and is not sent: releases that wait, and transfers that can't go."""

    releases = fields.List(fields.Nested(FrozenReleaseSchema))
    transfers = fields.List(fields.Nested(HostTransferSchema))


class ReceivableSchema(StrictSchema):
    site_id = fields.UUID()
    amount = MoneyField()


class ReceivablesSchema(StrictSchema):
    items = fields.List(fields.Nested(ReceivableSchema))


class EvidenceField(fields.Dict):
    """Texts by the parts of evidence."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(
            keys=fields.String(validate=validate.OneOf(EVIDENCE_PARTS)),
            values=Text(validate=validate.Length(max=LONGEST_EVIDENCE)),
            **kwargs,  # type: ignore[arg-type] # what marshmallow's field takes
        )


class DisputeSchema(StrictSchema):
    id = fields.UUID()
    processor_dispute = fields.String()
    payment_id = fields.UUID()
    amount = MoneyField()
    reason = fields.String(metadata={"example": "fraudulent"})
    status = fields.String(metadata={"description": "The processor's word."})
    state = fields.String(validate=validate.OneOf([state.value for state in DisputeState]))
    evidence_state = fields.String(
        validate=validate.OneOf([state.value for state in EvidenceState])
    )
    opened_at = fields.AwareDateTime()
    due_by = fields.AwareDateTime(allow_none=True)
    submitted_at = fields.AwareDateTime(allow_none=True)
    closed_at = fields.AwareDateTime(allow_none=True)
    losses_borne_by = fields.String(validate=validate.OneOf(BEARERS))


class DisputeStepSchema(StrictSchema):
    subject = fields.String()
    before = fields.String(allow_none=True)
    after = fields.String()
    reason = fields.String()
    actor_id = fields.UUID(allow_none=True)
    at = fields.AwareDateTime()


class DisputeDetailSchema(DisputeSchema):
    evidence = EvidenceField()
    files = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata={"description": "Files that were sent with it, by what they are."},
    )
    steps = fields.List(fields.Nested(DisputeStepSchema))


class DisputesSchema(StrictSchema):
    items = fields.List(fields.Nested(DisputeSchema))


class DisputesArgs(StrictSchema):
    ended = fields.Boolean(load_default=False)


class DisputeEvidenceArgs(StrictSchema):
    """What is changed of the evidence before it is sent, and who bears a loss."""

    changes = EvidenceField(load_default=dict)
    losses_borne_by = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf(BEARERS)
    )


class ConcessionArgs(StrictSchema):
    reason = Text(required=True, validate=validate.Length(3, 500))
