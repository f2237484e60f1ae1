"""Amounts, days, hours and lists as each language writes them: filters for templates.

The forms are those of the Unicode CLDR. Currencies keep their code, since many are called dollar;
hours name the place whose clock they are of, and how far it is from UTC.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time, get_timezone_gmt, get_timezone_location
from babel.lists import format_list
from babel.numbers import format_currency
from jinja2 import pass_context
from jinja2.runtime import Context

from marketplace.core.money import Money

# In a template's context: the language, and the zone of who reads it.
LOCALE, ZONE = "locale", "reader_zone"
AMOUNT = "#,##0.00 ¤¤"
ISO = r"\b\d{4}-\d{2}-\d{2}\b"
# Days as a payment's description has them: from the first to the last, or one alone.
DAYS = re.compile(rf"({ISO}) to ({ISO})|({ISO})(?!T)")
SPANS = {"en": "{} to {}", "es": "del {} al {}"}
CLOCKS = {"en": "{} ({} time, {})", "es": "{} (hora de {}, {})"}


@pass_context
def money(context: Context, value: Mapping[str, Any]) -> str:
    """Write `{"amount": 125000, "currency": "USD"}` as `1,250.00 USD` or `1.250,00 USD`."""
    amount = Money(value["amount"], value["currency"])
    text: str = format_currency(
        amount.as_decimal(), amount.currency, AMOUNT, locale=_language(context)
    )
    return text.replace("\xa0", " ")


@pass_context
def day(context: Context, value: str | date) -> str:
    """Write a civil date (ISO text or date) with the month in words: no order to mistake."""
    on = date.fromisoformat(value) if isinstance(value, str) else value
    return _day(on, _language(context))


@pass_context
def dated(context: Context, value: str) -> str:
    """Write the days in what a payment is for as the language does; all else as it is."""
    language = _language(context)

    def written(found: re.Match[str]) -> str:
        try:
            days = [_day(date.fromisoformat(one), language) for one in found.groups() if one]
        except ValueError:
            return found[0]
        return SPANS[language].format(*days) if len(days) > 1 else days[0]

    return DAYS.sub(written, value)


@pass_context
def moment(context: Context, value: str | datetime, zone: str | None = None) -> str:
    """Write an instant by the clock of who reads it, or of `zone`; the place is named."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    name, language = zone or str(context.get(ZONE, "UTC")), _language(context)
    local = at.astimezone(ZoneInfo(name))
    hour = format_time(local, "short", tzinfo=local.tzinfo, locale=language).replace("\u202f", " ")
    if name in {"UTC", "Etc/UTC"}:
        return f"{_day(local.date(), language)}, {hour} (UTC)"
    place = get_timezone_location(local.tzinfo, locale=language, return_city=True)
    told = CLOCKS[language].format(hour, place, get_timezone_gmt(local, locale=language))
    return f"{_day(local.date(), language)}, {told}"


@pass_context
def listed(context: Context, values: Sequence[str]) -> str:
    """Write `a, b, and c`, as the language does."""
    return str(format_list(list(values), locale=_language(context)))


@pass_context
def titled(context: Context, value: str) -> str:
    """Write the name of a kind of document or paper; one that we have no word for stays as it is."""
    return _titles().get(value, value) if _language(context) == "es" else value


@cache
def _titles() -> Mapping[str, str]:
    """Spanish names by the English ones, which code gives."""
    file = resources.files("marketplace.identity").joinpath("templates/notices/_titles.es.json")
    found: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _day(on: date, language: str) -> str:
    return str(format_date(on, "long", locale=language))


def _language(context: Context) -> str:
    return str(context.get(LOCALE, "en"))


FILTERS: dict[str, Callable[..., str]] = {
    "money": money,
    "day": day,
    "dated": dated,
    "moment": moment,
    "listed": listed,
    "titled": titled,
}
