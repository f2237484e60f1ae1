"""The terms and the page on privacy say what the code does; files are kept by what they hold."""

import re
from datetime import timedelta

import pytest

from marketplace.catalog.rules.policies import ALWAYS, POLICIES, SELECTABLE
from marketplace.pages import assets
from marketplace.pages.public import legal
from marketplace.pages.view import LOCALES, Reader
from tests import settings

CONTACT = "help@rotations.example"
ASSET = re.compile(r'(?:href|src)="(/assets/[^"]+)"')


@pytest.fixture
def read(client):
    def page(path, language="en"):
        answer = client.get(path, headers={"Accept-Language": language})
        assert answer.status_code == 200
        return re.sub(r"\s+", " ", answer.get_data(as_text=True))

    return page


def test_every_period_of_the_code_stands_on_a_page(read):
    """By its own number, so that a page can't go on to promise what the code has left."""
    said = read("/privacy") + read("/terms")
    for period in legal.PERIODS.values():
        short = period < timedelta(days=2) or period == timedelta(hours=48)
        count = period // (timedelta(hours=1) if short else timedelta(days=1))
        assert f"{count} {'hours' if short else 'days'}" in said, period
    for name, number in legal.NUMBERS.items():
        assert re.search(rf"\b{number} (\w+ )?(business )?(days|letters)", said), name
    assert "12% of that" in said
    assert "35 minutes" in said
    assert "fewer than 11 people" in said


@pytest.fixture
def sent(client):
    def file(path):
        with client.get(path) as answer:
            kept = answer.headers.get("Cache-Control")
            assert "Vary" not in answer.headers or "immutable" not in kept
            return answer.status_code, kept, answer.get_data()

    return file


@pytest.mark.parametrize("language", LOCALES)
def test_the_terms_have_every_way_to_cancel(read, language):
    body = read("/terms", language)
    who = Reader(None, frozenset(), language, None)
    for key in (*SELECTABLE, *ALWAYS):
        assert who.told(POLICIES[key].summary) in body
    for key in SELECTABLE:
        assert who.told(POLICIES[key].name) in body
    for link in ('href="/privacy"', 'href="/terms"'):
        assert link in body


def test_who_runs_it_is_named_as_far_as_it_is_said(read, parts):
    assert "Rotation Marketplace" in read("/terms")
    assert "mailto:" not in read("/privacy")
    told = settings.make(
        LEGAL_ADDRESS="100 Example Plaza", CONTACT_EMAIL=CONTACT, GOVERNING_LAW="Illinois"
    )
    parts.add(type(told), told)
    assert f"mailto:{CONTACT}" in read("/privacy")
    assert "100 Example Plaza" in read("/terms")
    assert "under the law of Illinois" in read("/terms")
    assert 'href="/terms"' in read("/register")


def test_a_file_is_kept_for_good_under_the_address_of_what_it_holds(
    client, sent, tmp_path, monkeypatch
):
    names = ASSET.findall(client.get("/").get_data(as_text=True))
    assert len(names) >= 2
    for name in names:
        assert sent(name)[:2] == (200, "public, max-age=31536000, immutable"), name
    for name in ("/assets/site.css", "/assets/site.css?v=another"):
        assert sent(name)[:2] == (200, "no-cache")
    monkeypatch.setattr(assets, "OURS", tmp_path)
    file = tmp_path / "site.css"
    seen = set()
    for text in ("a {}", "b { }"):
        file.write_text(text)
        seen.add(assets.address("site.css"))
    assert len(seen) == 2
    assert sent("/assets/../legal.py")[0] == 404
    assert sent("/assets/none.css?v=1")[0] == 404


def test_what_is_linked_to_elsewhere_shows_a_picture_of_ours(client, sent):
    body = client.get("/help", headers={"Accept-Language": "es"}).get_data(as_text=True)
    address = re.search(r'property="og:image" content="http://marketplace.test([^"]+)"', body)[1]
    picture = sent(address)[2]
    assert picture.startswith(b"\x89PNG")
    # Width and height as the file itself has them.
    assert [int.from_bytes(picture[at : at + 4], "big") for at in (16, 20)] == [1200, 630]
    assert 'property="og:image:width" content="1200"' in body
    assert 'property="og:image:alt" content="Rotaciones' in body
