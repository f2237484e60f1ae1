"""The tier of clinical experience, computed from duties and setting, never from a title.

Classifier `usce-1`. Direct patient contact is at least one contact duty, in person. Without it
every learner has an observership. With it a student whose duties include history taking, physical
examination and notes or case presentation has an elective; all else is an externship. So one
listing can be an elective for a student and an externship for a graduate.

The title and a claimed tier are read only for conflicts with that answer. A new version of the
classifier gets a new name, and never rewrites what was frozen under an older one.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from marketplace.catalog.rules.vocabulary import Audience, Duty, Setting, plain
from marketplace.identity.rules import LearnerStatus

VERSION = "usce-1"
DRIFT_LEAST_ATTESTATIONS = 3


class Tier(StrEnum):
    ELECTIVE = "elective"
    EXTERNSHIP = "externship"
    OBSERVERSHIP = "observership"
    UNCLASSIFIED = "unclassified"


RANK: Mapping[Tier, int] = {
    Tier.ELECTIVE: 3,
    Tier.EXTERNSHIP: 2,
    Tier.OBSERVERSHIP: 1,
    Tier.UNCLASSIFIED: 0,
}
CONTACT_DUTIES = frozenset(
    {
        Duty.HISTORY_TAKING,
        Duty.PHYSICAL_EXAMINATION,
        Duty.PROCEDURES_ASSIST,
        Duty.PATIENT_COUNSELLING,
    }
)
HANDS_ON_DUTIES = frozenset(
    {Duty.CLINICAL_NOTES, Duty.CASE_PRESENTATION, Duty.ORDER_ENTRY_SUPERVISED}
)
PASSIVE_DUTIES = frozenset(Duty) - CONTACT_DUTIES - HANDS_ON_DUTIES
ELECTIVE_CORE = frozenset({Duty.HISTORY_TAKING, Duty.PHYSICAL_EXAMINATION})
ELECTIVE_WRITTEN = frozenset({Duty.CLINICAL_NOTES, Duty.CASE_PRESENTATION})

_OPEN_TO: Mapping[Audience, tuple[LearnerStatus, ...]] = {
    Audience.STUDENTS: (LearnerStatus.STUDENT,),
    Audience.GRADUATES: (LearnerStatus.GRADUATE,),
    Audience.BOTH: (LearnerStatus.STUDENT, LearnerStatus.GRADUATE),
}
_NEGATED = re.compile(r"\b(?:no|not|non|without)[\s-]+(?:hands[\s-]*on|elective)\b")
_HANDS_ON = re.compile(r"\bhands[\s-]*on\b|\b(?:sub|acting)[\s-]*internship\b")
_EXTERNSHIP = re.compile(r"\bexternships?\b")
_ELECTIVE = re.compile(r"\belectives?\b")
_OBSERVERSHIP = re.compile(r"\bobserverships?\b|\bobservers?\b|\bshadowing\b")


class UnknownDuty(ValueError):
    """A duty outside the controlled vocabulary; a tier can't be computed from it."""


@dataclass(frozen=True)
class Reason:
    """`code` is for machines and stable, `text` is one plain sentence."""

    code: str
    text: str


@dataclass(frozen=True)
class TierAnswer:
    """The tier for one learner status, and why."""

    tier: Tier
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Classification:
    """What the duties amount to; `open_to` are the statuses that the audience admits."""

    version: str
    direct_contact: bool
    student: TierAnswer
    graduate: TierAnswer
    open_to: tuple[LearnerStatus, ...]
    conflicts: tuple[Reason, ...]

    def for_status(self, status: LearnerStatus) -> TierAnswer:
        """The answer for a learner who is `status` on the rotation's first day."""
        return self.student if status is LearnerStatus.STUDENT else self.graduate

    def offered(self, status: LearnerStatus) -> Tier | None:
        """The tier where the audience admits `status`, else none."""
        return self.for_status(status).tier if status in self.open_to else None

    @property
    def publishable(self) -> bool:
        """A listing without duties is unclassified and can't be published."""
        return self.student.tier is not Tier.UNCLASSIFIED


def rank(tier: Tier | str) -> int:
    """Compare tiers: elective 3 > externship 2 > observership 1 > unclassified 0."""
    return RANK[Tier(tier)]


def classify(
    duties: Iterable[str],
    setting: str,
    title: str = "",
    audience: str = Audience.BOTH,
    claimed: str | None = None,
) -> Classification:
    """Classify by `usce-1`; `claimed` is a tier that the host asserts, if any.

    Raises `UnknownDuty` for a duty outside the vocabulary and `ValueError` for another word.
    """
    known = _duties(duties)
    place = Setting(setting)
    statuses = _OPEN_TO[Audience(audience)]
    contact = has_direct_contact(known, place)
    answers = {status: _answer(known, place, status, contact=contact) for status in LearnerStatus}
    conflicts: list[Reason] = []
    if known:
        tiers = {status: answers[status].tier for status in statuses}
        conflicts += _title_conflicts(plain(title), tiers, contact=contact)
        conflicts += _claim_conflicts(Tier(claimed) if claimed else None, tiers)
    return Classification(
        version=VERSION,
        direct_contact=contact,
        student=answers[LearnerStatus.STUDENT],
        graduate=answers[LearnerStatus.GRADUATE],
        open_to=statuses,
        conflicts=tuple({reason.code: reason for reason in conflicts}.values()),
    )


def has_direct_contact(duties: Iterable[str], setting: str) -> bool:
    """Whether `duties` include a contact duty, in person; `UnknownDuty` for one not listed."""
    return bool(_duties(duties) & CONTACT_DUTIES) and setting != Setting.REMOTE


def has_drifted(
    offered: Collection[str], setting: str, attested: Sequence[Collection[str]]
) -> bool:
    """Whether attested duties belie a hands-on listing.

    `offered` are the tiers it is published under, `attested` one set of duties for each trainee
    who told what was really performed. True from three attestations on, if most of them lack
    direct contact.
    """
    hands_on = any(rank(tier) > RANK[Tier.OBSERVERSHIP] for tier in offered)
    if not hands_on or len(attested) < DRIFT_LEAST_ATTESTATIONS:
        return False
    without = [duties for duties in attested if not has_direct_contact(duties, setting)]
    return 2 * len(without) > len(attested)


def _duties(duties: Iterable[str]) -> frozenset[Duty]:
    return _known(frozenset(duties))


# A sheet of fifty thousand rows has a few dozen sets of duties.
@lru_cache(maxsize=1024)
def _known(given: frozenset[str]) -> frozenset[Duty]:
    unknown = sorted(given - set(Duty))
    if unknown:
        raise UnknownDuty(f"not in the list of duties: {', '.join(map(str, unknown))}")
    return frozenset(Duty(duty) for duty in given)


@lru_cache(maxsize=1024)
def _answer(
    duties: frozenset[Duty], setting: Setting, status: LearnerStatus, *, contact: bool
) -> TierAnswer:
    if not duties:
        return TierAnswer(Tier.UNCLASSIFIED, (Reason("no_duties", "No duties are given."),))
    if not contact:
        return TierAnswer(Tier.OBSERVERSHIP, (_no_contact(duties, setting),))
    reasons = [
        Reason(
            "direct_contact",
            f"There is direct patient contact, in person: {spoken(duties & CONTACT_DUTIES)}.",
        )
    ]
    if status is LearnerStatus.GRADUATE:
        reasons.append(
            Reason("graduate_no_elective", "Electives are for students; a graduate can't take one.")
        )
        return TierAnswer(Tier.EXTERNSHIP, tuple(reasons))
    missing = _missing_for_elective(duties)
    if missing:
        return TierAnswer(Tier.EXTERNSHIP, (*reasons, *missing))
    done = duties & (ELECTIVE_CORE | ELECTIVE_WRITTEN)
    reasons.append(
        Reason("elective_duties", f"A student does all that an elective asks for: {spoken(done)}.")
    )
    return TierAnswer(Tier.ELECTIVE, tuple(reasons))


def _no_contact(duties: frozenset[Duty], setting: Setting) -> Reason:
    if setting is Setting.REMOTE and duties & CONTACT_DUTIES:
        return Reason(
            "remote_is_no_contact",
            "The setting is remote, which is never direct patient contact.",
        )
    return Reason(
        "no_contact_duty",
        f"No duty is direct patient contact; the duties are {spoken(duties)}.",
    )


def _missing_for_elective(duties: frozenset[Duty]) -> list[Reason]:
    missing = [
        Reason(f"lacks_{duty.value}", f"An elective asks for {spoken({duty})}, not given here.")
        for duty in sorted(ELECTIVE_CORE - duties)
    ]
    if not duties & ELECTIVE_WRITTEN:
        missing.append(
            Reason(
                "lacks_notes_or_presentation",
                "An elective asks for clinical notes or case presentation, neither given here.",
            )
        )
    return missing


def _title_conflicts(
    title: str, tiers: Mapping[LearnerStatus, Tier], *, contact: bool
) -> list[Reason]:
    title = _NEGATED.sub(" ", title)
    hands_on = bool(_HANDS_ON.search(title))
    conflicts = []
    if hands_on and not contact:
        conflicts.append(
            Reason(
                "hands_on_title_without_contact",
                "The title says hands-on, but no duty is direct patient contact in person.",
            )
        )
    if _EXTERNSHIP.search(title) and not contact:
        conflicts.append(
            Reason(
                "externship_title_without_contact",
                "The title says externship, but no duty is direct patient contact in person.",
            )
        )
    # "Hands-on observership" is the field's other name for an externship, so it claims contact.
    if _OBSERVERSHIP.search(title) and contact and not hands_on:
        conflicts.append(
            Reason(
                "observership_title_over_contact_duties",
                "The title says observership, but the duties include direct patient contact.",
            )
        )
    if _ELECTIVE.search(title):
        conflicts += _elective_conflicts("title", tiers)
    return conflicts


def _elective_conflicts(source: str, tiers: Mapping[LearnerStatus, Tier]) -> list[Reason]:
    conflicts = []
    if LearnerStatus.GRADUATE in tiers:
        conflicts.append(
            Reason(
                "elective_open_to_graduates",
                f"The {source} says elective, but graduates are admitted and can't take one.",
            )
        )
    student = tiers.get(LearnerStatus.STUDENT)
    if student is not None and student is not Tier.ELECTIVE:
        conflicts.append(
            Reason(
                f"elective_{source.replace(' ', '_')}_without_elective_duties",
                f"The {source} says elective, but for a student the duties make an {student}.",
            )
        )
    return conflicts


def _claim_conflicts(claimed: Tier | None, tiers: Mapping[LearnerStatus, Tier]) -> list[Reason]:
    if claimed is None:
        return []
    if claimed is Tier.ELECTIVE:
        return _elective_conflicts("claimed tier", tiers)
    if claimed is Tier.UNCLASSIFIED or claimed in tiers.values():
        return []
    best = max(tiers.values(), key=rank)
    over = rank(claimed) > rank(best)
    return [
        Reason(
            "claimed_tier_above_duties" if over else "claimed_tier_below_duties",
            f"The host claims {claimed}, but the duties make an {best}.",
        )
    ]


def spoken(duties: Iterable[Duty]) -> str:
    """The duties as people say them, in the order of their list."""
    return ", ".join(duty.value.replace("_", " ") for duty in Duty if duty in set(duties))
