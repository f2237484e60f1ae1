"""What a rotation asks of its trainee out of turn, played by forms; and the ways that mails name."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from sqlalchemy import text

from marketplace.booking import queries
from marketplace.booking.service import (
    applications,
    no_shows,
    offering,
    rescues,
    rotations,
    waiting,
)
from marketplace.catalog.service import publishing
from marketplace.catalog.states import ListingState
from marketplace.outcomes.queries import papers as papers_kept
from tests.factories import credit
from tests.factories.rotations import FIRST_DAY
from tests.factories.schools import a_school, link
from tests.integration.pages.hosting import browser_of
from tests.integration.pages.test_pages import MARK, Browser
from tests.integration.pages.test_trainee import AFTER, to


@pytest.fixture
def trainee(people):
    return people.trainee(visa_type="b1_b2")


@pytest.fixture
def browser(client, trainee):
    made = Browser(client)
    made.sign_in(trainee)
    return made


def test_a_host_that_asks_for_more_is_answered(browser, stage, trainee):
    place = stage.place(approval="request")
    booking = stage.submitted(place, trainee.id)
    with stage.transaction() as session:
        applications.ask_for_more(
            session,
            queries.find(session, booking),
            text="Which ward?",
            actor_id=place.owner_id,
            now=stage.now,
        )
    browser.get(f"/rotations/{booking}")
    assert f'href="/rotations/{booking}/answer"' in browser.body
    browser.get(f"/rotations/{booking}/answer")
    assert "Which ward?" in browser.body
    assert browser.send(f"/rotations/{booking}/answer", text=" ").status_code == 422
    assert (
        to(browser.send(f"/rotations/{booking}/answer", text="Ward 5.")) == f"/rotations/{booking}"
    )
    assert stage.booking(booking).state == "submitted"
    browser.get(f"/rotations/{booking}/answer")
    assert "Ward 5." in browser.body
    assert "Send the answer" not in browser.body


def test_who_waits_reads_that_a_listing_rests_and_why_the_wait_ended(browser, stage, trainee):
    place = stage.place()
    stage.hold(stage.trainee(), place)
    with stage.transaction() as session:
        waiting.join(
            session, trainee_id=trainee.id, listing_id=place.listing_id, first_day=FIRST_DAY,
            weeks=4, now=stage.now,
        )  # fmt: skip
    rests = "You keep your place; no offer comes meanwhile."
    browser.get("/waiting-list")
    assert rests not in browser.body
    for to_state in (ListingState.PAUSED, ListingState.RETIRED):
        with stage.transaction() as session:
            publishing.take_off(
                session, place.listing_id, to_state, place.owner_id, "Moved.", stage.now
            )
        browser.get("/waiting-list")
        assert rests in browser.body
    with stage.transaction() as session:
        offering.close_retired(session, stage.now, 10)
    browser.get("/waiting-list")
    assert rests not in browser.body
    assert "The host has retired the listing: no offer comes any more." in browser.body


@pytest.fixture
def called_off(stage, trainee):
    """A paid rotation that its host has called off, with two others in its place."""
    place = stage.place()
    stage.place(site_name="Second")
    stage.place(site_name="Third")
    booking = stage.confirmed(place, trainee.id)
    with stage.transaction() as session:
        found = queries.find(session, booking)
        rescues.call_off(
            session, found, actor_id=place.owner_id, reason="The preceptor is ill.", now=stage.now
        )
    return booking


def search(stage, booking):
    with stage.transaction() as session:
        rescues.search(session, booking, terms=stage.terms, now=stage.now)


def test_what_a_host_calls_off_is_had_elsewhere(browser, stage, called_off):
    path = f"/rotations/{called_off}/instead"
    browser.get(f"/rotations/{called_off}")
    assert f'href="{path}"' in browser.body
    browser.get(path)
    assert "We are looking for the same weeks elsewhere." in browser.body
    search(stage, called_off)
    browser.get(path)
    first = stage.booking(called_off)
    assert "The preceptor is ill." in browser.body
    with stage.transaction() as session:
        other = rescues.offered(session, called_off).rescue.others[0]["listing_id"]
    assert to(browser.send(f"{path}/other", listing_id=other)) == path
    browser.get(path)
    stale = browser.send(path, quote="0" * 64)
    assert stale.status_code == 422
    mark = MARK.search(browser.body)
    assert to(browser.send(path, quote=mark[1])) == path
    browser.get(path)
    assert "You took the same weeks elsewhere." in browser.body
    with stage.transaction() as session:
        taken = queries.find(session, rescues.offered(session, called_off).rescue.offer_id)
    assert (taken.state, str(taken.listing_id), taken.trainee_id) == (
        "confirmed",
        other,
        first.trainee_id,
    )


def test_what_a_host_calls_off_is_paid_back(browser, stage, called_off):
    search(stage, called_off)
    path = f"/rotations/{called_off}/instead"
    browser.get(path)
    assert to(browser.send(f"{path}/refund")) == path
    browser.get(path)
    assert "All that you paid goes back to you." in browser.body
    assert browser.send(f"{path}/refund").status_code == 422


def test_who_is_said_not_to_have_come_says_otherwise_once(browser, stage, clock, trainee):
    place = stage.place()
    booking = stage.confirmed(place, trainee.id)
    path = f"/rotations/{booking}/no-show"
    assert browser.get(path).status_code == 404
    clock.at = datetime(2027, 3, 2, 15, tzinfo=UTC)
    with stage.transaction() as session:
        no_shows.mark(
            session,
            queries.find(session, booking),
            actor_id=place.owner_id,
            reason="Did not come.",
            now=stage.now,
        )
    browser.get(f"/rotations/{booking}")
    assert f'href="{path}"' in browser.body
    browser.get(path)
    assert to(browser.send(path, words="I was there.")) == path
    browser.get(path)
    assert "I was there." in browser.body
    assert "Our staff decides" in browser.body


def test_a_rotation_is_handed_on_to_a_trainee_of_the_same_school(
    browser, client, stage, people, trainee
):
    other, school = people.trainee(visa_type="b1_b2"), a_school(stage)
    link(stage, school, trainee.id, other.id)
    booking = stage.confirmed(stage.place(), trainee.id)
    path = f"/rotations/{booking}/hand-on"
    browser.get(f"/rotations/{booking}")
    assert f'href="{path}"' in browser.body
    assert browser.get(f"{path}?email=nobody@example.org").status_code == 422
    assert "No student of your school" in browser.body
    browser.get(f"{path}?email={other.email}")
    mark = MARK.search(browser.body)
    assert to(browser.send(path, quote=mark[1], email=other.email, message="Yours?")) == path
    browser.get("/offers")
    assert "Nothing waits for you." in browser.body
    theirs = Browser(client.application.test_client())
    theirs.sign_in(other)
    theirs.get("/offers")
    with stage.transaction() as session:
        offer = queries.open_proposal(session, booking).id
    assert f'href="/offers/{offer}"' in theirs.body
    theirs.get(f"/offers/{offer}")
    assert "Yours?" in theirs.body
    assert "hands this rotation on to you." in theirs.body
    browser.get("/rotations")
    theirs.get("/rotations")
    assert "1 offer waits for your word." in theirs.body
    assert "waits for your word." not in browser.body
    theirs.get(f"/offers/{offer}")
    new = to(theirs.send(f"/offers/{offer}/accept"))
    theirs.get(new)
    assert "Confirmed" in theirs.body
    assert "You paid" not in theirs.body
    theirs.get(f"{new}/cancel")
    assert "Goes back to whoever paid it" in theirs.body
    assert stage.booking(booking).state == "cancelled_by_trainee"
    for page in ("/rotations", f"/rotations/{booking}"):
        browser.get(page)
        assert "Handed on to another student" in browser.body
        assert "Cancelled by you" not in browser.body


def test_what_waits_for_ones_school_is_not_offered_to_be_paid(browser, stage, people, trainee):
    link(stage, a_school(stage, approves=True), trainee.id)
    booking = stage.hold(trainee.id, stage.place())
    browser.get(f"/rotations/{booking}")
    assert "Your school has to approve it" in browser.body
    assert f'href="/rotations/{booking}/school"' in browser.body
    assert "Pay the deposit" not in browser.body
    browser.get(f"/rotations/{booking}/school")
    browser.send(f"/rotations/{booking}/school", message="It counts.")
    browser.get(f"/rotations/{booking}")
    assert "has been asked and has not decided yet" in browser.body


def test_days_papers_and_what_was_really_done(
    app, browser, stage, clock, trainee, people, run_jobs
):
    place = stage.place()
    host = people.make("coordinator", site_id=place.site_id)
    booking = stage.confirmed(place, trainee.id, whole=True)
    clock.at = AFTER
    with stage.transaction() as session:
        found = queries.find(session, booking)
        rotations.begin_if_due(session, found, AFTER)
        rotations.complete(session, found, actor_id=host.id, now=AFTER)
    days = f"/rotations/{booking}/days"
    browser.get(days)
    assert browser.send(f"{days}/hours", day="2027-03-01", hours="7.1").status_code == 422
    assert 'value="7.1"' in browser.body
    assert browser.send(f"{days}/hours", day="2027-03-01", hours="17").status_code == 422
    assert "Expected 0 to 16 hours." in browser.body
    assert (
        to(browser.send(f"{days}/hours", day="2027-03-01", hours="7.5", activity="Rounds")) == days
    )
    browser.get(days)
    assert "7 h 30 min" in browser.body
    assert browser.send(f"{days}/attestation", remarks="Much.").status_code == 422
    assert "Much." in browser.body
    assert to(browser.send(f"{days}/attestation", duties="history_taking", in_person="yes")) == days
    browser.get(days)
    assert "Attested on" in browser.body
    assert to(browser.send(f"{days}/safety", happened_on="2027-03-02", body="No gloves.")) == days
    browser.get(days)
    assert "No gloves." in browser.body
    desk, about = browser_of(app, people.make("operator")), f"/desk/bookings/{booking}/incidents"
    assert about in desk.get(f"/desk/bookings/{booking}").text
    assert "No gloves." in desk.get(about).text
    assert "No gloves." in desk.get("/desk/safety").text
    assert "Listed safety reports" in desk.get("/desk/audit").text
    papers = f"/rotations/{booking}/papers"
    run_jobs()
    browser.get(papers)
    assert "Certificate of completion" in browser.body
    with stage.transaction() as session:
        found = papers_kept.of_booking(session, booking)
        (paper,) = [one for one in found if one.kind == "completion_certificate"]
    link = to(browser.send(f"{papers}/{paper.id}"))
    assert browser.client.get(link).data.startswith(b"%PDF")
    story, why = f"/desk/bookings/{booking}", "The days on it are wrong."
    desk.get(story)
    assert desk.send(f"{story}/papers", paper="x", why_paper=why).status_code == 422
    assert desk.send(f"{story}/papers", paper=str(paper.id)).status_code == 422
    given = {"paper": str(paper.id), "why_paper": why}
    assert to(desk.send(f"{story}/papers", **given)) == f"{story}#papers"
    assert why in browser.get(papers).text
    desk.get(story)
    assert desk.send(f"{story}/papers", **given).status_code == 422
    assert desk.get("/desk/audit?subject_kind=paper").text.count(why) == 1


def test_a_booking_in_a_mail_leads_each_reader_to_their_page(
    browser, client, stage, people, trainee
):
    place = stage.place(approval="request")
    booking = stage.submitted(place, trainee.id)
    assert to(browser.get("/bookings")) == "/rotations"
    assert to(browser.get(f"/bookings/{booking}")) == f"/rotations/{booking}"
    stranger = Browser(client.application.test_client())
    stranger.sign_in(people.trainee())
    assert stranger.get(f"/bookings/{booking}").status_code == 404
    operator = Browser(client.application.test_client())
    operator.sign_in(people.make("operator"))
    assert to(operator.get(f"/bookings/{booking}")) == f"/desk/bookings/{booking}"
    preceptor = Browser(client.application.test_client())
    preceptor.sign_in(people.make("preceptor", site_id=place.site_id))
    roster = to(preceptor.get(f"/bookings/{booking}"))
    assert roster == f"/host/sites/{place.site_id}/roster?day={stage.booking(booking).first_day}"
    assert preceptor.get(roster).status_code == 200


def test_a_code_that_was_typed_in_stays_and_counts(browser, stage, trainee):
    credit.code(stage)
    credit.give(stage, trainee.id, credit.usd(10_000))
    path = f"/rotations/{stage.hold(trainee.id, stage.place())}/pay"
    browser.get(path)
    typed = {"code": "SPRING-27", "credit": "100", "card": "keep"}
    shown = to(browser.send(path, **typed, show="whole"))
    assert shown == f"{path}?{urlencode({**typed, 'whole': 'yes'})}"
    browser.get(shown)
    for words in ("Code SPRING-27", "the whole price", 'value="SPRING-27"', 'value="100"'):
        assert words in browser.body, words
    # It is paid by where it was not shown before, too.
    browser.get(path)
    assert browser.send(path, code="NO-SUCH").status_code == 422
    assert to(browser.send(path, code="SPRING-27")) == path + "ment"
    with stage.transaction() as session:
        assert session.execute(text("SELECT count(*) FROM voucher_use")).scalar_one() == 1


def test_who_waits_for_a_listing_that_is_retired_reads_that_and_where_to_look_on(browser, stage):
    place = stage.place()
    stage.confirmed(place)
    listing = f"/listings/{place.listing_id}"
    browser.get(f"{listing}?first_day={FIRST_DAY}&weeks=4")
    chosen = {"listing_id": str(place.listing_id), "first_day": str(FIRST_DAY), "weeks": "4"}
    assert to(browser.send("/waiting-list", **chosen)) == "/waiting-list"
    with stage.transaction() as session:
        off = ListingState.RETIRED, place.owner_id, "Moved.", stage.now
        publishing.take_off(session, place.listing_id, *off)
        session.flush()
        assert offering.close_retired(session, stage.now, 9) == 1
    browser.get("/waiting-list")
    line = browser.body[browser.body.index("<article") : browser.body.index("</article>")]
    for words in ("The host has retired the listing", "Closed", 'href="/listings"'):
        assert words in line, words
    browser.get(listing)
    assert "What is booked goes on as agreed." in browser.body
