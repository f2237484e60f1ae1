"""Registering, signing in, passwords, the second factor."""

from marshmallow import Schema, fields, validate

from marketplace.identity.schemas.fields import (
    LONGEST_TOKEN,
    Exact,
    email_field,
    locale_field,
    password_field,
    person_name,
    zone_field,
)
from marketplace.identity.schemas.people import AccountSchema
from marketplace.web.schemas import StrictSchema


class AcknowledgementSchema(Schema):
    """What happens next, in words."""

    message = fields.String(required=True)


class RegisterSchema(StrictSchema):
    """A trainee who registers."""

    email = email_field()
    password = password_field("At least 12 characters.")
    name = person_name(required=True)
    locale = locale_field(load_default="en")
    time_zone = zone_field(load_default="UTC")


class EmailAddressSchema(StrictSchema):
    """An address to write to, if it has an account."""

    email = email_field()


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

    password = password_field("The new password: at least 12 characters.")


class LoginSchema(StrictSchema):
    """Who signs in."""

    email = email_field()
    password = password_field("The account's password.")
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


class PasswordChangeSchema(StrictSchema):
    """A change of password."""

    current = password_field("The present password.")
    new = password_field("The new password: at least 12 characters.")


class AddressChangeSchema(StrictSchema):
    """Another address for one's account."""

    email = email_field()
    password = password_field("The present password.")


class SecondFactorCodeSchema(StrictSchema):
    """A code of the second factor."""

    code = Exact(
        required=True,
        validate=validate.Length(min=6, max=20),
        metadata={"description": "A code of the authenticator app.", "example": "123456"},
    )


class BearerTokenSchema(Schema):
    """A bearer token: send it as `Authorization: Bearer <token>`."""

    token = fields.String(required=True)
    token_type = fields.Constant("Bearer", required=True)
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds from now."})
    account = fields.Nested(AccountSchema, required=True)


class BrowserSessionSchema(Schema):
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
