"""Fields that several of the schemas share."""

from typing import Any

from marshmallow import ValidationError, fields, validate

from marketplace.identity.rules import (
    LOCALES,
    is_time_zone,
)
from marketplace.web.schemas import Text, storable

LONGEST_NAME = 200
LONGEST_ADDRESS = 254
LONGEST_PASSWORD = 1024
LONGEST_TOKEN = 1000


def values_of(kind: Any) -> validate.OneOf:
    return validate.OneOf([member.value for member in kind])


def email_field(**kwargs: Any) -> fields.String:
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


def password_field(description: str) -> fields.String:
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


def person_name(**kwargs: Any) -> fields.String:
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


def locale_field(**kwargs: Any) -> fields.String:
    return fields.String(
        validate=validate.OneOf(LOCALES),
        metadata={"description": "Language of messages.", "example": "en"},
        **kwargs,
    )


def zone_field(**kwargs: Any) -> TimeZone:
    return TimeZone(
        metadata={"description": "IANA time zone.", "example": "Asia/Kolkata"}, **kwargs
    )
