"""The documents that a host asks for, in the reader's words: what each is, and what would meet it."""

from collections.abc import Mapping

from marketplace.compliance.rules.kinds import TITLES
from marketplace.compliance.rules.requirements import Needed, Requirement
from marketplace.compliance.rules.validity import Rule
from marketplace.pages.marking import noted
from marketplace.pages.view import Reader

RULES: Mapping[Rule, str] = {
    Rule.THROUGH_LAST_DAY: noted("%(what)s, valid through the last day"),
    Rule.WITHIN_MONTHS: noted("%(what)s, at most %(months)s months before the start"),
    Rule.SEASON: noted("%(what)s of the season"),
}


def title(requirement: Requirement, who: Reader) -> str:
    """The host's own words, or the document's name where those are no more than it."""
    plain = requirement.title.strip()
    said = who.told(plain.lower() if plain.lower() in TITLES.values() else plain)
    return said[:1].upper() + said[1:]


def needs(requirement: Requirement, who: Reader) -> str:
    """What would meet it: one of the alternatives, each with all that it takes."""
    ways = [
        who.say(" and ").join(_needed(needed, who) for needed in group)
        for group in requirement.alternatives
    ]
    said = who.say(", or ").join(ways)
    return said[:1].upper() + said[1:]


def _needed(needed: Needed, who: Reader) -> str:
    said = who.told(TITLES[needed.kind])
    if needed.doses:
        said = f"{said} ({who.counted(needed.doses, 'doses')})"
    if needed.least_each_part is not None:
        said = who.say(
            "%(what)s with at least %(least)s in each part", what=said, least=needed.least_each_part
        )
    rule = RULES.get(needed.validity.rule)
    return who.say(rule, what=said, months=needed.validity.months) if rule else said
