"""A trainee's own record beside what is published: who says it, how far it can be trusted.

No score, chance or verdict is worked out: the published figures rest on other people than the
trainee, many on no study at all, and some contradict each other, which is shown.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from marketplace.catalog.rules.specialties import BY_CODE
from marketplace.catalog.rules.tiers import RANK, Tier
from marketplace.reporting.rules.benchmarks import MATCH_RATE, STATUSES, Benchmark

TOPICS = (
    "experience",
    "letters",
    "step_1",
    "step_2_ck",
    "certification",
    "deadlines",
    "applications",
    "match_rates",
)
STEP_2 = "mean_step2ck_matched"
REGISTRY = "the registry of benchmarks"
WHOM = {"img": "IMGs", "us_img": "US IMGs", "non_us_img": "non-US IMGs"}
# A month of a rotation is four weeks, as the field counts.
WEEKS_A_MONTH = 4
HANDS_ON = frozenset({Tier.ELECTIVE, Tier.EXTERNSHIP})
UNITED_STATES = "US"
ON_THE_WAY = frozenset({"asked", "agreed", "uploaded"})
IMG = frozenset({"us_img", "non_us_img"})
NO_SCORE = (
    "No score and no chance is worked out. What is published is about other people, and much of it"
    " rests on no study: read who says it, and what its status is."
)


@dataclass(frozen=True, slots=True)
class Advice:
    """What somebody published. `question` is what it answers: other answers contradict it.

    `low` and `high` in `unit`, where it names a figure; `interest`: what its publisher sells.
    """

    topic: str
    question: str
    answer: str
    population: str
    specialty: str | None
    low: float | None
    high: float | None
    unit: str | None
    year: int | None
    statement: str
    published_by: str
    interest: str | None
    source: str
    status: str
    note: str


@dataclass(frozen=True, slots=True)
class Published:
    """Advice beside the trainee's own figure; `difference` is how far that is outside its limits.

    0 within them, negative below; None where either names no figure.
    """

    advice: Advice
    own: float | None
    difference: float | None


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One question, and the answers that are published to it."""

    question: str
    answers: tuple[Advice, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """One part of the record. `missing` is what is not recorded here, so that nothing is assumed."""

    topic: str
    own: Mapping[str, object]
    published: tuple[Published, ...]
    contradictions: tuple[Contradiction, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stay:
    """A booking as far as experience is concerned; `attested` is direct contact, None if unsaid."""

    state: str
    tier: str
    weeks: int
    last_day: date
    specialty: str
    country: str
    attested: bool | None


@dataclass(frozen=True, slots=True)
class Written:
    """A letter as far as coverage is concerned."""

    state: str
    waived: bool
    specialty: str
    tier: str
    country: str


def read(lines: Iterable[str]) -> tuple[Advice, ...]:
    """Return the rows of the data file; `ValueError` for one that can't be read."""
    return tuple(_advice(row) for row in csv.DictReader(lines))


@cache
def shipped() -> tuple[Advice, ...]:
    """Return the advice that comes with the product."""
    file = files("marketplace.reporting").joinpath("data/readiness_advice.csv")
    return read(file.read_text("utf-8").splitlines())


def experience(stays: Sequence[Stay], target: str | None) -> dict[str, object]:
    """Count completed weeks by the tier frozen on each booking; hands-on ones also in months.

    Only stays in the United States. What is booked and not done yet is counted apart. A hands-on
    booking of which the trainee attested no direct contact is counted, and named.
    """
    here = [one for one in stays if one.country == UNITED_STATES]
    done = [one for one in here if one.state == "completed"]
    hands_on = [one for one in done if one.tier in HANDS_ON]
    weeks = sum(one.weeks for one in hands_on)
    return {
        "weeks_by_tier": {
            tier.value: sum(one.weeks for one in done if one.tier == tier) for tier in RANK
        },
        "hands_on_weeks": weeks,
        "hands_on_months": weeks / WEEKS_A_MONTH,
        "hands_on_weeks_in_specialty": sum(
            one.weeks for one in hands_on if target and belongs(one.specialty, target)
        ),
        "last_hands_on_day": max((one.last_day.isoformat() for one in hands_on), default=None),
        "hands_on_weeks_booked": sum(
            one.weeks for one in here if one.state != "completed" and one.tier in HANDS_ON
        ),
        "attested_without_contact": sum(one.attested is False for one in hands_on),
    }


def coverage(letters: Sequence[Written], target: str | None) -> dict[str, object]:
    """Count confirmed letters: all, of the target specialty, of hands-on stays in the country."""
    ready = [one for one in letters if one.state == "confirmed"]
    return {
        "confirmed": len(ready),
        "on_the_way": sum(one.state in ON_THE_WAY for one in letters),
        "waived": sum(one.waived for one in ready),
        "of_target_specialty": sum(
            target is not None and belongs(one.specialty, target) for one in ready
        ),
        "hands_on_united_states": sum(
            one.tier in HANDS_ON and one.country == UNITED_STATES for one in ready
        ),
    }


def belongs(specialty: str, target: str) -> bool:
    """Tell whether work in `specialty` is work in `target`: the same, or a subspecialty of it."""
    known = BY_CODE.get(specialty)
    return specialty == target or (known is not None and target in known.parents)


def fitting(
    advice: Sequence[Advice], topic: str, applicant_type: str, target: str | None
) -> list[Advice]:
    """Return what is published on a topic for this applicant, the best status first."""
    for_whom = {"all", applicant_type, *({"img"} if applicant_type in IMG else ())}
    found = [
        one
        for one in advice
        if one.topic == topic and one.population in for_whom and one.specialty in {None, target}
    ]
    return sorted(found, key=lambda one: STATUSES.index(one.status))


def from_registry(
    benchmarks: Sequence[Benchmark], applicant_type: str, target: str | None
) -> list[Advice]:
    """Return the published Step 2 CK means and match rates as advice; disputed ones say so.

    Of the match rates the last two years that have any: they are of another year than the trainee's.
    """
    populations = {applicant_type, *({"img"} if applicant_type in IMG else ())}
    known = [one for one in benchmarks if one.population in populations]
    steps = [one for one in known if one.metric == STEP_2 and one.specialty in {None, target}]
    rates = [one for one in known if one.metric == MATCH_RATE and one.specialty is None]
    years = sorted({one.match_year for one in rates})[-2:]
    return [
        *(_of_benchmark(one, "step_2_ck") for one in steps),
        *(_of_benchmark(one, "match_rates") for one in rates if one.match_year in years),
    ]


def topic(
    name: str,
    advice: Sequence[Advice],
    own: Mapping[str, object],
    figures: Mapping[str, float | None],
    missing: Sequence[str] = (),
) -> Topic:
    """Put the own record beside what is published; `figures` maps units to the own figure."""
    published = tuple(_beside(one, figures.get(one.unit or "")) for one in advice)
    return Topic(name, own, published, contradictions(advice), tuple(missing))


def contradictions(advice: Sequence[Advice]) -> tuple[Contradiction, ...]:
    """Return the questions that are answered differently, in the order of first answers.

    A question is one of the same specialty and year where answers are figures of one year.
    """
    asked: dict[tuple[object, ...], list[Advice]] = {}
    for one in advice:
        asked.setdefault((one.question, one.specialty), []).append(one)
    return tuple(
        Contradiction(str(key[0]), tuple(answers))
        for key, answers in asked.items()
        if len({one.answer for one in answers}) > 1
    )


def _beside(one: Advice, own: float | None) -> Published:
    if own is None or (one.low is None and one.high is None):
        return Published(one, None, None)
    below = min(0.0, own - one.low) if one.low is not None else 0.0
    above = max(0.0, own - one.high) if one.high is not None else 0.0
    return Published(one, own, below or above)


def _of_benchmark(one: Benchmark, name: str) -> Advice:
    known = BY_CODE.get(one.specialty or "")
    of = f", {known.name if known else one.specialty}" if one.specialty else ""
    what = "mean Step 2 CK of those matched" if name == "step_2_ck" else "PGY-1 match rate"
    value = float(one.value)
    note = one.note
    if name == "step_2_ck":
        note = "; ".join(filter(None, (note, "a mean: many of those who matched had less")))
    return Advice(
        topic=name,
        question=f"{one.metric} {one.match_year} {one.population}",
        answer=str(one.value),
        population=one.population,
        specialty=one.specialty,
        low=value,
        high=value,
        unit="score" if one.unit == "score" else one.unit,
        year=one.match_year,
        statement=(
            f"{what}, {WHOM.get(one.population, one.population)}{of}, {one.match_year} Match:"
            f" {one.value} {one.unit}"
        ),
        published_by=REGISTRY,
        interest=None,
        source=one.source,
        status=one.status,
        note=note,
    )


def _advice(row: Mapping[str, str]) -> Advice:
    if row["topic"] not in TOPICS or row["status"] not in STATUSES:
        raise ValueError(f"{row['topic']}, {row['status']}: no topic or status")
    return Advice(
        topic=row["topic"],
        question=row["question"],
        answer=row["answer"],
        population=row["population"],
        specialty=row["specialty"] or None,
        low=float(row["low"]) if row["low"] else None,
        high=float(row["high"]) if row["high"] else None,
        unit=row["unit"] or None,
        year=int(row["year"]) if row["year"] else None,
        statement=row["statement"],
        published_by=row["published_by"],
        interest=row["interest"] or None,
        source=row["source"],
        status=row["status"],
        note=row["note"],
    )
