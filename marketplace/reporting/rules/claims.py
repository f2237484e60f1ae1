"""The claim gate: the one place that makes sentences from figures.

A sentence about a rate always carries what it rests on: numerator, denominator, interval,
respondents, response rates, bounds, the share verified and the date. A sentence that compares
with a published rate carries all of it too, and speaks of the whole group only where the bound
that counts every silent trainee against it lies beyond the published rate. Nothing else in the
product may compare; `ungated` finds text that does.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from marketplace.reporting.rules.benchmarks import Benchmark
from marketplace.reporting.rules.bounds import Bounds, TippingPoint
from marketplace.reporting.rules.intervals import Interval, ratio

SIGNIFICANCE = 0.05
SMALLEST_PRINTED = 0.0001


@dataclass(frozen=True, slots=True)
class RateFacts:
    """A group's PGY-1 match rate and all that must stand beside it."""

    group: str
    whom: str
    year: int
    matched: int
    active: int
    interval: Interval
    responded: int
    eligible: int
    rr1: float | None
    rr2: float | None
    bounds: Bounds
    matched_verified: int
    as_of: date | None
    # earlier methods spoke of a share where there was nothing to share
    shares_nothing: bool = False


@dataclass(frozen=True, slots=True)
class Against:
    """A benchmark that fits, and the tests against it."""

    benchmark: Benchmark
    p_two_sided: float
    p_holm: float
    tipping: TippingPoint


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence that may be published as it stands, whole."""

    group: str
    kind: str
    qualified: bool
    text: str


def make(facts: RateFacts, against: Against | None = None) -> list[Claim]:
    """The sentences that a group's figures bear; none at all without active applicants."""
    if facts.active == 0 or facts.interval.estimate is None:
        return []
    claims = [Claim(facts.group, "rate", qualified=False, text=_rate(facts))]
    if against is not None:
        claims.append(_comparison(facts, against))
    return claims


def direction(facts: RateFacts, against: Against) -> str:
    """`higher`, `lower` or `not_shown`: what the respondents' rate shows of themselves."""
    rate = facts.interval.estimate
    if rate is None or against.p_holm >= SIGNIFICANCE:
        return "not_shown"
    if rate > against.benchmark.highest:
        return "higher"
    return "lower" if rate < against.benchmark.lowest else "not_shown"


def holds_whatever_the_silent_say(facts: RateFacts, against: Against) -> bool:
    """Whether the nearer bound itself lies beyond the benchmark, rounding included."""
    lower, upper = facts.bounds.lower, facts.bounds.upper
    if lower is None or upper is None:
        return False
    return lower > against.benchmark.highest or upper < against.benchmark.lowest


def ungated(text: str, passed: Sequence[Claim]) -> list[str]:
    """The sentences of a text that compare with a published rate and did not pass the gate."""
    for claim in passed:
        text = text.replace(claim.text, "")
    sentences = re.split(r"(?<=[.!?])\s+(?=[A-Z“\"])", text)
    return [part.strip() for part in sentences if _compares(part)]


_COMPARING = re.compile(
    r"\b(higher|lower|better|worse|more|less|above|below|exceed\w*|outperform\w*|beat\w*|"
    r"surpass\w*|ahead of|behind|times|twice|doubl\w*|tripl\w*|tops?|topped|outpac\w*|superior|"
    r"greater|highest|lowest|best|as (?:well|good|high) as|over|past|under|against|versus|vs|"
    r"compar\w*|than|unlike|differ\w*|likel\w*|points?|"
    r"supera\w*|may(?:or|ores)|menor\w*|mejor\w*|peor\w*|encima|debajo|frente a)\b",
    re.IGNORECASE,
)
_STANDARD = re.compile(
    r"\b(nation\w*|countr\w*|nrmp|average|benchmark|overall rate|other imgs?|all imgs|peers?|"
    r"the us|united states|nacional\w*|pa[ií]s|promedio|estados unidos)\b",
    re.IGNORECASE,
)

_RATE = re.compile(r"\d+(?:[.,]\d+)? ?(?:%|percent|por ciento)|\b0?\.\d+\b")


def _compares(sentence: str) -> bool:
    """Two rates beside a standard compare without any word for it."""
    compares = _COMPARING.search(sentence) or len(_RATE.findall(sentence)) > 1
    return bool(compares and _STANDARD.search(sentence))


def _rate(facts: RateFacts) -> str:
    return (
        f"{_opening(facts)} matched to a PGY-1 position in the {facts.year} Match; {_beside(facts)}"
    )


def _comparison(facts: RateFacts, against: Against) -> Claim:
    found = direction(facts, against)
    benchmark = against.benchmark
    published = (
        f"the national rate of {benchmark.value}% for the same group in the "
        f"{benchmark.match_year} Match ({benchmark.source})"
    )
    tests = f"exact two-sided p = {_p(against.p_two_sided)}, Holm-adjusted {_p(against.p_holm)}"
    if found == "not_shown":
        text = (
            f"{_opening(facts)} matched to a PGY-1 position; no difference from {published} is "
            f"shown ({tests}); {_beside(facts)}"
        )
        return Claim(facts.group, found, qualified=True, text=text)
    if holds_whatever_the_silent_say(facts, against):
        text = (
            f"{_opening(facts)} matched to a PGY-1 position, {found} than {published} "
            f"({tests}), whatever became of those who did not answer; {_beside(facts)}"
        )
        return Claim(facts.group, found, qualified=False, text=text)
    text = (
        f"{_opening(facts)} matched to a PGY-1 position; among those who answered this is {found} "
        f"than {published} ({tests}), but it is not shown for the whole group"
        f"{_tipping(against.tipping)}; {_beside(facts)}"
    )
    return Claim(facts.group, found, qualified=True, text=text)


def _opening(facts: RateFacts) -> str:
    interval = facts.interval
    return (
        f"Of {facts.active} active applicants among {facts.whom} who answered, {facts.matched} "
        f"({_percent(interval.estimate)}; Wilson 95% interval {_percent(interval.lower)} to "
        f"{_percent(interval.upper)})"
    )


def _beside(facts: RateFacts) -> str:
    dated = f"; as of {facts.as_of.isoformat()}" if facts.as_of else ""
    return (
        f"{facts.responded} of {facts.eligible} eligible responded (RR1 {_percent(facts.rr1)}, "
        f"RR2 {_percent(facts.rr2)}); counting the silent as all unmatched and as all matched, "
        f"the rate lies between {_percent(facts.bounds.lower)} and "
        f"{_percent(facts.bounds.upper)}; {_verified(facts)}{dated}."
    )


def _verified(facts: RateFacts) -> str:
    share = ratio(facts.matched_verified, facts.matched)
    if share is None and not facts.shares_nothing:
        return "there is no match that could be verified by a document or a roster"
    return f"{_percent(share)} of the matches are verified by a document or a roster"


def _tipping(tipping: TippingPoint) -> str:
    if tipping.rate is None or not tipping.possible:
        return ""
    return f" (the two are equal if {_percent(tipping.rate)} of the silent matched)"


def _percent(value: float | None) -> str:
    return "not known" if value is None else f"{100 * value:.1f}%"


def _p(value: float) -> str:
    return "below 0.0001" if value < SMALLEST_PRINTED else f"{value:.4f}"
