"""The words of notices: one text a language and one description, made into a mail of two forms.

A notice is three files in `templates/notices`: `<name>.en.txt` and `<name>.es.txt`, whose first
line is the subject, and `<name>.json` with its kind and sample data, and what of it may be missing
(`optional`: mails that were asked for by an earlier release must still go out). The HTML is made from the
same text, so that both say the same. No other package sets words; each adds its own notices here.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from jinja2 import (
    Environment,
    PackageLoader,
    StrictUndefined,
    UndefinedError,
    meta,
    select_autoescape,
)
from markupsafe import Markup, escape

from marketplace.identity.errors import TemplateUnknown
from marketplace.identity.rules import NoticeKind
from marketplace.identity.service.wording import FILTERS, LOCALE, ZONE

FOLDER = "templates/notices"
FALLBACK = "en"
SHARED = ("_layout.html", "_foot.en.txt", "_foot.es.txt")
# What every template has without being given it.
GIVEN = frozenset({"name", "public_url", LOCALE, ZONE})
# A label that is longer stands before its button as a sentence.
LONGEST_LABEL = 40
OPEN = {"en": "Open", "es": "Abrir"}


@dataclass(frozen=True)
class Template:
    """A notice that can be sent: why, what it must be given, and which text it has a language."""

    name: str
    kind: NoticeKind
    needs: frozenset[str]
    versions: Mapping[str, str]
    sample: Mapping[str, Any]

    def language(self, locale: str) -> str:
        return locale if locale in self.versions else FALLBACK

    def check(self, data: Mapping[str, Any]) -> None:
        """Raise jinja2's `UndefinedError` where `data` lacks what the text names."""
        missing = sorted(self.needs - data.keys() - GIVEN)
        if missing:
            raise UndefinedError(f"the notice {self.name!r} is not given {', '.join(missing)}")


@dataclass(frozen=True)
class Reader:
    """By whose language and clock a notice is set."""

    locale: str = FALLBACK
    time_zone: str = "UTC"


@dataclass(frozen=True)
class Rendered:
    """A message in words; `version` names the text and the layout that it was made from."""

    subject: str
    text: str
    html: str
    version: str


def names() -> list[str]:
    """Every notice's name, in order."""
    found = (entry.name for entry in _folder().iterdir())
    return sorted({name.partition(".")[0] for name in found if not name.startswith("_")})


@cache
def template(name: str) -> Template:
    """Return a notice's description; `TemplateUnknown` if there is none."""
    folder = _folder()
    if not folder.joinpath(f"{name}.json").is_file():
        raise TemplateUnknown(f"there is no notice {name!r}")
    said = json.loads(folder.joinpath(f"{name}.json").read_text(encoding="utf-8"))
    texts = {
        language: folder.joinpath(f"{name}.{language}.txt").read_text(encoding="utf-8")
        for language in OPEN
        if folder.joinpath(f"{name}.{language}.txt").is_file()
    }
    shared = "".join(folder.joinpath(one).read_text(encoding="utf-8") for one in SHARED)
    environment = _environment()
    return Template(
        name=name,
        kind=NoticeKind(said["kind"]),
        needs=frozenset().union(
            *(meta.find_undeclared_variables(environment.parse(text)) for text in texts.values())
        )
        - GIVEN
        - frozenset(said.get("optional", ())),
        versions={
            language: hashlib.sha256((text + shared).encode()).hexdigest()[:12]
            for language, text in texts.items()
        },
        sample=said["sample"],
    )


def render(
    name: str, reader: Reader, data: Mapping[str, Any], public_url: str, *, stop: str | None = None
) -> Rendered:
    """Set the message; `TemplateUnknown`, or jinja2's `UndefinedError` for data not given.

    `stop` is the address at which notices of its kind are ended, where they can be.
    """
    found = template(name)
    language, base = found.language(reader.locale), public_url.rstrip("/")
    environment = _environment()
    given = {**data, "public_url": base, LOCALE: language, ZONE: reader.time_zone}
    whole = environment.get_template(f"{name}.{language}.txt").render(given)
    foot = environment.get_template(f"_foot.{language}.txt").render(public_url=base, stop=stop)
    subject, _, text = whole.partition("\n")
    # A name with a line break in it must not become a header of its own.
    subject = re.sub(r"\s+", " ", subject).strip()
    html = environment.get_template("_layout.html").render(
        subject=subject,
        language=language,
        blocks=_blocks(text, base, language),
        foot=_blocks(foot, base, language),
        host=base.partition("://")[2],
    )
    return Rendered(
        subject, f"{text.strip()}\n\n-- \n{foot.strip()}\n", html, found.versions[language]
    )


def subject_of(name: str, reader: Reader, data: Mapping[str, Any]) -> str | None:
    """The subject alone, for who lists mails; None where `data` does not say enough any more."""
    folder, text = _folder(), ""
    language = reader.locale if reader.locale in OPEN else FALLBACK
    if not folder.joinpath(f"{name}.{language}.txt").is_file():
        return None
    given = {"name": "", "public_url": "", **data, LOCALE: language, ZONE: reader.time_zone}
    try:
        # What follows may name what was kept from the record.
        for piece in _environment().get_template(f"{name}.{language}.txt").generate(given):
            text += piece
            if "\n" in text:
                break
    except (UndefinedError, TypeError, ValueError, KeyError):
        return None
    return re.sub(r"\s+", " ", text.partition("\n")[0]).strip() or None


@dataclass(frozen=True)
class Block:
    """A paragraph of `words`; with `url` a button; or a list of `points`, each perhaps a link."""

    words: str = ""
    url: str | None = None
    points: Sequence["Block"] = ()


def _blocks(text: str, base: str, language: str) -> list[Block]:
    """Paragraphs, lists and buttons of a text; links only to `base`, whatever else it names."""
    blocks: list[Block] = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        lines = [line.strip() for line in paragraph.strip().splitlines()]
        if all(line.startswith("- ") for line in lines):
            blocks.append(Block(points=[_item(line[2:], base) for line in lines]))
            continue
        words, url = _address_at_end("\n".join(lines), base)
        if url is None:
            blocks.append(Block(_linked(words, base)))
            continue
        before, _, label = words.rpartition("\n") if "\n" in words else ("", "", words)
        sentence, _, last = label.rpartition(". ")
        if len(last) > LONGEST_LABEL or not last:
            sentence, last = label, OPEN[language]
        said = "\n".join(filter(None, (before, f"{sentence}." if _cut(sentence) else sentence)))
        if said:
            blocks.append(Block(_linked(said, base)))
        blocks.append(Block(last, url))
    return blocks


def _cut(sentence: str) -> bool:
    return bool(sentence) and sentence[-1] not in ".:!?"


def _item(line: str, base: str) -> Block:
    words, url = _address_at_end(line, base)
    return Block(words if url else _linked(words, base), url)


def _address_at_end(text: str, base: str) -> tuple[str, str | None]:
    """Return what comes before an address of ours that ends `text`, and the address."""
    words, _, last = text.rpartition(" ") if " " in text else ("", "", text)
    if "\n" in last:
        more, _, last = last.rpartition("\n")
        words = f"{words} {more}"
    if not base or not last.startswith(f"{base}/"):
        return text, None
    return words.strip().removesuffix(":"), last


def _linked(text: str, base: str) -> Markup:
    """Escape `text`; addresses of ours in it become links, those of others stay words."""
    if not base:
        return escape(text)
    pieces = re.split(rf"({re.escape(base)}/[^\s<>\"']*[^\s<>\"'.,;:!?)])", text)
    return Markup("").join(
        Markup('<a class="link" style="color:#0b5cad" href="{0}">{0}</a>').format(piece)
        if number % 2
        else escape(piece)
        for number, piece in enumerate(pieces)
    )


def _folder() -> Traversable:
    return resources.files("marketplace.identity").joinpath(FOLDER)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("marketplace.identity", FOLDER),
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    return environment
