"""What rules say, in the reader's language: by the sentences that they are made from.

Rules and policies speak English, to programs as to people. `translations/told.*<language>.po` have their
sentences with `%(name)s` where a value stands; a sentence that is not there is shown as it is.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from babel.messages.pofile import read_po

from marketplace.catalog.rules.policies import POLICIES
from marketplace.compliance.rules.kinds import TITLES
from marketplace.pages import words

PLACE = re.compile(r"%\\\((\w+)\\\)s|%\((\w+)\)s")
# Between the values of a list.
BETWEEN = re.compile(r"(, | and )")
DOCUMENTS = frozenset(TITLES.values())
TERMS = frozenset(policy.name for policy in POLICIES.values())
# From one number to another.
SPAN = re.compile(r"(\d+) to (\d+)")
# One week is not many.
ONE = {
    "en": re.compile(r"(?<![\d.,-])(1 (?:week|day|month|seat|year))s\b"),
    "es": re.compile(r"(?<![\d.,-])(1 (?:semana|día|mes|plaza|año))(?:e?s)\b"),
}
# Programs are told of a state by its code.
STATE = re.compile(r"\b(?:is|was|became) [a-z]+(?:_[a-z]+)+\b")
# Where a state has a name of its own for who reads of somebody else's booking: it fits all.
NEUTRAL = "desk_state_"
# What is to be typed as it stands, such as the codes of a sheet.
TYPED = frozenset({"codes"})
AND = {"es": " y "}
TO = {"es": r"de \1 a \2"}


def told(text: str, language: str) -> str:
    """The sentence in that language; itself where it is not known there."""
    if not text or language == "en":
        return _of_one(STATE.sub(lambda found: found[0].replace("_", " "), text), "en")
    for pattern, said in _sentences(language):
        found = pattern.fullmatch(text)
        if found is not None:
            values = {
                name: value if name in TYPED else _value(value, language)
                for name, value in found.groupdict().items()
            }
            return _of_one(said % values if values else said, language)
    return text


def _of_one(text: str, language: str) -> str:
    return ONE[language].sub(r"\1", text) if language in ONE else text


@cache
def _sentences(language: str) -> Sequence[tuple[re.Pattern[str], str]]:
    """What a sentence looks like, and what is said for it; those without values first."""
    known = sorted(_catalogue(language).items(), key=lambda one: ("%(" in one[0], -len(one[0])))
    return [(re.compile(PLACE.sub(_group, re.escape(text))), said) for text, said in known]


def _group(place: re.Match[str]) -> str:
    return f"(?P<{place[1] or place[2]}>.+?)"


@cache
def _catalogue(language: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for place in files("marketplace.pages").joinpath("translations").iterdir():
        if place.name.startswith("told.") and place.name.endswith(f".{language}.po"):
            with place.open("rb") as file:
                found |= {
                    str(message.id): str(message.string)
                    for message in read_po(file)
                    if message.id and message.string
                }
    return found


def _value(text: str, language: str) -> str:
    """A value, or a list of them: duties, documents and learners by their names, all else as it is."""
    if SPAN.fullmatch(text):
        return SPAN.sub(TO.get(language, text), text)
    if text in DOCUMENTS or text in TERMS or text in _catalogue(language):
        return told(text, language)
    if text.lower() in DOCUMENTS:
        said = told(text.lower(), language)
        return said[:1].upper() + said[1:]
    parts = BETWEEN.split(text)
    return "".join(_name(part, language) for part in parts)


def _name(part: str, language: str) -> str:
    if BETWEEN.fullmatch(part):
        return AND.get(language, part) if part == " and " else part
    code = part.strip().lower().replace(" ", "_").replace("-", "_")
    if code not in words.LABELS:
        return part
    neutral = NEUTRAL + code
    name = words.label(neutral if neutral in words.LABELS else code, language)
    return name[:1].lower() + name[1:]
