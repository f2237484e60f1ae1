"""What would change a tier: the fewest duties more, or less, that make another answer.

Works for any classifier, by asking it. Added are contact and other hands-on duties only, since
passive ones never raise a tier; a remote setting is tried in person as well.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from marketplace.catalog.rules.classifiers import Classify
from marketplace.catalog.rules.tiers import (
    CONTACT_DUTIES,
    HANDS_ON_DUTIES,
    Classification,
    Tier,
    rank,
    spoken,
)
from marketplace.catalog.rules.vocabulary import Audience, Duty, Setting, in_order
from marketplace.identity.rules import LearnerStatus

# An elective asks for three at most: history, examination, and notes or presentation.
MOST_ADDED = 3
MOST_REMOVED = 2


@dataclass(frozen=True)
class WhatIf:
    """With these changes the tier for `status` would be `tier`; `setting` only if it changes."""

    status: LearnerStatus
    tier: Tier
    add: tuple[str, ...]
    remove: tuple[str, ...]
    setting: str | None
    text: str


def what_if(
    classify: Classify, duties: Iterable[str], setting: str, audience: str = Audience.BOTH
) -> list[WhatIf]:
    """The smallest changes that raise the answer, then those that lower it, by learner status.

    Every alternative of the smallest size is named; none where the answer can't be moved so.
    """
    given = set(in_order("duty", duties))
    now = classify(given, setting, "", audience)
    return [
        *_better(classify, given, setting, audience, now),
        *_worse(classify, given, setting, audience, now),
    ]


def _better(
    classify: Classify, given: Collection[str], setting: str, audience: str, now: Classification
) -> Iterator[WhatIf]:
    missing = in_order("duty", (CONTACT_DUTIES | HANDS_ON_DUTIES) - set(given))
    places = [setting, Setting.INPATIENT.value] if setting == Setting.REMOTE else [setting]
    tried = [
        (place, added, classify({*given, *added}, place, "", audience))
        for count in range(MOST_ADDED + 1)
        for place in places
        for added in combinations(missing, count)
    ]
    for status in now.open_to:
        best = rank(now.for_status(status).tier)
        fewest: dict[Tier, int] = {}
        for place, added, answer in tried:
            tier = answer.for_status(status).tier
            size = len(added) + (place != setting)
            if rank(tier) > best and size <= fewest.setdefault(tier, size):
                moved = place if place != setting else None
                yield WhatIf(status, tier, added, (), moved, _raised(status, tier, added, moved))


def _worse(
    classify: Classify, given: Collection[str], setting: str, audience: str, now: Classification
) -> Iterator[WhatIf]:
    named = in_order("duty", given)
    tried = [
        (less, classify(set(given) - set(less), setting, "", audience))
        for count in range(1, min(MOST_REMOVED, len(named) - 1) + 1)
        for less in combinations(named, count)
    ]
    for status in now.open_to:
        best = rank(now.for_status(status).tier)
        fewest: dict[Tier, int] = {}
        for less, answer in tried:
            tier = answer.for_status(status).tier
            if rank(tier) < best and len(less) <= fewest.setdefault(tier, len(less)):
                text = f"Without {_listed(less)} it would be {_a(tier)} for {status.value}s."
                yield WhatIf(status, tier, (), less, None, text)


def _raised(status: LearnerStatus, tier: Tier, added: Sequence[str], setting: str | None) -> str:
    parts = [f"with {_listed(added)}"] if added else []
    parts += ["in person instead of remotely"] if setting else []
    condition = ", ".join(parts)
    return f"{condition[0].upper()}{condition[1:]} it would be {_a(tier)} for {status.value}s."


def _listed(duties: Sequence[str]) -> str:
    return " and ".join(spoken({Duty(duty)}) for duty in duties)


def _a(tier: Tier) -> str:
    return f"an {tier.value}" if tier is not Tier.UNCLASSIFIED else tier.value
