"""Residency programs and specialties by the names that people write: proposed, never decided.

The list of programs is data that an operator loads; a program is known by its ACGME ID. A name that
somebody wrote stays as it is until a person says which program it is.
"""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from marketplace.catalog.rules.specialties import BY_CODE, fold
from marketplace.outcomes.rules.letters import PROGRAM_CODE

COLUMNS = ("code", "name", "city", "state", "specialty", "source")
NEEDED = ("code", "name", "source")
# Below it, names have little in common but words such as "medical center".
LEAST_SCORE = 60.0
MOST = 5


@dataclass(frozen=True, slots=True)
class Program:
    """A residency program; `specialty` is a code of the catalogue's list, or empty."""

    code: str
    name: str
    city: str
    state: str
    specialty: str
    source: str

    @property
    def said(self) -> str:
        """The words by which people name it."""
        return fold(f"{self.name} {self.city} {self.state}")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a text may stand for; `score` is a likeness of words, 100 for the same, no certainty."""

    code: str
    name: str
    score: float


def read(lines: Iterable[str]) -> list[Program]:
    """Return the rows of a CSV with the columns `COLUMNS`; `ValueError` says what is wrong where."""
    rows = csv.DictReader(lines)
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise ValueError(f"the header must be {','.join(COLUMNS)}")
    found = [_program(number, row) for number, row in enumerate(rows, 2)]
    codes = [one.code for one in found]
    twice = sorted({code for code in codes if codes.count(code) > 1}) if _repeats(codes) else []
    if twice:
        raise ValueError(f"these codes stand there twice: {', '.join(twice)}")
    return found


def propose(text: str, programs: Sequence[Program]) -> list[Proposal]:
    """Return the programs that `text` is most like, the likeliest first; perhaps none."""
    names: Mapping[str, str] = {one.code: one.said for one in programs}
    by_code = {one.code: one for one in programs}
    return [
        Proposal(code, by_code[code].name, round(score, 1)) for _, score, code in _like(text, names)
    ]


def propose_specialties(text: str) -> list[Proposal]:
    """Return the specialties that `text` is most like, by any of their spellings."""
    names = {
        f"{code} {number}": fold(spelling)
        for code, one in BY_CODE.items()
        for number, spelling in enumerate((one.name, *one.spellings))
    }
    best: dict[str, float] = {}
    for _, score, key in _like(text, names, MOST * 4):
        best.setdefault(key.partition(" ")[0], round(score, 1))
    return [Proposal(code, BY_CODE[code].name, score) for code, score in best.items()][:MOST]


def _like(text: str, names: Mapping[str, str], most: int = MOST) -> list[tuple[str, float, str]]:
    """The same answer for the same question: ties in the order of the keys."""
    found = process.extract(
        fold(text), names, scorer=fuzz.WRatio, score_cutoff=LEAST_SCORE, limit=most
    )
    return sorted(found, key=lambda one: (-one[1], one[2]))


def _repeats(codes: Sequence[str]) -> bool:
    return len(set(codes)) < len(codes)


def _program(number: int, row: Mapping[str, str]) -> Program:
    values = {name: (row.get(name) or "").strip() for name in COLUMNS}
    empty = [name for name in NEEDED if not values[name]]
    if empty:
        raise ValueError(f"row {number}: {', '.join(empty)} must not be empty")
    if any("\x00" in value for value in values.values()):
        raise ValueError(f"row {number}: a NUL byte is no text")
    if not re.fullmatch(PROGRAM_CODE, values["code"]):
        raise ValueError(f"row {number}: code {values['code']!r} is not ten digits")
    if values["specialty"] and values["specialty"] not in BY_CODE:
        raise ValueError(f"row {number}: {values['specialty']!r} is no specialty of the list")
    return Program(**values)
