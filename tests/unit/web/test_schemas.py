"""Money in and out of JSON, whatever it is kept as."""

import pytest

from marketplace.core.money import Money
from marketplace.web.schemas import MoneyField, StrictSchema

WRITTEN = {"amount": 42500, "currency": "USD"}


class Priced(StrictSchema):
    price = MoneyField(allow_none=True)


@pytest.mark.parametrize("kept", [Money(42500, "USD"), WRITTEN])
def test_money_is_written_with_its_amount(kept):
    assert Priced().dump({"price": kept}) == {"price": WRITTEN}


def test_money_is_read_as_money():
    assert Priced().load({"price": WRITTEN}) == {"price": Money(42500, "USD")}
    assert Priced().dump({"price": None}) == {"price": None}
