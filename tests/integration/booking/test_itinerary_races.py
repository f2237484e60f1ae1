"""Itineraries at once: two that share the last seats, the same one twice, money as they expire."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from marketplace.booking.errors import ItineraryNotDraft, ItineraryRefused, NotOpenForThis
from marketplace.core.states import IllegalTransition
from marketplace.payments import queries as payment_queries
from tests.factories import itineraries as make
from tests.factories.rotations import FIRST_DAY

WEEK = timedelta(days=7)
SECOND = FIRST_DAY + WEEK * 4


def at_once(actions):
    """Run all of them at the same moment; each result, or the refusal."""
    gate = threading.Barrier(len(actions))

    def run(action):
        gate.wait()
        try:
            return action()
        except (ItineraryRefused, ItineraryNotDraft, NotOpenForThis, IllegalTransition) as refused:
            return refused

    with ThreadPoolExecutor(len(actions)) as threads:
        return list(threads.map(run, actions))


@pytest.mark.fault(1)
def test_two_that_share_the_last_seats_in_opposite_order(live_stage):
    """One gets both seats, the other none: never one each, and neither waits for ever."""
    stage = live_stage
    one, other = stage.place(), stage.place(site_name="Other Clinic")
    trainees = [stage.trainee(f"Trainee {number}") for number in range(8)]
    forth = [(one, FIRST_DAY, 4), (other, SECOND, 4)]
    drafts = [
        make.draw_up(stage, trainee, *(forth if number % 2 else forth[::-1]))
        for number, trainee in enumerate(trainees)
    ]
    random.Random(7).shuffle(drafts)
    results = at_once([lambda draft=draft: make.hold(stage, draft) for draft in drafts])
    winners = [result for result in results if isinstance(result, list)]
    assert len(winners) == 1
    assert len(winners[0]) == 2
    lost = [result for result in results if not isinstance(result, list)]
    assert {refused.extra["items"][0]["problems"][0]["code"] for refused in lost} == {"seat_taken"}
    assert sum(stage.taken(one).values()) == sum(stage.taken(other).values()) == 4
    assert stage.findings() == []


@pytest.mark.fault(1)
def test_itineraries_and_single_bookings_never_oversell(live_stage):
    stage = live_stage
    places = [stage.place(seats_per_week=2, site_name=f"Clinic {n}") for n in range(3)]
    days = [FIRST_DAY, FIRST_DAY + WEEK * 2, FIRST_DAY + WEEK * 4]

    def drawn(number):
        order = random.Random(number).sample(range(3), 3)
        rotations = [(places[order[n]], days[n], 2) for n in range(3)]
        draft = make.draw_up(stage, stage.trainee(f"Trainee {number}"), *rotations)
        return lambda: make.hold(stage, draft)

    results = at_once([drawn(number) for number in range(12)])
    held = [result for result in results if isinstance(result, list)]
    assert held
    for place in places:
        assert max(stage.taken(place).values()) <= 2
    assert sum(sum(stage.taken(place).values()) for place in places) == 6 * len(held)
    assert stage.findings() == []


@pytest.mark.fault(2)
def test_the_same_itinerary_twice_is_held_and_paid_once(live_stage):
    stage = live_stage
    one, other = stage.place(), stage.place(site_name="Other Clinic")
    draft = make.draw_up(stage, stage.trainee(), (one, FIRST_DAY, 4), (other, SECOND, 4))
    results = at_once([lambda: make.hold(stage, draft)] * 6)
    assert len([result for result in results if isinstance(result, list)]) == 1
    assert sum(stage.taken(one).values()) == 4
    asked = at_once([lambda: make.pay(stage, draft)] * 6)
    assert len(set(asked)) == 1
    assert asked[0] == make.read(stage, draft).payment_id
    settled = at_once([lambda: stage.settle(asked[0])] * 4)
    assert sorted(settled) == ["duplicate"] * 3 + ["settled"]
    assert make.states(stage, draft) == ["confirmed", "confirmed"]
    assert stage.findings() == []


@pytest.mark.fault(21)
def test_all_or_nothing_as_it_expires_while_it_is_paid(live_stage):
    """Whoever is faster, the seats are all confirmed or all the money goes back."""
    stage = live_stage
    one, other = stage.place(), stage.place(site_name="Other Clinic")
    for round_ in range(4):
        first = FIRST_DAY + WEEK * 8 * round_
        trainee, rival = stage.trainee("Payer"), stage.trainee("Rival")
        rotations = ((one, first, 4), (other, first + WEEK * 4, 4))
        itinerary, _ = make.held(stage, trainee, *rotations)
        payment_id = make.pay(stage, itinerary)
        wish = make.draw_up(stage, rival, *rotations[::-1])
        stage.clock.advance(timedelta(minutes=40))
        at_once(
            [
                lambda paid=payment_id: stage.settle(paid),
                stage.expire_due,
                lambda wish=wish: make.hold(stage, wish),
                lambda itinerary=itinerary: make.follow(stage, itinerary),
            ]
        )
        with stage.transaction() as session:
            payment = payment_queries.payment(session, payment_id)
        states = set(make.states(stage, itinerary))
        assert states == ({"confirmed"} if payment.refundable else {"expired"})
        assert payment.refundable in {payment.amount, payment.amount - payment.amount}
        assert stage.findings() == []
        stage.clock.advance(timedelta(hours=1))
        stage.expire_due()
