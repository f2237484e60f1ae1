"""Money in and out of JSON, whatever it is kept as; and the short way out of every plain value."""

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from types import SimpleNamespace
from uuid import UUID

import pytest
from marshmallow import Schema, fields

from marketplace.core.money import Money
from marketplace.web.schemas import MoneyField, StrictSchema, Text

WRITTEN = {"amount": 42500, "currency": "USD"}


class Priced(StrictSchema):
    price = MoneyField(allow_none=True)


@pytest.mark.parametrize("kept", [Money(42500, "USD"), WRITTEN])
def test_money_is_written_with_its_amount(kept):
    assert Priced().dump({"price": kept}) == {"price": WRITTEN}


def test_money_is_read_as_money():
    assert Priced().load({"price": WRITTEN}) == {"price": Money(42500, "USD")}
    assert Priced().dump({"price": None}) == {"price": None}


class Word(StrEnum):
    ONE = "one"


class Number(IntEnum):
    ONE = 1


class Within(StrictSchema):
    text = fields.String()


class AllKinds(StrictSchema):
    text = fields.String()
    trimmed = Text(data_key="trim med")
    number = fields.Integer()
    written = fields.Integer(as_string=True)
    key = fields.UUID()
    day = fields.Date()
    us_day = fields.Date(format="%m/%d/%Y")
    at = fields.AwareDateTime(format="iso")
    stamp = fields.AwareDateTime(format="timestamp")
    price = MoneyField(attribute="amount")
    yes = fields.Boolean()
    some = fields.List(fields.Nested(Within))
    one = fields.Nested(Within)
    usual = fields.String(dump_default="usual")
    made = fields.Method("make")
    hidden = fields.String(load_only=True)

    def make(self, obj):
        return f"made of {getattr(obj, 'text', None)}"


AT = datetime(2027, 2, 1, 9, 30, tzinfo=UTC)
KEY = UUID("01a20450-db4b-73b1-975e-cb2d4973de31")
ODD = {
    "text": [Word.ONE, 7, KEY, b"bytes", ""],
    "number": [Number.ONE, True, "8", Decimal(3)],
    "written": [7],
    "key": [str(KEY)],
    "day": [AT],
    "amount": [WRITTEN],
    "some": [(), [SimpleNamespace(text="a"), {"text": "b"}]],
    "yes": [0, "yes"],
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        *({name: value} for name, values in ODD.items() for value in values),
        *({name: None} for name in ODD),
    ],
)
@pytest.mark.parametrize("absent", [(), ("text", "usual", "number", "amount", "one")])
def test_what_is_shown_by_the_short_way_is_what_the_library_shows(changes, absent):
    within = SimpleNamespace(text="a")
    given = {
        "text": "a", "trimmed": " b ", "number": 3, "written": 4, "key": KEY, "day": date(2027, 2, 1),
        "us_day": date(2027, 2, 1), "at": AT, "stamp": AT, "amount": Money(42500, "USD"), "yes": True,
        "some": [within], "one": within, "usual": "x", "hidden": "no",
    }  # fmt: skip
    shown = {name: one for name, one in (given | changes).items() if name not in absent}
    schema = AllKinds()
    for kept in (SimpleNamespace(**shown), shown):
        assert schema.dump(kept) == Schema._serialize(schema, kept)
        assert schema.dump([kept], many=True) == [Schema._serialize(schema, kept)]
