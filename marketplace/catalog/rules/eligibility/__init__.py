"""Who may book what, rule by rule: pass, fail or unknown, with the evidence and what to do.

A rule never guesses: what the profile does not tell is `unknown`, and says what is missing and
where it goes. The learner status is that of the rotation's first day, so a student who graduates
in June is a graduate for a rotation in July.
"""

from marketplace.catalog.rules.eligibility.answers import (
    Evidence,
    Needed,
    Outcome,
    RuleResult,
    Source,
    may_book,
)
from marketplace.catalog.rules.eligibility.asking import (
    NOTHING_TOLD,
    STEP1_PASSED,
    Asked,
    Profile,
    Terms,
)
from marketplace.catalog.rules.eligibility.checking import check, first_possible
from marketplace.catalog.rules.eligibility.days import free_weeks, own_weeks

__all__ = [
    "NOTHING_TOLD",
    "STEP1_PASSED",
    "Asked",
    "Evidence",
    "Needed",
    "Outcome",
    "Profile",
    "RuleResult",
    "Source",
    "Terms",
    "check",
    "first_possible",
    "free_weeks",
    "may_book",
    "own_weeks",
]
