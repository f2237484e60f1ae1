"""Every text of the pages is in every language, with the same places to be filled in."""

import re
from importlib.resources import files

import pytest
from babel.messages.extract import extract_from_dir

from marketplace.catalog.rules.places import STATES
from marketplace.pages import words
from marketplace.pages.public.states_map import squares

PLACES = re.compile(r"%\(\w+\)s|%%")
MARKS = {"_": None, "noted": None, "say": None}


def marked() -> set[str]:
    """All texts that templates and code mark as to be translated."""
    found = extract_from_dir(
        str(files("marketplace.pages")),
        [("templates/**.html", "jinja2"), ("**.py", "python")],
        keywords=MARKS,
    )
    return {message for _, _, message, _, _ in found if isinstance(message, str)}


@pytest.mark.parametrize("language", [one for one in words.LANGUAGES if one != "en"])
def test_every_text_is_translated_and_none_is_left_over(language):
    known = words.catalogue(language)
    assert marked() - known.keys() == set()
    assert known.keys() - marked() == set()


@pytest.mark.parametrize("language", [one for one in words.LANGUAGES if one != "en"])
def test_a_translation_fills_in_what_the_text_does(language):
    for text, translation in words.catalogue(language).items():
        assert sorted(PLACES.findall(text)) == sorted(PLACES.findall(translation)), text


def test_a_code_without_a_label_is_spelt_out():
    assert words.label("some_new_code", "en") == "Some new code"
    assert words.label("elective", "es") == "Electiva práctica"


def test_the_map_has_every_state_once_and_no_two_in_one_place():
    shown = squares()
    assert sorted(square.state for square in shown) == sorted(STATES)
    assert len({(square.x, square.y) for square in shown}) == len(shown)
