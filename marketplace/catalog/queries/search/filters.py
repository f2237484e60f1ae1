"""What is searched for, as values: every field that is left out restricts nothing."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Any

from marketplace.core.money import Money
from marketplace.identity.rules import LearnerStatus

# Facets by the column that they count.
FACETS: Mapping[str, str] = MappingProxyType(
    {
        "specialty": "specialty",
        "state": "us_state",
        "setting": "setting",
        "tier_student": "tier_student",
        "tier_graduate": "tier_graduate",
        "letter_policy": "letter_policy",
    }
)
SORTS = ("relevance", "price", "soonest", "distance", "tier")
# Filters that go together are loosened together: the part's name, and its fields here.
PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "q": ("words",),
        "specialty": ("specialties",),
        "tier": ("tiers",),
        "learner_status": ("status",),
        "state": ("us_states",),
        "setting": ("settings",),
        "letter_policy": ("letter_policies",),
        "visa": ("visa",),
        "price_max": ("price_most",),
        "weeks": ("weeks",),
        "start_from": ("start_from", "start_to"),
        "near": ("near",),
        "prerequisites": ("met_by",),
    }
)


@dataclass(frozen=True)
class Near:
    """Within `km` kilometres of a point in degrees; `label` says which, for people."""

    latitude: float
    longitude: float
    km: float
    label: str


@dataclass(frozen=True)
class Qualifications:
    """What a trainee can show for a listing's prerequisites, in the profile's words."""

    step1_result: str | None
    step2_ck_score: int | None
    needs_visa: bool | None
    visa_type: str | None
    english: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Filters:
    """What is searched for; empty and none mean no restriction.

    `status` is the trainee's on the first day: with it only listings that admit them are found,
    and `tiers` are theirs. From `start_from` on, at the latest on `start_to` (a listing's last
    start, if none), `weeks` consecutive weeks (or the listing's least) must be free. `price_most`
    is for all these weeks together. With `met_by` only listings are found whose Step 1, Step 2
    CK, English and visa rules these facts pass; the audience is `status`.
    """

    today: date
    words: str | None = None
    specialties: Sequence[str] = ()
    status: LearnerStatus | None = None
    tiers: Sequence[str] = ()
    us_states: Sequence[str] = ()
    settings: Sequence[str] = ()
    visa: str | None = None
    weeks: int | None = None
    start_from: date | None = None
    start_to: date | None = None
    price_most: Money | None = None
    site_id: uuid.UUID | None = None
    letter_policies: Sequence[str] = ()
    near: Near | None = None
    met_by: Qualifications | None = None

    def without(self, part: str) -> "Filters":
        """The same without one of `PARTS`."""
        left_out: dict[str, Any] = {
            each.name: each.default for each in fields(self) if each.name in PARTS[part]
        }
        return replace(self, **left_out)

    @cached_property
    def parts(self) -> Sequence[str]:
        """Which of `PARTS` restrict anything."""
        given = {each.name for each in fields(self) if getattr(self, each.name)}
        return [part for part, names in PARTS.items() if not given.isdisjoint(names)]
