"""A booking handed on to a trainee of the same school, and changes that a host has to agree to."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from marketplace.booking import queries
from marketplace.booking.errors import (
    NotOpenForThis,
    OtherSchool,
    PlaceRefused,
    ProposalEnded,
    ProposalOpen,
    QuoteChanged,
)
from marketplace.booking.service import (
    applications,
    proposals,
    reschedules,
    transfers,
)
from marketplace.core.money import Money
from marketplace.payments import queries as payments
from tests.factories.rotations import FIRST_DAY
from tests.factories.schools import a_school, link

LATER = FIRST_DAY + timedelta(days=56)
API = "/api/v1"


@pytest.fixture
def school(stage):
    return a_school(stage)


@pytest.fixture
def pair(stage, school):
    both = stage.trainee("Asha Rao"), stage.trainee("Ravi Iyer")
    link(stage, school, *both)
    return both


def offer(stage, booking_id, to):
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        facts = {"to_trainee_id": to, "terms": stage.terms, "now": stage.now}
        mark = transfers.quote(session, booking, **facts).mark
        return proposals.propose_transfer(session, booking, mark=mark, message="Mine?", **facts).id


def answer(stage, proposal_id, actor_id, *, by_host=False):
    with stage.transaction() as session:
        new = proposals.accept(
            session,
            queries.proposal(session, proposal_id),
            actor_id=actor_id,
            by_host=by_host,
            terms=stage.terms,
            now=stage.now,
        )
        return None if new is None else new.id


def propose_weeks(stage, booking_id, first_day=LATER):
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        facts = {"first_day": first_day, "weeks": 4, "terms": stage.terms, "now": stage.now}
        mark = reschedules.quote(session, booking, **facts).mark
        return proposals.propose_weeks(session, booking, mark=mark, message="", **facts).id


def by_request(stage, trainee=None):
    """A confirmed booking at a place whose host decides on each trainee."""
    place = stage.place(approval="request")
    booking_id = stage.submitted(place, trainee)
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        applications.approve(session, booking, actor_id=place.owner_id, now=stage.now)
    stage.settle(stage.pay(booking_id))
    return place, booking_id


def test_who_takes_it_comes_and_what_was_paid_stays(stage, pair):
    giver, taker = pair
    place = stage.place()
    old = stage.confirmed(place, giver)
    payment = stage.booking(old).payment_id
    proposal = offer(stage, old, taker)
    assert stage.told(taker)[-1] == "transfer_offered"
    assert stage.state(old) == "confirmed"
    new = answer(stage, proposal, taker)
    booking = stage.booking(new)
    assert (booking.trainee_id, booking.paid, booking.total) == (
        taker,
        Money(44800, "USD"),
        Money(224000, "USD"),
    )
    assert (stage.state(old), stage.state(new)) == ("cancelled_by_trainee", "confirmed")
    assert set(stage.taken(place).values()) == {1}
    assert stage.told(giver)[-1] == stage.told(taker)[-1] == "booking_transferred"
    assert stage.settle(stage.pay(new)) == "settled"
    stage.cancel(new)
    # Latest first: the balance goes back to the one who paid it, the rest of the deposit to the other.
    assert stage.refunded(payment) == 199000 - 179200
    with stage.transaction() as session:
        assert payments.payment(session, payment).payer_id == giver
    assert stage.findings() == []


def test_only_a_student_of_the_same_school_who_may_come(stage, school, pair):
    giver, _ = pair
    place = stage.place()
    old = stage.confirmed(place, giver)
    stranger = stage.trainee("Eve")
    link(stage, a_school(stage, "Another College"), stranger)
    with pytest.raises(OtherSchool):
        offer(stage, old, stranger)
    student = stage.trainee("Sam", graduation_date=FIRST_DAY + timedelta(days=400))
    link(stage, school, student)
    # Why somebody may not come is theirs to know, and no fellow student's.
    with pytest.raises(PlaceRefused) as refused:
        offer(stage, old, student)
    (item,) = refused.value.extra["items"]
    assert (item["code"], item["detail"].split()[0]) == ("not_eligible", "They")
    assert "reasons" not in refused.value.extra
    with stage.transaction() as session, pytest.raises(OtherSchool):
        transfers.recipient(session, queries.find(session, old), "nobody@example.org")
    assert stage.state(old) == "confirmed"


def test_an_offer_ends_and_can_be_made_again(stage, pair):
    giver, taker = pair
    old = stage.confirmed(stage.place(), giver)
    first = offer(stage, old, taker)
    with pytest.raises(ProposalOpen):
        offer(stage, old, taker)
    stage.clock.advance(timedelta(days=8))
    with pytest.raises(ProposalEnded):
        answer(stage, first, taker)
    second = offer(stage, old, taker)
    with stage.transaction() as session:
        proposals.withdraw(
            session, queries.proposal(session, second), actor_id=giver, now=stage.now
        )
    with pytest.raises(ProposalEnded):
        answer(stage, second, taker)
    third = offer(stage, old, taker)
    with stage.transaction() as session:
        proposals.decline(
            session,
            queries.proposal(session, third),
            actor_id=taker,
            reason="No visa.",
            now=stage.now,
        )
    assert stage.told(giver)[-1] == "change_declined"


def test_the_host_agrees_last_where_it_decides_on_each_trainee(stage, pair):
    giver, taker = pair
    place, old = by_request(stage, giver)
    proposal = offer(stage, old, taker)
    with pytest.raises(NotOpenForThis):
        answer(stage, proposal, place.owner_id, by_host=True)
    assert answer(stage, proposal, taker) is None
    assert stage.state(old) == "confirmed"
    new = answer(stage, proposal, place.owner_id, by_host=True)
    assert stage.booking(new).trainee_id == taker


def test_a_host_agrees_to_other_weeks_under_the_terms_that_were_shown(stage):
    place, old = by_request(stage)
    proposal = propose_weeks(stage, old)
    assert stage.told(place.owner_id)[-1] == "change_proposed"
    new = answer(stage, proposal, place.owner_id, by_host=True)
    assert (stage.booking(new).first_day, stage.state(old)) == (LATER, "cancelled_by_trainee")
    assert stage.findings() == []
    again = propose_weeks(stage, new, FIRST_DAY)
    # The next tier of the terms is reached before the host answers.
    stage.clock.advance(timedelta(days=3))
    stage.clock.at = stage.clock.at.replace(year=2027, month=2, day=1)
    with pytest.raises((QuoteChanged, ProposalEnded)):
        answer(stage, again, place.owner_id, by_host=True)
    assert stage.state(new) == "confirmed"


@pytest.mark.parametrize(("before", "now"), [("instant", "request"), ("request", "instant")])
def test_the_host_is_asked_for_other_weeks_if_it_decides_now(stage, before, now):
    if before == "request":
        place, old = by_request(stage)
    else:
        place = stage.place()
        old = stage.confirmed(place)
    with stage.transaction() as session:
        session.execute(
            text("UPDATE listing SET approval = :now WHERE id = :id"),
            {"now": now, "id": place.listing_id},
        )
    with stage.transaction() as session:
        booking = queries.find(session, old)
        facts = {"first_day": LATER, "weeks": 4, "terms": stage.terms, "now": stage.now}
        quote = reschedules.quote(session, booking, **facts)
        assert quote.asks_host is (now == "request")
        new, proposal = proposals.change_weeks(
            session, booking, mark=quote.mark, message="", **facts
        )
        assert (new is None, proposal is None) == (quote.asks_host, not quote.asks_host)
        asked = proposal.id if proposal else None
    if asked is not None:
        assert answer(stage, asked, place.owner_id, by_host=True) is not None
    assert stage.state(old) == "cancelled_by_trainee"


@pytest.fixture
def call(client):
    def send(person, method, path, json=None, **headers):
        return client.open(
            API + path, method=method, json=json, headers={**person.headers, **headers}
        )

    return send


def test_over_http_weeks_are_changed_once_however_often_it_is_asked(stage, call, people):
    trainee, stranger = people.trainee(visa_type="b1_b2"), people.trainee(visa_type="b1_b2")
    booking_id = stage.confirmed(stage.place(), trainee.id)
    wish = {"first_day": LATER.isoformat(), "weeks": 4}
    path = f"/bookings/{booking_id}/reschedule"
    assert call(stranger, "POST", f"{path}-quote", wish).status_code == 404
    shown = call(trainee, "POST", f"{path}-quote", wish)
    assert shown.status_code == 200, shown.json
    assert shown.json["kind"] == "reschedule"
    wrong = call(trainee, "POST", path, {**wish, "quote": "0" * 64})
    assert (wrong.status_code, wrong.json["code"]) == (409, "quote_changed")
    assert wrong.json["quote"]["quote"] == shown.json["quote"]
    done = [
        call(
            trainee,
            "POST",
            path,
            {**wish, "quote": shown.json["quote"]},
            **{"Idempotency-Key": "move-1"},
        )
        for _ in range(2)
    ]
    assert [one.status_code for one in done] == [200, 200]
    assert done[0].json == done[1].json
    assert done[0].json["booking"]["replaces_id"] == str(booking_id)
    late = call(trainee, "POST", path, {**wish, "quote": shown.json["quote"]})
    assert (late.status_code, late.json["code"]) == (409, "not_open_for_this")


def test_over_http_a_booking_is_handed_on(stage, call, people, school):
    giver = people.trainee(visa_type="b1_b2")
    taker = people.trainee(visa_type="b1_b2")
    link(stage, school, giver.id, taker.id)
    stranger = people.trainee(visa_type="b1_b2")
    booking_id = stage.confirmed(stage.place(), giver.id)
    path = f"/bookings/{booking_id}/transfer"
    shown = call(giver, "POST", f"{path}-quote", {"email": taker.email})
    assert shown.status_code == 200, shown.json
    unknown = call(giver, "POST", f"{path}-quote", {"email": stranger.email})
    assert (unknown.status_code, unknown.json["code"]) == (409, "other_school")
    made = call(giver, "POST", path, {"email": taker.email, "quote": shown.json["quote"]})
    assert made.status_code == 201, made.json
    listed = call(taker, "GET", "/bookings/proposals").json["items"]
    assert [one["id"] for one in listed] == [made.json["id"]]
    where = f"/bookings/proposals/{made.json['id']}"
    assert call(stranger, "GET", where).status_code == 404
    assert call(stranger, "POST", f"{where}/accept").status_code == 404
    assert call(taker, "GET", where).json["quote"]["due"]["amount"] == 179200
    accepted = call(taker, "POST", f"{where}/accept")
    assert accepted.status_code == 200, accepted.json
    assert accepted.json["booking"]["trainee_id"] == str(taker.id)
    assert call(giver, "POST", f"{where}/withdraw").json["code"] == "proposal_ended"


def test_over_http_the_host_sees_and_decides(stage, call, people):
    trainee = people.trainee(visa_type="b1_b2")
    place, booking_id = by_request(stage, trainee.id)
    host = people.make("coordinator", site_id=place.site_id)
    preceptor = people.make("preceptor", site_id=place.site_id)
    wish = {"first_day": LATER.isoformat(), "weeks": 2}
    path = f"/bookings/{booking_id}/reschedule"
    mark = call(trainee, "POST", f"{path}-quote", wish).json["quote"]
    asked = call(trainee, "POST", path, {**wish, "quote": mark, "message": "My exam moved."})
    assert asked.json["booking"] is None
    listed = call(host, "GET", f"/sites/{place.site_id}/booking-proposals").json["items"]
    assert listed[0]["message"] == "My exam moved."
    where = f"/bookings/proposals/{asked.json['proposal']['id']}"
    assert call(preceptor, "POST", f"{where}/accept").status_code == 403
    assert call(trainee, "POST", f"{where}/accept").status_code == 404
    declined = call(host, "POST", f"{where}/decline", {"reason": "Full."})
    assert declined.json["state"] == "declined"


def test_what_the_first_trainee_wrote_to_the_host_is_not_handed_on(stage, pair):
    giver, taker = pair
    place, old = by_request(stage, giver)
    assert stage.booking(old).message == "Please."
    proposal = offer(stage, old, taker)
    answer(stage, proposal, taker)
    assert stage.booking(answer(stage, proposal, place.owner_id, by_host=True)).message is None
