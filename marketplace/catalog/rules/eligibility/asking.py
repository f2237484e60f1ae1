"""What is asked about: a listing's terms, a trainee's profile, and a rotation that might be."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from marketplace.catalog.rules.eligibility.answers import Evidence, Needed, Source
from marketplace.catalog.rules.english import EnglishTerms
from marketplace.catalog.rules.vocabulary import Document
from marketplace.catalog.rules.weeks import WEEK, monday_from

STEP1_PASSED = "passed"
STEP1_FAILED = "failed"
PROFILE = "/api/v1/me/profile"
WITH_BOOKING = "with the booking, before its first day"
# Which document proves what a profile tells.
PROOFS: Mapping[str, Document] = {
    "step1_result": Document.STEP_SCORE_REPORT,
    "step2_ck_score": Document.STEP_SCORE_REPORT,
    "english": Document.ENGLISH_PROOF,
    "graduation_date": Document.DEANS_LETTER,
}
# Ten years of Mondays: beyond any calendar, short enough to walk.
MOST_MONDAYS = 520


class Terms(Protocol):
    """What is asked of a listing."""

    @property
    def audience(self) -> str: ...
    @property
    def tier_student(self) -> str | None: ...
    @property
    def tier_graduate(self) -> str | None: ...
    @property
    def step1_required(self) -> bool: ...
    @property
    def step2_min(self) -> int | None: ...
    @property
    def english(self) -> EnglishTerms: ...
    @property
    def documents(self) -> Sequence[str]: ...
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
    """What is asked of a trainee's profile; none means that it has not been told.

    `english` is `{"test": …, "scores": {"overall": …}}`, as the profile keeps it.
    """

    @property
    def graduation_date(self) -> date | None: ...
    @property
    def step1_result(self) -> str | None: ...
    @property
    def step2_ck_score(self) -> int | None: ...
    @property
    def english(self) -> Mapping[str, Any] | None: ...
    @property
    def needs_visa(self) -> bool | None: ...
    @property
    def visa_type(self) -> str | None: ...


@dataclass(frozen=True)
class NothingTold:
    """The profile of somebody who has not filled it in."""

    graduation_date: date | None = None
    step1_result: str | None = None
    step2_ck_score: int | None = None
    english: Mapping[str, Any] | None = None
    needs_visa: bool | None = None
    visa_type: str | None = None


NOTHING_TOLD = NothingTold()


@dataclass(frozen=True)
class Asked:
    """A rotation of `weeks` weeks from `first_day`, as of `today` at the site.

    `documents` are those of the trainee that have been accepted.
    """

    listing: Terms
    profile: Profile
    first_day: date
    today: date
    weeks: int
    documents: Collection[str] = ()

    def told(self, fact: str, value: object | None) -> Evidence:
        """Evidence from the profile: self-reported, or proven by an accepted document."""
        proven = PROOFS.get(fact) in self.documents
        source = Source.DOCUMENT if proven else Source.SELF_REPORTED
        return Evidence(fact, None if value is None else str(value), source)

    def earliest(self, passes: Callable[[date], bool]) -> date | None:
        """The first start for which `passes` holds: from the asked day on, else from today on."""
        later = (day for day in self._starts(self.first_day) if passes(day))
        sooner = (day for day in self._starts(self.today) if day < self.first_day and passes(day))
        return next(later, None) or next(sooner, None)

    def _starts(self, since: date) -> Iterator[date]:
        """The Mondays of the listing's season from `since`, and from today, on."""
        day = monday_from(max(since, self.today, self.listing.first_start))
        for _ in range(MOST_MONDAYS):
            if day > self.listing.last_start:
                return
            yield day
            day += WEEK


def asked_of(fact: str, value: object) -> Evidence:
    """Evidence from what was asked for."""
    return Evidence(fact, str(value), Source.REQUEST)


def listed(fact: str, value: object) -> Evidence:
    """Evidence from the listing's terms."""
    return Evidence(fact, str(value), Source.LISTING)


def field_of_profile(name: str) -> Needed:
    """A field to fill in."""
    return Needed("profile_field", name, PROFILE)
