"""What a site is asked, and asks: changes of booked rotations, questions, papers, who teaches."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from marketplace.pages.host.questions import MORE
from tests.factories.rotations import FIRST_DAY
from tests.factories.schools import a_school, link
from tests.integration.booking.test_transfers import LATER, answer, offer, propose_weeks
from tests.integration.pages.hosting import browser_of


@pytest.fixture
def ward(stage, place):
    """A listing whose host decides on each trainee, and a booking of it."""
    found = stage.beside(place)
    asha, ravi = stage.trainee("Asha Rao"), stage.trainee("Ravi Iyer")
    link(stage, a_school(stage), asha, ravi)
    booking = stage.confirmed(found, asha)
    with stage.transaction() as session:
        asks = text("UPDATE listing SET approval = 'request' WHERE id = :id")
        session.execute(asks, {"id": found.listing_id})
    return found, booking, ravi


def test_a_change_is_asked_of_the_site_and_answered_there(host, base, stage, ward, people, app):
    found, booking, ravi = ward
    listed = f"{base}/changes"
    host.get(listed)
    assert "Nobody asks for a change." in host.body
    one = f"{listed}/{propose_weeks(stage, booking)}"
    host.get(base)
    assert "1 change of a booked rotation waits for your word." in host.body
    for page in (listed, f"{base}/rotations/{booking}"):
        host.get(page)
        assert f'href="{one}"' in host.body
    host.get(one)
    assert "Asha Rao would come in other weeks" in host.body
    assert host.send(f"{one}/decline", reason="We are full then.").status_code == 303
    assert stage.state(booking) == "confirmed"
    host.get(one)
    assert "This is over: it was declined. We are full then." in " ".join(host.body.split())

    # What can't take effect says why, and stays open.
    one = f"{listed}/{propose_weeks(stage, booking)}"
    stage.set_seats(found, 0, LATER)
    host.get(one)
    assert host.send(f"{one}/agree").status_code == 422
    assert 'role="alert"' in host.body
    assert f"{one}/agree" in host.body
    stage.set_seats(found, 1, LATER)
    host.get(one)
    led = host.send(f"{one}/agree").headers["Location"]
    host.get(led)
    assert "This rotation takes over from the one before." in host.body
    assert stage.state(booking) == "cancelled_by_trainee"
    assert host.send(f"{one}/agree").status_code == 422
    assert "This proposal has ended." in host.body

    # Whom somebody's place is handed on to says yes first, and is then known to the site.
    (new,) = re.findall(r"rotations/([\w-]+)", led)
    proposal = offer(stage, new, ravi)
    assert host.get(f"{listed}/{proposal}").status_code == 404
    assert answer(stage, proposal, ravi) is None
    host.get(f"{listed}/{proposal}")
    assert "Asha Rao would hand the place on" in host.body
    assert "Ravi Iyer" in host.body
    stage.clock.advance(timedelta(weeks=20))
    host.sign_in(host.person)
    host.get(f"{listed}/{proposal}")
    assert "This is over: its time ran out." in host.body
    preceptor = browser_of(app, people.make("preceptor", site_id=found.site_id))
    assert preceptor.get(listed).status_code == 403


def test_applicants_are_asked_what_the_site_wants_to_know(host, base, place, stage):
    page = f"{base}/listings/{place.listing_id}/questions"
    host.get(f"{base}/listings/{place.listing_id}")
    assert page in host.body
    host.get(page)
    assert host.body.count("Another question") == MORE
    asked = {
        "read": "0",
        "text-0": "Why here?",
        "required-0": "yes",
        "kind-1": "choice",
        "text-1": "Which shift?",
    }
    assert host.send(page, **asked, **{"options-1": "Days"}).status_code == 422
    assert 'id="options-1-note"' in host.body
    assert 'value="Which shift?"' in host.body
    assert host.send(page, **asked, **{"options-1": "Days\nNights"}).status_code == 303
    host.get(page)
    kept = {**asked, "read": "1", "text-0": "", "key-1": "question_2", "options-1": "Days\nNights"}
    assert host.send(page, **kept).status_code == 303
    host.get(page)
    assert "Why here?" not in host.body
    assert 'name="key-0" value="question_2"' in host.body
    assert host.send(page, **asked).status_code == 422
    assert "Somebody else has just changed this." in host.body
    assert host.get(page.replace(str(place.listing_id), str(place.site_id))).status_code == 404


def test_papers_are_asked_for_by_the_site_and_otherwise_by_a_listing(host, base, place):
    page = f"{base}/documents/asked"
    host.get(f"{base}/documents")
    assert page in host.body
    host.get(page)
    asked = {"read": "0", "how-mmr": "own", "due-mmr": "45", "blocks-mmr": "yes"}
    assert host.send(page, **{**asked, "due-mmr": "soon"}).status_code == 422
    assert 'id="due-mmr-note"' in host.body
    more = {"new_kind": "cv", "new_title": "Our own form", "new_months": "6", "new_due": "10"}
    assert host.send(page, **asked, **more).status_code == 303
    host.get(page)
    assert 'value="45"' in host.body
    assert "Our own form" in host.body
    assert host.send(page, **asked).status_code == 422

    own = f"{base}/listings/{place.listing_id}/papers"
    host.get(own)
    assert "As the site or the listing&#39;s terms ask for it" in host.body
    assert host.send(own, read="0", **{"how-mmr": "omitted"}).status_code == 303
    host.get(own)
    assert '<option value="omitted" selected>' in host.body
    host.get(f"/listings/{place.listing_id}?first_day={FIRST_DAY}")
    assert "Our own form" in host.body
    assert "easles" not in host.body


def test_who_teaches_is_corrected(host, base):
    host.get(f"{base}/site")
    (one,) = re.findall(rf'href="({base}/site/preceptors/[^"]+)"', host.body)
    host.get(one)
    (version,) = re.findall(r'name="version" value="(\d+)"', host.body)
    (npi,) = re.findall(r'name="npi" type="text" value="(\d+)"', host.body)
    named = {"preceptor": "Amara Okafor-Bell", "npi": npi, "version": version}
    assert host.send(one, **named, credentials="Master").status_code == 422
    assert 'id="credentials-note"' in host.body
    assert host.send(one, **named, credentials="MD, FACP").status_code == 303
    host.get(f"{base}/site")
    assert "Amara Okafor-Bell</strong>, MD, FACP" in host.body
    host.get(one)
    assert host.send(one, **named).status_code == 422
    assert "Somebody else has just changed this." in host.body


def test_a_rotation_is_asked_about_until_somebody_closes_it(host, base, stage, place):
    booking = stage.confirmed(stage.beside(place))
    stage.clock.advance(timedelta(days=(FIRST_DAY - stage.now.date()).days))
    assert stage.start_due() == 1
    stage.clock.advance(timedelta(days=300))
    host.sign_in(host.person)
    host.get(base)
    assert "To be closed" in host.body
    page = f"{base}/rotations/{booking}"
    assert f'href="{page}"' in host.body
    host.get(page)
    assert f'action="{page}/no-show"' not in host.body, "this is for the marketplace's people now"
    assert host.send(f"{page}/complete").status_code == 303
    host.get(base)
    assert "To be closed" not in host.body
