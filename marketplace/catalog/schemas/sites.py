"""Sites and preceptors as their hosts and operators send and read them."""

from decimal import Decimal
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from marketplace.catalog.rules import specialties, vocabulary
from marketplace.catalog.rules.vocabulary import EvidenceKind
from marketplace.catalog.schemas.listings import PreceptorSchema, SiteSchema
from marketplace.catalog.schemas.words import SpecialtyField
from marketplace.catalog.states import CheckStep, Verification
from marketplace.web.schemas import StrictSchema, Text, page_of

MICRODEGREE = Decimal("0.000001")


class PointSchema(StrictSchema):
    """Where it is, in degrees (WGS 84)."""

    latitude = fields.Float(
        required=True, validate=validate.Range(-90, 90), metadata={"example": 41.878113}
    )
    longitude = fields.Float(
        required=True, validate=validate.Range(-180, 180), metadata={"example": -87.629799}
    )

    @post_load
    def exact(self, data: dict[str, float], **_: Any) -> tuple[Decimal, Decimal]:
        latitude, longitude = (
            Decimal(str(data[name])).quantize(MICRODEGREE) for name in ("latitude", "longitude")
        )
        return latitude, longitude


class SiteChangeArgs(StrictSchema):
    """What of a site is to change; what is not named stays."""

    name = Text(validate=validate.Length(1, 200), metadata={"example": "Lakeview Hospital"})
    address = Text(validate=validate.Length(1, 300), metadata={"example": "100 Clark Street"})
    city = Text(validate=validate.Length(1, 100), metadata={"example": "Chicago"})
    state = Text(metadata={"description": "A postal code.", "example": "IL"})
    country = Text(metadata={"example": "US"})
    time_zone = Text(metadata={"description": "An IANA name.", "example": "America/Chicago"})
    point = fields.Nested(PointSchema, allow_none=True)
    residency_affiliation = Text(allow_none=True, validate=validate.Length(max=200))

    @validates_schema
    def check_some(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Name at least one field to change.")


class SiteArgs(SiteChangeArgs):
    """A new site."""

    name = Text(
        required=True, validate=validate.Length(1, 200), metadata={"example": "Lakeview Hospital"}
    )
    address = Text(
        required=True, validate=validate.Length(1, 300), metadata={"example": "100 Clark Street"}
    )
    city = Text(required=True, validate=validate.Length(1, 100), metadata={"example": "Chicago"})
    state = Text(required=True, metadata={"description": "A postal code.", "example": "IL"})
    country = Text(load_default="US", metadata={"example": "US"})
    time_zone = Text(
        required=True,
        metadata={"description": "An IANA name.", "example": "America/Chicago"},
    )


class SiteDetailSchema(SiteSchema):
    """A site for those who keep it."""

    version = fields.Integer(required=True)
    verification = fields.String(
        required=True, metadata={"enum": [each.value for each in Verification]}
    )
    waiting_since = fields.AwareDateTime(
        allow_none=True,
        metadata={"description": "Since when an operator has something to look at."},
    )


class SiteChangeSchema(Schema):
    """A change: who, when, and what each field was and is."""

    version = fields.Integer(required=True)
    account_id = fields.UUID(allow_none=True)
    recorded_at = fields.AwareDateTime(required=True)
    difference = fields.Dict(keys=fields.String(), values=fields.List(fields.Raw()))


class SiteChangesSchema(Schema):
    """All changes, the first one first."""

    items = fields.List(fields.Nested(SiteChangeSchema), required=True)


class EvidenceArgs(StrictSchema):
    """What shows that a site is what it says."""

    kind = fields.String(
        required=True,
        validate=validate.OneOf([kind.value for kind in EvidenceKind]),
        metadata={"example": "state_license"},
    )
    reference = Text(
        required=True,
        validate=validate.Length(1, 500),
        metadata={"description": "Its number, address or date.", "example": "IL-0042"},
    )
    note = Text(load_default="", validate=validate.Length(max=2000))


class SiteDecisionArgs(StrictSchema):
    """Verified, by which evidence; or rejected, and why."""

    verified = fields.Boolean(required=True, truthy={True}, falsy={False})
    kind = fields.String(
        validate=validate.OneOf([kind.value for kind in EvidenceKind]),
        metadata={"description": "Needed to verify.", "example": "npi_registry"},
    )
    reference = Text(
        validate=validate.Length(1, 500),
        metadata={"description": "Needed to verify.", "example": "1234567893"},
    )
    note = Text(
        load_default="",
        validate=validate.Length(max=2000),
        metadata={"description": "Needed to reject: the host reads it."},
    )

    @validates_schema
    def check_evidence(self, data: dict[str, Any], **_: Any) -> None:
        if data["verified"]:
            missing = [name for name in ("kind", "reference") if not data.get(name)]
            if missing:
                raise ValidationError({name: ["Needed to verify a site."] for name in missing})
        elif not data["note"]:
            raise ValidationError({"note": ["Say why, so that the host can mend it."]})


class CheckSchema(Schema):
    """A step of a verification."""

    step = fields.String(required=True, metadata={"enum": [step.value for step in CheckStep]})
    kind = fields.String(allow_none=True)
    reference = fields.String(allow_none=True)
    note = fields.String(required=True)
    account_id = fields.UUID(allow_none=True)
    recorded_at = fields.AwareDateTime(required=True)
    site_version = fields.Integer(required=True)


class VerificationSchema(Schema):
    """A site's verification, and how it came about, the first step first."""

    site_id = fields.UUID(required=True)
    verification = fields.String(required=True)
    waiting_since = fields.AwareDateTime(allow_none=True)
    items = fields.List(fields.Nested(CheckSchema), required=True)


class WaitingSiteSchema(Schema):
    """A site that an operator should look at, with what has been shown so far."""

    site = fields.Nested(SiteDetailSchema, required=True)
    checks = fields.List(fields.Nested(CheckSchema), required=True)


class PreceptorChangeArgs(StrictSchema):
    """What of a preceptor is to change; what is not named stays."""

    name = Text(validate=validate.Length(1, 200), metadata={"example": "Amara Okafor"})
    npi = Text(metadata={"description": "Ten digits; the last checks.", "example": "1234567893"})
    specialty = SpecialtyField(allow_none=True)
    credentials = fields.List(
        Text(metadata={"enum": list(vocabulary.CREDENTIALS)}),
        validate=validate.Length(max=12),
        metadata={"example": ["MD", "FACP"]},
    )

    @validates_schema
    def check_some(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Name at least one field to change.")

    @post_load
    def known_credentials(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if "credentials" in data:
            known = [vocabulary.resolve("credential", word) for word in data["credentials"]]
            allowed = ", ".join(vocabulary.allowed("credential"))
            unknown = {
                place: [f"{word!r} is none of: {allowed}."]
                for place, word in enumerate(data["credentials"])
                if known[place] is None
            }
            if unknown:
                raise ValidationError({"credentials": unknown})
            data["credentials"] = list(dict.fromkeys(known))
        return data


class PreceptorArgs(PreceptorChangeArgs):
    """A new preceptor."""

    name = Text(
        required=True, validate=validate.Length(1, 200), metadata={"example": "Amara Okafor"}
    )
    npi = Text(
        required=True,
        metadata={"description": "Ten digits; the last checks.", "example": "1234567893"},
    )


class PreceptorDetailSchema(PreceptorSchema):
    """A preceptor for those who keep the site."""

    site_id = fields.UUID(required=True)
    specialty_name = fields.Function(
        lambda row: specialties.BY_CODE[row.specialty].name if row.specialty else None,
        metadata={"type": ["string", "null"], "example": "Internal Medicine"},
    )
    version = fields.Integer(required=True)


SitePage = page_of(SiteDetailSchema)
WaitingSitePage = page_of(WaitingSiteSchema)
PreceptorPage = page_of(PreceptorDetailSchema)
