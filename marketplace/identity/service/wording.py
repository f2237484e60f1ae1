"""Amounts and days as people read them, in the languages of our notices: filters for templates."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import pass_context
from jinja2.runtime import Context

from marketplace.core.money import Money

ENGLISH = "January,February,March,April,May,June,July,August,September,October,November,December"
SPANISH = "enero,febrero,marzo,abril,mayo,junio,julio,agosto,septiembre,octubre,noviembre,diciembre"
MONTHS = {"en": tuple(ENGLISH.split(",")), "es": tuple(SPANISH.split(","))}


def money(value: Mapping[str, Any]) -> str:
    """Write `{"amount": 125000, "currency": "USD"}` as `1,250.00 USD`."""
    return str(Money(value["amount"], value["currency"]))


@pass_context
def day(context: Context, value: str | date) -> str:
    """Write a civil date (ISO text or date) with the month in words: no order to mistake."""
    on = date.fromisoformat(value) if isinstance(value, str) else value
    return _day(on, context)


@pass_context
def moment(context: Context, value: str | datetime, zone: str = "UTC") -> str:
    """Write an instant in `zone`, which is named beside it."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    local = at.astimezone(ZoneInfo(zone))
    return f"{_day(local.date(), context)}, {local:%H:%M} ({zone})"


def _day(on: date, context: Context) -> str:
    language = str(context.get("locale", "en"))
    month = MONTHS.get(language, MONTHS["en"])[on.month - 1]
    if language == "es":
        return f"{on.day} de {month} de {on.year}"
    return f"{on.day} {month} {on.year}"


FILTERS: dict[str, Callable[..., str]] = {"money": money, "day": day, "moment": moment}
