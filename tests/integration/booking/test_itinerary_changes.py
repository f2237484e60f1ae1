"""One rotation of a paid itinerary gets other weeks or another trainee; the others stay."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier

import pytest

from marketplace.booking import queries
from marketplace.booking.errors import AlreadyBookedThen, QuoteChanged
from marketplace.booking.queries import itineraries
from marketplace.booking.rules import frozen
from marketplace.booking.service import cancellations, proposals, replaying, reschedules, transfers
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.states import BookingState
from marketplace.catalog.errors import SeatTaken
from marketplace.core.errors import Conflict
from marketplace.payments import queries as payments
from marketplace.payments.service import ledger
from tests.factories import itineraries as make
from tests.factories.rotations import FIRST_DAY
from tests.factories.schools import a_school, link

WEEK = timedelta(days=7)
SECOND = FIRST_DAY + WEEK * 4
LATER = FIRST_DAY + WEEK * 16
API = "/api/v1"


def facts(stage, first_day, weeks=4):
    return {"first_day": first_day, "weeks": weeks, "terms": stage.terms, "now": stage.now}


def quote(stage, booking_id, first_day, weeks=4):
    with stage.transaction() as session:
        found = queries.find(session, booking_id)
        return reschedules.quote(session, found, **facts(stage, first_day, weeks))


def reschedule(stage, booking_id, first_day, mark=None):
    mark = mark or quote(stage, booking_id, first_day).mark
    with stage.transaction() as session:
        found = queries.find(session, booking_id)
        given = {**facts(stage, first_day), "mark": mark, "actor_id": found.trainee_id}
        return reschedules.reschedule(session, found, **given).id


def transfer(stage, booking_id, to):
    with stage.transaction() as session:
        found = queries.find(session, booking_id)
        given = {"to_trainee_id": to, "terms": stage.terms, "now": stage.now}
        mark = transfers.quote(session, found, **given).mark
        made = proposals.propose_transfer(session, found, mark=mark, message="", **given)
        answer = {"actor_id": to, "by_host": False, "terms": stage.terms, "now": stage.now}
        return proposals.accept(session, made, **answer).id


def cancel(stage, booking_id):
    with stage.transaction() as session:
        found = queries.find(session, booking_id)
        mark = cancellations.quote(session, found, Wish(), stage.now).mark
        return cancellations.cancel(
            session, found, Wish(), mark=mark, to=BookingState.CANCELLED_BY_TRAINEE,
            actor_id=found.trainee_id, reason="Ill.", now=stage.now,
        )  # fmt: skip


def sound(stage, *booking_ids):
    """Histories lead to what is stored, refunds add up, no seat is lost."""
    with stage.transaction() as session:
        found = [queries.find(session, one) for one in booking_ids]
        wrong = [one.disagreements for one in replaying.verdicts(session, found) if not one.agrees]
        assert payments.wrong_refund_sums(session) == []
    assert wrong == []
    assert stage.findings() == []


def of_host(stage, place):
    with stage.transaction() as session:
        return -payments.balance_of(session, "deferred_host_share", "USD", place.site_id).minor


@pytest.fixture
def pair(stage):
    both = stage.trainee("Asha Rao"), stage.trainee("Ravi Iyer")
    link(stage, a_school(stage), *both)
    return both


@pytest.fixture
def places(stage):
    return stage.place(), stage.place(site_name="Harbor Clinic", price_per_week="333.33")


@pytest.fixture
def paid(stage, places, pair):
    """An itinerary of two rotations of four weeks, its deposits paid together."""
    rotations = ((places[0], FIRST_DAY, 4), (places[1], SECOND, 4))
    itinerary, made = make.held(stage, pair[0], *rotations)
    payment = make.pay(stage, itinerary)
    stage.settle(payment)
    return itinerary, made, payment


def test_one_gets_other_weeks_and_keeps_its_part_of_the_payment(stage, places, paid):
    itinerary, (old, other), payment = paid
    new = reschedule(stage, old, LATER)
    booking = stage.booking(new)
    assert (booking.state, booking.itinerary_id, booking.first_day) == (
        "confirmed",
        itinerary,
        LATER,
    )
    assert booking.paid == stage.booking(old).paid
    assert set(stage.taken(places[0])) == {LATER + WEEK * n for n in range(4)}
    assert [one.id for one in make.bookings(stage, itinerary)] == [other, new]
    seen = make.look(stage, itinerary)
    assert seen.parts[0].days[1] == LATER
    with stage.transaction() as session:
        parts = payments.parts(session, payment)
        assert {one.payable_id: one.carried_to_id for one in parts} == {old: new, other: None}
    sound(stage, old, other, new)


def test_its_balance_its_cancellation_and_another_change_follow_the_part(stage, places, paid):
    _, (old, other), payment = paid
    first = reschedule(stage, old, LATER)
    second = reschedule(stage, first, LATER + WEEK * 4)
    assert stage.settle(stage.pay(second)) == "settled"
    booking = stage.booking(second)
    assert booking.paid == booking.total
    before = of_host(stage, places[1])
    agreed = cancel(stage, second)
    assert agreed.paid == booking.paid
    with stage.transaction() as session:
        refunds = queries.cancellation(session, second).refunds
        assert len(refunds) == 2
        part = payments.part(session, payment, old)
        assert part.refunded_minor == stage.refunded(payment)
    # Nothing of the other rotation's money moved.
    assert of_host(stage, places[1]) == before
    assert stage.refunded(payment) <= stage.booking(old).paid.minor
    sound(stage, old, other, first, second)


def test_the_books_move_only_the_part_that_is_carried(stage, places, paid):
    _, (old, other), payment = paid
    shares = [of_host(stage, place) for place in places]
    rescued = reschedule(stage, old, LATER)
    assert [of_host(stage, place) for place in places] == shares
    with stage.transaction() as session:
        carried = frozen.price_lines(queries.find(session, rescued).price, "carried")
        assert sum(line.amount.minor for line in carried) == 44800
        posted = payments.postings(session, payment)
    moved = [one for one in posted if one.reason == ledger.PAYMENT_CARRIED]
    assert sum(one.amount.minor for one in moved) == 0
    assert {one.owner_id for one in moved} <= {places[0].site_id, None}
    cancel(stage, other)
    assert of_host(stage, places[0]) == shares[0]
    sound(stage, old, other, rescued)


def test_weeks_of_another_rotation_are_refused_by_name(stage, paid):
    _, (old, other), _ = paid
    with pytest.raises(AlreadyBookedThen) as refused:
        quote(stage, old, SECOND + WEEK * 2)
    assert refused.value.extra["booking_id"] == str(other)
    assert refused.value.extra["weeks"] == [(SECOND + WEEK * n).isoformat() for n in (2, 3)]
    # Its own weeks are no obstacle: a week later they overlap, where the other one is not.
    assert quote(stage, old, FIRST_DAY - WEEK).first_day == FIRST_DAY - WEEK


def test_the_stay_is_judged_anew_and_a_verdict_that_changes_changes_the_quote(stage, places, pair):
    rotations = ((places[0], FIRST_DAY, 4), (places[1], SECOND, 4))
    itinerary, (old, other) = make.held(stage, pair[0], *rotations)
    stage.settle(make.pay(stage, itinerary))
    (stay,) = quote(stage, other, SECOND + WEEK * 4).stays
    assert (stay.country, stay.verdict.value) == ("US", "fits")
    far = quote(stage, other, date(2027, 9, 6))
    (stay,) = far.stays
    assert stay.verdict.value == "too_long"
    assert stay.leave_on == date(2027, 9, 6) + WEEK * 4 - timedelta(days=1) + timedelta(days=3)
    # The first rotation ends: what is left fits, and the trainee is to see that first.
    cancel(stage, old)
    assert quote(stage, other, date(2027, 9, 6)).stays[0].verdict.value == "fits"
    with pytest.raises(QuoteChanged):
        reschedule(stage, other, date(2027, 9, 6), far.mark)
    assert stage.state(reschedule(stage, other, date(2027, 9, 6))) == "confirmed"


def test_a_rotation_handed_on_leaves_the_itinerary_with_its_money(stage, places, paid, pair):
    itinerary, (old, other), payment = paid
    new = transfer(stage, old, pair[1])
    booking = stage.booking(new)
    assert (booking.trainee_id, booking.itinerary_id) == (pair[1], None)
    seen = make.look(stage, itinerary)
    assert [part.over for part in seen.parts] == [True, False]
    assert stage.settle(stage.pay(new)) == "settled"
    agreed = cancel(stage, new)
    assert agreed.paid == booking.total
    with stage.transaction() as session:
        refunds = queries.cancellation(session, new).refunds
    assert {one["payment_id"] for one in refunds} >= {str(payment)}
    sound(stage, old, other, new)


def test_a_full_week_or_an_old_quote_leaves_all_as_it_was(stage, places, paid):
    itinerary, made, payment = paid
    mark = quote(stage, made[0], LATER).mark
    stage.hold(stage.trainee(), places[0], LATER, 1)
    with pytest.raises(SeatTaken):
        reschedule(stage, made[0], LATER, mark)
    with pytest.raises(QuoteChanged):
        reschedule(stage, made[0], LATER + WEEK * 4, mark)
    assert make.states(stage, itinerary) == ["confirmed", "confirmed"]
    assert stage.refunded(payment) == 0
    sound(stage, *made)


@pytest.mark.fault(2)
def test_changing_both_and_cancelling_one_at_once_ends_somehow(live_stage):
    places = live_stage.place(), live_stage.place(site_name="Harbor Clinic")
    trainee = live_stage.trainee()
    itinerary, made = make.held(
        live_stage, trainee, (places[0], FIRST_DAY, 4), (places[1], SECOND, 4)
    )
    payment = make.pay(live_stage, itinerary)
    live_stage.settle(payment)
    marks = [quote(live_stage, one, LATER).mark for one in made]
    gate = Barrier(3)

    def run(what):
        gate.wait()
        try:
            if what == 2:
                return cancel(live_stage, made[0])
            return reschedule(live_stage, made[what], LATER, marks[what])
        except Conflict as refused:
            return refused

    with ThreadPoolExecutor(3) as hands:
        ended = list(hands.map(run, range(3)))
    # Both can't have the same weeks, and one can't be both moved and cancelled.
    assert sum(not isinstance(one, Conflict) for one in ended) in {1, 2}
    assert isinstance(ended[0], Conflict) or isinstance(ended[1], Conflict)
    assert isinstance(ended[0], Conflict) or isinstance(ended[2], Conflict)
    with live_stage.transaction() as session:
        every = list(itineraries.bookings(session, itinerary))
    sound(live_stage, *made, *(one.id for one in every))


def test_over_http_the_quote_says_what_stays_it_makes(stage, client, people):
    places = stage.place(), stage.place(site_name="Harbor Clinic")
    trainee = people.trainee(visa_type="b1_b2")
    itinerary, made = make.held(
        stage, trainee.id, (places[0], FIRST_DAY, 4), (places[1], SECOND, 4)
    )
    stage.settle(make.pay(stage, itinerary))
    wish = {"first_day": "2027-10-04", "weeks": 4}
    path = f"{API}/bookings/{made[1]}"
    shown = client.post(f"{path}/reschedule-quote", json=wish, headers=trainee.headers)
    assert shown.status_code == 200, shown.json
    assert [one["verdict"] for one in shown.json["stays"]] == ["too_long"]
    done = client.post(
        f"{path}/reschedule", json={**wish, "quote": shown.json["quote"]}, headers=trainee.headers
    )
    assert done.status_code == 200, done.json
    assert done.json["booking"]["itinerary_id"] == str(itinerary)
    seen = client.get(f"{API}/itineraries/{itinerary}", headers=trainee.headers).json
    assert [one["first_day"] for one in seen["rotations"]] == [FIRST_DAY.isoformat(), "2027-10-04"]
