"""Who may book what, rule by rule: pass, fail or unknown, with the evidence and what to do.

A rule never guesses: what the profile does not tell is `unknown`, and says what is missing. The
learner status is that of the rotation's first day, so a student who graduates in June is a
graduate for a rotation in July.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Protocol

from marketplace.catalog.rules.vocabulary import ANY_VISA, NO_VISA, Audience, resolve
from marketplace.catalog.rules.weeks import (
    is_monday,
    last_day,
    monday_from,
    nearest_mondays,
    run_of_weeks,
)
from marketplace.identity.rules import LearnerStatus, learner_status

STEP1_PASSED = "passed"
STEP1_FAILED = "failed"


class Outcome(StrEnum):
    PASS = "pass"  # noqa: S105 - an outcome, not a secret
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class RuleResult:
    """One rule's answer.

    `earliest` is the first day of a rotation for which it would pass, where time alone decides;
    none where it passes already, where something else is needed, or where it never will.
    """

    rule: str
    outcome: Outcome
    sentence: str
    evidence: Mapping[str, str | None] = field(default_factory=dict)
    action: str | None = None
    earliest: date | None = None


class Terms(Protocol):
    """What is asked of a listing."""

    @property
    def audience(self) -> str: ...
    @property
    def step1_required(self) -> bool: ...
    @property
    def step2_min(self) -> int | None: ...
    @property
    def visa_types(self) -> Sequence[str]: ...
    @property
    def weeks_min(self) -> int: ...
    @property
    def weeks_max(self) -> int: ...
    @property
    def first_start(self) -> date: ...
    @property
    def last_start(self) -> date: ...
    @property
    def blackout_weeks(self) -> Sequence[date]: ...
    @property
    def lead_days(self) -> int: ...


class Profile(Protocol):
    """What is asked of a trainee's profile; none means that it has not been told."""

    @property
    def graduation_date(self) -> date | None: ...
    @property
    def step1_result(self) -> str | None: ...
    @property
    def step2_ck_score(self) -> int | None: ...
    @property
    def needs_visa(self) -> bool | None: ...
    @property
    def visa_type(self) -> str | None: ...


def check(
    listing: Terms, profile: Profile, first_day: date, today: date, weeks: int | None = None
) -> list[RuleResult]:
    """Every rule's answer for a rotation from `first_day`, as of `today` at the site.

    `weeks` is its length; without it the listing's shortest is assumed.
    """
    count = listing.weeks_min if weeks is None else weeks
    return [
        _monday(first_day),
        _start_window(listing, first_day),
        _lead_time(listing, first_day, today),
        _length(listing, count),
        _blackout(listing, first_day, count),
        _audience(listing, profile, first_day),
        _step1(listing, profile),
        _step2(listing, profile),
        _visa(listing, profile),
    ]


def may_book(results: Sequence[RuleResult]) -> bool:
    """Whether every rule passes; unknown is not enough."""
    return all(result.outcome is Outcome.PASS for result in results)


def _monday(first_day: date) -> RuleResult:
    evidence = {"first_day": first_day.isoformat(), "weekday": f"{first_day:%A}"}
    if is_monday(first_day):
        return RuleResult("monday", Outcome.PASS, "The first day is a Monday.", evidence)
    before, after = nearest_mondays(first_day)
    return RuleResult(
        "monday",
        Outcome.FAIL,
        f"A rotation begins on a Monday; {first_day} is a {first_day:%A}.",
        evidence,
        f"Choose {before} or {after}.",
        after,
    )


def _start_window(listing: Terms, first_day: date) -> RuleResult:
    first, last = listing.first_start, listing.last_start
    evidence = {"first_start": first.isoformat(), "last_start": last.isoformat()}
    if first <= first_day <= last:
        sentence = f"Rotations begin from {first} to {last}."
        return RuleResult("start_window", Outcome.PASS, sentence, evidence)
    if first_day < first:
        return RuleResult(
            "start_window",
            Outcome.FAIL,
            f"The first rotation begins on {first}.",
            evidence,
            f"Choose a Monday from {first} on.",
            first,
        )
    return RuleResult(
        "start_window",
        Outcome.FAIL,
        f"The last rotation begins on {last}.",
        evidence,
        f"Choose a Monday up to {last}.",
    )


def _lead_time(listing: Terms, first_day: date, today: date) -> RuleResult:
    days = (first_day - today).days
    evidence = {"today": today.isoformat(), "days_before_start": str(days)}
    if days >= listing.lead_days:
        sentence = f"There are {days} days until the start; {listing.lead_days} are needed."
        return RuleResult("lead_time", Outcome.PASS, sentence, evidence)
    earliest = max(monday_from(today + timedelta(days=listing.lead_days)), listing.first_start)
    possible = earliest if earliest <= listing.last_start else None
    return RuleResult(
        "lead_time",
        Outcome.FAIL,
        f"A booking needs {listing.lead_days} days before the start; there are {max(days, 0)}.",
        evidence,
        f"Choose {possible} or later." if possible else "There is no later start.",
        possible,
    )


def _length(listing: Terms, weeks: int) -> RuleResult:
    least, most = listing.weeks_min, listing.weeks_max
    evidence = {"weeks": str(weeks), "weeks_min": str(least), "weeks_max": str(most)}
    span = f"{least}" if least == most else f"{least} to {most}"
    if least <= weeks <= most:
        sentence = f"{weeks} weeks; {span} can be booked."
        return RuleResult("length", Outcome.PASS, sentence, evidence)
    return RuleResult(
        "length",
        Outcome.FAIL,
        f"{weeks} weeks were asked for; {span} can be booked.",
        evidence,
        f"Choose {span} weeks.",
    )


def _blackout(listing: Terms, first_day: date, weeks: int) -> RuleResult:
    if not is_monday(first_day) or weeks < 1:
        return RuleResult(
            "blackout", Outcome.UNKNOWN, "Closed weeks are checked for whole weeks from a Monday."
        )
    wanted = run_of_weeks(first_day, weeks)
    closed = [week for week in wanted if week in set(listing.blackout_weeks)]
    evidence = {
        "first_day": first_day.isoformat(),
        "last_day": last_day(first_day, weeks).isoformat(),
    }
    if not closed:
        return RuleResult("blackout", Outcome.PASS, "None of the weeks is closed.", evidence)
    named = ", ".join(week.isoformat() for week in closed)
    earliest = _first_open_run(listing, closed[-1] + timedelta(days=7), weeks)
    return RuleResult(
        "blackout",
        Outcome.FAIL,
        f"The site is closed in the week of {named}.",
        evidence,
        f"Choose {earliest} or later." if earliest else "Choose an earlier start.",
        earliest,
    )


def _first_open_run(listing: Terms, start: date, weeks: int) -> date | None:
    closed = set(listing.blackout_weeks)
    while start <= listing.last_start:
        hit = [week for week in run_of_weeks(start, weeks) if week in closed]
        if not hit:
            return start
        start = hit[-1] + timedelta(days=7)
    return None


def _audience(listing: Terms, profile: Profile, first_day: date) -> RuleResult:
    if listing.audience == Audience.BOTH:
        return RuleResult("audience", Outcome.PASS, "Students and graduates are admitted.")
    graduation = profile.graduation_date
    if graduation is None:
        return RuleResult(
            "audience",
            Outcome.UNKNOWN,
            f"Only {listing.audience} are admitted; your graduation date is not known.",
            {"graduation_date": None},
            "Add your graduation date to your profile, past or expected.",
        )
    status = learner_status(graduation, first_day)
    evidence = {"graduation_date": graduation.isoformat(), "status_on_first_day": status.value}
    if listing.audience == f"{status.value}s":
        sentence = f"On the first day you are a {status.value}; {listing.audience} are admitted."
        return RuleResult("audience", Outcome.PASS, sentence, evidence)
    earliest = None
    if status is LearnerStatus.STUDENT:
        earliest = max(monday_from(graduation), listing.first_start)
        earliest = earliest if earliest <= listing.last_start else None
    action = f"Choose {earliest} or later, after you graduate." if earliest else None
    return RuleResult(
        "audience",
        Outcome.FAIL,
        f"Only {listing.audience} are admitted; on the first day you are a {status.value}.",
        evidence,
        action or f"Look for listings that admit {status.value}s.",
        earliest,
    )


def _step1(listing: Terms, profile: Profile) -> RuleResult:
    if not listing.step1_required:
        return RuleResult("step1", Outcome.PASS, "Step 1 is not asked for.")
    evidence = {"step1_result": profile.step1_result}
    if profile.step1_result == STEP1_PASSED:
        return RuleResult("step1", Outcome.PASS, "Step 1 is passed.", evidence)
    if profile.step1_result == STEP1_FAILED:
        action = "Pass Step 1 and add the result to your profile."
        return RuleResult("step1", Outcome.FAIL, "Step 1 must be passed.", evidence, action)
    return RuleResult(
        "step1",
        Outcome.UNKNOWN,
        "Step 1 must be passed; your result is not known.",
        evidence,
        "Add your Step 1 result to your profile.",
    )


def _step2(listing: Terms, profile: Profile) -> RuleResult:
    least, score = listing.step2_min, profile.step2_ck_score
    if least is None:
        return RuleResult("step2_ck", Outcome.PASS, "Step 2 CK is not asked for.")
    evidence = {"step2_ck_score": None if score is None else str(score), "minimum": str(least)}
    if score is None:
        return RuleResult(
            "step2_ck",
            Outcome.UNKNOWN,
            f"Step 2 CK of at least {least} is asked for; your score is not known.",
            evidence,
            "Add your Step 2 CK score to your profile and upload the score report.",
        )
    if score >= least:
        sentence = f"Your Step 2 CK score of {score} is at least {least}."
        return RuleResult("step2_ck", Outcome.PASS, sentence, evidence)
    return RuleResult(
        "step2_ck",
        Outcome.FAIL,
        f"Step 2 CK of at least {least} is asked for; yours is {score}.",
        evidence,
        f"Look for listings that ask for {score} or less.",
    )


def _visa(listing: Terms, profile: Profile) -> RuleResult:
    accepted = list(listing.visa_types)
    evidence = {"accepted": ";".join(accepted), "visa_type": profile.visa_type}
    if NO_VISA in accepted:
        return RuleResult("visa", Outcome.PASS, "No visa is needed.", evidence)
    if profile.needs_visa is False:
        return RuleResult("visa", Outcome.PASS, "You need no visa.", evidence)
    if profile.needs_visa is None:
        action = "Say in your profile whether you need a visa."
        sentence = "Whether you need a visa is not known."
        return RuleResult("visa", Outcome.UNKNOWN, sentence, evidence, action)
    if ANY_VISA in accepted:
        return RuleResult("visa", Outcome.PASS, "Any visa is accepted.", evidence)
    if not profile.visa_type:
        return RuleResult(
            "visa",
            Outcome.UNKNOWN,
            f"Accepted: {', '.join(accepted)}; which visa you have or expect is not known.",
            evidence,
            "Add the visa that you have or apply for to your profile.",
        )
    # Whoever may come on a B-1 alone meets "B1/B2"; a rotation is done on the B-1 part of it.
    held = "B1/B2" if profile.visa_type == "b1" else resolve("visa", profile.visa_type)
    if held in accepted:
        return RuleResult("visa", Outcome.PASS, f"{held} is accepted.", evidence)
    return RuleResult(
        "visa",
        Outcome.FAIL,
        f"{held or 'Your visa'} is not accepted here; accepted: {', '.join(accepted)}.",
        evidence,
        "Look for listings that accept your visa.",
    )
