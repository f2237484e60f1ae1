"""The templates themselves: complete, in both languages, and safe with what people call themselves."""

from importlib import resources

import pytest
from jinja2 import Environment, meta

from marketplace.core.errors import DomainError
from marketplace.identity.errors import TemplateUnknown
from marketplace.identity.service import notices, wording

FOLDER = resources.files("marketplace.identity").joinpath(notices.FOLDER)
GIVEN = {"name", "public_url", "locale"}


def names_in(template, locale):
    environment = Environment(autoescape=True)
    environment.filters.update(wording.FILTERS)
    source = FOLDER.joinpath(f"{template}.{locale}.txt").read_text(encoding="utf-8")
    return meta.find_undeclared_variables(environment.parse(source)) - GIVEN, source


@pytest.mark.parametrize("template", sorted(notices.templates()))
def test_every_notice_is_in_english_and_says_the_same_in_spanish(template):
    languages = notices.templates()[template]
    assert languages == {"en", "es"}
    english, source = names_in(template, "en")
    spanish, _ = names_in(template, "es")
    assert english == spanish
    subject, blank_or_text = source.split("\n", 1)
    assert subject.strip()
    assert blank_or_text.strip()


def render(name, locale="en", **data):
    return notices.render(
        "confirm", locale, {"name": name, "token": "t", **data}, "https://example.org/"
    )


def test_a_notice_has_a_subject_a_text_and_html():
    message = render("Asha Rao")
    assert message.subject == "Confirm your e-mail address"
    assert message.text.startswith("Hello Asha Rao,\n")
    assert "https://example.org/api/v1/auth/confirm?token=t\n" in message.text
    link = '<a href="https://example.org/api/v1/auth/confirm?token=t"'
    assert link in message.html


def test_a_name_is_text_and_never_markup():
    message = render("<script>alert(1)</script> {{ 7 * 7 }}")
    assert "<script>" not in message.html
    assert "{{ 7 * 7 }}" in message.text


def test_a_language_that_is_not_there_falls_back_to_english():
    assert render("Asha", locale="fr").subject == render("Asha").subject
    assert render("Asha", locale="es").subject != render("Asha").subject


def test_a_line_break_is_no_header(tmp_path, monkeypatch):
    from jinja2 import DictLoader

    environment = notices._environment().overlay(
        loader=DictLoader({"x.en.txt": "For {{ who }}\nText", "_layout.html": ""})
    )
    monkeypatch.setattr(notices, "_environment", lambda: environment)
    monkeypatch.setattr(notices, "templates_once", lambda: {"x": frozenset({"en"})})
    subject = notices.render("x", "en", {"who": "a\r\tb"}, "").subject
    assert subject == "For a b"


def test_a_notice_that_is_not_there_is_a_mistake_of_ours():
    with pytest.raises(TemplateUnknown):
        notices.render("no_such", "en", {}, "")
    assert not issubclass(TemplateUnknown, DomainError)


@pytest.mark.parametrize(
    ("locale", "day", "moment"),
    [
        ("en", "4 January 2027", "3 January 2027, 18:30 (America/Chicago)"),
        ("es", "4 de enero de 2027", "3 de enero de 2027, 18:30 (America/Chicago)"),
    ],
)
def test_days_and_moments_leave_nothing_to_guess(locale, day, moment):
    context = {"locale": locale}
    assert wording.day(context, "2027-01-04") == day
    assert wording.moment(context, "2027-01-04T00:30:00+00:00", "America/Chicago") == moment


def test_amounts_have_their_currency():
    assert wording.money({"amount": 125000, "currency": "USD"}) == "1,250.00 USD"
    assert wording.money({"amount": 1250, "currency": "JPY"}) == "1,250 JPY"
