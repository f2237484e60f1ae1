"""Itineraries with hosts that decide: paid when all have answered, without those that declined."""

from datetime import timedelta

import pytest

from marketplace.booking import queries
from marketplace.booking.errors import (
    AnswersUnfit,
    ApprovalNeeded,
    ItineraryIncomplete,
    QuestionsChanged,
)
from marketplace.booking.queries import itineraries
from marketplace.booking.service import cancellations
from marketplace.booking.service.itineraries import deciding
from marketplace.booking.states import BookingState
from marketplace.payments import queries as payment_queries
from tests.factories import itineraries as make
from tests.factories.rotations import FIRST_DAY
from tests.integration.booking.test_asking import WHY, asks

WEEK = timedelta(days=7)
SECOND = FIRST_DAY + WEEK * 4
THIRD = FIRST_DAY + WEEK * 9


@pytest.fixture
def places(stage):
    first = stage.place()
    return (
        first,
        stage.place(site_name="Harbor Clinic", price_per_week="333.33"),
        stage.beside(first, title="Cardiology Externship", price_per_week="410.07"),
    )


@pytest.fixture
def three(places):
    return ((places[0], FIRST_DAY, 4), (places[1], SECOND, 4), (places[2], THIRD, 4))


@pytest.fixture
def mixed(stage, places):
    """A place booked at once, and two whose hosts decide."""
    asked = stage.place(site_name="Asked Clinic", approval="request")
    other = stage.place(site_name="Other Asked Clinic", approval="request")
    rotations = ((places[0], FIRST_DAY, 4), (asked, SECOND, 4), (other, THIRD, 4))
    itinerary, made = make.held(stage, stage.trainee(), *rotations)
    return itinerary, made, (places[0], asked, other)


def test_it_is_paid_when_every_host_has_agreed(stage, mixed):
    itinerary, made, places = mixed
    with pytest.raises(ApprovalNeeded):
        make.pay(stage, itinerary)
    make.submit(stage, itinerary)
    assert make.states(stage, itinerary) == ["held", "submitted", "submitted"]
    # The seat that waits for nobody is kept beyond the hosts' time to decide.
    kept = make.bookings(stage, itinerary)
    assert kept[0].hold_expires_at > kept[1].hold_expires_at
    host = stage.member(places[1].site_id)
    make.approve(stage, made[1], host)
    make.follow(stage, itinerary)
    with pytest.raises(ApprovalNeeded) as refused:
        make.pay(stage, itinerary)
    assert [one["booking_id"] for one in refused.value.extra["waiting"]] == [str(made[2])]
    stage.clock.advance(timedelta(days=9))
    assert stage.expire_due() == 0
    make.approve(stage, made[2], stage.member(places[2].site_id))
    make.follow(stage, itinerary)
    ready = make.read(stage, itinerary)
    assert ready.pay_by == stage.now + timedelta(days=3)
    assert {one.hold_expires_at for one in make.bookings(stage, itinerary)} == {ready.pay_by}
    assert stage.settle(make.pay(stage, itinerary)) == "settled"
    assert make.states(stage, itinerary) == ["confirmed"] * 3
    assert stage.findings() == []


def test_one_declines_and_the_trainee_goes_on_without_it(stage, mixed):
    itinerary, made, places = mixed
    trainee = make.read(stage, itinerary).trainee_id
    make.submit(stage, itinerary)
    make.approve(stage, made[1], stage.member(places[1].site_id))
    make.decline(stage, made[2], stage.member(places[2].site_id))
    make.follow(stage, itinerary)
    assert stage.told(trainee)[-2:] == ["application_declined", "itinerary_ready"]
    with pytest.raises(ItineraryIncomplete) as refused:
        make.pay(stage, itinerary)
    (ended,) = refused.value.extra["ended"]
    assert ended == {"booking_id": str(made[2]), "state": "declined"}
    payment_id = make.pay(stage, itinerary, without=(made[2],))
    with stage.transaction() as session:
        parts = payment_queries.parts(session, payment_id)
    assert {part.payable_id for part in parts} == set(made[:2])
    stage.settle(payment_id)
    assert make.states(stage, itinerary) == ["confirmed", "confirmed", "declined"]
    assert stage.findings() == []


def test_a_page_that_fails_can_be_paid_again_while_hosts_agreed(stage, mixed):
    itinerary, made, places = mixed
    make.submit(stage, itinerary)
    for booking, place in zip(made[1:], places[1:], strict=True):
        make.approve(stage, booking, stage.member(place.site_id))
    make.follow(stage, itinerary)
    first = make.pay(stage, itinerary)
    assert stage.arrive(first) == "expired"
    assert make.states(stage, itinerary) == ["awaiting_payment"] * 3
    second = make.pay(stage, itinerary)
    assert second != first
    stage.settle(second)
    # Money on the page that had closed goes back, one refund for each of its parts.
    assert stage.settle(first) == "surplus"
    with stage.transaction() as session:
        refunds = payment_queries.refunds(session, first)
        whole = payment_queries.payment(session, first).amount
    assert sum(one.amount.minor for one in refunds) == whole.minor
    assert {one.part_id for one in refunds} == set(made)
    assert make.states(stage, itinerary) == ["confirmed"] * 3


def test_a_host_that_cancels_closes_the_page(stage, places, three):
    itinerary, made = make.held(stage, stage.trainee(), *three)
    payment_id = make.pay(stage, itinerary)
    with stage.transaction() as session:
        booking = queries.find(session, made[1])
        cancellations.cancel_unpaid(
            session,
            booking,
            to=BookingState.CANCELLED_BY_HOST,
            actor_id=places[1].owner_id,
            reason="The preceptor left.",
            now=stage.now,
        )
    make.follow(stage, itinerary)
    assert make.read(stage, itinerary).payment_id is None
    # Who paid all the same is paid back whole: a journey of three was bought, not of two.
    stage.settle(payment_id)
    assert stage.refunded(payment_id) > 0
    assert make.states(stage, itinerary) == [
        "awaiting_payment", "cancelled_by_host", "awaiting_payment",
    ]  # fmt: skip
    again = make.pay(stage, itinerary, without=(made[1],))
    assert stage.settle(again) == "settled"
    assert stage.findings() == []


def test_answers_that_do_not_fit_name_their_bookings(stage, mixed):
    itinerary, made, places = mixed
    asks(stage, places[1], WHY)
    asks(stage, places[2], WHY)
    given = {made[1]: {"answers": {"why": "The ward."}, "questions_version": 1}}
    with stage.transaction() as session, pytest.raises(AnswersUnfit) as refused:
        held = itineraries.lock(session, itinerary)
        deciding.submit(session, held, given, stage.now)
    assert "Other Asked Clinic" not in str(refused.value)
    (named,) = refused.value.extra["bookings"]
    assert named["booking_id"] == str(made[2])
    assert list(refused.value.fields) == [f"applications.{made[2]}.answers.why"]
    old = {one: {"answers": {"why": "So."}, "questions_version": 7} for one in made[1:]}
    with stage.transaction() as session, pytest.raises(QuestionsChanged) as changed:
        deciding.submit(session, itineraries.lock(session, itinerary), old, stage.now)
    assert changed.value.extra["booking_id"] in {str(one) for one in made[1:]}
