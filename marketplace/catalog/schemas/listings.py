"""Listings as the public sees them: search, a page of results, one listing, its weeks."""

from marshmallow import Schema, fields, validate

from marketplace.catalog.rules import vocabulary
from marketplace.catalog.rules.cells import HIGHEST_SCORE
from marketplace.catalog.rules.policies import POLICIES
from marketplace.catalog.rules.tiers import Tier
from marketplace.catalog.service.waiting import reasons
from marketplace.catalog.states import ListingState
from marketplace.identity.rules import LearnerStatus
from marketplace.web.schemas import MoneyField, StrictSchema

TIERS = [tier.value for tier in Tier if tier is not Tier.UNCLASSIFIED]
TEXT = {"type": "string"}
DRIFT_NOTICE = (
    "Under review since {}: most trainees who told us what they really did here had no direct"
    " patient contact."
)
STATUSES = [status.value for status in LearnerStatus]


class ReasonSchema(Schema):
    """Why: a stable code for machines, a sentence for people."""

    code = fields.String(required=True, metadata={"example": "direct_contact"})
    text = fields.String(required=True)


class SiteSchema(Schema):
    """Where it is."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    address = fields.String(required=True)
    city = fields.String(required=True)
    state = fields.String(required=True)
    country = fields.String(required=True)
    time_zone = fields.String(required=True, metadata={"example": "America/Chicago"})
    latitude = fields.Float(allow_none=True)
    longitude = fields.Float(allow_none=True)
    residency_affiliation = fields.String(allow_none=True)
    verification = fields.String(required=True)


class PreceptorSchema(Schema):
    """Who teaches."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    npi = fields.String(required=True)
    specialty = fields.String(allow_none=True)
    credentials = fields.List(fields.String(metadata={"example": "MD"}), required=True)


class EnglishTermsSchema(Schema):
    """Accepted proofs of English: any one is enough. With none of them it is not asked for."""

    asked = fields.Boolean(required=True)
    native = fields.Boolean(required=True)
    toefl_ibt = fields.Integer(allow_none=True, metadata={"description": "Least total."})
    ielts = fields.Float(allow_none=True, metadata={"description": "Least overall band."})
    oet = fields.Integer(allow_none=True, metadata={"description": "Least score in each part."})


class DepositRuleSchema(Schema):
    """What is due when a seat is booked.

    `standard`: the deposit of the cancellation terms, else the marketplace's share. `share`: so
    many basis points of the total. `amount`: so much, at most the total.
    """

    kind = fields.String(required=True, metadata={"enum": ["standard", "whole", "share", "amount"]})
    basis_points = fields.Integer(allow_none=True)
    amount = MoneyField(allow_none=True)


class ListingSummarySchema(Schema):
    """A listing in a page of results."""

    id = fields.UUID(required=True)
    title = fields.String(required=True)
    specialty = fields.String(required=True, metadata={"example": "internal_medicine"})
    setting = fields.String(required=True)
    audience = fields.String(required=True)
    site_id = fields.UUID(required=True)
    site_name = fields.String(required=True)
    city = fields.String(required=True)
    state = fields.Function(lambda row: row.us_state, metadata={**TEXT, "example": "IL"})
    preceptor_name = fields.Function(lambda row: row.preceptor.name, metadata=TEXT)
    tiers = fields.Function(
        lambda row: {"student": row.tier_student, "graduate": row.tier_graduate},
        metadata={
            "type": "object",
            "additionalProperties": {"type": ["string", "null"]},
            "description": "The tier for each learner status; null where not admitted.",
            "example": {"student": "elective", "graduate": "externship"},
        },
    )
    price_per_week = MoneyField(required=True, attribute="price")
    weeks_min = fields.Integer(required=True)
    weeks_max = fields.Integer(required=True)
    first_start = fields.Date(required=True)
    last_start = fields.Date(required=True)
    visa_types = fields.List(fields.String(), required=True)
    approval = fields.String(required=True)
    letter_policy = fields.String(required=True)
    flagged = fields.Function(
        lambda row: row.drift_at is not None,
        metadata={
            "type": "boolean",
            "description": "Trainees report less contact than the tier promises.",
        },
    )


class ListingSchema(ListingSummarySchema):
    """A listing with all that there is to know before booking it."""

    external_id = fields.String(required=True)
    listing_state = fields.Function(
        lambda row: row.state,
        metadata={**TEXT, "enum": [state.value for state in ListingState]},
    )
    waits_for = fields.Function(
        lambda row: [{"code": code, "text": text} for code, text in reasons(row)],
        metadata={
            "type": "array",
            "items": {"type": "object", "additionalProperties": TEXT},
            "description": "In review: what stands against its publication.",
        },
    )
    version = fields.Integer(required=True)
    site = fields.Nested(SiteSchema, required=True)
    preceptor = fields.Nested(PreceptorSchema, required=True)
    duties = fields.List(fields.String(), required=True)
    seats_per_week = fields.Integer(
        required=True,
        metadata={"description": "As the host wrote it; each week's own are in the calendar."},
    )
    blackout_weeks = fields.List(fields.Date(), required=True)
    step1_required = fields.Boolean(required=True)
    step2_min = fields.Integer(allow_none=True, metadata={"maximum": HIGHEST_SCORE})
    lead_days = fields.Integer(
        required=True, metadata={"description": "Least days between booking and start."}
    )
    english = fields.Nested(EnglishTermsSchema, required=True)
    documents = fields.List(
        fields.String(metadata={"enum": list(vocabulary.allowed("document"))}),
        required=True,
        metadata={"description": "What is asked for before the first day."},
    )
    deposit = fields.Nested(DepositRuleSchema, required=True)
    residency_affiliation = fields.String(
        required=True, metadata={"description": "The residency that it belongs to; may be empty."}
    )
    claimed_tier = fields.String(
        allow_none=True,
        metadata={"description": "What the host calls it; the tiers are computed from the duties."},
    )
    cancellation_policy = fields.Function(
        lambda row: {
            "key": row.cancellation_policy,
            "name": POLICIES[row.cancellation_policy].name,
            "summary": POLICIES[row.cancellation_policy].summary,
        },
        metadata={"type": "object", "additionalProperties": TEXT},
    )
    notes = fields.String(required=True)
    classifier = fields.String(required=True, metadata={"example": "usce-1"})
    reasons = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.Nested(ReasonSchema)),
        metadata={"description": "Why the tier is what it is, by learner status."},
    )
    conflicts = fields.List(fields.Nested(ReasonSchema))
    drift_notice = fields.Function(
        lambda row: DRIFT_NOTICE.format(row.drift_at.date()) if row.drift_at else None,
        metadata={
            "type": ["string", "null"],
            "description": "What a page says of a flagged listing.",
        },
    )


class AvailabilityArgs(StrictSchema):
    """Which weeks: by default a year from the week of today on."""

    start = fields.Date(load_default=None, data_key="from", metadata={"example": "2027-01-04"})
    weeks = fields.Integer(load_default=53, validate=validate.Range(1, 106))


class WeekSchema(Schema):
    """One week."""

    week = fields.Date(required=True, metadata={"description": "Its Monday."})
    capacity = fields.Integer(required=True)
    free = fields.Integer(required=True)
    closed = fields.Boolean(required=True)


class AvailabilitySchema(Schema):
    """Seats by week, in the site's time zone; weeks that are not named have none."""

    listing_id = fields.UUID(required=True)
    weeks = fields.List(fields.Nested(WeekSchema), required=True)
