"""Waiting lists: strict order, offers with an end, and no seat for a passer-by before the list."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from marketplace.booking import queries as bookings
from marketplace.booking.errors import (
    GaveItUp,
    NotEligible,
    NotOpenForThis,
    SeatsAreFree,
)
from marketplace.booking.models import Booking, SeatOffer, WaitingEntry
from marketplace.booking.queries import waiting as queries
from marketplace.booking.service import applications, offering, offers, waiting
from marketplace.catalog.errors import SeatTaken
from marketplace.core.errors import DomainError
from marketplace.web.pagination import Page
from tests.factories.rotations import FIRST_DAY

WEEK = timedelta(days=7)


def join(stage, trainee, place, first_day=FIRST_DAY, weeks=4):
    with stage.transaction() as session:
        return waiting.join(
            session, trainee_id=trainee, listing_id=place.listing_id, first_day=first_day,
            weeks=weeks, now=stage.now,
        ).id  # fmt: skip


def ask(stage, place):
    with stage.transaction() as session:
        return offering.ask(session, place.pool_id, stage.now)


def lapse(stage):
    with stage.transaction() as session:
        return offers.lapse_due(session, stage.now, 100)


def withdraw(stage, booking_id):
    with stage.transaction() as session:
        booking = bookings.find(session, booking_id)
        applications.withdraw(session, booking, reason="", now=stage.now)


def answer(stage, entry_id, accept=True):
    with stage.transaction() as session:
        entry = queries.entry(session, entry_id)
        if accept:
            return offers.accept(session, entry, terms=stage.terms, now=stage.now).id
        return offers.decline(session, entry, stage.now)


def seen(stage, entry_id):
    with stage.transaction() as session:
        page = Page([queries.entry(session, entry_id)], None)
        (one,) = queries.placed(session, page).items
        return one.entry.state, one.position, one.offer


def state(stage, entry_id):
    return seen(stage, entry_id)[0]


@pytest.fixture
def place(stage):
    return stage.place()


def test_a_freed_seat_goes_to_the_first_who_waits_and_on_to_the_next(stage, place):
    booking = stage.hold(stage.trainee(), place)
    first, second = (join(stage, stage.trainee(name), place) for name in ("Ana", "Ben"))
    assert [seen(stage, one)[:2] for one in (first, second)] == [("waiting", 1), ("waiting", 2)]
    withdraw(stage, booking)
    assert stage.findings() == []
    assert ask(stage, place) == 1
    assert state(stage, first) == "offered"
    assert stage.told(seen(stage, first)[2].trainee_id) == ["waiting_offer"]
    answer(stage, first, accept=False)
    ask(stage, place)
    assert [seen(stage, one)[:2] for one in (first, second)] == [("declined", None), ("offered", 1)]
    assert stage.findings() == []


def test_a_passer_by_gets_nothing_that_somebody_waits_for(stage, place):
    """Between the release and the offer the seat is kept, after it the offer has it."""
    booking = stage.hold(stage.trainee(), place)
    entry = join(stage, stage.trainee(), place)
    passer_by = stage.trainee()
    withdraw(stage, booking)
    with pytest.raises(SeatTaken):
        stage.hold(passer_by, place)
    ask(stage, place)
    with pytest.raises(SeatTaken):
        stage.hold(passer_by, place)
    with stage.transaction() as session:
        assert queries.kept(session) == {}
    answer(stage, entry, accept=False)
    ask(stage, place)
    assert stage.hold(passer_by, place)
    assert stage.findings() == []


def test_a_kept_seat_that_nobody_can_use_is_free_again(stage, place):
    """The other week stays full, so the run is not there: the freed week is anybody's."""
    stage.hold(stage.trainee(), place, FIRST_DAY, 1)
    second = stage.hold(stage.trainee(), place, FIRST_DAY + WEEK, 1)
    entry = join(stage, stage.trainee(), place, FIRST_DAY, 2)
    withdraw(stage, second)
    with pytest.raises(SeatTaken):
        stage.hold(stage.trainee(), place, FIRST_DAY + WEEK, 1)
    assert ask(stage, place) == 0
    assert stage.hold(stage.trainee(), place, FIRST_DAY + WEEK, 1)
    assert seen(stage, entry)[:2] == ("waiting", 1)
    assert stage.findings() == []


def test_accepting_makes_a_held_booking_with_the_offered_seat(stage, place):
    booking = stage.hold(stage.trainee(), place)
    entry = join(stage, stage.trainee(), place)
    withdraw(stage, booking)
    ask(stage, place)
    made = answer(stage, entry)
    assert stage.state(made) == "held"
    assert set(stage.taken(place).values()) == {1}
    assert stage.findings() == []
    kind, position, offer = seen(stage, entry)
    assert (kind, position, offer.state, offer.booking_id) == ("accepted", None, "accepted", made)
    assert stage.settle(stage.pay(made)) == "settled"
    with pytest.raises(NotOpenForThis, match="accepted"):
        answer(stage, entry)


def test_an_offer_ends_with_a_day_of_the_trainees_own_zone(stage, place):
    """At 12:00 UTC it is the 22nd in Kolkata: the offer is open to the end of the 24th there."""
    booking = stage.hold(stage.trainee(), place)
    trainee = stage.trainee()
    with stage.transaction() as session:
        session.execute(
            text("UPDATE account SET time_zone = 'Asia/Kolkata' WHERE id = :id"), {"id": trainee}
        )
    entry, after = join(stage, trainee, place), join(stage, stage.trainee(), place)
    withdraw(stage, booking)
    ask(stage, place)
    offer = seen(stage, entry)[2]
    assert offer.time_zone == "Asia/Kolkata"
    assert offer.expires_at == datetime(2026, 11, 24, 18, 30, tzinfo=UTC)
    stage.clock.at = offer.expires_at - timedelta(seconds=1)
    assert lapse(stage) == 0
    stage.clock.at = offer.expires_at
    with pytest.raises(NotOpenForThis, match="open until"):
        answer(stage, entry)
    assert lapse(stage) == 1
    ask(stage, place)
    assert (state(stage, entry), state(stage, after)) == ("lapsed", "offered")
    assert stage.told(trainee) == ["waiting_offer", "waiting_lapsed"]
    assert stage.findings() == []


def test_no_offer_once_a_visa_takes_longer_or_the_balance_is_due(stage, place):
    """99 days before the start: nine are left to who needs a visa (90), 71 to who doesn't (28)."""
    booking = stage.hold(stage.trainee(), place)
    needs, free = stage.trainee(), stage.trainee(needs_visa=False, visa_type=None)
    with_visa, without = join(stage, needs, place), join(stage, free, place)
    stage.clock.advance(timedelta(days=10))
    with stage.transaction() as session:
        assert offering.close_too_late(session, stage.now, 100) == 1
    assert stage.told(needs) == ["waiting_closed"]
    withdraw(stage, booking)
    ask(stage, place)
    assert (state(stage, with_visa), state(stage, without)) == ("closed", "offered")
    with pytest.raises(NotOpenForThis, match="No offer can come"):
        join(stage, needs, place)


def test_an_offer_is_never_open_beyond_the_last_day_for_one(stage, place):
    booking = stage.hold(stage.trainee(), place)
    entry = join(stage, stage.trainee(), place)
    stage.clock.at = datetime(2026, 12, 1, 12, tzinfo=UTC)
    withdraw(stage, booking)
    ask(stage, place)
    # The site's midnight, in Chicago, after the ninetieth day before the start.
    assert seen(stage, entry)[2].expires_at == datetime(2026, 12, 2, 6, tzinfo=UTC)


def test_who_cancelled_is_not_offered_the_same_place_again(stage, place):
    trainee = stage.trainee(needs_visa=False, visa_type=None)
    booking_id = stage.confirmed(place, trainee)
    stage.cancel(booking_id)
    stage.hold(stage.trainee(), place)
    with pytest.raises(GaveItUp):
        join(stage, trainee, place, FIRST_DAY + WEEK, 1)
    later = FIRST_DAY + 8 * WEEK
    stage.hold(stage.trainee(), place, later, 1)
    assert join(stage, trainee, place, later, 1)


def test_who_may_not_come_any_more_loses_the_turn_and_is_told_why(stage, place):
    booking = stage.hold(stage.trainee(), place)
    trainee = stage.trainee()
    first, second = join(stage, trainee, place), join(stage, stage.trainee(), place)
    with stage.transaction() as session:
        session.execute(
            text(
                "UPDATE trainee_profile SET graduation_date = '2027-06-30' WHERE account_id = :id"
            ),
            {"id": trainee},
        )
    withdraw(stage, booking)
    ask(stage, place)
    assert (state(stage, first), state(stage, second)) == ("closed", "offered")
    assert stage.told(trainee) == ["waiting_closed"]


def test_joining_is_refused_with_the_reason(stage, place):
    trainee = stage.trainee()
    with pytest.raises(SeatsAreFree):
        join(stage, trainee, place)
    stage.hold(stage.trainee(), place)
    join(stage, trainee, place)
    with pytest.raises(NotEligible):
        join(stage, stage.trainee(graduation_date=date(2028, 1, 1)), place)
    join(stage, trainee, place, FIRST_DAY, 3)


def test_one_live_entry_a_trainee_and_run_of_weeks(stage, place):
    stage.hold(stage.trainee(), place)
    trainee = stage.trainee()
    entry = join(stage, trainee, place)
    with pytest.raises(Exception, match="uq_waiting_entry_live"):
        join(stage, trainee, place)
    with stage.transaction() as session:
        waiting.leave(session, queries.entry(session, entry), stage.now)
    again = join(stage, trainee, place)
    with stage.transaction() as session:
        entries = [session.get_one(WaitingEntry, one) for one in (entry, again)]
        assert entries[0].number < entries[1].number
        steps = queries.steps(session, entry)
        assert [(step.from_state, step.to_state) for step in steps] == [
            (None, "waiting"), ("waiting", "left")]  # fmt: skip


def test_listings_that_share_a_pool_are_asked_in_one_order(stage, place):
    from tests.integration.booking.test_sharing_races import share

    other = stage.beside(place)
    assert share(stage, other, place.pool_id)
    booking = stage.hold(stage.trainee(), place)
    at_other, at_place = join(stage, stage.trainee(), other), join(stage, stage.trainee(), place)
    withdraw(stage, booking)
    assert ask(stage, place) == 1
    assert (state(stage, at_other), state(stage, at_place)) == ("offered", "waiting")
    assert stage.findings() == []


def test_seats_that_a_host_adds_are_offered_first(stage, place):
    stage.hold(stage.trainee(), place)
    entry = join(stage, stage.trainee(), place)
    stage.set_seats(place, 2)
    with pytest.raises(SeatTaken):
        stage.hold(stage.trainee(), place)
    ask(stage, place)
    assert state(stage, entry) == "offered"
    assert stage.findings() == []


def test_the_jobs_ask_by_themselves(stage, place, run_jobs):
    booking = stage.hold(stage.trainee(), place)
    entry = join(stage, stage.trainee(), place)
    run_jobs()
    withdraw(stage, booking)
    run_jobs()
    assert state(stage, entry) == "offered"


def test_what_happened_to_a_place_is_kept(stage, place):
    booking = stage.hold(stage.trainee(), place)
    entry = join(stage, stage.trainee(), place)
    withdraw(stage, booking)
    ask(stage, place)
    answer(stage, entry, accept=False)
    for statement in (
        "UPDATE waiting_step SET reason = 'x'",
        "DELETE FROM waiting_step",
        "UPDATE seat_offer SET state = 'accepted'",
        "DELETE FROM seat_offer",
    ):
        with pytest.raises(Exception, match="history"), stage.transaction() as session:
            session.execute(text(statement))


@pytest.mark.fault(1)
@pytest.mark.parametrize("seed", range(2))
def test_no_passer_by_overtakes_the_list_whatever_runs_at_once(live_stage, seed):
    """Five seats given up, ten who wait, twenty who pass by: the seats are the first five's."""
    stage = live_stage
    place = stage.place(seats_per_week=5)
    given_up = [stage.hold(stage.trainee(), place) for _ in range(5)]
    entries = [join(stage, stage.trainee(), place) for _ in range(10)]
    passers_by = [stage.trainee() for _ in range(20)]
    acts = [
        *(lambda one=one: withdraw(stage, one) for one in given_up),
        *(lambda one=one: stage.hold(one, place) for one in passers_by),
        *(lambda: ask(stage, place) for _ in range(5)),
    ]
    acts = acts[seed:] + acts[:seed]
    gate = threading.Barrier(len(acts))

    def run(act):
        gate.wait()
        try:
            return act()
        except DomainError as refused:
            return refused.code

    with ThreadPoolExecutor(len(acts)) as everybody:
        list(everybody.map(run, acts))
    ask(stage, place)
    assert [state(stage, one) for one in entries] == ["offered"] * 5 + ["waiting"] * 5
    assert stage.findings() == []


@pytest.mark.fault(2)
def test_two_who_accept_one_offer_make_one_booking(live_stage):
    stage = live_stage
    place = stage.place()
    booking = stage.hold(stage.trainee(), place)
    entry = join(stage, stage.trainee(), place)
    withdraw(stage, booking)
    ask(stage, place)
    gate = threading.Barrier(4)

    def run(number):
        gate.wait()
        try:
            return answer(stage, entry, accept=number != 3)
        except DomainError as refused:
            return refused.code

    with ThreadPoolExecutor(4) as everybody:
        list(everybody.map(run, range(4)))
    ask(stage, place)
    with stage.transaction() as session:
        made = session.query(Booking).where(Booking.state == "held").count()
        ended = session.query(SeatOffer).one().state
    assert (made, ended) in {(1, "accepted"), (0, "declined")}
    assert stage.findings() == []


def test_an_offer_that_ends_as_it_is_accepted_is_one_or_the_other(live_stage):
    stage = live_stage
    place = stage.place()
    booking = stage.hold(stage.trainee(), place)
    entry = join(stage, stage.trainee(), place)
    withdraw(stage, booking)
    ask(stage, place)
    before = stage.now
    late = seen(stage, entry)[2].expires_at
    gate = threading.Barrier(2)

    def accept():
        gate.wait()
        try:
            with stage.transaction() as session:
                found = queries.entry(session, entry)
                return offers.accept(session, found, terms=stage.terms, now=before).id
        except DomainError:
            return None

    def end():
        gate.wait()
        with stage.transaction() as session:
            return offers.lapse_due(session, late, 10)

    with ThreadPoolExecutor(2) as both:
        made, lapsed = both.submit(accept), both.submit(end)
    assert (made.result() is None) == (lapsed.result() == 1)
    assert stage.findings() == []
