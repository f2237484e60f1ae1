"""What identity's routes take and give."""

from datetime import date
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates

from marketplace.identity.rules import (
    COUNTRIES,
    LOCALES,
    SCHOOL_ROLES,
    SITE_ROLES,
    ApplicantType,
    Citizenship,
    Role,
    Scope,
    Step1Result,
    VisaType,
    is_time_zone,
)
from marketplace.web.schemas import PageArgs, StrictSchema, Text, page_of, storable

LONGEST_NAME = 200
LONGEST_ADDRESS = 254
LONGEST_PASSWORD = 1024
LONGEST_TOKEN = 1000


def _values(kind: Any) -> validate.OneOf:
    return validate.OneOf([member.value for member in kind])


def _email(**kwargs: Any) -> fields.String:
    return Text(
        required=True,
        validate=validate.Length(min=3, max=LONGEST_ADDRESS),
        metadata={"description": "E-mail address.", "example": "asha@example.org"},
        **kwargs,
    )


class Exact(fields.String):
    """A string taken as it was typed: blanks at its ends count."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        return storable(str(super()._deserialize(value, attr, data, **kwargs)))


def _password(description: str) -> fields.String:
    return Exact(
        required=True,
        load_only=True,
        validate=validate.Length(min=1, max=LONGEST_PASSWORD),
        metadata={
            "description": description,
            "format": "password",
            "example": "correct horse battery",
        },
    )


def _name(**kwargs: Any) -> fields.String:
    return Text(
        # A name stands in messages to others: it can carry no link and no line of its own.
        validate=[
            validate.Length(min=1, max=LONGEST_NAME),
            validate.Regexp(r"[^\x00-\x1f\x7f<>/@]+\Z", error="No line breaks, links or <>/@."),
        ],
        metadata={"description": "Name in full.", "example": "Asha Rao"},
        **kwargs,
    )


class TimeZone(Text):
    """A zone of the IANA database, such as `Asia/Kolkata`."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        zone = super()._deserialize(value, attr, data, **kwargs)
        if not is_time_zone(zone):
            raise ValidationError("Not a time zone of the IANA database, such as Asia/Kolkata.")
        return zone


def _locale(**kwargs: Any) -> fields.String:
    return fields.String(
        validate=validate.OneOf(LOCALES),
        metadata={"description": "Language of messages.", "example": "en"},
        **kwargs,
    )


def _zone(**kwargs: Any) -> TimeZone:
    return TimeZone(
        metadata={"description": "IANA time zone.", "example": "Asia/Kolkata"}, **kwargs
    )


class MessageSchema(Schema):
    """What happens next, in words."""

    message = fields.String(required=True)


class RegisterSchema(StrictSchema):
    """A trainee who registers."""

    email = _email()
    password = _password("At least 12 characters.")
    name = _name(required=True)
    locale = _locale(load_default="en")
    time_zone = _zone(load_default="UTC")


class AddressSchema(StrictSchema):
    """An address to write to, if it has an account."""

    email = _email()


class MailedTokenSchema(StrictSchema):
    """The token of a mailed link."""

    token = Exact(
        required=True,
        validate=validate.Length(min=1, max=LONGEST_TOKEN),
        metadata={"description": "The token in the mailed link."},
    )


class MailedTokenArgs(Schema):
    """The token as it stands in the mailed link; other parameters are a mail program's own."""

    token = Exact(load_default=None, validate=validate.Length(max=LONGEST_TOKEN), allow_none=True)


class ResetSchema(MailedTokenSchema):
    """A new password by a mailed token."""

    password = _password("The new password: at least 12 characters.")


class LoginSchema(StrictSchema):
    """Who signs in."""

    email = _email()
    password = _password("The account's password.")
    code = Exact(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=6, max=20),
        metadata={
            "description": "The authenticator app's code, or a recovery code, if the account has "
            "a second factor.",
            "example": "123456",
        },
    )


class PasswordSchema(StrictSchema):
    """A change of password."""

    current = _password("The present password.")
    new = _password("The new password: at least 12 characters.")


class CodeSchema(StrictSchema):
    """A code of the second factor."""

    code = Exact(
        required=True,
        validate=validate.Length(min=6, max=20),
        metadata={"description": "A code of the authenticator app.", "example": "123456"},
    )


class AccountSchema(Schema):
    """An account as its owner and operators see it."""

    id = fields.UUID(required=True)
    email = fields.String(required=True, metadata={"example": "asha@example.org"})
    name = fields.String(required=True, metadata={"example": "Asha Rao"})
    locale = fields.String(required=True, metadata={"example": "en"})
    time_zone = fields.String(required=True, metadata={"example": "Asia/Kolkata"})
    active = fields.Boolean(required=True)
    confirmed_at = fields.AwareDateTime(required=True, allow_none=True)
    second_factor = fields.Function(
        lambda account: account.tf_primary_method is not None,
        metadata={"type": "boolean", "description": "Signing in asks for a code."},
    )


class AccountChangesSchema(StrictSchema):
    """What an owner may change of the account."""

    name = _name()
    locale = _locale()
    time_zone = _zone()


class AccountStateSchema(StrictSchema):
    """Whether an account may be used."""

    active = fields.Boolean(required=True, truthy={True}, falsy={False})


class TokenSchema(Schema):
    """A bearer token: send it as `Authorization: Bearer <token>`."""

    token = fields.String(required=True)
    token_type = fields.Constant("Bearer", required=True)
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds from now."})
    account = fields.Nested(AccountSchema, required=True)


class SessionSchema(Schema):
    """The browser's session: who is signed in, and the token that its changes must carry."""

    account = fields.Nested(AccountSchema, required=True, allow_none=True)
    csrf_token = fields.String(
        required=True, metadata={"description": "Send it back as X-CSRFToken."}
    )


class SecondFactorSchema(Schema):
    """A new shared secret, for an authenticator app."""

    uri = fields.String(required=True, metadata={"description": "otpauth URI, for a QR code."})
    key = fields.String(required=True, metadata={"description": "The same to type in."})


class RecoveryCodesSchema(Schema):
    """Codes for the day the phone is lost; each is good once, and they are shown this once."""

    recovery_codes = fields.List(fields.String(), required=True)


class MembershipSchema(Schema):
    """A role of an account, and where it holds."""

    id = fields.UUID(required=True)
    account_id = fields.UUID(required=True)
    role = fields.String(required=True, validate=_values(Role))
    site_id = fields.UUID(required=True, allow_none=True)
    school_id = fields.UUID(required=True, allow_none=True)
    granted_at = fields.AwareDateTime(required=True)
    revoked_at = fields.AwareDateTime(required=True, allow_none=True)


class MembershipsSchema(Schema):
    """Memberships, oldest first."""

    items = fields.List(fields.Nested(MembershipSchema), required=True)


class MemberSchema(Schema):
    """A member of a site as the other members see it."""

    membership_id = fields.UUID(required=True)
    account_id = fields.UUID(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True)
    role = fields.String(required=True, validate=_values(Role))


class MembersSchema(Schema):
    """The members of a site."""

    items = fields.List(fields.Nested(MemberSchema), required=True)


class GrantSchema(StrictSchema):
    """A role to grant."""

    role = fields.String(
        required=True, validate=_values(Role), metadata={"example": Role.COORDINATOR.value}
    )
    site_id = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": f"For {', '.join(sorted(SITE_ROLES))}."},
    )
    school_id = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": f"For {', '.join(sorted(SCHOOL_ROLES))}."},
    )


class SchoolSchema(StrictSchema):
    """A medical school that has people here."""

    id = fields.UUID(dump_only=True)
    name = Text(required=True, validate=validate.Length(min=1, max=LONGEST_NAME))
    country = fields.String(
        required=True, validate=validate.OneOf(sorted(COUNTRIES)), metadata={"example": "IN"}
    )


class EnglishSchema(StrictSchema):
    """A test of English and its scores by part, such as OET's reading 380."""

    test = fields.String(
        required=True, validate=validate.OneOf(["oet", "toefl_ibt", "ielts", "native"])
    )
    taken_on = fields.String(
        load_default=None,
        allow_none=True,
        metadata={"format": "date", "description": "Kept as text, in a JSON column."},
    )
    scores = fields.Dict(
        keys=fields.String(
            validate=validate.OneOf(["overall", "listening", "reading", "writing", "speaking"])
        ),
        values=fields.Float(validate=validate.Range(0, 500)),
        load_default=dict,
        metadata={"example": {"listening": 370, "reading": 380, "writing": 350, "speaking": 360}},
    )

    @validates("taken_on")
    def _a_day(self, value: str | None, **_: Any) -> None:
        try:
            date.fromisoformat(value or "2000-01-01")
        except ValueError as error:
            raise ValidationError("Not a day such as 2026-03-31.") from error


class ProfileSchema(StrictSchema):
    """A trainee's applicant facts. Country of school, citizenship and visa are three questions."""

    school_name = Text(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=LONGEST_NAME),
        metadata={"example": "Grant Medical College"},
    )
    school_country = fields.String(
        required=True,
        validate=validate.OneOf(sorted(COUNTRIES), error="Not an ISO 3166-1 alpha-2 code."),
        metadata={"description": "Where the medical school is (ISO 3166-1).", "example": "IN"},
    )
    citizenship = fields.String(
        required=True,
        validate=_values(Citizenship),
        metadata={
            "description": "As the NRMP asks: U.S. citizen, permanent resident of the United "
            "States (green card), or other.",
            "example": Citizenship.OTHER.value,
        },
    )
    needs_visa = fields.Boolean(required=True, truthy={True}, falsy={False})
    visa_type = fields.String(load_default=None, allow_none=True, validate=_values(VisaType))
    graduation_date = fields.Date(
        required=True,
        metadata={"description": "Day of graduation, past or expected.", "example": "2025-03-31"},
    )
    step1_result = fields.String(
        load_default=Step1Result.NOT_TAKEN.value, validate=_values(Step1Result)
    )
    step2_ck_score = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(1, 300)
    )
    english = fields.Nested(EnglishSchema, load_default=None, allow_none=True)
    ecfmg_certified = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    target_specialty = Text(
        load_default=None, allow_none=True, validate=validate.Length(min=1, max=LONGEST_NAME)
    )
    match_year = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(2000, 2100)
    )

    applicant_type = fields.String(
        dump_only=True,
        validate=_values(ApplicantType),
        metadata={
            "description": "As the NRMP counts. A permanent resident with a school abroad is "
            "non_us_img."
        },
    )
    version = fields.Integer(dump_only=True)
    updated_at = fields.AwareDateTime(dump_only=True)

    @validates("graduation_date")
    def _in_range(self, value: Any, **_: Any) -> None:
        if not 1950 <= value.year <= 2099:  # noqa: PLR2004 - the years are in the message
            raise ValidationError("Between 1950 and 2099.")


class RevisionSchema(Schema):
    """A profile as it was saved."""

    version = fields.Integer(required=True)
    recorded_at = fields.AwareDateTime(required=True)
    recorded_by = fields.UUID(required=True)
    data = fields.Dict(required=True)


class ApiKeySchema(StrictSchema):
    """A key for a program of yours."""

    id = fields.UUID(dump_only=True)
    name = Text(
        required=True,
        validate=validate.Length(min=1, max=LONGEST_NAME),
        metadata={"example": "Roster export"},
    )
    scopes = fields.List(
        fields.String(validate=_values(Scope)),
        required=True,
        validate=validate.Length(min=1, max=len(Scope)),
        metadata={"description": "read: GET; write: everything else.", "example": ["read"]},
    )
    expires_at = fields.AwareDateTime(load_default=None, allow_none=True)
    prefix = fields.String(dump_only=True, metadata={"description": "By which it is told apart."})
    created_at = fields.AwareDateTime(dump_only=True)
    revoked_at = fields.AwareDateTime(dump_only=True, allow_none=True)


class NewApiKeySchema(ApiKeySchema):
    """The key itself, shown this once."""

    key = fields.String(dump_only=True)


class ApiKeysSchema(Schema):
    """The account's keys, oldest first."""

    items = fields.List(fields.Nested(ApiKeySchema), required=True)


class AccountsArgs(PageArgs):
    """Which accounts."""

    text = Text(
        load_default=None,
        validate=validate.Length(max=LONGEST_NAME),
        metadata={"description": "Part of the address or name."},
    )


AccountPage = page_of(AccountSchema)
RevisionPage = page_of(RevisionSchema)
