"""What a host asks for: requirements as values, as JSON, and as the set that holds for a listing.

A requirement is met by any one of its alternatives, an alternative by all of its proofs. Titles
and notes are the host's words; keys name a requirement within its set, so that a listing's set can
replace or leave out what its site asks for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from marketplace.compliance.rules.kinds import TITLES
from marketplace.compliance.rules.validity import Rule, Validity


@dataclass(frozen=True)
class Needed:
    """One document of an alternative: so many doses, good by a rule, a least score in each part."""

    kind: str
    doses: int = 0
    validity: Validity = field(default_factory=Validity)
    least_each_part: int | None = None


@dataclass(frozen=True)
class Requirement:
    """`due_days` before the day it is needed; `blocks_start`: without it nobody begins."""

    key: str
    title: str
    alternatives: tuple[tuple[Needed, ...], ...]
    due_days: int = 30
    blocks_start: bool = True
    note: str = ""
    omitted: bool = False

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(needed.kind for group in self.alternatives for needed in group)


def effective(
    site: Iterable[Requirement],
    listing: Iterable[Requirement],
    documents: Iterable[str],
    usual: Mapping[str, Requirement],
) -> tuple[Requirement, ...]:
    """The set that holds: the site's, replaced and completed by the listing's.

    What the listing's terms name among its documents, and neither set speaks of, is asked for as
    is usual. An omitted requirement is the listing's word that its site's does not hold here.
    """
    found = {one.key: one for one in site}
    found |= {one.key: one for one in listing}
    spoken_of = set(found) | {kind for one in found.values() for kind in one.kinds}
    for kind in documents:
        if kind not in spoken_of:
            found[kind] = usual.get(kind) or plain(kind)
    return tuple(one for one in found.values() if not one.omitted)


def plain(kind: str) -> Requirement:
    """The document itself, without a rule on its dates."""
    title = TITLES[kind]
    return Requirement(kind, title[0].upper() + title[1:], ((Needed(kind),),))


def describe(requirement: Requirement) -> str:
    """What would meet it, in a sentence without a date."""
    return ", or ".join(
        " and ".join(_describe(needed) for needed in group) for group in requirement.alternatives
    )


def _describe(needed: Needed) -> str:
    words = TITLES[needed.kind]
    if needed.doses:
        words += f" with {needed.doses} dose{'s' if needed.doses > 1 else ''}"
    if needed.least_each_part is not None:
        words += f" with at least {needed.least_each_part} in each part"
    match needed.validity.rule:
        case Rule.ALWAYS:
            return words
        case Rule.THROUGH_LAST_DAY:
            return words + " valid through the last day"
        case Rule.WITHIN_MONTHS:
            years, rest = divmod(needed.validity.months, 12)
            months = f"{needed.validity.months} month{'s' if needed.validity.months > 1 else ''}"
            span = months if rest or years == 1 else f"{years} years"
            return words + f" within {span} before the start"
        case Rule.SEASON:
            return words + " of the season"


def to_json(requirement: Requirement) -> dict[str, Any]:
    return {
        "key": requirement.key,
        "title": requirement.title,
        "note": requirement.note,
        "alternatives": [
            [_needed_to_json(needed) for needed in group] for group in requirement.alternatives
        ],
        "due_days": requirement.due_days,
        "blocks_start": requirement.blocks_start,
        "omitted": requirement.omitted,
    }


def from_json(data: Mapping[str, Any]) -> Requirement:
    """Read what `to_json` wrote, or what a host sent once its schema has passed it."""
    return Requirement(
        key=data["key"],
        title=data["title"],
        alternatives=tuple(
            tuple(_needed_from_json(needed) for needed in group) for group in data["alternatives"]
        ),
        due_days=data["due_days"],
        blocks_start=data["blocks_start"],
        note=data.get("note", ""),
        omitted=data.get("omitted", False),
    )


def _needed_to_json(needed: Needed) -> dict[str, Any]:
    rule = needed.validity
    validity: dict[str, Any] = {"rule": rule.rule.value}
    if rule.rule is Rule.WITHIN_MONTHS:
        validity["months"] = rule.months
    if rule.rule is Rule.SEASON:
        names = ("season_from", "season_to", "counts_from")
        validity |= {name: getattr(rule, name) for name in names}
    return {
        "kind": needed.kind,
        "doses": needed.doses,
        "validity": validity,
        "least_each_part": needed.least_each_part,
    }


def _needed_from_json(data: Mapping[str, Any]) -> Needed:
    validity = data.get("validity") or {"rule": Rule.ALWAYS.value}
    given = {name: value for name, value in validity.items() if value is not None}
    return Needed(
        kind=data["kind"],
        doses=data.get("doses", 0),
        validity=Validity(**{**given, "rule": Rule(given["rule"])}),
        least_each_part=data.get("least_each_part"),
    )
