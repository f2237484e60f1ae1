"""A host calls a paid rotation off: the same weeks elsewhere, or all of the money back."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from marketplace.booking import queries
from marketplace.booking.errors import NotOpenForThis, QuoteChanged, RescueEnded
from marketplace.booking.rules.deadlines import choose_by
from marketplace.booking.service import applications, payment, rescues
from marketplace.catalog.errors import SeatTaken
from marketplace.core.money import Money
from marketplace.payments import queries as payments
from marketplace.payments.events import Payable
from tests.factories.rotations import FIRST_DAY

API = "/api/v1"


def call_off(stage, booking_id, place):
    with stage.transaction() as session:
        rescues.call_off(
            session,
            queries.find(session, booking_id),
            actor_id=place.owner_id,
            reason="The preceptor is ill.",
            now=stage.now,
        )


def search(stage, booking_id):
    with stage.transaction() as session:
        rescues.search(session, booking_id, terms=stage.terms, now=stage.now)


def offered(stage, booking_id):
    with stage.transaction() as session:
        return rescues.offered(session, booking_id)


def choose(stage, booking_id, what, **given):
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        return getattr(rescues, what)(session, booking, now=stage.now, **given)


def accept(stage, booking_id):
    found = offered(stage, booking_id)
    trainee = stage.booking(booking_id).trainee_id
    return choose(stage, booking_id, "accept", mark=found.quote.mark, actor_id=trainee).id


def close(stage, booking_id):
    with stage.transaction() as session:
        rescues.close(session, booking_id, stage.now)


def kept(stage, booking_id):
    with stage.transaction() as session:
        found = payments.kept_payments(session, Payable("booking", booking_id))
        return sum(one.refundable.minor for one in found)


def owed(stage, place):
    with stage.transaction() as session:
        return -payments.balance_of(session, "deferred_host_share", "USD", place.site_id).minor


@pytest.fixture
def scene(stage):
    """A paid booking, two places that could take its place, and some that could not."""
    place = stage.place()
    better = stage.place(
        price_per_week="540.00", site_name="St Anne", npi="1234567893", preceptor="Dr. B. Li"
    )
    dearer = stage.place(price_per_week="900.00", site_name="Rush", npi="1234567893")
    watching = stage.place(
        duties="shadowing", title="Internal Medicine Observership", site_name="Clearwater"
    )
    asked_first = stage.place(approval="request", site_name="Elm")
    other = stage.place(specialty="Pediatrics", title="Pediatrics Externship", site_name="Oak")
    full = stage.place(site_name="Pine")
    stage.confirmed(full)
    booking_id = stage.confirmed(place, whole=True)
    return place, better, booking_id, (dearer, watching, asked_first, other, full)


def test_the_same_weeks_elsewhere_are_held_at_the_price_that_was(stage, scene):
    place, better, booking_id, others = scene
    call_off(stage, booking_id, place)
    assert stage.state(booking_id) == "cancelled_by_host"
    assert stage.taken(place) == {}
    assert kept(stage, booking_id) == 224000
    search(stage, booking_id)
    search(stage, booking_id)
    found = offered(stage, booking_id)
    assert (found.state, found.offer.listing_id) == ("offered", better.listing_id)
    assert (found.offer.state, found.offer.hold_expires_at) == ("held", found.decide_by)
    assert (found.quote.price, found.quote.due) == (Money(224000, "USD"), Money(0, "USD"))
    assert set(stage.taken(better).values()) == {1}
    dearer, _, asked_first, *_ = others
    # One that costs more, at the price that was; and one whose host decides.
    assert [
        (one["listing_id"], one["approval"], one["price"]["amount"]) for one in found.others
    ] == [
        (str(dearer.listing_id), "instant", 224000),
        (str(asked_first.listing_id), "request", 224000),
    ]
    assert stage.told(found.offer.trainee_id)[-1] == "rescue_offered"
    new = accept(stage, booking_id)
    booking = stage.booking(new)
    assert (booking.state, booking.paid, booking.total) == (
        "confirmed",
        Money(224000, "USD"),
        Money(224000, "USD"),
    )
    assert (kept(stage, booking_id), kept(stage, new)) == (0, 224000)
    # The host gets its whole price, the marketplace gives up a part of its fee.
    assert (owed(stage, place), owed(stage, better)) == (0, 216000)
    assert stage.findings() == []
    with stage.transaction() as session:
        assert queries.change_to(session, new).kind == "rescue"


def test_what_is_not_chosen_in_time_goes_back_and_no_seat_leaks(stage, scene):
    place, better, booking_id, _ = scene
    payment_id = stage.booking(booking_id).payment_id
    call_off(stage, booking_id, place)
    search(stage, booking_id)
    found = offered(stage, booking_id)
    stage.clock.at = found.decide_by - timedelta(seconds=1)
    close(stage, booking_id)
    assert offered(stage, booking_id).state == "offered"
    stage.clock.at = found.decide_by
    with pytest.raises(RescueEnded):
        accept(stage, booking_id)
    stage.expire_due()
    assert stage.taken(better) == {}
    close(stage, booking_id)
    close(stage, booking_id)
    assert offered(stage, booking_id).state == "refunded"
    assert stage.refunded(payment_id) == 224000
    with stage.transaction() as session:
        agreed = queries.cancellation(session, booking_id)
    assert (agreed.event, agreed.refund) == ("host_withdraws", Money(224000, "USD"))
    assert stage.told(found.offer.trainee_id)[-1] == "booking_cancelled"
    assert stage.findings() == []


def test_the_money_is_the_other_choice(stage, scene):
    place, better, booking_id, _ = scene
    trainee = stage.booking(booking_id).trainee_id
    call_off(stage, booking_id, place)
    search(stage, booking_id)
    choose(stage, booking_id, "refund", actor_id=trainee)
    assert stage.refunded(stage.booking(booking_id).payment_id) == 224000
    assert stage.taken(better) == {}
    with pytest.raises(RescueEnded):
        accept(stage, booking_id)
    assert stage.findings() == []


def test_another_can_be_held_instead_one_at_a_time(stage, scene):
    place, better, booking_id, _ = scene
    third = stage.place(site_name="Willow", price_per_week="545.00")
    call_off(stage, booking_id, place)
    search(stage, booking_id)
    assert offered(stage, booking_id).others[0]["listing_id"] == str(third.listing_id)
    with pytest.raises(NotOpenForThis):
        choose(stage, booking_id, "switch", listing_id=place.listing_id, terms=stage.terms)
    choose(stage, booking_id, "switch", listing_id=third.listing_id, terms=stage.terms)
    assert stage.taken(better) == {}
    assert set(stage.taken(third).values()) == {1}
    stage.confirmed(better)
    with pytest.raises(SeatTaken):
        choose(stage, booking_id, "switch", listing_id=better.listing_id, terms=stage.terms)
    assert set(stage.taken(third).values()) == {1}
    assert stage.state(accept(stage, booking_id)) == "confirmed"
    assert stage.findings() == []


def test_where_nothing_is_found_all_goes_back_at_once(stage):
    place = stage.place()
    booking_id = stage.confirmed(place)
    call_off(stage, booking_id, place)
    search(stage, booking_id)
    assert offered(stage, booking_id).state == "refunded"
    assert stage.refunded(stage.booking(booking_id).payment_id) == 44800
    assert stage.findings() == []
    with stage.transaction() as session:
        rows = session.execute(
            text("SELECT account_id, data, files FROM notice WHERE template = 'booking_cancelled'")
        ).all()
    said = {row.account_id: row for row in rows}
    trainee = said[stage.booking(booking_id).trainee_id]
    assert trainee.data["reason"] == "The preceptor is ill."
    assert [file["name"] for file in trainee.files] == [f"cancelled-{FIRST_DAY}.ics"]
    assert said[place.owner_id].data["reason"] is None


def test_what_is_held_can_t_be_paid_for_and_a_wrong_quote_is_refused(stage, scene):
    place, _, booking_id, _ = scene
    call_off(stage, booking_id, place)
    search(stage, booking_id)
    offer = offered(stage, booking_id).offer
    with stage.transaction() as session, pytest.raises(NotOpenForThis):
        payment.pay(session, queries.find(session, offer.id), terms=stage.terms, now=stage.now)
    with pytest.raises(QuoteChanged):
        choose(stage, booking_id, "accept", mark="0" * 64, actor_id=offer.trainee_id)
    with stage.transaction() as session:
        applications.withdraw(session, queries.find(session, offer.id), reason="", now=stage.now)
    with pytest.raises(NotOpenForThis):
        accept(stage, booking_id)
    assert kept(stage, booking_id) == 224000


def test_one_under_way_is_refunded_as_before(stage, scene):
    place, _, booking_id, _ = scene
    stage.clock.at = datetime(2027, 3, 10, 15, tzinfo=UTC)
    stage.start_due()
    call_off(stage, booking_id, place)
    assert stage.refunded(stage.booking(booking_id).payment_id) == 224000
    with stage.transaction() as session:
        assert queries.rescue(session, booking_id) is None


@pytest.mark.parametrize(
    ("now", "zone", "until"),
    [
        # Three whole days where the trainee is, across a change of the clock and a leap day.
        ("2027-01-10T20:00", "Asia/Kolkata", "2027-01-14T18:30"),
        ("2027-03-12T20:00", "America/New_York", "2027-03-16T04:00"),
        ("2028-02-27T12:00", "UTC", "2028-03-02T00:00"),
    ],
)
def test_the_deadline_is_the_end_of_a_day_where_the_trainee_is(now, zone, until):
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    far = FIRST_DAY + timedelta(days=700)
    wanted = datetime.fromisoformat(until).replace(tzinfo=UTC)
    assert choose_by(at, zone, far, "America/Chicago") == wanted
    soon = at.date() + timedelta(days=2)
    assert choose_by(at, zone, soon, "UTC") == datetime.combine(soon, datetime.min.time(), UTC)


@pytest.mark.fault(2)
def test_taking_it_and_the_money_at_once_is_one_of_them(live_stage):
    place, other = live_stage.place(), live_stage.place(site_name="St Anne")
    booking_id = live_stage.confirmed(place, whole=True)
    trainee = live_stage.booking(booking_id).trainee_id
    payment_id = live_stage.booking(booking_id).payment_id
    call_off(live_stage, booking_id, place)
    search(live_stage, booking_id)
    mark = offered(live_stage, booking_id).quote.mark
    gate = threading.Barrier(3)

    def run(what):
        gate.wait()
        given = {"mark": mark} if what == "accept" else {}
        try:
            choose(live_stage, booking_id, what, actor_id=trainee, **given)
        except RescueEnded:
            return False
        return True

    with ThreadPoolExecutor(3) as hands:
        done = list(hands.map(run, ["accept", "accept", "refund"]))
    assert sum(done) == 1
    assert live_stage.refunded(payment_id) == (224000 if done[2] else 0)
    assert (set(live_stage.taken(other).values()) == {1}) is not done[2]
    assert live_stage.findings() == []


def test_over_http_the_choice_is_the_trainee_s(stage, client, people, run_jobs):
    place, other = stage.place(), stage.place(site_name="St Anne")
    trainee, stranger = people.trainee(visa_type="b1_b2"), people.trainee(visa_type="b1_b2")
    host = people.make("coordinator", site_id=place.site_id)
    booking_id = stage.confirmed(place, trainee.id)

    def call(person, method, path, json=None):
        return client.open(
            f"{API}/bookings/{booking_id}{path}", method=method, json=json, headers=person.headers
        )

    assert call(trainee, "GET", "/rescue").status_code == 404
    ended = call(host, "POST", "/host-cancellation", {"reason": "Ill."})
    assert ended.json["state"] == "cancelled_by_host"
    assert call(trainee, "GET", "/rescue").json["state"] == "searching"
    run_jobs()
    shown = call(trainee, "GET", "/rescue")
    assert shown.json["offer"]["listing_id"] == str(other.listing_id), shown.json
    assert call(stranger, "GET", "/rescue").status_code == 404
    assert call(host, "POST", "/rescue/accept", {"quote": "0" * 64}).status_code == 404
    taken = call(trainee, "POST", "/rescue/accept", {"quote": shown.json["quote"]["quote"]})
    assert taken.status_code == 200, taken.json
    assert taken.json["replaces_id"] == str(booking_id)
    late = call(trainee, "POST", "/rescue/refund")
    assert (late.status_code, late.json["code"]) == (409, "rescue_ended")
