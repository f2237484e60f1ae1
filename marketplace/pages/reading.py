"""Who reads, and how dates, money and words are written for them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import (
    format_date,
    format_datetime,
    format_interval,
    format_skeleton,
    get_timezone_location,
    get_timezone_name,
)
from babel.numbers import format_currency, format_decimal, format_percent

from marketplace.catalog.rules import specialties
from marketplace.core.money import EXPONENTS, Money
from marketplace.pages import faults, singular, words
from marketplace.pages.sentences import COUNTED
from marketplace.pages.told import told

THIN_SPACE = "\u2009"
# Amounts are in dollars and days begin in the States, whichever language they are told in.
LOCALES = {"en": Locale("en", "US"), "es": Locale("es", "US")}
# What is typed as it stands, such as the example of a day, stays so.
A_DAY = re.compile(r"(?<!such as )(?<!como )\b\d{4}-\d{2}-\d{2}\b(?!T)")
# An instant, as rules write it.
A_MOMENT = re.compile(r"\b(\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2})(?: UTC\b|:[\d.]+\+00:00)")
# The days of a rotation, in what a payment is for.
DAYS = re.compile(r"(?<=, )(\d{4}-\d{2}-\d{2}) to (?=\d{4}-\d{2}-\d{2}\b)")
# As rules write it: 1,250.00 USD.
AN_AMOUNT = re.compile(rf"(?<![\d.,-])(-?[\d,]*\d(?:\.\d+)?) ({'|'.join(EXPONENTS)})\b")


@dataclass(frozen=True)
class Reader:
    """Who reads, and how dates, money and words are written for them."""

    account_id: UUID | None
    roles: frozenset[str]
    language: str
    zone: ZoneInfo
    # Whether the database, which would know who it is, does not answer.
    unknown: bool = False

    @cached_property
    def locale(self) -> Locale:
        return LOCALES[self.language]

    def say(self, text: str, **values: object) -> str:
        """A text in the reader's language, with `values` put in; where they count one, of one."""
        said = words.translated(singular.fitting(text, values), self.language)
        return said % values if values else said

    def told(self, text: str | None) -> str:
        """A sentence that a rule made, in the reader's language if known; its days and amounts too."""
        return self.written(DAYS.sub(r"\1 – ", told(text or "", self.language)))

    def refused(self, text: str) -> str:
        """Why something was refused, as `told` tells what rules say."""
        return self.written(faults.told(text, self.language))

    def written(self, text: str) -> str:
        """A text with the instants, days and amounts in it as the reader writes them."""
        text = A_DAY.sub(self._day_of, A_MOMENT.sub(self._moment_of, text))
        return AN_AMOUNT.sub(self._amount_of, text)

    def label(self, code: str | None) -> str:
        return "" if code is None else words.label(code, self.language)

    def coded(self, kind: str, code: str) -> str:
        """What a code is called among those of its kind; by itself where that has no name there."""
        known = f"{kind}_{code}"
        return self.label(known if known in words.LABELS else code)

    def money(self, amount: Money) -> str:
        number = Decimal(amount.minor).scaleb(-EXPONENTS[amount.currency])
        return str(format_currency(number, amount.currency, locale=self.locale))

    def share(self, share: float) -> str:
        """A share of one in whole percents."""
        return str(format_percent(share, locale=self.locale))

    def percent(self, basis_points: int) -> str:
        """Hundredths of a percent as a percentage."""
        return str(format_percent(Decimal(basis_points) / 10_000, "#,##0.##%", locale=self.locale))

    def number(self, number: Decimal | int) -> str:
        """A count or a figure, with as many decimals as it came with."""
        decimals = len(str(number).partition(".")[2])
        shape = f"#,##0.{'0' * decimals}" if decimals else "#,##0"
        return str(format_decimal(number, shape, locale=self.locale))

    def percentage(self, number: Decimal | int) -> str:
        """So many percents, with as many decimals as they came with."""
        sign = str(self.locale.percent_formats[None].pattern).removeprefix("#,##0")
        return f"{self.number(number)}{sign}"

    def json_money(self, amount: Mapping[str, Any]) -> str:
        """An amount as the API writes it."""
        return self.money(Money(amount["amount"], amount["currency"]))

    def day(self, day: date) -> str:
        return str(format_date(day, "medium", locale=self.locale))

    def days(self, first: date, last: date) -> str:
        """From one day to another, saying once what both have in common."""
        found = format_interval(first, last, "yMMMd", locale=self.locale.language)
        return str(found).replace(THIN_SPACE, " ")

    def long_day(self, day: date) -> str:
        """The day with its weekday."""
        return str(format_date(day, "full", locale=self.locale))

    def _day_of(self, found: re.Match[str]) -> str:
        try:
            return self.day(date.fromisoformat(found[0]))
        except ValueError:
            return found[0]

    def _moment_of(self, found: re.Match[str]) -> str:
        try:
            return self.moment(datetime.fromisoformat(f"{found[1]}+00:00"))
        except ValueError:
            return found[0]

    def _amount_of(self, found: re.Match[str]) -> str:
        try:
            return self.money(Money.parse(found[1].replace(",", ""), found[2]))
        except ValueError:
            return found[0]

    def counted(self, number: int, what: str) -> str:
        """How many of `what`, a key of `COUNTED`: one of them is not many."""
        one, many = COUNTED[what]
        return self.say(one) if number == 1 else self.say(many, count=number)

    def skeleton(self, day: date, parts: str) -> str:
        """The day by those parts alone (`MMMd`), in the language's own order."""
        return str(format_skeleton(parts, day, locale=self.locale))

    def moment(self, moment: datetime) -> str:
        """Date and time to the minute in the reader's zone, which is named."""
        day = format_date(moment.astimezone(self.zone), "medium", locale=self.locale)
        time = format_datetime(moment, "h:mm a", tzinfo=self.zone, locale=self.locale)
        return f"{day}, {time} {self._zone_at(moment)}"

    def lasting(self, since: datetime, until: datetime) -> str:
        """From one moment to another; by days alone where it is whole days in the reader's zone."""
        first, last = since.astimezone(self.zone), until.astimezone(self.zone)
        if (first.hour, first.minute, last.hour, last.minute) == (0, 0, 23, 59):
            return self.days(first.date(), last.date())
        return f"{self.moment(since)} – {self.moment(until)}"

    def moment_typed(self, text: str) -> str:
        """A time as a browser gives it, in this zone where it names none; else as it is."""
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return text
        return (moment if moment.tzinfo else moment.replace(tzinfo=self.zone)).isoformat()

    def day_ended(self, text: str) -> str:
        """The last second of a day as a browser gives it, in this zone; other text as it is."""
        try:
            return self.moment_typed(f"{date.fromisoformat(text)}T23:59:59")
        except ValueError:
            return self.moment_typed(text)

    def _zone_at(self, moment: datetime) -> str:
        """The zone's short name where it has one (CDT), else its city: an offset is no name."""
        there = moment.astimezone(self.zone)
        short = str(get_timezone_name(there, width="short", locale=self.locale))
        if short.isalpha():
            return short
        return f"({get_timezone_location(there, locale=self.locale, return_city=True)})"

    def place_time(self, zone: str) -> str:
        """What the time at a place is called, and its city: Central Time, Chicago."""
        known = ZoneInfo(zone)
        name = str(get_timezone_name(known, width="long", locale=self.locale))
        city = str(get_timezone_location(known, locale=self.locale, return_city=True))
        return city if city in name else f"{name}, {city}"

    def country(self, code: str) -> str:
        """The name of a country, by its ISO 3166 code."""
        return str(self.locale.territories.get(code, code))

    def visa(self, code: str) -> str:
        """A type of visa by its own name; `any` and `none_needed` in words."""
        return self.label(f"visa_{code}") if code.islower() else code

    def specialty(self, code: str) -> str:
        known = specialties.BY_CODE.get(code)
        return self.told(known.name) if known else self.label(code)
