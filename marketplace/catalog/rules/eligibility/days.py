"""Rules that a day decides: Monday, season, lead time, length, closed weeks, seats, visa time."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from marketplace.catalog.rules.eligibility.answers import Evidence, Outcome, RuleResult, Source
from marketplace.catalog.rules.eligibility.asking import Asked, asked_of, field_of_profile, listed
from marketplace.catalog.rules.vocabulary import NO_VISA
from marketplace.catalog.rules.weeks import is_monday, last_day, nearest_mondays, run_of_weeks

# What we plan with, no promise: consulates publish their own waiting times, and they differ.
VISA_DAYS = 90


def monday(asked: Asked) -> RuleResult:
    """A rotation begins on a Monday."""
    day = asked.first_day
    evidence = (asked_of("first_day", day), asked_of("weekday", f"{day:%A}"))
    if is_monday(day):
        return RuleResult("monday", Outcome.PASS, "The first day is a Monday.", evidence)
    before, after = nearest_mondays(day)
    return RuleResult(
        "monday",
        Outcome.FAIL,
        f"A rotation begins on a Monday; {day} is a {day:%A}.",
        evidence,
        f"Choose {before} or {after}.",
        after,
    )


def start_window(asked: Asked) -> RuleResult:
    """It begins within the listing's season."""
    first, last = asked.listing.first_start, asked.listing.last_start
    evidence = (
        asked_of("first_day", asked.first_day),
        listed("first_start", first),
        listed("last_start", last),
    )
    if first <= asked.first_day <= last:
        sentence = f"Rotations begin from {first} to {last}."
        return RuleResult("start_window", Outcome.PASS, sentence, evidence)
    earliest = asked.earliest(lambda _: True)
    if asked.first_day < first:
        sentence, action = f"The first rotation begins on {first}.", f"a Monday from {first} on"
    else:
        sentence, action = f"The last rotation begins on {last}.", f"a Monday up to {last}"
    return RuleResult(
        "start_window",
        Outcome.FAIL,
        sentence,
        evidence,
        f"Choose {action}." if earliest else "The season is over; look for another listing.",
        earliest,
    )


def lead_time(asked: Asked) -> RuleResult:
    """There are enough days between today and the first one."""
    needed = asked.listing.lead_days
    days = (asked.first_day - asked.today).days
    evidence = (
        Evidence("today", asked.today.isoformat(), Source.CLOCK),
        asked_of("days_before_start", days),
        listed("lead_days", needed),
    )
    if days >= needed:
        are = "is" if needed == 1 else "are"
        sentence = f"{_there(days)} until the start; {needed} {are} needed."
        return RuleResult("lead_time", Outcome.PASS, sentence, evidence)
    soonest = asked.today + timedelta(days=needed)
    earliest = asked.earliest(lambda day: day >= soonest)
    return RuleResult(
        "lead_time",
        Outcome.FAIL,
        f"A booking needs {_days(needed)} before the start; {_left(days)}.",
        evidence,
        f"Choose {earliest} or later." if earliest else "There is no later start.",
        earliest,
    )


def length(asked: Asked) -> RuleResult:
    """It is neither too short nor too long."""
    least, most = asked.listing.weeks_min, asked.listing.weeks_max
    evidence = (
        asked_of("weeks", asked.weeks),
        listed("weeks_min", least),
        listed("weeks_max", most),
    )
    span = f"{least}" if least == most else f"{least} to {most}"
    if least <= asked.weeks <= most:
        sentence = f"{_weeks(asked.weeks)}; {span} can be booked."
        return RuleResult("length", Outcome.PASS, sentence, evidence)
    were = "was" if asked.weeks == 1 else "were"
    return RuleResult(
        "length",
        Outcome.FAIL,
        f"{_weeks(asked.weeks)} {were} asked for; {span} can be booked.",
        evidence,
        "Choose 1 week." if most == 1 else f"Choose {span} weeks.",
    )


def _weeks(number: int) -> str:
    return "1 week" if number == 1 else f"{number} weeks"


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def _there(days: int) -> str:
    return f"There {'is' if days == 1 else 'are'} {_days(days)}"


def _left(days: int) -> str:
    """How many days there are until a start, which may have passed."""
    return "there is 1" if days == 1 else f"there are {max(days, 0)}"


def blackout(asked: Asked) -> RuleResult:
    """None of its weeks is closed."""
    closed = set(asked.listing.blackout_weeks)

    def evidence(hit: Sequence[date]) -> tuple[Evidence, ...]:
        return (
            asked_of("first_day", asked.first_day),
            asked_of("last_day", last_day(asked.first_day, asked.weeks)),
            Evidence("closed_weeks", _named(hit), Source.CALENDAR),
        )

    return _ByWeeks(
        "blackout",
        uncounted="Closed weeks are checked for whole weeks from a Monday.",
        none="None of the weeks is closed.",
        some=lambda hit: f"The site is closed in the week of {_named(hit)}.",
        otherwise="Ask for fewer weeks.",
    ).judge(asked, lambda day: _hit(closed, day, asked.weeks), evidence)


def free_weeks(asked: Asked, free: Mapping[date, int]) -> RuleResult:
    """There is a seat in every week; `free` are seats by Monday, none where nothing is said."""
    first = asked_of("first_day", asked.first_day)
    return _ByWeeks(
        "seats",
        uncounted="Seats are counted from a Monday on.",
        none="There is a seat in every week.",
        some=lambda full: f"There is no seat in the week of {_named(full)}.",
        otherwise="Ask for fewer weeks, or look for another listing.",
    ).judge(
        asked,
        lambda day: _full(free, day, asked.weeks),
        lambda full: (first, Evidence("weeks_without_seat", _named(full), Source.CALENDAR)),
    )


def own_weeks(asked: Asked, busy: Mapping[date, str]) -> RuleResult:
    """The trainee has no seat elsewhere in these weeks; `busy` maps Mondays to what has them."""
    return _ByWeeks(
        "own_bookings",
        uncounted="Your bookings are compared by whole weeks.",
        none="You have no other booking in these weeks.",
        some=lambda hit: f"{busy[hit[0]]} has the week of {_named(hit)}.",
        otherwise="Give up the other booking.",
        besides=", or give up the other",
    ).judge(
        asked,
        lambda day: _hit(busy, day, asked.weeks),
        lambda hit: (Evidence("weeks_booked_elsewhere", _named(hit), Source.BOOKINGS),),
    )


@dataclass(frozen=True)
class _ByWeeks:
    """A rule about whole weeks of which none may be hit, and its words.

    `otherwise` is what to do where no later day would pass, `besides` what else where one would.
    """

    rule: str
    uncounted: str
    none: str
    some: Callable[[Sequence[date]], str]
    otherwise: str
    besides: str = ""

    def judge(
        self,
        asked: Asked,
        hit_from: Callable[[date], Sequence[date]],
        evidence_of: Callable[[Sequence[date]], tuple[Evidence, ...]],
    ) -> RuleResult:
        """`hit_from` tells which weeks would be hit, were that the first day."""
        if not _whole_weeks(asked):
            return _not_counted(self.rule, self.uncounted)
        hit = hit_from(asked.first_day)
        evidence = evidence_of(hit)
        if not hit:
            return RuleResult(self.rule, Outcome.PASS, self.none, evidence)
        earliest = asked.earliest(lambda day: not hit_from(day))
        action = f"Choose {earliest}{self.besides}." if earliest else self.otherwise
        return RuleResult(self.rule, Outcome.FAIL, self.some(hit), evidence, action, earliest)


def visa_time(asked: Asked) -> RuleResult:
    """Whether a visa can still be had is not ours to say; that it may be late, is."""
    profile, days = asked.profile, (asked.first_day - asked.today).days
    evidence = (
        asked.told("needs_visa", _yes_or_no(profile.needs_visa)),
        asked_of("days_before_start", days),
    )
    if profile.needs_visa is False or NO_VISA in asked.listing.visa_types:
        sentence = "No visa has to be waited for."
        return RuleResult("visa_time", Outcome.PASS, sentence, evidence, blocks=False)
    if days >= VISA_DAYS:
        sentence = f"{_there(days)} for a visa; we plan with {VISA_DAYS}."
        return RuleResult("visa_time", Outcome.PASS, sentence, evidence, blocks=False)
    if profile.needs_visa is None:
        sentence = f"If you need a visa: we plan with {VISA_DAYS} days, and {_left(days)}."
        needed = (field_of_profile("needs_visa"),)
        action = "Say in your profile whether you need a visa."
        return RuleResult(
            "visa_time", Outcome.UNKNOWN, sentence, evidence, action, needed=needed, blocks=False
        )
    soonest = asked.today + timedelta(days=VISA_DAYS)
    return RuleResult(
        "visa_time",
        Outcome.UNKNOWN,
        f"We plan with {VISA_DAYS} days for a visa; {_left(days)}.",
        evidence,
        "If you have no visa yet, look up your consulate's waiting time before you book.",
        asked.earliest(lambda day: day >= soonest),
        blocks=False,
    )


def _whole_weeks(asked: Asked) -> bool:
    return is_monday(asked.first_day) and asked.weeks >= 1


def _not_counted(rule: str, sentence: str) -> RuleResult:
    return RuleResult(rule, Outcome.UNKNOWN, sentence, action="Choose a Monday, and whole weeks.")


def _hit(weeks: Collection[date], first: date, count: int) -> list[date]:
    return [week for week in run_of_weeks(first, count) if week in weeks]


def _full(free: Mapping[date, int], first: date, count: int) -> list[date]:
    return [week for week in run_of_weeks(first, count) if free.get(week, 0) < 1]


def _named(weeks: Sequence[date]) -> str:
    return ", ".join(week.isoformat() for week in weeks)


def _yes_or_no(value: bool | None) -> str | None:  # noqa: FBT001 - the fact itself
    return None if value is None else "yes" if value else "no"
