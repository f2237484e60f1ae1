"""A trainee's pages, each path played by forms: documents, messages, letters, itineraries, money."""

import json
import re
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import update

from marketplace.booking import queries
from marketplace.booking.models import Booking
from marketplace.booking.service import rotations
from marketplace.catalog.models import Listing
from marketplace.core.ids import new_id
from marketplace.payments.models import SavedCard
from tests.factories import credit
from tests.factories.rotations import FIRST_DAY
from tests.integration.pages.test_pages import TOKEN, Browser

PDF = b"%PDF-1.7\n1 0 obj<</Note (Asha Rao)>>endobj\n%%EOF\n"
AFTER = datetime(2027, 4, 5, 15, 0, tzinfo=UTC)
WEEK = timedelta(weeks=1)
MARK = re.compile(r'name="quote" value="([^"]+)"')


@pytest.fixture
def trainee(people):
    return people.trainee(visa_type="b1_b2")


@pytest.fixture
def browser(client, trainee):
    made = Browser(client)
    made.sign_in(trainee)
    return made


@pytest.fixture
def place(stage):
    return stage.place(documents="tb_test;cv")


def a_file(content: bytes = PDF, name: str = "tb.pdf", kind: str = "application/pdf") -> Any:
    return (BytesIO(content), name, kind)


def to(answer: Any) -> str:
    """Where an answer leads; what the page said instead, where it does not."""
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return str(answer.headers["Location"])


def test_documents_from_missing_to_handed_over_and_back(browser, stage, place, trainee):
    booking = stage.confirmed(place, trainee.id)
    path = f"/rotations/{booking}/documents"
    browser.get(path)
    asked = "at most 12 months before the start"
    for words in (
        "Missing",
        "due by",
        "Have the visa in hand",
        "The rotation does not begin",
        asked,
    ):
        assert words in browser.body
    browser.get(f"/listings/{place.listing_id}")
    assert asked in browser.body
    assert "No examination results" not in browser.body
    form = f"/documents/new?booking={booking}&kinds=tb_test"
    browser.get(form)
    about = {"kind": "tb_test", "booking": str(booking), "issued_on": "2026-11-01"}
    answer = browser.send("/documents/new", kinds="tb_test", **about)
    assert answer.status_code == 422
    assert "Choose a file." in browser.body
    assert 'value="2026-11-01"' in browser.body
    for content, name, said in (
        (b"no pdf at all", "tb.pdf", "Inside it is no PDF"),
        (PDF, "tb.exe", "ends with .pdf"),
    ):
        answer = browser.send("/documents/new", file=a_file(content, name), **about)
        assert answer.status_code == 422
        assert said in browser.body
    late = {**about, "issued_on": "2027-11-01"}
    answer = browser.send("/documents/new", file=a_file(), **late)
    assert answer.status_code == 422
    assert 'id="issued_on-note"' in browser.body
    assert to(browser.send("/documents/new", file=a_file(), **about)) == path
    browser.get(path)
    assert "Sent, to be looked at" in browser.body
    browser.get("/documents")
    document = re.search(r'href="/documents/([0-9a-f-]{36})"', browser.body)[1]
    browser.get(f"/documents/{document}")
    link = to(browser.send(f"/documents/{document}/link", version="1"))
    assert browser.client.get(link).get_data() == PDF
    assert browser.client.get(link).status_code >= 400
    browser.get(f"/documents/{document}")
    assert browser.body.count("Read") >= 1
    answer = browser.send(f"/documents/{document}/delete")
    assert (answer.status_code, answer.mimetype) == (409, "text/html")
    browser.get(path)
    assert to(browser.send(f"{path}/{document}/take-back")) == path
    browser.get(path)
    assert "Hand over tb.pdf" in browser.body
    assert to(browser.send(path, document=document)) == path
    browser.get(path)
    browser.send(f"{path}/{document}/take-back")
    browser.get("/my-data")
    assert "Documents that you have here: 1." in browser.body
    assert to(browser.send("/documents/erase")) == "/my-data"
    assert "No document yet." in browser.get("/documents").get_data(as_text=True)


def test_a_message_with_a_file_goes_to_the_host_and_is_read(
    browser, people, stage, place, trainee, run_jobs
):
    held = stage.hold(trainee.id, place, FIRST_DAY + 8 * WEEK)
    browser.get(f"/rotations/{held}/messages")
    assert "Apply or pay first" in browser.body
    host = people.make("coordinator", site_id=place.site_id, name="Cora Diaz")
    booking = stage.confirmed(place, trainee.id)
    path = f"/rotations/{booking}/messages"
    browser.get(path)
    assert browser.send(path, body=" ").status_code == 422
    answer = browser.send(path, body="Where do I park?", file=a_file(b"MZ", "map.pdf"))
    assert answer.status_code == 422
    assert ">Where do I park?</textarea>" in browser.body
    assert 'id="file-note"' in browser.body
    sent = browser.send(path, body="Where do I park?", file=a_file(name="map.pdf"))
    assert to(sent).startswith(path)
    api = f"/api/v1/bookings/{booking}/messages"
    answer = browser.client.post(api, headers=host.headers, json={"body": "Behind the <b>house."})
    assert answer.status_code == 201
    run_jobs()
    browser.get("/messages")
    assert "1 unread" in browser.body
    browser.get(path)
    for words in ("Where do I park?", "map.pdf", "Cora Diaz", "Behind the &lt;b&gt;house."):
        assert words in browser.body
    led = browser.send(re.search(r'action="(/rotations/[^"]+/files/[^"]+)"', browser.body)[1])
    assert led.status_code == 303
    link = to(led)[to(led).index("/api/v1/message-files/") :]
    assert browser.client.get(link).get_data() == PDF
    assert browser.client.get(link).status_code == 410
    browser.get("/messages")
    assert "unread" not in browser.body


def test_a_letter_is_asked_for_once_and_the_waiver_chosen(browser, people, stage, trainee, clock):
    place = stage.place()
    booking = stage.confirmed(place, trainee.id, whole=True)
    path = f"/rotations/{booking}/letter"
    browser.get(path)
    assert "once the rotation is completed" in browser.body
    clock.at = AFTER
    host = people.make("coordinator", site_id=place.site_id)
    with stage.transaction() as session:
        found = queries.find(session, booking)
        rotations.begin_if_due(session, found, AFTER)
        present = [rotations.Day(found.first_day, "present")]
        rotations.mark_attendance(session, found, present, actor_id=host.id, now=AFTER)
        rotations.complete(session, found, actor_id=host.id, now=AFTER)
    browser.get(path)
    answer = browser.send(path, message="I would be grateful.")
    assert answer.status_code == 422
    assert ">I would be grateful.</textarea>" in browser.body
    assert 'id="waived-note"' in browser.body
    assert to(browser.send(path, waived="no", specialty="internal_medicine")) == path
    browser.get(path)
    assert "kept: you may read it" in browser.body
    assert "Ask for a letter" not in browser.body
    letter = re.search(r"/letters/([0-9a-f-]{36})/waiver", browser.body)[1]
    assert browser.send(path, waived="yes").status_code == 422
    browser.get(path)
    browser.send(f"/letters/{letter}/waiver", waived="yes")
    browser.get(path)
    assert "waived: you will never read it" in browser.body
    assert "Asked for" in browser.get("/letters").get_data(as_text=True)
    assert to(browser.send(f"/letters/{letter}/withdraw")) == path
    browser.get(path)
    assert "Taken back" in browser.body


def test_an_itinerary_is_put_together_held_and_paid_at_once(
    browser, stage, place, trainee, app, people
):
    other = stage.beside(place, site_name="Prairie Hospital", specialty="Pediatrics")
    asks = stage.beside(place, title="Cardiology", specialty="Cardiology", approval="request")
    first = {"listing_id": str(place.listing_id), "first_day": str(FIRST_DAY), "weeks": "4"}
    browser.get(f"/itineraries/add?listing_id={place.listing_id}&first_day={FIRST_DAY}&weeks=4")
    path = to(browser.send("/itineraries/items", **first))
    chosen = path.rpartition("/")[2]
    browser.get(f"/itineraries/add?listing_id={other.listing_id}&first_day={FIRST_DAY}&weeks=4")
    assert chosen in browser.body
    second = {**first, "listing_id": str(other.listing_id)}
    assert to(browser.send("/itineraries/items", itinerary=chosen, **second)) == path
    browser.get(path)
    assert "It meets rotation 2." in browser.body
    assert "disabled" in browser.body
    days = {"name": "Spring", "first_day-2": "soon"}
    assert browser.send(f"{path}/edit", **days).status_code == 422
    assert 'value="soon"' in browser.body
    later = str(FIRST_DAY + 6 * WEEK)
    assert to(browser.send(f"{path}/edit", **{"name": "Spring", "first_day-2": later})) == path
    third = {**first, "listing_id": str(asks.listing_id), "first_day": str(FIRST_DAY + 10 * WEEK)}
    browser.get(path)
    assert to(browser.send("/itineraries/items", itinerary=chosen, **third)) == path
    browser.get(path)
    for words in ("14 days free between rotations 1 and 2", "$6,720.00", "12</strong>", "Fits"):
        assert words in browser.body, words
    assert to(browser.send(f"{path}/hold")) == path
    browser.get(path)
    assert "What this host reads" in browser.body
    assert to(browser.send(f"{path}/apply")) == path
    browser.get(path)
    assert "A host has not answered yet." in browser.body
    assert browser.send(f"{path}/pay").status_code == 422
    assert browser.send(f"{path}/hold").status_code == 422
    assert to(browser.send(f"{path}/withdraw")) == path
    browser.get(path)
    path = to(browser.send("/itineraries/items", **first))
    browser.get(path)
    browser.send(f"{path}/hold")
    browser.get(path)
    assert "Pay the deposits together" in browser.body
    with stage.transaction() as session:
        session.execute(update(Booking).values(balance_due_on=stage.now.date()))
    browser.get(path)
    assert "All of it, to book" in browser.body
    assert "Pay the deposits together" not in browser.body
    assert to(browser.send(f"{path}/pay")) == f"{path}/payment"
    assert "Opening the payment page" in browser.get(f"{path}/payment").get_data(as_text=True)
    assert "Waiting for your payment" in browser.get(f"{path}/returned?paid=yes").text
    assert to(browser.get(f"{path}/returned")) == path
    stranger = Browser(app.test_client())
    stranger.sign_in(people.trainee())
    assert stranger.get(path).status_code == 404


def a_card(stage: Any, account_id: Any) -> Any:
    with stage.transaction() as session:
        card = SavedCard(
            id=new_id(), account_id=account_id, processor_customer="cus_1",
            processor_method="pm_1", fingerprint="f", brand="visa", last4="4242", exp_month=12,
            exp_year=2040, kept_at=stage.now,
        )  # fmt: skip
        session.add(card)
        session.flush()
        return card.id


def test_paying_with_a_code_credit_and_a_kept_card(browser, stage, place, trainee, people):
    credit.code(stage)
    credit.give(stage, trainee.id, credit.usd(10_000), transferable=True)
    held = stage.hold(trainee.id, place, FIRST_DAY + 8 * WEEK)
    path = f"/rotations/{held}/pay"
    assert browser.get(f"{path}?code=NO-SUCH&credit=lots").status_code == 422
    assert 'value="NO-SUCH"' in browser.body
    assert 'value="lots"' in browser.body
    assert browser.get(f"{path}?code=SPRING-27&credit=100").status_code == 200
    for words in ("-$112.00", "$100.00", "I agree that this card is kept"):
        assert words in browser.body, words
    browser.get(path)
    answer = browser.send(path, card="keep", words_keep="other words")
    assert answer.status_code == 422
    assert to(browser.send(path, credit="100")) == f"/rotations/{held}/payment"

    booking = stage.confirmed(place, trainee.id)
    card = a_card(stage, trainee.id)
    browser.get(f"/rotations/{booking}")
    assert "Pay it with Visa •••• 4242" in browser.body
    path = f"/rotations/{booking}/pay"
    browser.get(path)
    words = re.search(r'name="agreed_words" value="([^"]+)"', browser.body)[1]
    plan = f"/rotations/{booking}/balance-plan"
    browser.send(plan, card_id=str(card), agreed_words="I agree.")
    assert "Show the words" in browser.body
    browser.get(path)
    assert to(browser.send(plan, card_id=str(card), agreed_words=words)) == path
    browser.get(path)
    assert "is charged to your Visa •••• 4242" in browser.body
    assert to(browser.send(f"{plan}/take-back")) == path
    browser.get(f"/rotations/{booking}")
    for words in ("Paid and paid back", "Paid: the deposit", "The receipt is being made."):
        assert words in browser.body, words
    assert to(browser.send(path, card=str(card))) == f"/rotations/{booking}/payment"
    # The balance has a payment of its own beside the deposit's.
    assert "Opening the payment page" in browser.get(f"{path}ment").get_data(as_text=True)
    browser.get(f"/rotations/{booking}")
    assert "Go on to payment, $1,792.00" in browser.body

    browser.get("/wallet")
    assert "With our apologies" in browser.body
    grant = re.search(r"/wallet/credit/([0-9a-f-]{36})", browser.body)
    assert grant is None, "all of it is set aside"
    credit.give(stage, trainee.id, credit.usd(5_000), transferable=True)
    browser.get("/wallet")
    grant = re.search(r"/wallet/credit/([0-9a-f-]{36})", browser.body)[1]
    hand_on = f"/wallet/credit/{grant}/hand-on"
    assert browser.send(hand_on, email="nobody@example.org").status_code == 422
    assert 'value="nobody@example.org"' in browser.body
    assert to(browser.send(hand_on, email=people.trainee().email)) == "/wallet"


def test_waiting_for_what_is_full_and_taking_it(browser, stage, place, trainee):
    taken = stage.confirmed(place)
    browser.get(f"/listings/{place.listing_id}?first_day={FIRST_DAY}&weeks=4")
    assert "Wait for these weeks" in browser.body
    chosen = {"listing_id": str(place.listing_id), "first_day": str(FIRST_DAY), "weeks": "4"}
    assert to(browser.send("/waiting-list", **chosen)) == "/waiting-list"
    browser.get("/waiting-list")
    again = browser.send("/waiting-list", **chosen)
    assert (again.status_code, again.mimetype) == (409, "text/html")
    browser.get("/waiting-list")
    assert "place 1 in the line" in browser.body
    leave = re.search(r'action="(/waiting-list/[^"]+/leave)"', browser.body)[1]
    assert to(browser.send(leave)) == "/waiting-list"
    assert stage.state(taken) == "confirmed"
    with stage.transaction() as session:
        listing = session.get_one(Listing, place.listing_id)
        listing.blackout_weeks = [FIRST_DAY + WEEK]
    browser.get(f"/listings/{place.listing_id}?first_day={FIRST_DAY}&weeks=4")
    assert "Wait for these weeks" not in browser.body
    assert "<small>closed</small>" in browser.body


def test_other_weeks_are_quoted_and_changed(browser, stage, place, trainee):
    booking = stage.confirmed(place, trainee.id)
    path = f"/rotations/{booking}/weeks"
    later = str(FIRST_DAY + 8 * WEEK)
    assert browser.get(f"{path}?first_day=2027-03-02&weeks=4").status_code == 422
    assert 'value="2027-03-02"' in browser.body
    browser.get(f"{path}?first_day={later}&weeks=4")
    mark = MARK.search(browser.body)[1]
    moved = browser.send(path, first_day=later, weeks="4", quote="0" * 64)
    assert moved.status_code == 422
    assert "no longer what you were shown" in browser.body
    assert MARK.search(browser.body)[1] == mark
    new = to(browser.send(path, first_day=later, weeks="4", quote=mark))
    assert new != f"/rotations/{booking}"
    browser.get(new)
    assert "Confirmed" in browser.body


def test_a_search_is_saved_paused_and_deleted_and_all_data_downloaded(
    browser, stage, place, trainee
):
    browser.get("/listings?q=medicine&state=IL&most=2,500&sort=price")
    search = "q=medicine&state=IL&most=2,500&sort=price"
    saved = browser.send("/saved-searches", name="Near Chicago", search=search)
    assert to(saved) == "/saved-searches"
    browser.get("/saved-searches")
    assert browser.send("/saved-searches", name="Near Chicago", search=search).status_code == 422
    assert 'value="Near Chicago"' in browser.body
    browser.get("/saved-searches")
    assert "price_max=250000" in browser.body
    one = re.search(r"/saved-searches/([0-9a-f-]{36})/pause", browser.body)[1]
    browser.send(f"/saved-searches/{one}/pause")
    browser.get("/saved-searches")
    assert "paused" in browser.body
    assert to(browser.send(f"/saved-searches/{one}/resume")) == "/saved-searches"
    booking = stage.confirmed(place, trainee.id)
    answer = browser.client.get("/my-data/download")
    data = json.loads(answer.get_data())
    assert data["account"]["email"] == trainee.email
    assert [item["id"] for item in data["bookings"]] == [str(booking)]
    assert data["saved_searches"][0]["name"] == "Near Chicago"
    assert "password" not in answer.get_data(as_text=True)
    browser.get("/saved-searches")
    browser.send(f"/saved-searches/{one}/remove")
    assert "No search is saved." in browser.get("/saved-searches").get_data(as_text=True)


def test_readiness_is_ones_own_record_beside_what_is_published(browser, app, people):
    assert browser.get("/readiness").status_code == 200
    for words in ("No score and no chance is worked out.", "Hands-on weeks", "245", "Experience"):
        assert words in browser.body, words
    new = Browser(app.test_client())
    new.sign_in(people.make("trainee"))
    assert to(new.get("/readiness")) == "/profile?next=/readiness"


def test_nobody_else_sees_or_does_anything(app, stage, place, trainee, people):
    booking = stage.confirmed(place, trainee.id)
    stranger = Browser(app.test_client())
    stranger.sign_in(people.trainee())
    base = f"/rotations/{booking}"
    for part in ("documents", "messages", "letter", "weeks", "pay"):
        assert stranger.get(f"{base}/{part}").status_code == 404, part
    stranger.get("/wallet")
    stranger.get("/listings")
    token = TOKEN.search(stranger.body)[1]
    for part in ("documents", "messages", "letter", "weeks", "pay", "balance-plan"):
        sent = stranger.client.post(f"{base}/{part}", data={"csrf_token": token, "body": "x"})
        assert sent.status_code == 404, part
    nobody = Browser(app.test_client())
    for path in ("/documents", "/messages", "/letters", "/itineraries", "/wallet", "/my-data"):
        assert "/sign-in" in to(nobody.get(path))
