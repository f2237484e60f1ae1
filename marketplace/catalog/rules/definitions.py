"""What the published classifier does, in words and lists: for whoever wants to check it."""

from collections.abc import Mapping
from typing import Any

from marketplace.catalog.rules import vocabulary
from marketplace.catalog.rules.classifiers import Classifiers
from marketplace.catalog.rules.tiers import (
    CONTACT_DUTIES,
    DRIFT_LEAST_ATTESTATIONS,
    HANDS_ON_DUTIES,
    RANK,
    Tier,
    spoken,
)
from marketplace.catalog.rules.vocabulary import Duty

TIERS: Mapping[Tier, str] = {
    Tier.ELECTIVE: "Hands-on elective: a student with direct patient contact whose duties include"
    " history taking, physical examination and at least one of clinical notes and case"
    " presentation.",
    Tier.EXTERNSHIP: "Externship, also called hands-on observership: any other direct patient"
    " contact, and all of it for graduates.",
    Tier.OBSERVERSHIP: "Observership: duties without direct patient contact.",
    Tier.UNCLASSIFIED: "No duties are given; such a listing can't be published.",
}
RULES = (
    "Direct patient contact is at least one contact duty, in person; a remote setting never is.",
    "Without direct patient contact it is an observership for everyone.",
    (
        "With it, for a student with history taking, physical examination and at least one of clinical"
        " notes and case presentation, it is an elective."
    ),
    "With it, in every other case, it is an externship.",
    "Without any duties it is unclassified.",
    "The title and a claimed tier change nothing: they are read for conflicts only.",
)
CONFLICTS: Mapping[str, str] = {
    "hands_on_title_without_contact": "The title says hands-on; no duty is direct contact.",
    "externship_title_without_contact": "The title says externship; no duty is direct contact.",
    "observership_title_over_contact_duties": "The title says observership over contact duties.",
    "elective_open_to_graduates": "It is called an elective, and graduates are admitted.",
    "elective_title_without_elective_duties": "The title says elective; the duties make none.",
    "elective_claimed_tier_without_elective_duties": "An elective is claimed; the duties make none.",
    "claimed_tier_above_duties": "The claimed tier is above the one that the duties make.",
    "claimed_tier_below_duties": "The claimed tier is below the one that the duties make.",
}
DRIFT = (
    f"Once at least {DRIFT_LEAST_ATTESTATIONS} trainees have attested what they really did under"
    " its present duties, and most of them had no direct patient contact, a listing classified as hands-on is flagged for"
    " review and its page says so."
)


def described(known: Classifiers) -> dict[str, Any]:
    """The function, its version and its vocabulary, as JSON values."""
    return {
        "version": known.published,
        "versions": list(known.versions),
        "tiers": [
            {"tier": tier.value, "rank": RANK[tier], "meaning": meaning}
            for tier, meaning in TIERS.items()
        ],
        "duties": [
            {"duty": duty.value, "name": spoken({duty}), "kind": kind_of(duty)} for duty in Duty
        ],
        "settings": list(vocabulary.allowed("setting")),
        "audiences": list(vocabulary.allowed("audience")),
        "rules": list(RULES),
        "conflicts": [{"code": code, "text": text} for code, text in CONFLICTS.items()],
        "drift": DRIFT,
    }


def kind_of(duty: Duty) -> str:
    """`contact`, `hands_on` (other hands-on duties) or `passive`."""
    if duty in CONTACT_DUTIES:
        return "contact"
    return "hands_on" if duty in HANDS_ON_DUTIES else "passive"
