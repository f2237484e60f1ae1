"""Search: what may be asked for, and a page of results with its facets."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from marketplace.catalog.queries.places import HOW_TO
from marketplace.catalog.queries.search import SORTS, Hit
from marketplace.catalog.rules import specialties, vocabulary
from marketplace.catalog.rules.cells import MOST_WEEKS
from marketplace.catalog.rules.places import STATES, state_code
from marketplace.catalog.schemas.listings import STATUSES, TIERS, ListingSummarySchema
from marketplace.core.money import EXPONENTS, LARGEST_MINOR
from marketplace.web.schemas import PageArgs, Text

UNITS = ("mi", "km")
FARTHEST = 500


class Several(Text):
    """Words separated by commas, each judged by itself."""

    def __init__(self, allowed: list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.allowed = allowed

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        words = super()._deserialize(value, attr, data, **kwargs).split(",")
        found = [self.understood(word.strip()) for word in words if word.strip()]
        return list(dict.fromkeys(found))

    def understood(self, word: str) -> str:
        found = next((one for one in self.allowed if one.casefold() == word.casefold()), None)
        if found is None:
            raise ValidationError(f"{word!r} is none of: {', '.join(self.allowed)}.")
        return found


class States(Several):
    """States by postal code or by name."""

    def understood(self, word: str) -> str:
        return state_code(word) or super().understood(word)


class Visa(Text):
    """A visa, in whatever case."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        word = super()._deserialize(value, attr, data, **kwargs)
        return next((one for one in vocabulary.VISAS if one.casefold() == word.casefold()), word)


class Specialties(Several):
    """Specialties in any usual spelling."""

    def understood(self, word: str) -> str:
        found = specialties.resolve(word)
        if found is None:
            near = specialties.suggestions(word)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise ValidationError(f"{word!r} is no specialty that we know.{hint}")
        return found.code


def one_of(allowed: list[str] | tuple[str, ...]) -> validate.OneOf:
    """A choice whose error names what there is to choose from."""
    return validate.OneOf(allowed, error="Expected one of: {choices}.")


class SearchArgs(PageArgs):
    """What to search for. Filters of one kind are alternatives, of several kinds all must hold."""

    q = Text(
        load_default=None,
        validate=validate.Length(max=200),
        metadata={
            "description": "Words in the title, site, city, preceptor, specialty, tier or setting,"
            " or what these are usually called. Typing errors are forgiven; quotes, `or` and a"
            " leading minus are understood.",
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
        validate=one_of(STATUSES),
        metadata={
            "description": "Yours on the first day; by default that of the signed-in trainee."
        },
    )
    tier = Several(
        TIERS,
        load_default=None,
        metadata={"description": "Tiers for that status, by commas.", "example": "elective"},
    )
    state = States(
        list(STATES),
        load_default=None,
        metadata={"description": "Postal codes or names of states, by commas.", "example": "IL,NY"},
    )
    near = Text(
        load_default=None,
        validate=validate.Length(max=120),
        metadata={"description": HOW_TO, "example": "60601"},
    )
    within = fields.Float(
        load_default=None,
        validate=validate.Range(1, FARTHEST),
        metadata={"description": "How far from `near`; by default 50.", "example": 25},
    )
    unit = fields.String(
        load_default="mi",
        validate=one_of(UNITS),
        metadata={"description": "Miles or kilometres, for `within`."},
    )
    setting = Several(
        list(vocabulary.allowed("setting")),
        load_default=None,
        metadata={"description": "Settings, by commas.", "example": "inpatient"},
    )
    letter_policy = Several(
        list(vocabulary.allowed("letter_policy")),
        load_default=None,
        metadata={"description": "Whether a letter can be earned.", "example": "on_merit"},
    )
    visa = Visa(
        load_default=None,
        validate=one_of(vocabulary.VISAS),
        metadata={"description": "The visa that you have or expect.", "example": "B1/B2"},
    )
    prerequisites = fields.String(
        load_default=None,
        validate=one_of(["met"]),
        metadata={
            "description": "`met`: only listings whose Step 1, Step 2 CK, English, visa and audience rules"
            " the signed-in trainee's profile passes. What the profile does not tell is not met.",
        },
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
            "description": "Latest first day; by default any after `start_from`.",
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
        validate=one_of(sorted(EXPONENTS)),
        metadata={"description": "The currency of `price_max`."},
    )
    sort = fields.String(
        load_default=None,
        validate=one_of(SORTS),
        metadata={
            "description": "By default relevance where there are words, else price by week."
            " `soonest`: the first day from which the weeks are free. `distance` needs `near`."
        },
    )
    facets = fields.Boolean(
        load_default=None,
        metadata={"description": "Count facets and the total; by default on the first page only."},
    )


class DistanceSchema(Schema):
    """How far from the place asked for, as the crow flies."""

    miles = fields.Float(required=True)
    km = fields.Float(required=True)
    to = fields.String(
        required=True,
        metadata={
            "enum": ["site", "zip", "city"],
            "description": "What was measured to: the site's own point, the centre of its ZIP"
            " code's area, or that of its city.",
        },
    )


class HitSchema(ListingSummarySchema):
    """A listing in a page of results."""

    soonest_start = fields.Date(
        required=True,
        allow_none=True,
        metadata={
            "description": "First day from which the weeks asked for (or the least) are free,"
            " after the host's lead time and `start_from`; null if there is none."
        },
    )
    distance = fields.Nested(DistanceSchema, allow_none=True, required=True)


class Hits(fields.List[Any]):
    """A page's listings, each written out in one go: to ask twenty fields of each costs far more.

    A test compares a hit with what `HitSchema`, by which it is described, makes of it.
    """

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        del attr, obj, kwargs
        return [written_out(hit) for hit in value]


def written_out(hit: Hit) -> dict[str, Any]:
    """A hit as JSON values."""
    row, start, distance = hit.row, hit.soonest_start, hit.distance
    return {
        "id": str(row.id),
        "title": row.title,
        "specialty": row.specialty,
        "setting": row.setting,
        "audience": row.audience,
        "site_id": str(row.site_id),
        "site_name": row.site_name,
        "city": row.city,
        "state": row.us_state,
        "preceptor_name": row.preceptor_name,
        "tiers": {"student": row.tier_student, "graduate": row.tier_graduate},
        "price_per_week": {"amount": row.price_minor, "currency": row.price_currency},
        "weeks_min": row.weeks_min,
        "weeks_max": row.weeks_max,
        "first_start": row.first_start.isoformat(),
        "last_start": row.last_start.isoformat(),
        "visa_types": row.visa_types,
        "approval": row.approval,
        "letter_policy": row.letter_policy,
        "flagged": row.drift_at is not None,
        "soonest_start": None if start is None else start.isoformat(),
        "distance": None
        if distance is None
        else {"miles": distance.miles, "km": distance.km, "to": distance.to},
    }


class FoundSchema(Schema):
    """A page of results, and how the whole result divides."""

    items = Hits(fields.Nested(HitSchema), required=True)
    next_cursor = fields.String(
        allow_none=True,
        required=True,
        metadata={"description": "Ask for the next page with it; null on the last."},
    )
    total = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Null on pages that count nothing: see `facets`."},
    )
    total_is_exact = fields.Boolean(
        required=True, metadata={"description": "False: an estimate, to two digits."}
    )
    facets = fields.Dict(
        keys=fields.String(),
        values=fields.Dict(keys=fields.String(), values=fields.Integer()),
        metadata={
            "description": "Listings by value. A facet that is filtered by is counted without"
            " that filter, so that it can be widened.",
            "example": {"specialty": {"internal_medicine": 3}},
        },
    )
    estimated = fields.List(
        fields.String(), required=True, metadata={"description": "Facets that are estimates."}
    )
    corrected = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={
            "description": "Words of `q` that no listing has, and what was searched for besides.",
            "example": {"cardiolgy": "cardiology"},
        },
    )
    loosen = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={
            "description": "Where nothing is found: filters without any one of which something"
            " would be, and how much (at most 100).",
            "example": {"price_max": 12},
        },
    )
    near = fields.String(
        allow_none=True,
        load_default=None,
        metadata={"description": "The place that distances are from.", "example": "Chicago, IL"},
    )
