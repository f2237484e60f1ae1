"""Schemas and fields that all routes share."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import cache, cached_property
from typing import Any
from uuid import UUID

from marshmallow import (
    INCLUDE,
    RAISE,
    Schema,
    ValidationError,
    fields,
    missing,
    post_load,
    validate,
)

from marketplace.core.money import EXPONENTS, LARGEST_MINOR, Money

# What a field says of a value of another kind: what it takes, where the library says what it is not.
EXPECTED: Mapping[type[fields.Field[Any]], Mapping[str, str]] = {
    fields.String: {"invalid": "Expected text."},
    fields.UUID: {"invalid_uuid": "Expected an id, such as 01a20199-0c47-776c-9cf7-5fee34ddd44d."},
    fields.Float: {"invalid": "Expected a number."},
    fields.Decimal: {"invalid": "Expected a number."},
    fields.Integer: {"invalid": "Expected a whole number."},
    fields.Boolean: {"invalid": "Expected true or false."},
    fields.Date: {"invalid": "Expected a date, such as 2027-01-04."},
    fields.DateTime: {
        "invalid": "Expected a date and time, such as 2027-01-04T09:00:00Z.",
        "invalid_awareness": "Expected a time with its zone, such as 2027-01-04T09:00:00Z.",
    },
    fields.Email: {"invalid": "Expected an e-mail address."},
    fields.List: {"invalid": "Expected a list."},
    fields.Nested: {"type": "Expected an object."},
    fields.Mapping: {"invalid": "Expected an object."},
}
validate.Range.message_gte, validate.Range.message_lte = "at least", "at most"
for _kind, _said in EXPECTED.items():
    _kind.default_error_messages = {**_kind.default_error_messages, **_said}


def _as_text(value: Any) -> Any:
    kind = type(value)
    return str(value) if kind is UUID or kind is str else _ASK


def _as_day(value: Any) -> Any:
    return value.isoformat() if type(value) is date else _ASK


def _as_moment(value: Any) -> Any:
    return value.isoformat() if type(value) is datetime else _ASK


def _as_number(value: Any) -> Any:
    return value if type(value) is int else _ASK


_ASK: Any = object()
"""That the field itself is to be asked: it is no value of the type that the field mostly has."""


def _is_plain(field: Any) -> bool:
    """Whether it shows what it has as fields of its type do by default."""
    return getattr(field, "format", None) in (None, "iso") and not getattr(
        field, "as_string", False
    )


class StrictSchema(Schema):
    """Unknown members are errors that name themselves: a misspelt field is never ignored.

    It shows plain values by a short way: what the library's own makes of them takes several times
    as long, in every answer. Whatever is not plain takes the library's.
    """

    class Meta:
        unknown = RAISE

    error_messages = {"type": "Expected an object."}  # noqa: RUF012 - the library's own variable

    def _serialize(self, obj: Any, *, many: bool = False) -> Any:
        if many and obj is not None:
            return [self._serialize(one) for one in obj]
        if hasattr(obj, "__getitem__"):
            return super()._serialize(obj)
        shown = self.dict_class()
        for name, key, attribute, way, field in self._ways:
            value = getattr(obj, attribute, missing)
            if value is not None or way is None:
                value = way(value) if way else _ASK
                if value is _ASK:
                    value = field.serialize(name, obj, accessor=self.get_attribute)
                    if value is missing:
                        continue
            shown[key] = value
        return shown

    @cached_property
    def _ways(self) -> Sequence[tuple[str, str, str, Callable[[Any], Any] | None, Any]]:
        """Name, key, attribute, short way if there is one, and the field itself."""
        return [
            (
                name,
                name if field.data_key is None else field.data_key,
                name if field.attribute is None else field.attribute,
                _WAYS.get(type(field)) if _is_plain(field) else None,
                field,
            )
            for name, field in self.dump_fields.items()
        ]


class MoneySchema(StrictSchema):
    """An amount in whole minor units (cents) with its ISO 4217 currency."""

    amount = fields.Integer(
        required=True,
        strict=True,
        attribute="minor",
        validate=validate.Range(-LARGEST_MINOR, LARGEST_MINOR),
        metadata={"description": "Minor units: cents for USD.", "example": 42500},
    )
    currency = fields.String(
        required=True,
        validate=validate.OneOf(sorted(EXPONENTS)),
        metadata={"description": "ISO 4217 code.", "example": "USD"},
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Money:
        return Money(**data)

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Dump what is kept as JSON already, as `Money` is: with its amount."""
        kept = attr == "minor" and isinstance(obj, Mapping)
        return super().get_attribute(obj, "amount" if kept else attr, default)


class MoneyField(fields.Nested):
    """`Money` as `{"amount": 42500, "currency": "USD"}`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(MoneySchema, **kwargs)


class Ready(fields.List[Any]):
    """Rows that are JSON values already: described by the schema, and dumped as they are.

    For lists of hundreds, where asking each field of each row costs more than all else. A test
    compares such a row with what its schema makes of it.
    """

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        del attr, obj, kwargs
        return value


class Text(fields.String):
    """A string that a text column can hold (no NUL, no half of a surrogate pair); trimmed."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs)).strip()
        return storable(text)


def storable(text: str) -> str:
    """Return `text`, or raise `ValidationError` for what UTF-8 or a text column can't hold."""
    if "\x00" in text:
        raise ValidationError("Contains a NUL character.")
    if not text.isprintable() and any("\ud800" <= sign <= "\udfff" for sign in text):
        raise ValidationError("Contains half of a surrogate pair.")
    return text


def _as_money(value: Any) -> Any:
    if type(value) is not Money:
        return _ASK
    return {"amount": value.minor, "currency": value.currency}


_WAYS: Mapping[type[fields.Field[Any]], Callable[[Any], Any]] = {
    fields.String: _as_text,
    Text: _as_text,
    fields.UUID: _as_text,
    fields.Integer: _as_number,
    fields.Date: _as_day,
    fields.AwareDateTime: _as_moment,
    MoneyField: _as_money,
}


class ProblemSchema(Schema):
    """A problem document (RFC 9457); some codes bring members of their own."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True, metadata={"example": "/problems/seat_taken"})
    title = fields.String(required=True)
    status = fields.Integer(required=True, metadata={"example": 409})
    code = fields.String(
        required=True,
        metadata={"description": "Stable name of the problem.", "example": "seat_taken"},
    )
    detail = fields.String()
    fields_ = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        data_key="fields",
        metadata={"description": "What is wrong, by field."},
    )
    request_id = fields.String(
        required=True, metadata={"description": "Under which the request is logged."}
    )


class PageArgs(StrictSchema):
    """Which page: `cursor` from the last answer's `next_cursor`, `limit` rows at most."""

    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100))
    cursor = fields.String(load_default=None, validate=validate.Length(max=1000))


@cache
def page_of(item: type[Schema]) -> type[Schema]:
    """Return the schema of a page of `item`: `items` and `next_cursor`; one class an item."""
    name = item.__name__.removesuffix("Schema") + "Page"
    return Schema.from_dict(
        {
            "items": fields.List(fields.Nested(item), required=True),
            "next_cursor": fields.String(
                allow_none=True,
                required=True,
                metadata={"description": "Ask for the next page with it; null on the last."},
            ),
        },
        name=name,
    )
