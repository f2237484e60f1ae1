"""When a document is good for a stay: four rules, each as the windows that it opens.

A window says on which day the document is needed, between which days it must be dated, and until
when it must last. All days are civil dates; both ends count.
"""

from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

JANUARY, DECEMBER = 1, 12


class Rule(StrEnum):
    """`season`: needed only while the season lasts, and given for that very season."""

    ALWAYS = "always"
    THROUGH_LAST_DAY = "through_last_day"
    WITHIN_MONTHS = "within_months"
    SEASON = "season"


@dataclass(frozen=True)
class Stay:
    """What a document is for: the first and the last day of a rotation."""

    first_day: date
    last_day: date


@dataclass(frozen=True)
class Facts:
    """What a document says of itself; `scores` are by part, such as `reading`."""

    issued_on: date | None = None
    expires_on: date | None = None
    dose_dates: tuple[date, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def dates(self) -> tuple[date, ...]:
        """When what it proves was done."""
        return self.dose_dates or ((self.issued_on,) if self.issued_on else ())


def faults(facts: Facts, today: date) -> dict[str, list[str]]:
    """What no document can say of itself, by field; `today` at the latest of all time zones."""
    found: dict[str, list[str]] = {}
    if facts.issued_on is not None and facts.issued_on > today:
        found["facts.issued_on"] = ["It lies in the future. Give the day on the document."]
    if any(day > today for day in facts.dose_dates):
        found["facts.dose_dates"] = ["One lies in the future. Only doses that were given count."]
    if facts.issued_on and facts.expires_on and facts.expires_on < facts.issued_on:
        found["facts.expires_on"] = ["It is before the day of issue."]
    return found


@dataclass(frozen=True)
class Window:
    """Needed on a day; dated from `earliest` to `latest`; good until `through`, where they are."""

    needed_on: date
    earliest: date | None = None
    latest: date | None = None
    through: date | None = None

    def covers(self, facts: Facts) -> bool:
        """Whether a document with these facts is good in this window."""
        if self.through is not None and facts.expires_on is None:
            return False
        until = self.through or self.needed_on
        if facts.expires_on is not None and facts.expires_on < until:
            return False
        if self.earliest is None or self.latest is None:
            return True
        return any(self.earliest <= day <= self.latest for day in facts.dates)


@dataclass(frozen=True)
class Validity:
    """A rule with what it needs: `months` for `within_months`, the other four for `season`.

    A season begins and ends in a month; what is given from the month `counts_from` on is for the
    season that begins next or is under way.
    """

    rule: Rule = Rule.ALWAYS
    months: int = 0
    season_from: int = 0
    season_to: int = 0
    counts_from: int = 0

    def windows(self, stay: Stay) -> tuple[Window, ...]:
        """The windows that all have to be covered; none where the document isn't needed at all."""
        match self.rule:
            case Rule.ALWAYS:
                return (Window(stay.first_day),)
            case Rule.THROUGH_LAST_DAY:
                return (Window(stay.first_day, through=stay.last_day),)
            case Rule.WITHIN_MONTHS:
                earliest = months_before(stay.first_day, self.months)
                return (Window(stay.first_day, earliest, stay.first_day),)
            case Rule.SEASON:
                return tuple(self._seasons(stay))

    def _seasons(self, stay: Stay) -> Iterator[Window]:
        across = self.season_to < self.season_from
        for year in range(stay.first_day.year - 1, stay.last_day.year + 1):
            begins = date(year, self.season_from, 1)
            ends = _month_end(year + across, self.season_to)
            if begins <= stay.last_day and ends >= stay.first_day:
                before = self.counts_from > self.season_from
                earliest = date(year - before, self.counts_from, 1)
                yield Window(max(begins, stay.first_day), earliest, ends)


def months_before(day: date, months: int) -> date:
    """The same day so many months earlier, or the last of that month where it has no such day."""
    index = day.year * DECEMBER + day.month - JANUARY - months
    year, month = divmod(index, DECEMBER)
    last = monthrange(year, month + JANUARY)[1]
    return date(year, month + JANUARY, min(day.day, last))


def _month_end(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])


def facts_to_json(facts: Facts) -> dict[str, Any]:
    return {
        "issued_on": facts.issued_on.isoformat() if facts.issued_on else None,
        "expires_on": facts.expires_on.isoformat() if facts.expires_on else None,
        "dose_dates": [day.isoformat() for day in facts.dose_dates],
        "scores": dict(facts.scores),
    }


def facts_from_json(data: Mapping[str, Any]) -> Facts:
    return Facts(
        issued_on=_day(data.get("issued_on")),
        expires_on=_day(data.get("expires_on")),
        dose_dates=tuple(date.fromisoformat(day) for day in data.get("dose_dates", ())),
        scores=dict(data.get("scores", {})),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
