"""Dates as hosts write them, where only a Monday will do.

ISO dates and dates with a named month say what they mean. `01/04/2027` may be January 4 or
April 1: in an American sheet it is read month first, if that is a Monday and day first is not (or
is no date). All else is refused with both readings named, for a wrong week costs a trainee a year.
"""

import re
from calendar import month_name
from datetime import date

from marketplace.catalog.rules.weeks import is_monday, nearest_mondays

FIRST_YEAR = 2020
LAST_YEAR = 2100
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]00:00(?::00)?(?:\.0+)?)?")
_SLASHED = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_NAMED = (
    re.compile(r"(?P<month>[a-z]{3,9})\.? (?P<day>\d{1,2})(?:st|nd|rd|th)?,? (?P<year>\d{4})"),
    re.compile(
        r"(?P<day>\d{1,2})(?:st|nd|rd|th)?[ -](?P<month>[a-z]{3,9})\.?,?[ -](?P<year>\d{4})"
    ),
)
_MONTHS = {
    name: number
    for number, month in enumerate(month_name[1:], start=1)
    for name in (month.casefold(), month[:3].casefold())
} | {"sept": 9}


class DateFault(Exception):
    """`code`: impossible_date, ambiguous_date, not_monday, not_a_date or date_out_of_range."""

    def __init__(self, code: str, expected: str) -> None:
        super().__init__(f"{code}: expected {expected}")
        self.code = code
        self.expected = expected


def read_monday(text: str) -> date:
    """The Monday that `text` means; raises `DateFault` where it means none, or perhaps two."""
    text = text.strip()
    slashed = _SLASHED.fullmatch(text) if text.isascii() else None
    if slashed:
        first, second, year = map(int, slashed.groups())
        return _american(first, second, year)
    return _monday(_plain(text))


def _plain(text: str) -> date:
    match = _ISO.fullmatch(text) if text.isascii() else None
    if match:
        return _made(*map(int, match.groups()))
    folded = " ".join(text.casefold().split())
    for pattern in _NAMED:
        named = pattern.fullmatch(folded)
        if named and named["month"] in _MONTHS:
            return _made(int(named["year"]), _MONTHS[named["month"]], int(named["day"]))
    raise DateFault("not_a_date", "a date as YYYY-MM-DD, such as 2027-01-04")


def _made(year: int, month: int, day: int) -> date:
    made = _or_none(year, month, day)
    if made is None:
        raise DateFault("impossible_date", "a date of the calendar as YYYY-MM-DD")
    return made


def _or_none(year: int, month: int, day: int) -> date | None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise DateFault("date_out_of_range", f"a date from {FIRST_YEAR} to {LAST_YEAR}")
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _american(first: int, second: int, year: int) -> date:
    month_first, day_first = _or_none(year, first, second), _or_none(year, second, first)
    if month_first is None:
        return _monday(_made(year, second, first))
    if day_first in (None, month_first) or not is_monday(day_first):
        return _monday(month_first)
    raise DateFault(
        "ambiguous_date",
        f"YYYY-MM-DD: this may be {month_first} ({month_first:%A}) or {day_first} ({day_first:%A})",
    )


def _monday(day: date) -> date:
    if not is_monday(day):
        before, after = nearest_mondays(day)
        raise DateFault("not_monday", f"a Monday, such as {before} or {after}; {day} is a {day:%A}")
    return day
