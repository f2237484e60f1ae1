"""When a schedule is due: five fields as in cron, read in a time zone.

Minute, hour, day of the month, month, day of the week (0 to 7, Sunday is both ends). A field is `*`,
a number, a range `1-5`, any of these with a step `*/2`, or several by commas. Where both days are
given, either will do, as cron has it. The minute is one number: an hour is the shortest time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

FIELDS = (
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of the month", 1, 31),
    ("month", 1, 12),
    ("day of the week", 0, 7),
)
# A 29 February that is a given day of the week comes within 28 years, or 40 around 2100.
_DAYS = 41 * 366


class BadCron(ValueError):
    """The expression can't be read; the message says which field and what belongs there."""


@dataclass(frozen=True, slots=True)
class Cron:
    """An expression that was read."""

    minute: int
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    def on(self, day: date) -> bool:
        """Tell whether it is due on that day."""
        if day.month not in self.months:
            return False
        matches = (day.day in self.days, day.isoweekday() % 7 in self.weekdays)
        return any(matches) if self.either_day else all(matches)


def read(expression: str) -> Cron:
    """Return what the expression says; `BadCron` if it says nothing, or never comes."""
    parts = expression.split()
    if len(parts) != len(FIELDS):
        raise BadCron(f"expected five fields such as 0 6 * * 1, got {len(parts)}")
    minutes, hours, days, months, weekdays = (
        _field(part, *field) for part, field in zip(parts, FIELDS, strict=True)
    )
    if len(minutes) != 1:
        raise BadCron("minute: expected one number from 0 to 59; hourly is the most often")
    cron = Cron(
        minute=min(minutes),
        hours=tuple(sorted(hours)),
        days=days,
        months=months,
        weekdays=frozenset(day % 7 for day in weekdays),
        either_day=not parts[2].startswith("*") and not parts[4].startswith("*"),
    )
    if not any(cron.on(date(2000, 1, 1) + timedelta(days=number)) for number in range(_DAYS)):
        raise BadCron("there is no such day in any year")
    return cron


def after(cron: Cron, moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the first time that is later than `moment` (aware), in UTC.

    A time that the clocks leap over comes as much later; one that they show twice comes once.
    """
    return next(at for at in _times(cron, moment.astimezone(zone).date(), zone) if at > moment)


def _times(cron: Cron, first: date, zone: ZoneInfo) -> Iterator[datetime]:
    for number in range(_DAYS):
        day = first + timedelta(days=number)
        if cron.on(day):
            for hour in cron.hours:
                local = datetime.combine(day, time(hour, cron.minute), zone)
                yield local.astimezone(UTC)


def _field(part: str, name: str, low: int, high: int) -> frozenset[int]:
    return frozenset(
        number for piece in part.split(",") for number in _piece(piece, name, low, high)
    )


def _piece(piece: str, name: str, low: int, high: int) -> range:
    span, slash, step = piece.partition("/")
    first, dash, last = span.partition("-")
    if span == "*":
        first, last = str(low), str(high)
    elif not dash:
        last = str(high) if slash else first
    numbers = [first, last, step] if slash else [first, last]
    if not all(number.isascii() and number.isdigit() for number in numbers):
        raise BadCron(f"{name}: {piece!r} is no number from {low} to {high}, range or step")
    start, end, stride = int(first), int(last), int(step) if slash else 1
    if not low <= start <= end <= high or stride < 1:
        raise BadCron(f"{name}: {piece!r} is not within {low} to {high}")
    return range(start, end + 1, stride)
