"""How long a visitor may stay in a country, from arrival to departure: a warning, no legal advice.

The limits are data (see `rules.stay_rules`): each names its rule, where the rule is written, and the
day on which that was looked at. A country or visa without a limit there is passed over, and said to
be so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

DAY = timedelta(days=1)
DISCLAIMER = (
    "This is a reckoning by the rule that is named, not legal advice: what you are granted on"
    " arrival is what counts."
)


class Verdict(StrEnum):
    FITS = "fits"
    CLOSE = "close"
    """It fits, with fewer days to spare than the margin."""
    TOO_LONG = "too_long"
    UNKNOWN = "unknown"
    """No limit is known here for this country and visa."""


@dataclass(frozen=True)
class StayLimit:
    """`months` are calendar months and `days` days, the day of arrival counted: one of the two."""

    key: str
    country: str
    visas: frozenset[str] | None
    months: int | None
    days: int | None
    rule: str
    source: str
    url: str
    as_of: date

    def last_day(self, arrival: date) -> date:
        """The last day of a stay that begins on `arrival`."""
        if self.months is not None:
            return add_months(arrival, self.months) - DAY
        return arrival + DAY * ((self.days or 0) - 1)


@dataclass(frozen=True)
class Margins:
    """Days that a trainee is taken to be there before and after; `close_days` is little to spare."""

    before_days: int
    after_days: int
    close_days: int


@dataclass(frozen=True)
class StayRules:
    """What stays are judged by; of the limits for a country and visa the first counts."""

    limits: tuple[StayLimit, ...]
    margins: Margins


@dataclass(frozen=True)
class Traveller:
    """What bears on a stay: `visa_type` is for the United States, and None where none is needed."""

    needs_visa: bool
    visa_type: str | None
    arrive_on: date | None = None
    leave_on: date | None = None


@dataclass(frozen=True)
class Stay:
    """A stay in one country. `assumed`: arrival or departure are taken from the rotations' days."""

    country: str
    arrive_on: date
    leave_on: date
    assumed: bool
    days: int
    limit: StayLimit | None
    last_day: date | None
    verdict: Verdict

    @property
    def sentence(self) -> str:
        if self.limit is None or self.last_day is None:
            return "No limit is known here for your visa in this country: ask who issued it."
        spare = (self.last_day - self.leave_on).days
        days = "1 day" if self.days == 1 else f"{self.days} days"
        if self.verdict is Verdict.TOO_LONG:
            return f"{days}: {-spare} longer than to {self.last_day}. {self.limit.rule}"
        return f"{days}, {spare} to spare until {self.last_day}. {self.limit.rule}"


def stays(
    rotations: Iterable[tuple[str, date, date]], traveller: Traveller, rules: StayRules
) -> tuple[Stay, ...]:
    """Judge each country's stay; rotations are (country, first day, last day).

    A country's rotations are one stay, whatever lies between them: whether leaving for a while
    begins a new one is the officer's to say. Days of arrival and departure that the trainee gave
    are those of the journey, and count where it has one country; else the margins are taken.
    """
    by_country: dict[str, list[tuple[date, date]]] = {}
    for country, first, last in rotations:
        by_country.setdefault(country, []).append((first, last))
    alone = len(by_country) == 1
    return tuple(
        _stay(country, spans, traveller, rules, given=alone)
        for country, spans in sorted(by_country.items())
        if country != "US" or traveller.needs_visa
    )


def add_months(day: date, months: int) -> date:
    """The same day `months` later, or the last of a month that is too short."""
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    following = date(year + month // 12, month % 12 + 1, 1)
    return min(date(year, month, 1) + DAY * (day.day - 1), following - DAY)


def _stay(
    country: str,
    spans: Sequence[tuple[date, date]],
    traveller: Traveller,
    rules: StayRules,
    *,
    given: bool,
) -> Stay:
    around = rules.margins
    first, last = min(span[0] for span in spans), max(span[1] for span in spans)
    arrive = traveller.arrive_on if given else None
    leave = traveller.leave_on if given else None
    arrival = min(arrive, first) if arrive else first - DAY * around.before_days
    departure = max(leave, last) if leave else last + DAY * around.after_days
    limit = _limit_for(country, traveller, rules.limits)
    last_day = limit.last_day(arrival) if limit else None
    return Stay(
        country=country,
        arrive_on=arrival,
        leave_on=departure,
        assumed=arrive is None or leave is None,
        days=(departure - arrival).days + 1,
        limit=limit,
        last_day=last_day,
        verdict=_verdict(departure, last_day, around.close_days),
    )


def _verdict(departure: date, last_day: date | None, close_days: int) -> Verdict:
    if last_day is None:
        return Verdict.UNKNOWN
    spare = (last_day - departure).days
    if spare < 0:
        return Verdict.TOO_LONG
    return Verdict.CLOSE if spare < close_days else Verdict.FITS


def _limit_for(country: str, traveller: Traveller, limits: Sequence[StayLimit]) -> StayLimit | None:
    for limit in limits:
        fits = limit.visas is None or traveller.visa_type in limit.visas
        if limit.country == country and fits:
            return limit
    return None
