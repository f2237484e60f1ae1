"""Weeks: the unit of capacity begins on a Monday in the site's time zone.

A rotation is a run of whole consecutive weeks. Days are civil dates of the site; nothing here
knows of hours, so a change to daylight saving time moves no boundary.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, timedelta

WEEK = timedelta(days=7)
MONDAY = 0
SUNDAY_AFTER = timedelta(days=6)


def is_monday(day: date) -> bool:
    return day.weekday() == MONDAY


def monday_of(day: date) -> date:
    """The Monday of the week that `day` lies in."""
    return day - timedelta(days=day.weekday())


def monday_from(day: date) -> date:
    """`day` itself where it is a Monday, else the next one."""
    return day + timedelta(days=-day.weekday() % 7)


def nearest_mondays(day: date) -> tuple[date, date]:
    """The Mondays before and after a `day` that is none."""
    before = monday_of(day)
    return before, before + WEEK


def run_of_weeks(first: date, count: int) -> list[date]:
    """`count` consecutive Mondays from `first` on; `ValueError` unless it is one and count >= 1."""
    if not is_monday(first):
        raise ValueError(f"{first} is not a Monday")
    if count < 1:
        raise ValueError("a rotation has at least one week")
    return [first + WEEK * place for place in range(count)]


def last_day(first: date, count: int) -> date:
    """The Sunday that ends the last of `count` weeks from `first`."""
    return run_of_weeks(first, count)[-1] + SUNDAY_AFTER


def is_run(weeks: Sequence[date]) -> bool:
    """Whether `weeks` are one or more consecutive Mondays in order."""
    return bool(weeks) and is_monday(weeks[0]) and list(weeks) == run_of_weeks(weeks[0], len(weeks))


def calendar(first_start: date, last_start: date, weeks_max: int) -> list[date]:
    """Every week that a rotation of up to `weeks_max` weeks may touch, blackouts included.

    A rotation may begin on any Monday from `first_start` to `last_start`, so the last one runs
    `weeks_max - 1` weeks beyond `last_start`.
    """
    weeks = (last_start - first_start).days // 7 + weeks_max
    return run_of_weeks(first_start, weeks)


def starts(
    first_start: date, last_start: date, count: int, closed: Collection[date]
) -> Iterator[date]:
    """The Mondays on which `count` weeks can begin without touching a `closed` week."""
    for first in calendar(first_start, last_start, 1):
        if not any(week in closed for week in run_of_weeks(first, count)):
            yield first


def ranges(weeks: Iterable[date]) -> list[tuple[date, date]]:
    """Weeks gathered into runs, as (first Monday, last Monday), for people to read."""
    runs: list[tuple[date, date]] = []
    for week in sorted(set(weeks)):
        if runs and week - runs[-1][1] == WEEK:
            runs[-1] = (runs[-1][0], week)
        else:
            runs.append((week, week))
    return runs
