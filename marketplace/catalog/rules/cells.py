"""One cell at a time: what is unambiguous is read, and said to be fixed; what is not is refused.

Each reader takes the stripped text of a cell and returns `Read`, whose `now` is set where the
text was changed to be understood, or raises `CellFault` that says what would be accepted. In a
large sheet most cells say what others said, so what was read last is remembered.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from typing import Generic, TypeVar

from marketplace.catalog.rules import dates, npi, places, specialties, vocabulary
from marketplace.core.money import EXPONENTS, Money

T = TypeVar("T")
REMEMBERED = 1_000
MOST_WEEKS = 52
MOST_SEATS = 500
HIGHEST_SCORE = 300
MOST_LEAD_DAYS = 365
HIGHEST_PRICE_IN_MAJOR_UNITS = 100_000
_SYMBOLS = {"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP"}
_COUNTRY = {"us", "usa", "u.s.", "u.s.a.", "united states", "united states of america"}
_YES = {"yes", "y", "true", "1"}
_NO = {"no", "n", "false", "0"}
_INTEGER = re.compile(r"(-?\d{1,9})(?:\.0+)?(?:\s*(?:weeks?|wks?|seats?))?", re.IGNORECASE)
_AMERICAN = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|\d+(?:\.\d{1,2})?", re.ASCII)
_CONTINENTAL = re.compile(r"\d{1,3}(?:\.\d{3})+,\d{2}|\d{1,3}(?: \d{3})+(?:[.,]\d{2})?", re.ASCII)


class CellFault(Exception):
    """A cell that can't be accepted: a stable `code`, and what was `expected` instead."""

    def __init__(self, code: str, expected: str) -> None:
        super().__init__(f"{code}: expected {expected}")
        self.code = code
        self.expected = expected


@dataclass(frozen=True)
class Read(Generic[T]):
    """A cell's value; `now` is what it was taken for, where that is not what it said."""

    value: T
    now: str | None = None


@cache
def word(name: str) -> Callable[[str], Read[str]]:
    """A reader for one word of a closed list."""

    @lru_cache(REMEMBERED)
    def read(text: str) -> Read[str]:
        found = vocabulary.resolve(name, text)
        if found is None:
            raise CellFault("not_in_list", f"one of: {', '.join(vocabulary.allowed(name))}")
        return Read(found, None if found == text else found)

    return read


@cache
def words(name: str) -> Callable[[str], Read[tuple[str, ...]]]:
    """A reader for several words of a closed list, separated by semicolons."""

    @lru_cache(REMEMBERED)
    def read(text: str) -> Read[tuple[str, ...]]:
        parts = split(text)
        found = [vocabulary.resolve(name, part) for part in parts]
        unknown = [part for part, known in zip(parts, found, strict=True) if known is None]
        if unknown or not parts:
            said = f" ({', '.join(unknown)} is not)" if unknown else ""
            listed = ", ".join(vocabulary.allowed(name))
            raise CellFault("not_in_list", f"any of, separated by semicolons: {listed}{said}")
        known_words = [each for each in found if each is not None]
        as_given = ";".join(known_words)
        value = vocabulary.in_order(name, known_words)
        return Read(value, None if as_given == text else ";".join(value))

    return read


@lru_cache(REMEMBERED)
def visas(text: str) -> Read[tuple[str, ...]]:
    """Visa types; `any` and `none_needed` leave no room for others beside them."""
    read = words("visa")(text)
    alone = {vocabulary.ANY_VISA, vocabulary.NO_VISA} & set(read.value)
    if alone and len(read.value) > 1:
        raise CellFault("contradiction", f"{min(alone)} by itself, or a list of visa types")
    return read


@lru_cache(REMEMBERED)
def specialty(text: str) -> Read[str]:
    """A specialty's code, from its name or a usual abbreviation or spelling."""
    found = specialties.resolve(text)
    if found is None:
        several = specialties.candidates(text)
        if several:
            meant = ", ".join(specialty.name for specialty in several)
            raise CellFault("ambiguous_specialty", f"one of: {meant}; {text!r} may mean any")
        near = specialties.suggestions(text)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise CellFault("unknown_specialty", f"an ABMS or ACGME specialty or abbreviation{hint}")
    named = specialties.fold(text) in {specialties.fold(found.name), specialties.fold(found.code)}
    return Read(found.code, None if named else found.name)


@lru_cache(REMEMBERED)
def currency(text: str) -> Read[str]:
    code = _SYMBOLS.get(text, text.upper())
    if code not in EXPONENTS:
        raise CellFault("unknown_currency", f"one of: {', '.join(EXPONENTS)}")
    return Read(code, None if code == text else code)


@lru_cache(REMEMBERED)
def price(text: str, code: str) -> Read[Money]:
    """A price above nothing in the currency `code`, with its usual thousands separators."""
    bare, symbol = _without_currency(text)
    if symbol not in (None, code):
        raise CellFault("contradiction", f"a price in {code}, as the currency column says")
    if bare.startswith("-") or (bare.startswith("(") and bare.endswith(")")):
        raise CellFault("negative_price", "a price above 0")
    number = _decimal_text(bare)
    try:
        amount = Money.parse(number, code)
    except ValueError as error:
        raise CellFault("not_a_price", f"an amount in {code} such as 425.00") from error
    if amount.minor == 0:
        raise CellFault("no_price", "a price above 0; a place without a price can't be booked here")
    if amount.as_decimal() > HIGHEST_PRICE_IN_MAJOR_UNITS:
        raise CellFault("price_too_high", f"a price by week of at most {Decimal(10**5):,} {code}")
    return Read(amount, None if number == text else number)


def _without_currency(text: str) -> tuple[str, str | None]:
    bare = text.replace("\u00a0", " ").replace("\u2212", "-").strip()
    match = re.fullmatch(r"(-?)\s*(US\$|[$€£]|[A-Za-z]{3})?\s*(.*?)\s*([$€£]|[A-Za-z]{3})?", bare)
    if match is None:
        return bare, None
    sign, before, number, after = match.groups()
    if any(mark.isalpha() and mark.upper() not in EXPONENTS for mark in (before, after) if mark):
        return bare, None
    named = {_SYMBOLS.get(mark.upper(), mark.upper()) for mark in (before, after) if mark}
    if len(named) > 1:
        raise CellFault("contradiction", "one currency")
    return sign + number, named.pop() if named else None


def _decimal_text(bare: str) -> str:
    if _AMERICAN.fullmatch(bare):
        return bare.replace(",", "")
    if _CONTINENTAL.fullmatch(bare):
        whole, mark, cents = bare.replace(" ", "").rpartition(",")
        return f"{whole.replace('.', '')}.{cents}" if mark else cents.replace(" ", "")
    raise CellFault("not_a_price", "an amount such as 425.00 or 1,250")


def integer(least: int, most: int, code: str) -> Callable[[str], Read[int]]:
    """A reader for a whole number from `least` to `most`."""

    @lru_cache(REMEMBERED)
    def read(text: str) -> Read[int]:
        match = _INTEGER.fullmatch(text)
        if match is None or not text.isascii() or not least <= int(match[1]) <= most:
            raise CellFault(code, f"a whole number from {least} to {most}")
        return Read(int(match[1]), None if match[1] == text else match[1])

    return read


@lru_cache(REMEMBERED)
def yes_no(text: str) -> Read[bool]:
    answer = text.casefold()
    if answer not in _YES | _NO:
        raise CellFault("not_yes_or_no", "yes or no")
    value = answer in _YES
    now = "yes" if value else "no"
    return Read(value, None if now == answer else now)


@lru_cache(REMEMBERED)
def npi_number(text: str) -> Read[str]:
    bare = re.sub(r"[\s-]", "", text)
    if not (bare.isascii() and bare.isdigit()) or len(bare) != npi.LENGTH or bare[0] not in "12":
        raise CellFault("not_an_npi", "an NPI: ten digits, the first 1 or 2")
    if not npi.is_npi(bare):
        raise CellFault(
            "npi_check_digit", "an NPI whose check digit holds; a digit may be mistyped"
        )
    return Read(bare, None if bare == text else bare)


@lru_cache(REMEMBERED)
def state(text: str) -> Read[str]:
    code = places.state_code(text)
    if code is None:
        raise CellFault("unknown_state", "a state's two-letter postal code, such as IL")
    return Read(code, None if code == text else code)


@lru_cache(REMEMBERED)
def country(text: str) -> Read[str]:
    if text.casefold() not in _COUNTRY:
        raise CellFault("not_united_states", "US: clinical experience there is what this is for")
    return Read("US", None if text == "US" else "US")


@lru_cache(REMEMBERED)
def time_zone(text: str, state_of_site: str | None) -> Read[str]:
    """An IANA zone; the fault suggests the zones of the site's state where it is known."""
    zone = places.zone_name(text)
    if zone is None:
        usual = places.zones_of(state_of_site or "") or (places.EASTERN, places.CENTRAL)
        near = dict.fromkeys([*places.near_zones(text), *usual[:2]])
        raise CellFault("unknown_time_zone", f"an IANA time zone, such as {' or '.join(near)}")
    return Read(zone, None if zone == text else zone)


@lru_cache(REMEMBERED)
def monday(text: str) -> Read[date]:
    """A date that is a Monday; see `dates` for what is read and what is ambiguous."""
    try:
        day = dates.read_monday(text)
    except dates.DateFault as fault:
        raise CellFault(fault.code, fault.expected) from fault
    return Read(day, None if day.isoformat() == text else day.isoformat())


@lru_cache(REMEMBERED)
def mondays(text: str) -> Read[tuple[date, ...]]:
    """Dates that are Mondays, separated by semicolons; the fault names those that are not."""
    days, faults = [], []
    for part in split(text):
        try:
            days.append(monday(part).value)
        except CellFault as fault:
            faults.append((part, fault))
    if faults:
        first = faults[0][1]
        expected = "; ".join(f"for {part!r}: {fault.expected}" for part, fault in faults)
        raise CellFault(first.code, expected)
    value = tuple(sorted(set(days)))
    now = ";".join(day.isoformat() for day in value)
    return Read(value, None if now == text else now)


def split(text: str) -> list[str]:
    """The parts of a list; semicolons are the rule, commas, bars and line breaks are understood.

    A comma separates only where no semicolon does, so that a date such as `Jan 4, 2027` in a list
    with semicolons stays whole.
    """
    separators = r"[;|\n]" if re.search(r"[;|\n]", text) else r","
    return [part.strip() for part in re.split(separators, text) if part.strip()]
