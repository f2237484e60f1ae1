"""One rule's answer, what it rests on, and what would make it pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Outcome(StrEnum):
    PASS = "pass"  # noqa: S105 - an outcome, not a secret
    FAIL = "fail"
    UNKNOWN = "unknown"


class Source(StrEnum):
    """Where a fact is from."""

    # What was asked about: the first day, the number of weeks.
    REQUEST = "request"
    LISTING = "listing"
    CALENDAR = "calendar"
    SELF_REPORTED = "self_reported"
    # Told by the trainee, and proven by a document that was accepted.
    DOCUMENT = "document"
    BOOKINGS = "bookings"
    CLOCK = "clock"


@dataclass(frozen=True)
class Evidence:
    """A fact that the answer rests on; no value means that it is not known."""

    fact: str
    value: str | None
    source: Source


@dataclass(frozen=True)
class Needed:
    """What to fill in (`profile_field`) or upload (`document`), and where."""

    kind: str
    name: str
    where: str


@dataclass(frozen=True)
class RuleResult:
    """One rule's answer.

    `earliest` is the first day of a rotation for which it would pass, where a day alone decides:
    the next from the day that was asked about on, else an earlier one. None where it passes
    already, where something else is needed, or where it never will. A rule that does not `block`
    is worth knowing, but nobody is refused by it.
    """

    rule: str
    outcome: Outcome
    sentence: str
    evidence: tuple[Evidence, ...] = ()
    action: str | None = None
    earliest: date | None = None
    needed: tuple[Needed, ...] = ()
    blocks: bool = True


def may_book(results: Sequence[RuleResult]) -> bool:
    """Whether every rule that blocks passes; unknown is not enough."""
    return all(result.outcome is Outcome.PASS for result in results if result.blocks)
