"""Listings as the public sees them: search, a page of results, one listing, its weeks."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from marketplace.catalog.queries.search import SORTS
from marketplace.catalog.rules import specialties, vocabulary
from marketplace.catalog.rules.cells import HIGHEST_SCORE, MOST_WEEKS
from marketplace.catalog.rules.places import STATES
from marketplace.catalog.rules.policies import POLICIES
from marketplace.catalog.rules.tiers import Tier
from marketplace.catalog.states import ListingState
from marketplace.core.money import EXPONENTS, LARGEST_MINOR
from marketplace.identity.rules import LearnerStatus
from marketplace.web.schemas import MoneyField, PageArgs, StrictSchema, Text

TIERS = [tier.value for tier in Tier if tier is not Tier.UNCLASSIFIED]
TEXT = {"type": "string"}
DRIFT_NOTICE = (
    "Under review since {}: most trainees who told us what they really did here had no direct"
    " patient contact."
)
STATUSES = [status.value for status in LearnerStatus]


class Several(Text):
    """Words separated by commas, each judged by itself."""

    def __init__(self, allowed: list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.allowed = allowed

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        words = super()._deserialize(value, attr, data, **kwargs).split(",")
        return [self.understood(word.strip()) for word in words if word.strip()]

    def understood(self, word: str) -> str:
        if word not in self.allowed:
            raise ValidationError(f"{word!r} is none of: {', '.join(self.allowed)}.")
        return word


class Specialties(Several):
    """Specialties in any usual spelling."""

    def understood(self, word: str) -> str:
        found = specialties.resolve(word)
        if found is None:
            near = specialties.suggestions(word)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise ValidationError(f"{word!r} is no specialty that we know.{hint}")
        return found.code


class SearchArgs(PageArgs):
    """What to search for. Filters of one kind are alternatives, of several kinds all must hold."""

    q = Text(
        load_default=None,
        validate=validate.Length(max=200),
        metadata={
            "description": "Words in the title, site, city, preceptor or specialty;"
            " quotes, `or` and a leading minus are understood.",
            "example": "internal medicine chicago",
        },
    )
    specialty = Specialties(
        [],
        load_default=None,
        metadata={
            "description": "Codes, names or abbreviations, by commas.",
            "example": "IM,neurology",
        },
    )
    learner_status = fields.String(
        load_default=None,
        validate=validate.OneOf(STATUSES),
        metadata={
            "description": "Yours on the first day; by default that of the signed-in trainee."
        },
    )
    tier = Several(
        TIERS,
        load_default=None,
        metadata={"description": "Tiers for that status, by commas.", "example": "elective"},
    )
    state = Several(
        list(STATES),
        load_default=None,
        metadata={"description": "Postal codes of states, by commas.", "example": "IL,NY"},
    )
    setting = Several(
        list(vocabulary.allowed("setting")),
        load_default=None,
        metadata={"description": "Settings, by commas.", "example": "inpatient"},
    )
    visa = fields.String(
        load_default=None,
        validate=validate.OneOf(vocabulary.VISAS),
        metadata={"description": "The visa that you have or expect.", "example": "B1/B2"},
    )
    weeks = fields.Integer(
        load_default=None,
        validate=validate.Range(1, MOST_WEEKS),
        metadata={"description": "How many weeks, consecutive.", "example": 4},
    )
    start_from = fields.Date(
        load_default=None,
        metadata={
            "description": "Earliest first day; rounded up to a Monday. Only listings with the"
            " weeks free are found.",
            "example": "2027-03-01",
        },
    )
    start_to = fields.Date(
        load_default=None,
        metadata={
            "description": "Latest first day; by default `start_from`.",
            "example": "2027-04-26",
        },
    )
    price_max = fields.Integer(
        load_default=None,
        validate=validate.Range(1, LARGEST_MINOR),
        metadata={
            "description": "Most to pay for all the weeks together, in minor units.",
            "example": 200000,
        },
    )
    currency = fields.String(
        load_default="USD",
        validate=validate.OneOf(sorted(EXPONENTS)),
        metadata={"description": "The currency of `price_max`."},
    )
    sort = fields.String(
        load_default=None,
        validate=validate.OneOf(SORTS),
        metadata={"description": "By default relevance where there are words, else price by week."},
    )


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
    version = fields.Integer(required=True)
    site = fields.Nested(SiteSchema, required=True)
    preceptor = fields.Nested(PreceptorSchema, required=True)
    duties = fields.List(fields.String(), required=True)
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


class FoundSchema(Schema):
    """A page of results, and how the whole result divides."""

    items = fields.List(fields.Nested(ListingSummarySchema), required=True)
    next_cursor = fields.String(
        allow_none=True,
        required=True,
        metadata={"description": "Ask for the next page with it; null on the last."},
    )
    total = fields.Integer(required=True)
    total_is_exact = fields.Boolean(
        required=True, metadata={"description": "False: there are at least so many."}
    )
    facets = fields.Dict(
        keys=fields.String(),
        values=fields.Dict(keys=fields.String(), values=fields.Integer()),
        metadata={"example": {"specialty": {"internal_medicine": 3}}},
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
