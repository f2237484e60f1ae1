"""Several rotations in one itinerary: held together and paid together, or not at all."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from marketplace.booking.errors import (
    CurrenciesMixed,
    ItineraryRefused,
    NotOpenForThis,
    PaidTogether,
)
from marketplace.payments import queries as payment_queries
from marketplace.payments.events import Payable
from tests.factories import itineraries as make
from tests.factories.rotations import FIRST_DAY

WEEK = timedelta(days=7)
SECOND = FIRST_DAY + WEEK * 4
THIRD = FIRST_DAY + WEEK * 9


@pytest.fixture
def places(stage):
    """Two hosts and three places of one seat, at different prices."""
    first = stage.place()
    return (
        first,
        stage.place(site_name="Harbor Clinic", price_per_week="333.33"),
        stage.beside(first, title="Cardiology Externship", price_per_week="410.07"),
    )


@pytest.fixture
def three(places):
    return ((places[0], FIRST_DAY, 4), (places[1], SECOND, 4), (places[2], THIRD, 4))


def taken(stage, places):
    return [sum(stage.taken(place).values()) for place in places]


def test_all_are_held_paid_once_and_confirmed(stage, places, three):
    trainee = stage.trainee()
    itinerary, made = make.held(stage, trainee, *three)
    assert make.states(stage, itinerary) == ["held"] * 3
    assert taken(stage, places) == [4, 4, 4]
    payment_id = make.pay(stage, itinerary)
    assert make.pay(stage, itinerary) == payment_id
    assert make.states(stage, itinerary) == ["awaiting_payment"] * 3
    assert stage.settle(payment_id) == "settled"
    booked = make.bookings(stage, itinerary)
    assert [one.state for one in booked] == ["confirmed"] * 3
    assert [one.paid for one in booked] == [one.deposit for one in booked]
    assert make.read(stage, itinerary).state == "confirmed"
    assert stage.told(trainee) == ["itinerary_confirmed"]
    assert stage.findings() == []
    assert [stage.steps(one) for one in made] == [["held", "awaiting_payment", "confirmed"]] * 3


def test_the_books_add_up_by_booking(stage, three):
    itinerary, _ = make.held(stage, stage.trainee(), *three)
    payment_id = make.pay(stage, itinerary, whole=True)
    stage.settle(payment_id)
    booked = make.bookings(stage, itinerary)
    with stage.transaction() as session:
        parts = {part.payable_id: part for part in payment_queries.parts(session, payment_id)}
        payment = payment_queries.payment(session, payment_id)
        posted = payment_queries.postings(session, payment_id)
    assert {one.id: one.total for one in booked} == {
        key: part.amount for key, part in parts.items()
    }
    assert sum(one.total.minor for one in booked) == payment.amount.minor
    assert sum(entry.amount.minor for entry in posted) == 0
    hosts = sorted(-e.amount.minor for e in posted if e.account == "deferred_host_share")
    assert hosts == sorted(4 * cents for cents in (50000, 33333, 41007))
    platform = [-e.amount.minor for e in posted if e.account == "platform_revenue"]
    assert sum(hosts) + sum(platform) == payment.amount.minor
    assert {e.owner_id for e in posted if e.account == "deferred_host_share"} == {
        one.site_id for one in booked
    }


def test_one_seat_missing_holds_nothing_and_says_what_is_free(stage, places, three):
    stage.hold(stage.trainee("Early Bird"), places[1], SECOND + WEEK, 1)
    trainee = stage.trainee()
    itinerary = make.draw_up(stage, trainee, *three)
    with pytest.raises(ItineraryRefused) as refused:
        make.hold(stage, itinerary)
    (told,) = refused.value.extra["items"]
    assert told["place"] == 2
    (problem,) = told["problems"]
    assert problem["code"] == "seat_taken"
    assert problem["weeks"] == [(SECOND + WEEK).isoformat()]
    # The nearest four free weeks of the same listing that meet no other rotation: before and after.
    assert told["other_starts"] == sorted(told["other_starts"])
    assert (FIRST_DAY - WEEK * 4).isoformat() in told["other_starts"]
    assert taken(stage, places) == [0, 1, 0]
    assert make.read(stage, itinerary).state == "draft"
    assert make.bookings(stage, itinerary) == []
    assert stage.findings() == []


def test_what_overlaps_or_is_in_another_currency_is_refused(stage, places):
    trainee = stage.trainee()
    meets = make.draw_up(
        stage, trainee, (places[0], FIRST_DAY, 4), (places[1], FIRST_DAY + WEEK * 3, 4)
    )
    with pytest.raises(ItineraryRefused) as refused:
        make.hold(stage, meets)
    assert [one["place"] for one in refused.value.extra["items"]] == [1, 2]
    assert refused.value.extra["items"][0]["problems"][0]["places"] == [2]
    euros = stage.place(site_name="Clinic of Another Currency")
    with stage.transaction() as session:
        session.execute(
            text("UPDATE listing SET price_currency = 'EUR' WHERE id = :id"),
            {"id": euros.listing_id},
        )
    mixed = make.draw_up(stage, trainee, (places[0], FIRST_DAY, 4), (euros, SECOND, 4))
    assert make.look(stage, mixed).currencies == ("EUR", "USD")
    assert make.look(stage, mixed).total is None
    with pytest.raises(CurrenciesMixed, match="EUR and USD"):
        make.hold(stage, mixed)
    assert taken(stage, [*places, euros]) == [0, 0, 0, 0]


def test_a_week_that_is_booked_elsewhere_is_named(stage, places, three):
    trainee = stage.trainee()
    other = stage.confirmed(stage.place(site_name="Elsewhere"), trainee, SECOND, 1)
    itinerary = make.draw_up(stage, trainee, *three)
    seen = make.look(stage, itinerary)
    assert [[one.code for one in part.problems] for part in seen.parts] == [
        [], ["already_booked_then"], [],
    ]  # fmt: skip
    assert not seen.can_be_held
    # The weeks that the other booking shares with the draft are no second experience.
    assert (seen.experience.weeks, seen.experience.other_weeks) == (12, 0)
    with pytest.raises(ItineraryRefused) as refused:
        make.hold(stage, itinerary)
    (told,) = refused.value.extra["items"]
    assert told["problems"][0]["booking_id"] == str(other)
    assert taken(stage, places) == [0, 0, 0]


def test_looking_sums_gaps_stays_and_experience(stage, places, three):
    trainee = stage.trainee()
    stage.confirmed(stage.place(site_name="Before"), trainee, FIRST_DAY - WEEK * 6, 2)
    itinerary = make.draw_up(stage, trainee, *three)
    seen = make.look(stage, itinerary)
    assert seen.can_be_held
    assert seen.total is not None
    assert seen.total.minor == sum(
        line.amount.minor for part in seen.parts for line in part.booking.price_lines
    )
    assert [(gap.after, gap.before, gap.days) for gap in seen.gaps] == [(2, 3, 7)]
    (stay,) = seen.stays
    assert (stay.country, stay.verdict.value, stay.limit.key) == ("US", "fits", "us_b")
    assert stay.assumed
    assert (seen.experience.weeks, seen.experience.other_weeks) == (12, 2)
    assert seen.experience.weeks_missing == 0
    make.hold(stage, itinerary)
    assert make.look(stage, itinerary).total == seen.total


def test_a_part_is_neither_submitted_nor_paid_alone(stage, three):
    _, made = make.held(stage, stage.trainee(), *three)
    with pytest.raises(PaidTogether):
        stage.pay(made[0])


@pytest.mark.fault(21)
def test_late_money_takes_all_seats_back(stage, places, three):
    itinerary, _ = make.held(stage, stage.trainee(), *three)
    payment_id = make.pay(stage, itinerary)
    stage.clock.advance(timedelta(hours=1))
    assert stage.expire_due() == 3
    make.follow(stage, itinerary)
    assert make.read(stage, itinerary).state == "ended"
    assert taken(stage, places) == [0, 0, 0]
    stage.settle(payment_id)
    assert make.states(stage, itinerary) == ["confirmed"] * 3
    assert make.read(stage, itinerary).state == "confirmed"
    assert stage.refunded(payment_id) == 0
    assert taken(stage, places) == [4, 4, 4]
    assert stage.findings() == []


@pytest.mark.fault(21)
def test_late_money_for_one_lost_seat_goes_back_whole(stage, places, three):
    trainee = stage.trainee()
    itinerary, _ = make.held(stage, trainee, *three)
    payment_id = make.pay(stage, itinerary)
    stage.clock.advance(timedelta(hours=1))
    stage.expire_due()
    winner = stage.hold(stage.trainee("Winner"), places[2], THIRD + WEEK * 3, 1)
    stage.settle(payment_id)
    assert make.states(stage, itinerary) == ["expired"] * 3
    with stage.transaction() as session:
        payment = payment_queries.payment(session, payment_id)
        assert not payment.refundable
    assert stage.told(trainee)[-1] == "itinerary_refunded"
    assert stage.state(winner) == "held"
    assert taken(stage, places) == [0, 0, 1]
    assert stage.findings() == []


def test_an_unpaid_page_ends_the_itinerary(stage, places, three):
    trainee = stage.trainee()
    itinerary, _ = make.held(stage, trainee, *three)
    assert stage.arrive(make.pay(stage, itinerary), failed=True) == "failed"
    assert make.states(stage, itinerary) == ["expired"] * 3
    assert taken(stage, places) == [0, 0, 0]
    assert stage.told(trainee)[-1] == "itinerary_expired"
    with pytest.raises(NotOpenForThis):
        make.pay(stage, itinerary)


def test_all_is_given_up_at_once(stage, places, three):
    itinerary, _ = make.held(stage, stage.trainee(), *three)
    payment_id = make.pay(stage, itinerary)
    make.withdraw(stage, itinerary)
    assert make.states(stage, itinerary) == ["withdrawn"] * 3
    assert taken(stage, places) == [0, 0, 0]
    stage.settle(payment_id)
    with stage.transaction() as session:
        assert not payment_queries.payment(session, payment_id).refundable


def test_one_rotation_is_cancelled_from_its_own_share(stage, three):
    itinerary, made = make.held(stage, stage.trainee(), *three)
    payment_id = make.pay(stage, itinerary, whole=True)
    stage.settle(payment_id)
    booking = stage.booking(made[1])
    quote = stage.cancel(made[1])
    with stage.transaction() as session:
        parts = {part.payable_id: part for part in payment_queries.parts(session, payment_id)}
        kept = payment_queries.kept_parts(session, Payable("booking", made[0]))
        wrong = payment_queries.wrong_refund_sums(session)
        posted = payment_queries.postings(session, payment_id)
    assert parts[made[1]].refunded_minor == quote.refund.minor > 0
    assert [parts[one].refunded_minor for one in (made[0], made[2])] == [0, 0]
    assert kept[0].refundable == stage.booking(made[0]).total
    assert wrong == []
    given_back = [
        entry.amount.minor
        for entry in posted
        if entry.reason == "refund_granted" and entry.account == "deferred_host_share"
    ]
    assert len(given_back) == 1
    assert {e.owner_id for e in posted if e.reason == "refund_granted"} >= {booking.site_id}
    assert make.states(stage, itinerary) == ["confirmed", "cancelled_by_trainee", "confirmed"]


def test_balances_are_paid_booking_by_booking(stage, three):
    itinerary, made = make.held(stage, stage.trainee(), *three)
    stage.settle(make.pay(stage, itinerary))
    assert stage.settle(stage.pay(made[0])) == "settled"
    booking = stage.booking(made[0])
    assert booking.paid == booking.total
    stage.cancel(made[0])
    with stage.transaction() as session:
        assert payment_queries.wrong_refund_sums(session) == []


def test_parts_that_do_not_add_up_are_refused_by_the_database(live_stage):
    stage = live_stage
    place, other = stage.place(), stage.place(site_name="Other")
    itinerary, _ = make.held(stage, stage.trainee(), (place, FIRST_DAY, 4), (other, SECOND, 4))
    payment_id = make.pay(stage, itinerary)
    with pytest.raises(Exception, match="do not add up"), stage.transaction() as session:
        session.execute(
            text("UPDATE payment_part SET amount_minor = amount_minor + 1 WHERE payment_id = :id"),
            {"id": payment_id},
        )
