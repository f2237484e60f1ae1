"""Hours of a rotation: their bounds, and their totals by week."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

# A day has at most 16 hours of duty and is logged by the quarter.
MOST_MINUTES = 16 * 60
QUARTER = 15


@dataclass(frozen=True)
class WeekOfHours:
    """A week by its Monday: what was logged in it, and how much of that is signed, in minutes."""

    week: date
    minutes: int
    signed_minutes: int


def by_week(days: Iterable[tuple[date, int, bool]]) -> list[WeekOfHours]:
    """Add up (day, minutes, whether signed), each day once, by Monday."""
    logged: dict[date, int] = defaultdict(int)
    signed: dict[date, int] = defaultdict(int)
    for day, minutes, is_signed in days:
        monday = day - timedelta(days=day.weekday())
        logged[monday] += minutes
        signed[monday] += minutes if is_signed else 0
    return [WeekOfHours(week, logged[week], signed[week]) for week in sorted(logged)]
