"""Words that people search by: taken apart, and what else they are called in this field.

A search is groups of units; all units of a group must be found, and of several groups (`or`) one.
A unit is a word or a quoted phrase; a leading minus leaves out what has it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from marketplace.catalog.rules import specialties

MOST_UNITS = 20
SHORTEST_CORRECTED = 4
_UNIT = re.compile(r'(?P<minus>(?:^|(?<=\s))-)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')
_WORD = re.compile(r"[a-z]+")
# What people say: how listings say it. Keys are folded as `specialties.fold` does.
_MEANINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "heart": ("cardiology", "cardiovascular", "cardiac"),
        "brain": ("neurology", "neurosurgery"),
        "nerves": ("neurology",),
        "skin": ("dermatology",),
        "kidney": ("nephrology", "renal"),
        "kidneys": ("nephrology", "renal"),
        "lung": ("pulmonary", "pulmonology"),
        "lungs": ("pulmonary", "pulmonology"),
        "liver": ("hepatology", "gastroenterology"),
        "gut": ("gastroenterology",),
        "stomach": ("gastroenterology",),
        "eye": ("ophthalmology",),
        "eyes": ("ophthalmology",),
        "bone": ("orthopaedic", "orthopedic"),
        "bones": ("orthopaedic", "orthopedic"),
        "joints": ("rheumatology", "orthopaedic"),
        "blood": ("hematology",),
        "cancer": ("oncology",),
        "hormones": ("endocrinology",),
        "kids": ("pediatrics",),
        "children": ("pediatrics",),
        "child": ("pediatrics",),
        "babies": ("neonatology", "pediatrics"),
        "newborn": ("neonatology",),
        "women": ("obstetrics", "gynecology"),
        "womens health": ("obstetrics", "gynecology"),
        "elderly": ("geriatric", "geriatrics"),
        "mental health": ("psychiatry",),
        "mental": ("psychiatry",),
        "primary care": ("family medicine", "internal medicine"),
        "gp": ("family medicine",),
        "er": ("emergency medicine",),
        "usce": ("elective", "externship", "observership"),
        "us clinical experience": ("elective", "externship", "observership"),
        "clinical experience": ("elective", "externship", "observership"),
        "hands on": ("elective", "externship"),
        "handson": ("elective", "externship"),
        "clerkship": ("elective",),
        "subinternship": ("elective",),
        "sub i": ("elective",),
        "observer": ("observership",),
        "shadowing": ("observership",),
        "shadow": ("observership",),
        "extern": ("externship",),
        "rotation": ("elective", "externship", "observership"),
        "rotations": ("elective", "externship", "observership"),
        "virtual": ("remote",),
        "online": ("remote",),
        "telehealth": ("remote",),
        "telemedicine": ("remote",),
        "tele medicine": ("remote",),
        "tele health": ("remote",),
        "hospital": ("inpatient",),
        "clinic": ("outpatient",),
        "nyc": ("new york", "brooklyn", "bronx", "manhattan"),
        "la": ("los angeles",),
        "sf": ("san francisco",),
        "philly": ("philadelphia",),
    }
)
# What a preceptor is called by, and not all listings say: left out where a name stands beside it.
_TITLES = frozenset({"dr", "doctor", "prof", "professor"})
_LONGEST_MEANING = max(len(key.split()) for key in _MEANINGS)


@dataclass(frozen=True)
class Unit:
    """A word or phrase as typed, what else is taken for it, and whether it is to be left out."""

    text: str
    also: tuple[str, ...] = ()
    excluded: bool = False
    quoted: bool = False

    @property
    def correctable(self) -> str | None:
        """The word in lower case, if it is one that may be a typing error."""
        word = self.text.casefold()
        if self.also or self.excluded or self.quoted or len(word) < SHORTEST_CORRECTED:
            return None
        return word if _WORD.fullmatch(word) else None


def read(text: str) -> list[list[Unit]]:
    """Groups of units, at most `MOST_UNITS` in all."""
    groups: list[list[Unit]] = [[]]
    for match in list(_UNIT.finditer(text))[:MOST_UNITS]:
        word = match["phrase"] if match["word"] is None else match["word"]
        if match["word"] is not None and match["minus"] is None and word.casefold() == "or":
            groups.append([])
        elif word.strip(" -"):
            quoted, excluded = match["word"] is None, match["minus"] is not None
            groups[-1].append(Unit(word, meanings(word), excluded, quoted))
    return [_joined(_untitled(group)) for group in groups if group]


def meanings(text: str) -> tuple[str, ...]:
    """What else `text` is called: other words of this field, or a specialty's name."""
    key = specialties.fold(text)
    known = _MEANINGS.get(key, ())
    specialty = specialties.resolve(text) if key else None
    return (*known, specialty.name) if specialty else known


def _untitled(units: Sequence[Unit]) -> Sequence[Unit]:
    """Without titles such as `Dr.`, unless there is nothing else."""
    kept = [unit for unit in units if unit.quoted or specialties.fold(unit.text) not in _TITLES]
    return kept if any(not unit.excluded for unit in kept) else units


def _joined(units: Sequence[Unit]) -> list[Unit]:
    """Neighbouring words that mean something together ("hands on", "mental health") as one."""
    found: list[Unit] = []
    at = 0
    while at < len(units):
        for size in range(min(_LONGEST_MEANING, len(units) - at), 1, -1):
            run = units[at : at + size]
            words = " ".join(unit.text for unit in run)
            if not any(unit.excluded or unit.quoted for unit in run) and (
                specialties.fold(words) in _MEANINGS or specialties.resolve(words)
            ):
                found.append(Unit(words, meanings(words)))
                at += size
                break
        else:
            found.append(units[at])
            at += 1
    return found
