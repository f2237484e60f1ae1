"""Public holidays as suggestions for weeks to close; nothing is ever closed by them.

The days are those of the library `holidays`: the country's own (federal) ones and those of the
state, days on which one is observed included.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from marketplace.catalog.rules.weeks import SUNDAY_AFTER, monday_of


@dataclass(frozen=True)
class Holiday:
    """`kind` is `federal` where the whole country has it, else `state`."""

    day: date
    name: str
    kind: str


def holidays_in(country: str, state: str, first: date, last: date) -> dict[date, list[Holiday]]:
    """The weeks from Monday `first` to Monday `last` that have a holiday, with it; none unknown.

    `country` is an ISO 3166 code, `state` the postal code of a part of it.
    """
    import holidays as library  # noqa: PLC0415 - only where a host asks for suggestions

    supported = library.list_supported_countries()
    if country not in supported:
        return {}
    years = range(first.year, (last + SUNDAY_AFTER).year + 1)
    federal = library.country_holidays(country, years=years)
    parts: Sequence[str] = supported[country]
    own = library.country_holidays(country, subdiv=state, years=years) if state in parts else {}
    days = {day: Holiday(day, federal[day], "federal") for day in federal}
    days |= {day: Holiday(day, own[day], "state") for day in own if day not in days}
    found: dict[date, list[Holiday]] = {}
    for day in sorted(days):
        if first <= monday_of(day) <= last:
            found.setdefault(monday_of(day), []).append(days[day])
    return found
