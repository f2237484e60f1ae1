"""The codebook is one model; what is published of it is made from it."""

from pathlib import Path

from marketplace.outcomes.rules.match import MainResult, Provenance, SoapResult
from marketplace.reporting.queries.outcomes_csv import _COLUMNS
from marketplace.reporting.rules import codebook
from marketplace.reporting.rules.panel import DISPOSITIONS


def test_the_documentation_is_the_model():
    published = Path("docs/analysts/codebook.md").read_text(encoding="utf-8")
    assert published == codebook.as_markdown() + "\n"


def test_every_column_has_its_meaning_and_every_meaning_its_column():
    assert set(_COLUMNS) == set(codebook.NAMES)
    assert len(set(codebook.NAMES)) == len(codebook.NAMES)


def test_the_words_are_those_that_are_stored():
    values = {variable.name: set(variable.values) for variable in codebook.VARIABLES}
    assert values["main_result"] == set(MainResult)
    assert values["soap_result"] == set(SoapResult)
    assert values["outcome_source"] == set(Provenance)
    assert values["disposition"] == set(DISPOSITIONS)


def test_missing_codes_are_four_and_used_as_they_are_listed():
    assert list(codebook.MISSING) == ["-6", "-7", "-8", "-9"]
    for variable in codebook.VARIABLES:
        assert set(variable.missing) <= set(codebook.MISSING)
        assert not set(variable.values) & set(codebook.MISSING)
