"""The days of a rotation: when it may be marked, closed or called off, and its weeks in a roster."""

from dataclasses import dataclass
from datetime import date, timedelta

from marketplace.booking.states import BookingState
from marketplace.catalog.rules.weeks import WEEK, last_day, monday_of, run_of_weeks

# A week ends on Friday for most hosts: a rotation can be closed from the last Friday on.
FRIDAY_BEFORE_SUNDAY = timedelta(days=2)
# Who forgot to say that nobody came can still do so; after that the marketplace's people decide.
MISSED_AFTER = timedelta(days=14)
# When its host is asked about a rotation that is over and not closed, in days after its last one.
ASKED_AFTER = 3
ASKED_AGAIN_AFTER = 10
# From then on it is for the marketplace's people, too, and its trainee is told so.
LEFT_OPEN_AFTER = 14
# A roster is a page for people; a year and a term are enough of it.
LONGEST_ROSTER_WEEKS = 78


@dataclass(frozen=True)
class Rotation:
    """`weeks` whole weeks from `first_day`, a Monday at the site."""

    first_day: date
    weeks: int

    @property
    def mondays(self) -> list[date]:
        return run_of_weeks(self.first_day, self.weeks)

    @property
    def last_day(self) -> date:
        """The Sunday that ends it."""
        return last_day(self.first_day, self.weeks)

    @property
    def days(self) -> tuple[date, ...]:
        """All of its days, Sundays too."""
        return tuple(self.first_day + timedelta(days=n) for n in range(7 * self.weeks))

    def can_be_marked(self, day: date, today: date) -> bool:
        """Attendance is marked for its days up to today."""
        return self.first_day <= day <= min(self.last_day, today)

    @property
    def closes_from(self) -> date:
        """The Friday of its last week."""
        return self.last_day - FRIDAY_BEFORE_SUNDAY

    def can_be_completed(self, today: date) -> bool:
        """From the Friday of its last week on."""
        return today >= self.closes_from

    @property
    def missed_until(self) -> date:
        """The last day on which the host can say that nobody came."""
        return self.last_day + MISSED_AFTER

    def can_be_missed(self, today: date) -> bool:
        """From its second day to two weeks after its last."""
        return self.first_day < today <= self.missed_until

    @property
    def looked_at_from(self) -> date:
        """The day from which one that nobody closed is for the marketplace's people."""
        return self.last_day + timedelta(days=LEFT_OPEN_AFTER)

    def is_over(self, today: date) -> bool:
        return today > self.last_day

    def has_begun(self, today: date) -> bool:
        return today >= self.first_day


def keeps_begun_weeks(before: BookingState, after: BookingState) -> bool:
    """Whether giving up the seat frees only the weeks that have not begun.

    A rotation that had begun was in its seat until now; one that had not begun gives up all weeks.
    """
    begun = {BookingState.IN_PROGRESS, BookingState.NO_SHOW}
    return before in begun or after is BookingState.NO_SHOW


def roster_weeks(start: date, end: date) -> list[date]:
    """The Mondays of the weeks that `start` to `end` (both included) lie in.

    Raises `ValueError` if `end` is before `start` or the roster would be unreadably long.
    """
    first, last = monday_of(start), monday_of(end)
    if end < start:
        raise ValueError("the last day is before the first")
    count = (last - first) // WEEK + 1
    if count > LONGEST_ROSTER_WEEKS:
        raise ValueError(f"at most {LONGEST_ROSTER_WEEKS} weeks at once")
    return run_of_weeks(first, count)
