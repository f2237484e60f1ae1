"""What operators send and read: reviews, tier drift, runs of a classifier."""

from marshmallow import Schema, fields, validate

from marketplace.catalog.rules.definitions import CONFLICTS
from marketplace.catalog.schemas.hosting import ReviewSchema
from marketplace.catalog.schemas.listings import ListingSchema
from marketplace.catalog.states import ChangeOutcome, ReviewState, TierRunState
from marketplace.web.schemas import PageArgs, StrictSchema, Text, page_of

LONGEST_REASON = 2000


class ReviewsArgs(PageArgs):
    """Which reviews: by default those that wait, the longest-waiting first."""

    state = fields.String(
        load_default=ReviewState.PENDING.value,
        validate=validate.OneOf([state.value for state in ReviewState]),
    )
    listing_id = fields.UUID(
        load_default=None, metadata={"description": "Of this listing: its history, by state."}
    )
    conflict = fields.String(
        load_default=None,
        validate=validate.OneOf(sorted(CONFLICTS)),
        metadata={"description": "With this conflict."},
    )


class DecidedReviewSchema(ReviewSchema):
    """A review, and what was decided if it has been."""

    decided_by = fields.UUID(allow_none=True)
    decided_at = fields.AwareDateTime(allow_none=True)
    reason = fields.String(allow_none=True)


class DriftsArgs(PageArgs):
    """Which flags: by default those that are up, the longest-standing first."""

    resolved = fields.Boolean(load_default=False)
    listing_id = fields.UUID(load_default=None)


class DriftSchema(Schema):
    """A listing whose trainees mostly report no direct patient contact."""

    id = fields.UUID(required=True)
    listing_id = fields.UUID(required=True)
    flagged_at = fields.AwareDateTime(required=True)
    attested = fields.Integer(
        required=True, metadata={"description": "Trainees who said what they really did."}
    )
    without_contact = fields.Integer(
        required=True, metadata={"description": "Of these, without direct patient contact."}
    )
    resolved_at = fields.AwareDateTime(allow_none=True)
    resolved_by = fields.UUID(
        allow_none=True, metadata={"description": "Null where the flag went by itself."}
    )
    reason = fields.String(allow_none=True)
    listing = fields.Nested(ListingSchema, required=True)


class DriftResolutionSchema(StrictSchema):
    """What was found out; kept in the listing's history."""

    reason = Text(required=True, validate=validate.Length(min=1, max=LONGEST_REASON))


class AskRunSchema(StrictSchema):
    """Which classifier to run over all listings: the published one, dry, by default."""

    classifier = Text(
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=40),
        metadata={"example": "usce-1"},
    )
    commit = fields.Boolean(
        load_default=False,
        truthy={True},
        falsy={False},
        metadata={"description": "Store the answers; only the published classifier can."},
    )


class TierRunSchema(Schema):
    """A run over all listings: how far it is, and what it found so far."""

    id = fields.UUID(required=True)
    classifier = fields.String(required=True)
    commit = fields.Boolean(required=True, attribute="commits")
    state = fields.String(required=True, metadata={"enum": [state.value for state in TierRunState]})
    total = fields.Integer(required=True, metadata={"description": "Listings at the start."})
    seen = fields.Integer(required=True)
    changed = fields.Integer(required=True, metadata={"description": "With another answer."})
    conflicting = fields.Integer(
        required=True, metadata={"description": "Of these, to be read by an operator."}
    )
    refused = fields.Integer(
        required=True,
        metadata={"description": "Of these, left alone: on show, and without a tier."},
    )
    asked_by = fields.UUID(allow_none=True)
    asked_at = fields.AwareDateTime(required=True)
    finished_at = fields.AwareDateTime(allow_none=True)


class ChangesArgs(PageArgs):
    """Which changes of a run."""

    outcome = fields.String(
        load_default=None,
        validate=validate.OneOf([outcome.value for outcome in ChangeOutcome]),
    )


class TierChangeSchema(Schema):
    """A listing whose answer differs: `student` and `graduate` tiers, codes of conflicts."""

    listing_id = fields.UUID(required=True)
    external_id = fields.String(required=True)
    site_name = fields.String(required=True)
    title = fields.String(required=True)
    state = fields.String(required=True)
    outcome = fields.String(
        required=True, metadata={"enum": [outcome.value for outcome in ChangeOutcome]}
    )
    before = fields.Dict(keys=fields.String(), required=True)
    after = fields.Dict(keys=fields.String(), required=True)


ReviewPage = page_of(DecidedReviewSchema)
DriftPage = page_of(DriftSchema)
TierRunPage = page_of(TierRunSchema)
TierChangePage = page_of(TierChangeSchema)
