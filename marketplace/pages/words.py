"""The words of the pages: English as written, Spanish from `translations/es.*`; codes in `labels`.

A text is marked by `_` where it is shown and by `noted` where it is only named; a test finds every
marked text in the catalogue of each language.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from babel.messages.pofile import read_po

from marketplace.pages.labels import LABELS
from marketplace.pages.marking import noted

__all__ = ["LABELS", "LANGUAGES", "catalogue", "label", "noted", "translated"]

LANGUAGES = ("en", "es")


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Text to its translation; empty for English and for what we don't speak."""
    if language not in LANGUAGES or language == "en":
        return {}
    found: dict[str, str] = {}
    for place in (files("marketplace.pages") / "translations").iterdir():
        if place.name.startswith(f"{language}.") and place.name.endswith(".po"):
            with place.open("rb") as file:
                found |= {
                    str(message.id): str(message.string)
                    for message in read_po(file)
                    if message.id and message.string
                }
    return found


def translated(text: str, language: str) -> str:
    """The text in that language; itself where it has no translation."""
    return catalogue(language).get(text, text)


def label(code: str, language: str) -> str:
    """What a code is called; one without a label is spelt out."""
    return translated(LABELS.get(code, code.replace("_", " ").capitalize()), language)
