"""Edits of a calendar, worked out before anything is changed: what each week is and would be.

A week has a number of seats, of which some are taken, and is open or closed (a blackout). A closed
week keeps its number for when it is opened again, and has no seat until then.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from marketplace.catalog.rules.weeks import WEEK, is_monday, nearest_mondays
from marketplace.catalog.states import EditKind

MOST_SEATS = 1000
# Two years: what a calendar shows.
MOST_WEEKS = 105


class Action(StrEnum):
    SET = "set"
    ADD = "add"
    CLOSE = "close"
    OPEN = "open"


@dataclass(frozen=True)
class WeekState:
    """`seats` are those that the week has when it is open."""

    seats: int
    closed: bool = False

    @property
    def capacity(self) -> int:
        """The seats that can be taken now."""
        return 0 if self.closed else self.seats


# What a week is that nobody has given seats yet.
NO_SEATS = WeekState(0)


@dataclass(frozen=True)
class Run:
    """Consecutive weeks, by their first and last Monday, that are changed alike."""

    first_week: date
    last_week: date
    before: WeekState
    after: WeekState


def not_monday(day: date) -> str | None:
    """What is wrong with a day that is no Monday, with those before and after it."""
    if is_monday(day):
        return None
    before, after = nearest_mondays(day)
    return f"{day} is not a Monday: {before} or {after}"


def chosen(first: date, last: date, every: int = 1) -> list[date]:
    """Every week, or every n-th, from Monday to Monday; `ValueError` says what is wrong."""
    for day in (first, last):
        if fault := not_monday(day):
            raise ValueError(fault)
    if last < first:
        raise ValueError("The last week is before the first")
    if (last - first) // WEEK >= MOST_WEEKS:
        raise ValueError(f"At most {MOST_WEEKS} weeks at once")
    if every < 1:
        raise ValueError("Every week, or every second, third or further one")
    return [first + WEEK * place for place in range(0, (last - first) // WEEK + 1, every)]


def after(action: Action, seats: int, before: WeekState) -> WeekState:
    """What a week becomes; `ValueError` for fewer than no seats, or too many."""
    if action in (Action.CLOSE, Action.OPEN):
        return WeekState(before.seats, closed=action is Action.CLOSE)
    wanted = seats if action is Action.SET else before.seats + seats
    if not 0 <= wanted <= MOST_SEATS:
        raise ValueError(f"A week has from 0 to {MOST_SEATS} seats; this would make {wanted}")
    return WeekState(wanted, before.closed)


def runs(before: Mapping[date, WeekState], after_: Mapping[date, WeekState]) -> list[Run]:
    """What changes, in runs of weeks; weeks that stay as they are have no part in it."""
    found: list[Run] = []
    for week in sorted(after_):
        was, becomes = before.get(week, NO_SEATS), after_[week]
        if was == becomes:
            continue
        last = found[-1] if found else None
        if last and (last.before, last.after, last.last_week + WEEK) == (was, becomes, week):
            found[-1] = Run(last.first_week, week, was, becomes)
        else:
            found.append(Run(week, week, was, becomes))
    return found


def weeks_of(some: Iterable[Run]) -> dict[date, Run]:
    """Each week of the runs, however long these are, with the run that it lies in."""
    return {
        run.first_week + WEEK * place: run
        for run in some
        for place in range((run.last_week - run.first_week) // WEEK + 1)
    }


def undoable(kind: str, asked: Mapping[str, object]) -> bool:
    """Whether an edit can be undone as one.

    Sharing moves seats that bookings have, and seats that came with a listing's terms stay with them;
    a sheet of calendars says how many rows it had.
    """
    if kind == EditKind.IMPORT:
        return "rows" in asked
    return kind not in (EditKind.SHARE, EditKind.UNSHARE)


def to_json(some: Sequence[Run]) -> list[dict[str, object]]:
    """Runs as they are kept in the history."""
    return [
        {
            "first_week": run.first_week.isoformat(),
            "last_week": run.last_week.isoformat(),
            "before": _state(run.before),
            "after": _state(run.after),
        }
        for run in some
    ]


def from_json(some: Sequence[Mapping[str, object]]) -> list[Run]:
    """Runs as the history has them."""
    return [
        Run(
            date.fromisoformat(str(run["first_week"])),
            date.fromisoformat(str(run["last_week"])),
            _read(run["before"]),
            _read(run["after"]),
        )
        for run in some
    ]


def _state(state: WeekState) -> dict[str, object]:
    return {"seats": state.seats, "closed": state.closed}


def _read(state: object) -> WeekState:
    if not isinstance(state, Mapping):
        raise TypeError("a week's state is an object")
    return WeekState(int(state["seats"]), bool(state["closed"]))
