"""A cohort: places that a school books for several students at once, and their deadlines."""

from datetime import date, datetime, timedelta
from enum import StrEnum

from marketplace.booking.rules.deadlines import day_begins, site_day
from marketplace.core.states import Transitions

MOST_STUDENTS = 100
# Students say yes within a week; the school has three days more to send the rest on.
STUDENTS_ANSWER = timedelta(days=7)
SCHOOL_GOES_ON = timedelta(days=3)
# Accounting departments pay within two weeks; the host has its answer well before the first day.
DUE_DAYS = 14
GRACE_DAYS = 3
DUE_BEFORE_START_DAYS = 7


class CohortState(StrEnum):
    HELD = "held"
    """Each place has a booking; students answer, hosts decide."""
    INVOICED = "invoiced"
    CONFIRMED = "confirmed"
    """Paid; from here on each booking goes its own way."""
    ENDED = "ended"


_S = CohortState
TRANSITIONS = Transitions(
    {
        _S.HELD: frozenset({_S.INVOICED, _S.ENDED}),
        # A place that is given up voids the invoice: another is asked for.
        _S.INVOICED: frozenset({_S.HELD, _S.CONFIRMED, _S.ENDED}),
        # Money that comes late takes all the seats back where they are still free.
        _S.ENDED: frozenset({_S.CONFIRMED}),
        _S.CONFIRMED: frozenset(),
    }
)


def answer_by(now: datetime, first_day: date, time_zone: str) -> datetime:
    """Until when a student can say yes or no."""
    return min(now + STUDENTS_ANSWER, day_begins(first_day, time_zone) - SCHOOL_GOES_ON)


def due_on(now: datetime, first_day: date, time_zone: str) -> date | None:
    """The day by which an invoice is paid; None where it is too late for one."""
    today = site_day(now, time_zone)
    latest = first_day - timedelta(days=DUE_BEFORE_START_DAYS)
    return None if latest < today else min(today + timedelta(days=DUE_DAYS), latest)


def kept_until(due: date, first_day: date, time_zone: str) -> datetime:
    """Until when the seats are kept for an invoice: its day and the grace, never the first day."""
    after = due + timedelta(days=GRACE_DAYS + 1)
    return day_begins(min(after, first_day), time_zone)
