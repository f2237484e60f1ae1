"""Allocation rounds on the database: seats are kept, given by rankings, explained, and come back."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from marketplace.booking.errors import NotOpenForThis, RankingUnfit, RoundUnfit
from marketplace.booking.queries import rounds as queries
from marketplace.booking.queries import waiting as waiting_queries
from marketplace.booking.service import allocating, offers, rounds
from marketplace.booking.service.rounds import Times, Wanted
from marketplace.catalog.errors import CapacityBelowTaken, SeatTaken
from marketplace.core.errors import DomainError
from tests.factories.rotations import FIRST_DAY
from tests.integration.booking.test_waiting import ask, lapse

DAY = timedelta(days=1)


def times(stage):
    return Times(stage.now + DAY, stage.now + 2 * DAY, stage.now + 5 * DAY)


def open_round(stage, *wanted, site_id=None, when=None):
    with stage.transaction() as session:
        return rounds.open_round(
            session, title="Summer", site_id=site_id, wanted=list(wanted),
            times=when or times(stage), actor_id=stage.account(), now=stage.now,
        )  # fmt: skip


def wanted(place, quota=None, first_day=FIRST_DAY, weeks=4):
    return Wanted(place.listing_id, first_day, weeks, quota)


def rank(stage, made, trainee, *choices, waits=False):
    with stage.transaction() as session:
        rounds.rank(
            session, made.round.id, trainee_id=trainee, choices=[one.id for one in choices],
            wait_if_unmatched=waits, now=stage.now,
        )  # fmt: skip


def order(stage, place, *tiers, refused=()):
    with stage.transaction() as session:
        rounds.order(
            session, queries.place(session, place.round_id, place.id), tiers=tiers,
            refused=refused, actor_id=stage.account(), now=stage.now,
        )  # fmt: skip


def decide(stage, made):
    stage.clock.at = max(stage.now, made.round.run_at)
    with stage.transaction() as session:
        return allocating.decide_due(session, stage.now)


def offer_of(stage, made, trainee):
    with stage.transaction() as session:
        return queries.offer_of(session, made.round.id, trainee)


def answer(stage, made, trainee, accept=True):
    with stage.transaction() as session:
        if accept:
            return offers.accept_place(
                session, made.round.id, trainee, terms=stage.terms, now=stage.now
            ).id
        return offers.decline_place(session, made.round.id, trainee, stage.now)


def test_a_round_keeps_its_seats_from_everybody_else(stage):
    place = stage.place(seats_per_week=3)
    made = open_round(stage, wanted(place, 2))
    assert set(stage.taken(place).values()) == {2}
    stage.hold(stage.trainee(), place)
    with pytest.raises(SeatTaken):
        stage.hold(stage.trainee(), place)
    assert stage.findings() == []
    with stage.transaction() as session:
        rounds.call_off(session, made.round.id, actor_id=stage.account(), reason="No.",
                        now=stage.now)  # fmt: skip
    assert set(stage.taken(place).values()) == {1}
    assert stage.findings() == []


def test_seats_go_by_both_sides_rankings_and_the_rest_comes_back(stage):
    one, two = stage.place(), stage.place(seats_per_week=2)
    made = open_round(stage, wanted(one), wanted(two))
    places = {place.listing_id: place for place in made.places}
    first, second = places[one.listing_id], places[two.listing_id]
    assert (first.quota, second.quota) == (1, 2)
    ana, ben = stage.trainee("Ana"), stage.trainee("Ben")
    rank(stage, made, ana, second)
    rank(stage, made, ana, first, second)
    rank(stage, made, ben, first, second)
    order(stage, first, [ben], [ana])
    assert decide(stage, made)
    assert not decide(stage, made)
    assert offer_of(stage, made, ben).place_id == first.id
    assert offer_of(stage, made, ana).place_id == second.id
    assert stage.told(ana) == ["round_matched"]
    assert stage.told(one.owner_id)[-1] == stage.told(two.owner_id)[-1] == "round_decided"
    assert set(stage.taken(two).values()) == {1}
    assert stage.findings() == []
    booking = answer(stage, made, ana)
    assert stage.state(booking) == "held"
    with pytest.raises(NotOpenForThis):
        answer(stage, made, ana)
    stage.clock.at = made.round.decide_by
    assert lapse(stage) == 1
    stage.expire_due()
    assert stage.taken(one) == {}
    assert stage.findings() == []


def test_everybody_is_told_why_without_names(stage):
    place = stage.place()
    made = open_round(stage, wanted(place))
    trainees = [stage.trainee() for _ in range(3)]
    for trainee in trainees:
        rank(stage, made, trainee, made.places[0])
    order(stage, made.places[0], trainees[:2], [trainees[2]])
    decide(stage, made)
    with stage.transaction() as session:
        found = queries.find(session, made.round.id)
        answers = [allocating.explained(session, found, one)[0] for one in trainees]
    outcomes = sorted((one.outcome, one.ahead, one.by_lottery) for one in answers)
    assert outcomes == [("filled", 1, 0), ("filled", 1, 1), ("given", 0, 0)]


def test_the_unmatched_wait_if_they_want_and_get_what_is_declined(stage):
    place = stage.place()
    made = open_round(stage, wanted(place))
    ana, ben, cem = (stage.trainee() for _ in range(3))
    rank(stage, made, ana, made.places[0])
    rank(stage, made, ben, made.places[0], waits=True)
    rank(stage, made, cem, made.places[0])
    order(stage, made.places[0], [ana], [ben, cem])
    decide(stage, made)
    with stage.transaction() as session:
        (turn,) = waiting_queries.waiting_turns(session, [place.listing_id])
    assert stage.told(ben) == ["round_unmatched"]
    answer(stage, made, ana, accept=False)
    with pytest.raises(SeatTaken):
        stage.hold(cem, place)
    assert ask(stage, place) == 1
    with stage.transaction() as session:
        assert waiting_queries.entry(session, turn.id).trainee_id == ben
    assert stage.findings() == []


def test_a_round_that_is_run_late_leaves_the_time_that_was_promised(stage):
    place = stage.place()
    made, ana = open_round(stage, wanted(place)), stage.trainee("Ana")
    rank(stage, made, ana, made.places[0])
    stage.clock.at = made.round.decide_by + DAY
    assert decide(stage, made)
    promised = made.round.decide_by - made.round.run_at
    assert offer_of(stage, made, ana).expires_at == stage.now + promised
    assert answer(stage, made, ana)


def test_a_dry_run_has_no_effect_and_a_replay_the_same_result(stage):
    place = stage.place(seats_per_week=2)
    made = open_round(stage, wanted(place))
    trainees = [stage.trainee() for _ in range(4)]
    for trainee in trainees:
        rank(stage, made, trainee, made.places[0])
    actor = stage.account()
    with stage.transaction() as session:
        dry = allocating.dry_run(session, made.round.id, actor_id=actor, now=stage.now)
        assert len(dry.result["matched"]) == 2
    assert set(stage.taken(place).values()) == {2}
    assert all(offer_of(stage, made, one) is None for one in trainees)
    decide(stage, made)
    with stage.transaction() as session:
        real = queries.decision(session, made.round.id)
        again = allocating.dry_run(
            session, made.round.id, actor_id=actor, replays=real.id, now=stage.now
        )
        assert (again.inputs_hash, again.result_hash) == (real.inputs_hash, real.result_hash)
        assert dry.result_hash == real.result_hash
        assert real.blocking_pairs == 0


def test_who_may_not_come_when_it_is_run_is_left_out_and_told(stage):
    place = stage.place()
    made = open_round(stage, wanted(place))
    ana, ben = stage.trainee(), stage.trainee()
    for one in (ana, ben):
        rank(stage, made, one, made.places[0])
    order(stage, made.places[0], [ana], [ben])
    with stage.transaction() as session:
        session.execute(
            text(
                "UPDATE trainee_profile SET graduation_date = '2027-06-30' WHERE account_id = :id"
            ),
            {"id": ana},
        )
    decide(stage, made)
    assert offer_of(stage, made, ben) is not None
    with stage.transaction() as session:
        found = queries.find(session, made.round.id)
        (answered,) = allocating.explained(session, found, ana)
    assert answered.outcome == "left_out"


def test_what_can_not_be_is_refused(stage):
    place, other = stage.place(), stage.place()
    now = stage.now
    for when in (
        Times(now, now + DAY, now + 2 * DAY),
        Times(now + 2 * DAY, now + DAY, now + 3 * DAY),
        Times(now + DAY, now + 2 * DAY, now + 400 * DAY),
    ):
        with pytest.raises(RoundUnfit):
            open_round(stage, wanted(place), when=when)
    with pytest.raises(RoundUnfit, match="own listings"):
        open_round(stage, wanted(other), site_id=place.site_id)
    with pytest.raises(RoundUnfit, match="once"):
        open_round(stage, wanted(place), wanted(place, 1))
    with pytest.raises(RoundUnfit, match="1 free seats in each"):
        open_round(stage, wanted(other), wanted(place, 2))
    tuesday = replace(wanted(place), first_day=wanted(place).first_day + DAY)
    with pytest.raises(RoundUnfit, match="no Monday"):
        open_round(stage, tuesday)
    assert stage.taken(other) == {}
    made, elsewhere = open_round(stage, wanted(place)), open_round(stage, wanted(other))
    trainee = stage.trainee()
    for choices in ((made.places[0], made.places[0]), (elsewhere.places[0],)):
        with pytest.raises(RankingUnfit):
            rank(stage, made, trainee, *choices)
    with pytest.raises(RankingUnfit):
        order(stage, made.places[0], [trainee])
    stage.clock.at = made.round.rank_by
    with pytest.raises(NotOpenForThis):
        rank(stage, made, trainee, made.places[0])


def test_what_was_ranked_and_run_is_kept(stage):
    place = stage.place()
    made = open_round(stage, wanted(place))
    trainee = stage.trainee()
    rank(stage, made, trainee, made.places[0])
    order(stage, made.places[0], [trainee])
    decide(stage, made)
    for table in ("round_ranking", "round_order", "round_run", "round_step"):
        with pytest.raises(Exception, match="history"), stage.transaction() as session:
            session.execute(text(f"DELETE FROM {table}"))
    with pytest.raises(Exception, match="ck_round_run_stable"), stage.transaction() as session:
        session.execute(
            text(
                "INSERT INTO round_run SELECT gen_random_uuid(), round_id, true, NULL, inputs,"
                " inputs_hash, method, result, result_hash, 1, ran_at, NULL FROM round_run"
            )
        )


@pytest.mark.fault(40)
def test_a_host_can_not_lower_seats_below_those_of_a_round(stage):
    place = stage.place(seats_per_week=2)
    made = open_round(stage, wanted(place))
    with pytest.raises(CapacityBelowTaken):
        stage.set_seats(place, 1)
    trainee = stage.trainee()
    rank(stage, made, trainee, made.places[0])
    decide(stage, made)
    stage.set_seats(place, 1)
    with pytest.raises(CapacityBelowTaken):
        stage.set_seats(place, 0)
    assert answer(stage, made, trainee)
    assert stage.findings() == []


@pytest.mark.fault(1)
def test_rounds_that_share_a_pool_never_sell_it_twice(live_stage):
    """Two rounds, bookings and lowered seats at once on one pool."""
    from tests.integration.booking.test_sharing_races import share

    stage = live_stage
    one = stage.place(seats_per_week=4)
    other = stage.beside(one, seats_per_week=1)
    assert share(stage, other, one.pool_id)
    acts = [
        lambda: open_round(stage, wanted(one, 3)),
        lambda: open_round(stage, wanted(other, 3)),
        lambda: stage.set_seats(one, 2),
        *(lambda t=t: stage.hold(t, one) for t in [stage.trainee() for _ in range(4)]),
    ]
    gate = threading.Barrier(len(acts))

    def run(act):
        gate.wait()
        try:
            return act()
        except DomainError as refused:
            return refused.code
        except Exception as refused:
            return str(refused)

    with ThreadPoolExecutor(len(acts)) as everybody:
        list(everybody.map(run, acts))
    assert stage.findings() == []
    with stage.transaction() as session:
        over = session.execute(
            text("SELECT count(*) FROM seat_week WHERE taken > capacity")
        ).scalar_one()
    assert over == 0


@pytest.mark.fault(45)
def test_a_round_is_run_once_and_a_place_accepted_once(live_stage):
    stage = live_stage
    place = stage.place()
    made = open_round(stage, wanted(place))
    trainee = stage.trainee()
    rank(stage, made, trainee, made.places[0])
    stage.clock.at = made.round.run_at
    gate = threading.Barrier(4)

    def decide_now(_):
        gate.wait()
        with stage.transaction() as session:
            return allocating.decide_due(session, stage.now)

    def accept_now(_):
        gate.wait()
        try:
            return answer(stage, made, trainee)
        except DomainError:
            return None

    with ThreadPoolExecutor(4) as all_four:
        assert sorted(all_four.map(decide_now, range(4))) == [False, False, False, True]
        assert len([one for one in all_four.map(accept_now, range(4)) if one]) == 1
    assert set(stage.taken(place).values()) == {1}
    assert stage.findings() == []
