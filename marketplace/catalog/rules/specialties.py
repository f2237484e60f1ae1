"""Specialties: one controlled list, and the abbreviations and spellings that hosts use for them.

Codes are the names in lower case with underscores, as the Match benchmarks use them. A spelling
resolves to at most one code; one that could mean several (`PM`, `Primary Care`) resolves to none,
and its candidates can be named. The list is `data/specialties.txt`, whose head names its sources.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.resources import files

_QUALIFIED = re.compile(r"([^()]+)\(([^()]+)\)")
# What the ACGME writes behind a name that several specialties' programs have.
_ANY = frozenset({"multidisciplinary"})


@dataclass(frozen=True)
class Specialty:
    """`code` is API, `name` is for people, `spellings` are what hosts write for it.

    `parents` are the codes of the specialties that a subspecialty belongs to; none for others.
    """

    code: str
    name: str
    spellings: tuple[str, ...]
    parents: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """The form in which spellings are compared: lower case, plain letters, single spaces."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.sub(r"\s*&\s*", " and ", plain.casefold())
    return " ".join(re.sub(r"[^a-z0-9]+", " ", words).split())


def code_of(name: str) -> str:
    return fold(name).replace(" ", "_")


def _lines() -> tuple[list[str], list[str]]:
    """The lines of the list: specialties, and short forms that mean several."""
    text = files("marketplace.catalog").joinpath("data/specialties.txt").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return (
        [line for line in lines if not line.startswith("?")],
        [line.removeprefix("?") for line in lines if line.startswith("?")],
    )


def _specialty(line: str) -> Specialty:
    name, parents, spellings = (part.strip() for part in line.split("|"))
    return Specialty(
        code_of(name),
        name,
        tuple(each.strip() for each in spellings.split(";") if each.strip()),
        tuple(code_of(parent) for parent in parents.split(";") if parent.strip()),
    )


_LISTED, _SEVERAL = _lines()
SPECIALTIES: tuple[Specialty, ...] = tuple(
    sorted(map(_specialty, _LISTED), key=lambda specialty: specialty.name)
)
BY_CODE: Mapping[str, Specialty] = {specialty.code: specialty for specialty in SPECIALTIES}


@cache
def _by_spelling() -> Mapping[str, Specialty]:
    """Each spelling's one specialty; made when first asked for, not when the process starts."""
    index: dict[str, Specialty] = {}
    for specialty in SPECIALTIES:
        for spelling in (specialty.name, specialty.code, *specialty.spellings):
            known = index.setdefault(fold(spelling), specialty)
            if known is not specialty:
                raise ValueError(f"{spelling!r} means both {known.name} and {specialty.name}")
    return index


@cache
def _by_short_form() -> Mapping[str, tuple[Specialty, ...]]:
    """What each ambiguous short form could mean."""
    found = {}
    for line in _SEVERAL:
        form, _, meanings = line.partition("=")
        if fold(form) in _by_spelling():
            raise ValueError(f"{form.strip()!r} means one specialty and several")
        found[fold(form)] = tuple(BY_CODE[code_of(each)] for each in meanings.split(";"))
    return found


def resolve(text: str) -> Specialty | None:
    """The specialty that `text` names in any usual spelling, or none.

    What it belongs to may stand behind it, as in `Sports Medicine (Pediatrics)`.
    """
    found = _by_spelling().get(fold(text))
    if found is None and (parts := _QUALIFIED.fullmatch(text.strip())) is not None:
        named, of = _by_spelling().get(fold(parts[1])), _by_spelling().get(fold(parts[2]))
        if named and (fold(parts[2]) in _ANY or (of and of.code in named.parents)):
            return named
    return found


def candidates(text: str) -> tuple[Specialty, ...]:
    """What an ambiguous `text` could mean; none for a text that means one or nothing."""
    return _by_short_form().get(fold(text), ())


def suggestions(text: str, count: int = 3) -> list[str]:
    """Names that a `text` which resolves to nothing may stand for, best first; perhaps none."""
    several = candidates(text)
    if several:
        return [specialty.name for specialty in several]
    index = _by_spelling()
    close = get_close_matches(fold(text), index, n=count * 2, cutoff=0.7)
    return list(dict.fromkeys(index[spelling].name for spelling in close))[:count]
