"""Every notice is whole: described, in both languages, with sample data that sets it."""

import ast
import json
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from jinja2 import meta

from marketplace.catalog.rules.policies import POLICIES
from marketplace.compliance.rules import kinds as documents
from marketplace.identity.rules import LOCALES, NoticeKind
from marketplace.identity.service import reading, templating, wording
from marketplace.outcomes.rules import papers

FOLDER = resources.files("marketplace.identity").joinpath(templating.FOLDER)
BASE = "https://rotations.example"
HOW = "see CONTRIBUTING.md, Notices"
ROOT = Path(__file__).parents[2]
CALL = re.compile(r"notify(_all|_address)?|tell_\w+")
# Words that are the same in both languages, or stand for data.
NOT_WORDS = re.compile(r"{{.*?}}|{%.*?%}|https?://\S+|[^\w\s]", re.DOTALL)


def source(name: str, locale: str) -> str:
    file = FOLDER.joinpath(f"{name}.{locale}.txt")
    assert file.is_file(), f"{name} has no text in {locale!r}: {HOW}"
    return file.read_text(encoding="utf-8")


def sentences(text: str) -> Iterator[str]:
    """The literal pieces of a template that hold words, as they stand."""
    for piece in re.split(
        r"\n|[.:!?]", re.sub(r"{{[^}]*}}(?:/[^\s{]*)?|{%.*?%}", "\n", text, flags=re.DOTALL)
    ):
        words = " ".join(NOT_WORDS.sub(" ", piece).split())
        if len(words.split()) > 2:
            yield words


def asked_for() -> Iterator[tuple[str, str]]:
    """Where code asks for a notice by name: the file and the name."""
    for path in sorted((ROOT / "marketplace").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and CALL.match(ast.unparse(node.func).split(".")[-1]):
                for given in node.args:
                    name = named.get(given.id) if isinstance(given, ast.Name) else None
                    name = given.value if isinstance(given, ast.Constant) else name
                    if isinstance(name, str):
                        yield path.name, name


@pytest.mark.parametrize("name", templating.names())
def test_a_notice_is_described(name):
    assert FOLDER.joinpath(f"{name}.json").is_file(), f"{name} has no {name}.json: {HOW}"
    said = json.loads(FOLDER.joinpath(f"{name}.json").read_text(encoding="utf-8"))
    assert set(said) - {"optional"} == {"kind", "sample"}, HOW
    assert set(said.get("optional", ())) <= set(said["sample"]), HOW
    reader, left = templating.Reader(), dict(said["sample"])
    for one in said.get("optional", ()):
        del left[one]
    templating.template(name).check(left)
    assert templating.render(name, reader, {**left, "name": "Asha"}, BASE).text
    NoticeKind(said["kind"])


@pytest.mark.parametrize("name", templating.names())
def test_a_notice_says_the_same_in_both_languages(name):
    environment = templating._environment()
    texts = {locale: source(name, locale) for locale in LOCALES}
    needs = {
        locale: meta.find_undeclared_variables(environment.parse(text)) - templating.GIVEN
        for locale, text in texts.items()
    }
    assert needs["en"] == needs["es"]
    sample = templating.template(name).sample
    assert needs["en"] - sample.keys() == set(), "names in the text that the sample does not give"
    assert sample.keys() - needs["en"] <= {"unsubscribe"} | _facts(sample), "given and not named"
    copied = set(sentences(texts["en"])) & set(sentences(texts["es"]))
    assert copied == set(), "words that were not translated"
    for locale, text in texts.items():
        subject, blank_or_text = text.split("\n", 1)
        assert subject.strip(), locale
        assert blank_or_text.strip(), locale


def _facts(sample):
    """What every notice about a booking is given, whether its text names it or not."""
    facts = {
        "booking_id", "listing_id", "listing_title", "site_name", "first_day", "last_day",
        "time_zone",
    }  # fmt: skip
    return facts if facts <= sample.keys() else set()


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", templating.names())
def test_a_notice_is_set_with_its_sample(name, locale):
    found = reading.sample(name, locale, BASE)
    assert found.subject
    for form in (found.subject, found.text, found.html):
        assert "{{" not in form
        assert "None" not in form
    assert f'<html lang="{locale}">' in found.html
    loaded = re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?([^\"'>)\s]+)", found.html)
    assert [one for one in loaded if not one.startswith(BASE)] == [], "content of other hosts"
    assert "<script" not in found.html
    assert "<img" not in found.html
    assert "\n\n\n" not in found.text


def test_documents_papers_and_terms_have_a_spanish_name():
    named = {*documents.TITLES.values(), *papers.TITLES.values()}
    named |= {policy.name for policy in POLICIES.values()}
    assert wording._titles().keys() == named
    filters = templating._environment().filters
    said = templating._environment().from_string("{{ title | titled }}")
    assert "titled" in filters
    assert said.render(title="tuberculosis test", locale="es") == "prueba de tuberculosis"
    assert said.render(title="tuberculosis test", locale="en") == "tuberculosis test"


def test_every_notice_that_is_asked_for_is_there():
    known = set(templating.names())
    unknown = [f"{path}: {name}" for path, name in asked_for() if name not in known]
    assert unknown == []
    assert len(list(asked_for())) > 20, "the search for calls finds what there is"
