"""Every text of the pages is in every language, with the same places to be filled in."""

import re
from datetime import date, datetime
from decimal import Decimal
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules, walk_packages
from zoneinfo import ZoneInfo

import pytest
from babel.messages.extract import extract_from_dir
from marshmallow import Schema, fields, validate

import marketplace
from marketplace.catalog.rules.places import STATES
from marketplace.catalog.rules.policies import POLICIES
from marketplace.catalog.rules.specialties import BY_CODE
from marketplace.catalog.rules.tiers import classify
from marketplace.catalog.rules.vocabulary import Duty, Setting
from marketplace.core.errors import DomainError
from marketplace.core.money import Money
from marketplace.outcomes.rules import calendar
from marketplace.pages import faults, labels, singular, view, words
from marketplace.pages.public.states_map import squares
from marketplace.pages.school.words import invoiced
from marketplace.pages.sentences import COUNTED
from marketplace.pages.told import told
from marketplace.payments.rules import quote
from marketplace.reporting.rules import readiness
from marketplace.reporting.rules.benchmarks import read_benchmarks
from marketplace.web.schemas import EXPECTED

PLACES = re.compile(r"%\(\w+\)s|%%")
EXPRESSION = re.compile(r"\{\{(.*?)\}\}")
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


def test_no_expression_of_a_template_has_markup_that_would_be_escaped():
    """What stands in quotes within braces is text, an ampersand or an attribute of it escaped anew."""
    for template in Path(str(files("marketplace.pages"))).rglob("templates/**/*.html"):
        for expression in EXPRESSION.findall(template.read_text("utf-8")):
            wrong = "&amp;" in expression or re.search(r"' [a-z-]+=\"", expression)
            assert not wrong or "|safe" in expression, (template.name, expression)


def test_a_text_that_counts_says_it_of_one_as_well():
    """What is left out can't be one, or says the same of one as of many."""
    counts = re.compile(r"%\((count|days|all|seen|total|most|miles)\)s (?:more )?[a-z]+s\b")
    # From so many, or the first of them, is of more than one; `most` is a sum of money.
    never = {"%(least)s to %(most)s weeks", "%(first)s to %(last)s days before the start"}
    never |= {text for text in marked() if re.match("Only the first |At most %.most.s is", text)}
    texts = {text for text in marked() if counts.search(text)}
    assert texts - singular.ONE.keys() - {many for _, many in COUNTED.values()} - never == set()
    assert singular.ONE.keys() - marked() == set()
    reader = view.Reader(None, frozenset(), "es", ZoneInfo("UTC"))
    assert [reader.say("in %(days)s days", days=n) for n in (1, 2)] == ["en 1 día", "en 2 días"]
    assert reader.counted(1, "weeks") == "1 semana"


def test_what_an_invoice_is_for_is_said_in_spanish():
    reader = view.Reader(None, frozenset(), "es", ZoneInfo("UTC"))
    said = {
        "Fall and more: IM, day, 1 place from 2027-01-04": "Fall and more: IM, day, 1 plaza, desde el 4 ene 2027",
        "Fall: IM, one place, 2027-01-04 to 2027-01-31": "Fall: IM, 1 plaza, 4–31 ene 2027",
        "IM, 2027-01-04 to 2027-01-31: Platform fee": "IM, 4–31 ene 2027: Cargo de la plataforma",
        "Issued.": "Emitida.",
    }
    assert {text: invoiced(reader, text) for text in said} == said


def test_what_rules_say_is_told_in_spanish():
    duties = [Duty.HISTORY_TAKING, Duty.PHYSICAL_EXAMINATION, Duty.CLINICAL_NOTES]
    said = [policy.summary for policy in POLICIES.values()]
    kept = (
        "from 1 day before",
        "from 56 days before",
        "from 60 to 30 days before",
        "up to 9 days before",
    )
    said += [f"{one.name}: kept {when} the start" for one in POLICIES.values() for when in kept[2:]]
    said += [
        f"{one.name}: kept {when} the start on" for one in POLICIES.values() for when in kept[:2]
    ]
    for some in (duties, duties[:1], [Duty.SHADOWING], []):
        for setting in (Setting.INPATIENT, Setting.REMOTE):
            found = classify(some, setting)
            said += [one.text for one in (*found.student.reasons, *found.graduate.reasons)]
    priced = quote(price_per_week=Money(100, "USD"), weeks=4, platform_fee_percent=Decimal(10))
    said += [line.description for line in priced.lines]
    assert [text for text in said if told(text, "es") == text] == []
    first = "There is direct patient contact, in person: history taking, physical examination."
    assert told(first, "es") == (
        "Hay contacto directo con pacientes, en persona: anamnesis, exploración física."
    )
    # What has to be typed as it stands is not translated.
    assert told("one of: inpatient, both", "es") == "una de: inpatient, both"
    assert told("Something else, 3 of it.", "es") == "Something else, 3 of it."
    assert told(first, "en") == first
    reader = view.Reader(None, frozenset(), "es", ZoneInfo("UTC"))
    fee = POLICIES["fixed_fee"]
    assert reader.told(fee.summary) == (
        "Se retienen $250.00, o $500.00 desde 9 semanas antes del inicio."
    )
    assert reader.told("Clinic, 2027-01-04 to 2027-01-31") == "Clinic, 4 ene 2027 – 31 ene 2027"
    assert told(f"{fee.name}: kept from 1 day before the start on", "es") == (
        "Una cuota fija: se retiene desde 1 día antes del inicio"
    )
    steps = ("Hand over: Curriculum vitae", "Hand over: Basic life support")
    assert [told(one, "es") for one in steps] == [
        "Entregar: Currículum",
        "Entregar: Soporte vital básico",
    ]
    assert told("There is 1 day until the start; 30 are needed.", "es").startswith("Falta 1 día ")


def test_every_refusal_is_told_in_spanish():
    for found in walk_packages(marketplace.__path__, "marketplace."):
        if found.name.endswith(".errors"):
            import_module(found.name)
    titles = {one.title for one in _below(DomainError) if one.__module__.startswith("marketplace.")}
    assert len(titles) > 250
    assert {text for text in titles if faults.told(text, "es") == text} == set()


def test_every_background_job_is_named_by_what_it_does():
    packages = [one.name for one in iter_modules(marketplace.__path__) if one.ispkg]
    found = [one for one in packages if find_spec(f"marketplace.{one}.tasks")]
    jobs = [job for one in found for job in import_module(f"marketplace.{one}.tasks").TASKS]
    named = {code for code in labels.LABELS if code.startswith("task_")}
    assert {f"task_{job.name}" for job in jobs} == named


def test_days_and_percents_are_written_as_the_language_does():
    english, spanish = (
        view.Reader(None, frozenset(), one, ZoneInfo("UTC")) for one in ("en", "es")
    )
    days = [(date(2027, 4, 26), date(2027, 5, 23)), (date(2027, 12, 6), date(2028, 1, 2))]
    assert [english.days(*one) for one in days] == [
        "Apr 26 – May 23, 2027",
        "Dec 6, 2027 – Jan 2, 2028",
    ]
    assert [spanish.days(*one) for one in days] == [
        "26 abr – 23 may 2027",
        "6 dic 2027 – 2 ene 2028",
    ]
    assert english.days(days[0][0], days[0][0]) == "Apr 26, 2027"
    assert {one.percentage(Decimal("79.80")) for one in (english, spanish)} == {"79.80%"}


def _below(kind: type[DomainError]) -> set[type[DomainError]]:
    return {one for below in kind.__subclasses__() for one in (below, *_below(below))}


def test_a_code_without_a_label_is_spelt_out():
    assert words.label("some_new_code", "en") == "Some new code"
    assert words.label("elective", "es") == "Electiva práctica"
    assert sum(len(named) for named in labels.SUBJECTS) == len(labels.LABELS), "named twice"


def test_the_map_has_every_state_once_and_no_two_in_one_place():
    shown = squares()
    assert sorted(square.state for square in shown) == sorted(STATES)
    assert len({(square.x, square.y) for square in shown}) == len(shown)


def test_what_a_field_is_refused_for_is_told_in_the_readers_language():
    length = "Length must be between 1 and 500."
    assert faults.told(length, "en") == "Expected 1 to 500 characters."
    assert faults.told(length, "es") == "Se esperaban entre 1 y 500 caracteres."
    assert faults.told("Expected an amount, such as 150.00.", "es").endswith("como 150.00.")
    lacking = "There is less credit than this. You have 120.00 USD of credit."
    assert faults.told(lacking, "es") == "Hay menos crédito que eso. Tiene 120.00 USD de crédito."
    assert faults.told("Name it. The content is not image/png.", "en").endswith("as one anew.")
    late = "It became cancelled_by_trainee at 2027-01-04 10:00 UTC by Ann."
    assert faults.told(late, "en").startswith("It became cancelled by trainee at ")
    assert "cancelada por el rotante" in faults.told(late, "es")
    unmarked = "The visa runs out on 2027-03-01, at 100 %."
    assert faults.told(unmarked, "es") == unmarked


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        (fields.String(required=True, validate=validate.Length(1, 5)), ["", "xxxxxx", None, 1]),
        (fields.String(validate=validate.Length(max=5)), ["xxxxxx"]),
        (fields.Integer(strict=True, validate=validate.Range(1, 5)), ["x", 0, 9, None]),
        (fields.Integer(validate=validate.Range(min=1)), [0]),
        (fields.Integer(validate=validate.Range(max=1)), [2]),
        (fields.Email(), ["x"]),
        (fields.Date(), ["x"]),
        (fields.AwareDateTime(), ["x"]),
        (fields.UUID(), ["x"]),
        (fields.Boolean(), ["x"]),
        (fields.Float(), ["x"]),
    ],
)
def test_the_sentences_of_the_library_are_known(field, sent):
    """As the library has them, where `EXPECTED` has no others: another version may have more."""
    schema = Schema.from_dict({"one": field})()
    for value in [*sent, ...]:
        given = {} if value is ... else {"one": value}
        for text in schema.validate(given).get("one", []):
            assert faults.told(text, "es") != text


def test_our_own_sentences_of_kinds_are_known():
    said = {text for texts in EXPECTED.values() for text in texts.values()}
    assert [text for text in said if faults.told(text, "es") == text] == []


def test_what_is_published_on_readiness_is_told_in_spanish():
    """All of it, with what is missing and the days of a season; figures and names need no telling."""
    with (files("marketplace.reporting") / "data" / "match_benchmarks.csv").open() as lines:
        registry = read_benchmarks(lines)
    advice = [*readiness.shipped()]
    for kind in ("us_img", "non_us_img"):
        for specialty in (None, *BY_CODE):
            advice += readiness.from_registry(registry, kind, specialty)
    said = {text for one in advice for text in (one.statement, one.interest, one.note)}
    said |= {one.answer for one in advice if not re.fullmatch(r"[\d.]+|no", one.answer)}
    said |= {one.published_by for one in advice if " " in one.published_by}
    said |= {readiness.NO_SCORE, *calendar.KINDS.values()} - {"Match Day"}
    for kind in calendar.KINDS.values():
        said |= {
            f"Not known for 2029: {kind}.",
            f"Not yet announced for 2029, as of 2026-11-01: {kind}.",
        }
    said -= {"", None, "AAMC (ERAS)", "3,099 = 3,356 - 257", "4,571 = 5,032 - 461"}
    assert [text for text in said if told(text, "es") == text] == []
    shown = told("mean Step 2 CK of those matched, US IMGs, Neurology, 2024 Match: 240 score", "es")
    assert shown.endswith("IMG estadounidenses, Neurología, Match de 2024: 240 puntos")


def test_what_lasts_for_whole_days_is_said_in_days_and_all_else_to_the_minute():
    chicago = view.Reader(None, frozenset(), "en", ZoneInfo("America/Chicago"))
    since = datetime(2027, 3, 1, tzinfo=chicago.zone)
    until = datetime(2027, 4, 2, 23, 59, 59, tzinfo=chicago.zone)
    assert chicago.lasting(since, until) == "Mar 1 – Apr 2, 2027"
    there = view.Reader(None, frozenset(), "en", ZoneInfo("Asia/Kolkata"))
    assert there.lasting(since, until) == f"{there.moment(since)} – {there.moment(until)}"
    assert "11:30 AM" in there.lasting(since, until)
