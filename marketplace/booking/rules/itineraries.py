"""What can be said of several rotations together: their order, gaps, and what they count for."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Protocol

from marketplace.catalog.rules.weeks import run_of_weeks
from marketplace.core.states import Transitions

# Programs respect three months of hands-on experience; the field counts rotations of four weeks
# as months, so three months are twelve weeks.
WEEKS_IN_A_MONTH = 4
MONTHS_RESPECTED = 3
HANDS_ON = frozenset({"elective", "externship"})
MOST_ROTATIONS = 12


class ItineraryState(StrEnum):
    DRAFT = "draft"
    HELD = "held"
    """Each rotation has a booking; they are decided on, then paid together."""
    CONFIRMED = "confirmed"
    """Paid; from here on each booking goes its own way."""
    ENDED = "ended"
    """Thrown away as a draft, or given up before it was paid."""


_S = ItineraryState
TRANSITIONS = Transitions(
    {
        _S.DRAFT: frozenset({_S.HELD, _S.ENDED}),
        _S.HELD: frozenset({_S.CONFIRMED, _S.ENDED}),
        # Money that comes late takes all the seats back where they are still free.
        _S.ENDED: frozenset({_S.CONFIRMED}),
        _S.CONFIRMED: frozenset(),
    }
)


class Stop(Protocol):
    """A rotation as these rules see it: a booking, made or about to be."""

    first_day: date
    last_day: date
    weeks: int
    tier: str


@dataclass(frozen=True)
class Gap:
    """Days without a rotation between two of them: `days` whole days after the one's last day."""

    after: int
    before: int
    first_day: date
    last_day: date
    days: int


@dataclass(frozen=True)
class Experience:
    """Weeks that count as hands-on: of the itinerary, and of the trainee's other rotations."""

    weeks: int
    other_weeks: int

    @property
    def total_weeks(self) -> int:
        return self.weeks + self.other_weeks

    @property
    def weeks_respected(self) -> int:
        return MONTHS_RESPECTED * WEEKS_IN_A_MONTH

    @property
    def weeks_missing(self) -> int:
        return max(self.weeks_respected - self.total_weeks, 0)


def overlaps(stops: Sequence[tuple[int, date, date]]) -> list[tuple[int, int]]:
    """Pairs of places whose days meet; each stop is (place, first day, last day)."""
    ordered = sorted(stops, key=lambda stop: (stop[1], stop[0]))
    found = []
    for number, (place, _, last) in enumerate(ordered):
        for other, first, _ in ordered[number + 1 :]:
            if first > last:
                break
            found.append((place, other))
    return found


def gaps(stops: Sequence[tuple[int, date, date]]) -> list[Gap]:
    """The stretches between rotations that follow each other, where there are any."""
    ordered = sorted(stops, key=lambda stop: (stop[1], stop[0]))
    day = timedelta(days=1)
    return [
        Gap(place, following, last + day, first - day, (first - last).days - 1)
        for (place, _, last), (following, first, _) in pairwise(ordered)
        if (first - last).days > 1
    ]


def experience(stops: Sequence[Stop], elsewhere: AbstractSet[date]) -> Experience:
    """Count the hands-on weeks by each rotation's tier for what the learner is on its first day.

    `elsewhere` are the first days of the weeks of other rotations. A week counts once: in a draft
    whose rotations meet, nobody gets two weeks of experience in one.
    """
    own = {
        week
        for stop in stops
        if stop.tier in HANDS_ON
        for week in run_of_weeks(stop.first_day, stop.weeks)
    }
    return Experience(len(own), len(elsewhere - own))
