"""How long a seat is kept, and by when somebody has to act.

All times are instants in UTC; where a deadline is the end of a day, it is a day of the site.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

SATURDAY = 5
# A host that has not answered by the end of this many business days has not accepted, where the
# frozen terms don't say.
DECISION_BUSINESS_DAYS = 10
# What a host asks for besides is written or found in a working week; then it is read again.
ANSWER_BUSINESS_DAYS = 5
REREAD_BUSINESS_DAYS = 2
# A school's coordinators know their students; a working week is what they ask for.
SCHOOL_BUSINESS_DAYS = 5
# An approved trainee may be nine hours away and has to find the money.
PAY_AFTER_APPROVAL = timedelta(days=3)
# Whole days of the trainee, wherever they are, to choose after a host has called off, and to say
# that they did come.
DAYS_TO_CHOOSE = 3
DAYS_TO_DISPUTE = 7


def site_day(now: datetime, time_zone: str) -> date:
    """The civil date at the site."""
    return now.astimezone(ZoneInfo(time_zone)).date()


def day_begins(day: date, time_zone: str) -> datetime:
    """The instant at which `day` begins at the site, in UTC.

    Where a clock change skips midnight, the first instant of the day that exists.
    """
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone))
    return local.astimezone(UTC)


def days_before(first_day: date, now: datetime, time_zone: str) -> int:
    """Whole days from the site's present day to `first_day`; negative once it has passed.

    Civil dates are counted, so a day of 23 or 25 hours is one day, and the count changes at the
    site's midnight and at no other time.
    """
    return (first_day - site_day(now, time_zone)).days


def held_until(now: datetime, first_day: date, time_zone: str, keep: timedelta) -> datetime:
    """When a seat that is kept for `keep` from now is given up; never beyond the first day."""
    return min(now + keep, day_begins(first_day, time_zone))


def decide_by(
    now: datetime,
    first_day: date,
    time_zone: str,
    business_days: int = DECISION_BUSINESS_DAYS,
) -> datetime:
    """The end of the host's so many business days from now, or the start of the first day."""
    return _end_of_business_day(now, first_day, time_zone, business_days)


def school_decides_by(now: datetime, first_day: date, time_zone: str) -> datetime:
    """Until when a school can decide on a student's booking; the seat is kept until then."""
    return _end_of_business_day(now, first_day, time_zone, SCHOOL_BUSINESS_DAYS)


def answer_by(now: datetime, first_day: date, time_zone: str) -> datetime:
    """Until when a trainee can answer what the host has asked; its own time stands still."""
    return _end_of_business_day(now, first_day, time_zone, ANSWER_BUSINESS_DAYS)


def decide_again_by(now: datetime, first_day: date, time_zone: str, left: timedelta) -> datetime:
    """The host's deadline after an answer: what was `left` of its time when it asked.

    At least to the end of the second business day, and never beyond the start of the first day.
    """
    soonest = _end_of_business_day(now, first_day, time_zone, REREAD_BUSINESS_DAYS)
    return min(max(now + left, soonest), day_begins(first_day, time_zone))


def _end_of_business_day(now: datetime, first_day: date, time_zone: str, days: int) -> datetime:
    day = site_day(now, time_zone)
    left = days
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < SATURDAY
    end = day_begins(day + timedelta(days=1), time_zone)
    return min(end, day_begins(first_day, time_zone))


def choose_by(now: datetime, own_zone: str, first_day: date, time_zone: str) -> datetime:
    """The end of the trainee's third day from now, or the start of the first day at the site."""
    return min(_end_of_day(now, DAYS_TO_CHOOSE, own_zone), day_begins(first_day, time_zone))


def dispute_by(now: datetime, own_zone: str) -> datetime:
    """The end of the trainee's seventh day from now."""
    return _end_of_day(now, DAYS_TO_DISPUTE, own_zone)


def _end_of_day(now: datetime, days: int, time_zone: str) -> datetime:
    return day_begins(site_day(now, time_zone) + timedelta(days=days + 1), time_zone)


def pay_by(now: datetime, first_day: date, time_zone: str) -> datetime:
    """Until when an approved application can be paid."""
    return held_until(now, first_day, time_zone, PAY_AFTER_APPROVAL)
