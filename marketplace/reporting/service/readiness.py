"""A trainee's readiness: their own record, topic by topic, beside what is published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from marketplace.core.db import Session
from marketplace.identity import queries as identity
from marketplace.identity.queries import TraineeFacts
from marketplace.outcomes.rules import calendar
from marketplace.reporting.errors import ProfileNeeded
from marketplace.reporting.queries import readiness as queries
from marketplace.reporting.queries import runs
from marketplace.reporting.rules import readiness as rules

# The season that is on from here on is the next year's Match.
SEASON_TURNS = 6


@dataclass(frozen=True)
class Readiness:
    """All topics, in a fixed order; `match_year` is the profile's, or else the coming Match."""

    as_of: datetime
    applicant_type: str
    learner_status: str
    target_specialty: str | None
    match_year: int
    topics: Sequence[rules.Topic]
    no_score: str = rules.NO_SCORE


def of(session: Session, trainee_id: UUID, now: datetime) -> Readiness:
    """Return the trainee's readiness; `ProfileNeeded` while nothing is known of them.

    The number of queries is fixed.
    """
    facts = identity.trainee_facts(session, trainee_id)
    if facts is None:
        raise ProfileNeeded
    year = facts.match_year or coming_match(now.date())
    advice = rules.from_registry(
        runs.benchmarks(session, now), facts.applicant_type, facts.target_specialty
    )
    season = queries.season(session, trainee_id, year)
    stays, letters = queries.stays(session, trainee_id), queries.letters(session, trainee_id)
    made = {
        "experience": _experience(facts, stays),
        "letters": _letters(facts, letters),
        "step_1": ({"result": facts.step1_result}, {}, []),
        "step_2_ck": _step_2(facts),
        "certification": _certification(facts),
        "deadlines": _deadlines(year, now),
        "applications": _applications(season),
        "match_rates": ({"applicant_type": facts.applicant_type.value}, {}, []),
    }
    every = [*rules.shipped(), *advice]
    topics = [
        rules.topic(
            name,
            rules.fitting(every, name, facts.applicant_type, facts.target_specialty),
            *made[name],
        )
        for name in rules.TOPICS
    ]
    return Readiness(
        as_of=now,
        applicant_type=facts.applicant_type.value,
        learner_status=facts.learner_status(now.date()).value,
        target_specialty=facts.target_specialty,
        match_year=year,
        topics=topics,
    )


def of_letters(session: Session, trainee_id: UUID) -> tuple[str | None, rules.Topic] | None:
    """Return the target specialty and the letters' topic alone; None while nothing is known."""
    facts = identity.trainee_facts(session, trainee_id)
    if facts is None:
        return None
    target, who = facts.target_specialty, facts.applicant_type
    advice = rules.fitting(rules.shipped(), "letters", who, target)
    own = _letters(facts, queries.letters(session, trainee_id))
    return target, rules.topic("letters", advice, *own)


def coming_match(today: date) -> int:
    """Return the Match that an application of today is for: from June on the next year's."""
    return today.year + (today.month >= SEASON_TURNS)


Part = tuple[dict[str, Any], dict[str, float | None], list[str]]


def _experience(facts: TraineeFacts, stays: Sequence[rules.Stay]) -> Part:
    own = rules.experience(stays, facts.target_specialty)
    missing = [] if facts.target_specialty else ["Your target specialty is not in your profile."]
    missing.append("Experience that was not booked here is not known here.")
    return own, {"months": float(str(own["hands_on_months"]))}, missing


def _letters(facts: TraineeFacts, letters: Sequence[rules.Written]) -> Part:
    own = rules.coverage(letters, facts.target_specialty)
    missing = [] if facts.target_specialty else ["Your target specialty is not in your profile."]
    missing.append("Letters that were not asked for here are not known here.")
    return own, {"letters": float(str(own["confirmed"]))}, missing


def _step_2(facts: TraineeFacts) -> Part:
    score = facts.step2_ck_score
    missing = [] if score is not None else ["No Step 2 CK score is in your profile."]
    return {"score": score}, {"score": None if score is None else float(score)}, missing


def _certification(facts: TraineeFacts) -> Part:
    """The steps; for a graduate of a school in the United States or Canada there are none."""
    needed = facts.applicant_type in rules.IMG
    own = {
        "needed": needed,
        "certified": facts.ecfmg_certified,
        "step_1_passed": facts.step1_result == "passed",
        "step_2_ck_score_known": facts.step2_ck_score is not None,
        "english_proof": facts.english is not None,
        "graduation_date": facts.graduation_date.isoformat(),
    }
    missing = ["Whether a pathway is completed is not known here."] if needed else []
    # An OET score is one of four parts: no one number of the profile stands beside it.
    return own, {}, missing


def _deadlines(year: int, now: datetime) -> Part:
    season = calendar.season(calendar.shipped(), year, now.date())
    dates = [
        {
            "kind": one.entry.kind,
            "title": one.title,
            "first_day": one.first_day.isoformat(),
            "last_day": one.last_day.isoformat(),
            "exact": one.exact,
            "days_left": (one.last_day - now.date()).days,
            "status": one.entry.status,
            "source": one.entry.source,
        }
        for one in season.dates
    ]
    looked = {one.kind: one.recorded_on.isoformat() for one in season.not_announced}
    missing = [
        f"Not yet announced for {year}, as of {looked[kind]}: {calendar.KINDS[kind]}."
        if kind in looked
        else f"Not known for {year}: {calendar.KINDS[kind]}."
        for kind in season.not_known
    ]
    return {"dates": dates}, {}, missing


def _applications(season: dict[str, object]) -> Part:
    missing = ["How many programs you applied to is not known here: applications go to ERAS."]
    return season, {"programs": None}, missing
