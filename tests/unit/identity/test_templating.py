"""How a notice is set: safe with what people call themselves, and in the reader's own terms."""

import json

import pytest
from jinja2 import DictLoader, UndefinedError

from marketplace.core.errors import DomainError
from marketplace.identity.errors import TemplateUnknown
from marketplace.identity.service import templating, wording
from marketplace.identity.service.templating import Reader

BASE = "https://example.org"


def render(name, locale="en", **data):
    return templating.render(
        "confirm", Reader(locale), {"name": name, "token": "t", **data}, f"{BASE}/"
    )


def test_a_notice_has_a_subject_a_text_and_html():
    message = render("Asha Rao")
    assert message.subject == "Confirm your e-mail address"
    assert message.text.startswith("Hello Asha Rao,\n")
    assert f"{BASE}/confirm?token=t\n" in message.text
    assert f'href="{BASE}/confirm?token=t"' in message.html
    assert len(message.version) == 12


def test_a_place_that_goes_to_another_student_is_not_called_cancelled():
    sample = json.loads(templating._folder().joinpath("booking_cancelled.json").read_text())
    for locale, subject, cancelled in (
        ("en", "Given to another", "cancel"),
        ("es", "Cedida", "cancel"),
    ):
        data = {**sample["sample"], "name": "Ana", "handed_on": True}
        said = templating.render("booking_cancelled", Reader(locale), {**data, "back": None}, BASE)
        assert said.subject.startswith(subject)
        assert cancelled not in said.text.split("\n")[2]


def test_a_name_is_text_and_never_markup():
    message = render("<script>alert(1)</script> {{ 7 * 7 }}")
    assert "<script>" not in message.html
    assert "{{ 7 * 7 }}" in message.text


def test_only_addresses_of_ours_become_links():
    message = render("https://evil.example/x and https://example.org.evil.example/y")
    assert "evil.example/x" in message.html
    assert 'href="https://evil' not in message.html
    assert 'href="https://example.org.evil' not in message.html


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        (f"Pay here: {BASE}/b/1", [("Pay here", f"{BASE}/b/1")]),
        (f"{BASE}/b/1", [("Open", f"{BASE}/b/1")]),
        (f"You did not come. The booking: {BASE}/b/1", [
            ("You did not come.", None), ("The booking", f"{BASE}/b/1")
        ]),
        (f"{'So it is, and so on, ' * 4}end: {BASE}/b/1", [
            (f"{'So it is, and so on, ' * 4}end.", None), ("Open", f"{BASE}/b/1")
        ]),
        ("One\ntwo", [("One\ntwo", None)]),
        ("Look at https://other.example/x", [("Look at https://other.example/x", None)]),
    ],
)  # fmt: skip
def test_an_address_at_the_end_is_a_button(text, blocks):
    found = templating._blocks(text, BASE, "en")
    assert [(str(one.words), one.url) for one in found] == blocks


def test_lines_with_dashes_are_a_list():
    (block,) = templating._blocks(f"- a\n- b: {BASE}/l/2", BASE, "en")
    assert [(str(one.words), one.url) for one in block.points] == [
        ("a", None),
        ("b", f"{BASE}/l/2"),
    ]


def test_a_language_that_is_not_there_falls_back_to_english():
    assert render("Asha", locale="fr").subject == render("Asha").subject
    assert render("Asha", locale="es").subject != render("Asha").subject


def test_a_line_break_is_no_header(monkeypatch):
    texts = {"confirm.en.txt": "For {{ token }}\nText", "_layout.html": "", "_foot.en.txt": ""}
    environment = templating._environment().overlay(loader=DictLoader(texts))
    monkeypatch.setattr(templating, "_environment", lambda: environment)
    assert render("Asha", token="a\r\tb").subject == "For a b"


def test_a_notice_that_is_not_there_is_a_mistake_of_ours():
    with pytest.raises(TemplateUnknown):
        templating.render("no_such", Reader(), {}, "")
    assert not issubclass(TemplateUnknown, DomainError)
    with pytest.raises(UndefinedError, match=r"'confirm' is not given token"):
        templating.template("confirm").check({"name": "x"})


@pytest.mark.parametrize(
    ("locale", "day", "moment"),
    [
        ("en", "January 4, 2027", "January 3, 2027, 6:30 PM (Chicago time, GMT-06:00)"),
        ("es", "4 de enero de 2027", "3 de enero de 2027, 18:30 (hora de Chicago, GMT-06:00)"),
    ],
)
def test_days_and_moments_leave_nothing_to_guess(locale, day, moment):
    context = {"locale": locale, "reader_zone": "America/Chicago"}
    assert wording.day(context, "2027-01-04") == day
    assert wording.moment(context, "2027-01-04T00:30:00+00:00") == moment


def test_a_moment_can_be_told_by_another_clock():
    context = {"locale": "es", "reader_zone": "America/Chicago"}
    at = "2027-07-04T00:30:00+00:00"
    assert wording.moment(context, at, "UTC") == "4 de julio de 2027, 0:30 (UTC)"
    assert "hora de Nueva York, GMT-04:00" in wording.moment(context, at, "America/New_York")
    assert "6:00 AM (Kolkata time, GMT+05:30)" in wording.moment(
        {"reader_zone": "Asia/Kolkata"}, at
    )


def test_amounts_have_their_currency_and_are_written_as_the_language_does():
    usd, jpy = {"amount": 125000, "currency": "USD"}, {"amount": 1250, "currency": "JPY"}
    assert wording.money({"locale": "en"}, usd) == "1,250.00 USD"
    assert wording.money({"locale": "es"}, usd) == "1.250,00 USD"
    assert wording.money({"locale": "en"}, jpy) == "1,250 JPY"


def test_the_days_of_what_is_paid_for_are_written_out():
    text = "Cardiology, 2027-01-04 to 2027-01-31"
    english = "Cardiology, January 4, 2027 to January 31, 2027"
    assert wording.dated({"locale": "en"}, text) == english
    spanish = "Cardiology, del 4 de enero de 2027 al 31 de enero de 2027"
    assert wording.dated({"locale": "es"}, text) == spanish
    assert wording.dated({"locale": "en"}, "Since 2027-01-04: 2027-99-99") == (
        "Since January 4, 2027: 2027-99-99"
    )


def test_lists_end_as_the_language_does():
    assert wording.listed({"locale": "en"}, ["a", "b", "c"]) == "a, b, and c"
    assert wording.listed({"locale": "es"}, ["a", "b"]) == "a y b"
