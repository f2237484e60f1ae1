"""All rules for one rotation, and the first day for which all that block would pass."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date

from marketplace.catalog.rules.eligibility import days, facts
from marketplace.catalog.rules.eligibility.answers import RuleResult, may_book
from marketplace.catalog.rules.eligibility.asking import Asked, Profile, Terms

RULES = (
    days.monday,
    days.start_window,
    days.lead_time,
    days.length,
    days.blackout,
    facts.audience,
    facts.tier,
    facts.step1,
    facts.step2,
    facts.english,
    facts.visa,
    days.visa_time,
    facts.documents,
)
# Those that another first day can turn, and that block.
TURNED_BY_A_DAY = (days.start_window, days.lead_time, days.blackout, facts.audience)


def check(
    listing: Terms,
    profile: Profile,
    first_day: date,
    today: date,
    weeks: int | None = None,
    documents: Collection[str] = (),
) -> list[RuleResult]:
    """Every rule's answer for a rotation from `first_day`, as of `today` at the site.

    `weeks` is its length, the listing's shortest if it is not given; `documents` are those of the
    trainee that have been accepted.
    """
    count = listing.weeks_min if weeks is None else weeks
    asked = Asked(listing, profile, first_day, today, count, documents)
    return [rule(asked) for rule in RULES]


def first_possible(
    asked: Asked,
    free: Mapping[date, int] | None = None,
    busy: Mapping[date, str] | None = None,
) -> date | None:
    """The first day for which every rule that blocks passes, none where there is no such day.

    From the asked day on, else from today on. `free` (seats by Monday) and `busy` (own bookings by
    Monday) are rules too where they are given.
    """

    def passes(day: date) -> bool:
        then = replace(asked, first_day=day)
        if not may_book([rule(then) for rule in TURNED_BY_A_DAY]):
            return False
        if free is not None and not may_book([days.free_weeks(then, free)]):
            return False
        return busy is None or may_book([days.own_weeks(then, busy)])

    others = (days.length, facts.step1, facts.step2, facts.english, facts.visa)
    if not may_book([rule(asked) for rule in others]):
        return None
    return asked.earliest(passes)
