"""Other weeks: cancelled and booked in one, at the better price, with the seats exchanged."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from marketplace.booking import queries
from marketplace.booking.errors import (
    AlreadyBookedThen,
    ApprovalNeeded,
    NotBookable,
    NotEligible,
    NotOpenForThis,
    QuoteChanged,
    Superseded,
    Unchanged,
)
from marketplace.booking.service import applications, cancellations, changes, reschedules
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.states import BookingState
from marketplace.catalog.errors import SeatTaken
from marketplace.core.money import Money
from marketplace.core.states import IllegalTransition
from marketplace.payments import queries as payments
from marketplace.payments.events import Payable
from tests.factories.rotations import FIRST_DAY

LATER = FIRST_DAY + timedelta(days=56)
NEXT_WEEK = FIRST_DAY + timedelta(days=7)
REFUSALS = (SeatTaken, Superseded, NotOpenForThis, IllegalTransition)


def usd(dollars: int) -> Money:
    return Money(dollars * 100, "USD")


def quote(stage, booking_id, first_day=LATER, weeks=4):
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        return reschedules.quote(
            session, booking, first_day=first_day, weeks=weeks, terms=stage.terms, now=stage.now
        )


def move(stage, booking_id, first_day=LATER, weeks=4, mark=None):
    mark = mark or quote(stage, booking_id, first_day, weeks).mark
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        return reschedules.reschedule(
            session,
            booking,
            first_day=first_day,
            weeks=weeks,
            mark=mark,
            actor_id=booking.trainee_id,
            terms=stage.terms,
            now=stage.now,
        ).id


def cancel(stage, booking_id):
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        mark = cancellations.quote(session, booking, Wish(), stage.now).mark
        return cancellations.cancel(
            session,
            booking,
            Wish(),
            mark=mark,
            to=BookingState.CANCELLED_BY_TRAINEE,
            actor_id=booking.trainee_id,
            reason="Other plans.",
            now=stage.now,
        )


def kept(stage, booking_id):
    with stage.transaction() as session:
        return sum(
            one.refundable.minor
            for one in payments.kept_payments(session, Payable("booking", booking_id))
        )


def owed_to(stage, place):
    """The site's share in the books, as a positive number of minor units."""
    with stage.transaction() as session:
        owner = place.site_id
        return -payments.balance_of(session, "deferred_host_share", "USD", owner).minor


def revenue(stage):
    with stage.transaction() as session:
        return -payments.balance_of(session, "platform_revenue", "USD").minor


def test_the_weeks_change_and_what_was_paid_is_carried_over(stage):
    place = stage.place()
    old = stage.confirmed(place, whole=True)
    shown = quote(stage, old)
    assert (shown.paid, shown.price, shown.refund, shown.due) == (
        usd(2240),
        usd(2240),
        usd(0),
        usd(0),
    )
    new = move(stage, old, mark=shown.mark)
    assert (stage.state(old), stage.state(new)) == ("cancelled_by_trainee", "confirmed")
    assert sorted(stage.taken(place)) == [LATER + timedelta(days=7 * n) for n in range(4)]
    booking = stage.booking(new)
    assert (booking.first_day, booking.paid, booking.balance_due_on) == (LATER, usd(2240), None)
    assert (kept(stage, old), kept(stage, new)) == (0, 224000)
    assert stage.told(booking.trainee_id)[-1] == "booking_rescheduled"
    assert stage.findings() == []
    assert (owed_to(stage, place), revenue(stage)) == (200000, 24000)


def test_the_old_days_leave_the_calendar_and_the_new_ones_come(stage):
    place = stage.place()
    old = stage.confirmed(place)
    new = move(stage, old)
    with stage.transaction() as session:
        files = session.execute(
            text(
                "SELECT files FROM notice WHERE template = 'booking_rescheduled' AND files <> '[]'"
            )
        ).scalar_one()
    gone, come = files
    assert (gone["name"], come["name"]) == (
        f"cancelled-{FIRST_DAY}.ics", f"rotation-{LATER}.ics",
    )  # fmt: skip
    assert "METHOD:CANCEL" in gone["text"]
    assert f"UID:rotation-{old}" in gone["text"].replace("\r\n ", "")
    assert "METHOD:PUBLISH" in come["text"]
    assert f"UID:rotation-{new}" in come["text"].replace("\r\n ", "")


def test_weeks_that_overlap_are_exchanged_without_losing_the_seat(stage):
    place = stage.place(seats_per_week=1)
    old = stage.confirmed(place)
    new = move(stage, old, NEXT_WEEK)
    assert len(stage.taken(place)) == 4
    assert set(stage.taken(place).values()) == {1}
    assert stage.state(new) == "confirmed"
    assert stage.findings() == []


def test_a_longer_rotation_is_paid_later_at_the_frozen_price(stage):
    place = stage.place()
    old = stage.confirmed(place, whole=True)
    shown = quote(stage, old, LATER, 6)
    assert (shown.price, shown.carried, shown.due) == (usd(3360), usd(2240), usd(1120))
    assert shown.due_on == LATER - timedelta(days=28)
    new = move(stage, old, LATER, 6)
    assert stage.settle(stage.pay(new)) == "settled"
    assert stage.booking(new).paid == usd(3360)
    assert kept(stage, new) == 336000
    assert owed_to(stage, place) == 300000


def test_a_shorter_one_pays_back_the_difference(stage):
    place = stage.place()
    old = stage.confirmed(place, whole=True)
    payment = stage.booking(old).payment_id
    new = move(stage, old, LATER, 2)
    assert stage.refunded(payment) == 112000
    assert stage.booking(new).paid == usd(1120)
    assert (owed_to(stage, place), revenue(stage)) == (100000, 12000)


def test_changing_the_weeks_is_no_cheaper_way_out_than_cancelling(stage):
    place = stage.place()
    old = stage.confirmed(place, whole=True)
    stage.clock.at = datetime(2027, 2, 10, 15, 0, tzinfo=UTC)
    shown = quote(stage, old, LATER, 2)
    # 19 days before the start 1,500 are kept, which is more than two weeks cost.
    assert (shown.price, shown.kept_at_least, shown.refund) == (usd(1500), usd(1500), usd(740))
    new = move(stage, old, date(2027, 12, 6), 2)
    assert cancellations.by_the_terms(stage.booking(new), Wish(), stage.now).kept == usd(1500)
    gone = cancel(stage, new)
    assert gone.refund == usd(0)
    assert kept(stage, new) == 150000
    assert stage.taken(place) == {}


def test_the_floor_is_what_the_terms_kept_and_the_better_terms_hold(stage):
    place = stage.place(cancellation_policy="visa_denial_only")
    old = stage.confirmed(place, whole=True)
    shown = quote(stage, old)
    assert shown.kept_at_least == usd(2240)
    new = move(stage, old)
    assert cancellations.by_the_terms(stage.booking(new), Wish(), stage.now).refund == usd(0)


def test_the_frozen_price_holds_where_the_listing_got_dearer(stage):
    place = stage.place()
    old = stage.confirmed(place)
    with stage.transaction() as session:
        session.execute(
            text("UPDATE listing SET price_minor = :p WHERE id = :id"),
            {"p": 90000, "id": place.listing_id},
        )
    assert quote(stage, old).price == usd(2240)
    with stage.transaction() as session:
        session.execute(
            text("UPDATE listing SET price_minor = :p WHERE id = :id"),
            {"p": 40000, "id": place.listing_id},
        )
    assert quote(stage, old).price == usd(1792)


def test_money_of_a_booking_that_moved_twice_goes_back_by_its_payments(stage):
    place = stage.place(cancellation_policy="deposit_forfeit")
    old = stage.confirmed(place)
    first = stage.booking(old).payment_id
    second = move(stage, old)
    balance = stage.pay(second)
    assert stage.settle(balance) == "settled"
    third = move(stage, second, NEXT_WEEK)
    assert stage.booking(third).paid == usd(2240)
    gone = cancel(stage, third)
    assert gone.refund == usd(2240)
    assert (stage.refunded(first), stage.refunded(balance)) == (20000, 204000)
    assert (owed_to(stage, place), revenue(stage), kept(stage, third)) == (0, 0, 0)


def test_money_that_comes_late_for_the_old_weeks_goes_back(stage):
    place = stage.place()
    old = stage.confirmed(place)
    late = stage.pay(old)
    new = move(stage, old)
    assert stage.settle(late) == "settled"
    assert stage.refunded(late) == 179200
    assert stage.booking(new).paid == usd(448)
    assert owed_to(stage, place) == 40000


def test_a_quote_that_is_no_longer_true_is_refused_with_the_new_one(stage):
    old = stage.confirmed(stage.place(), whole=True)
    stage.clock.at = datetime(2026, 12, 1, 5, 59, 59, tzinfo=UTC)
    early = quote(stage, old).mark
    stage.clock.at = datetime(2026, 12, 1, 6, 0, tzinfo=UTC)
    with pytest.raises(QuoteChanged) as refused:
        move(stage, old, mark=early)
    new_mark = refused.value.extra["quote"]["quote"]
    assert refused.value.extra["quote"]["kept_at_least"] == {"amount": 50000, "currency": "USD"}
    assert stage.state(move(stage, old, mark=new_mark)) == "confirmed"


def test_what_stands_against_it_is_said_and_nothing_has_changed(stage):
    place = stage.place()
    trainee = stage.trainee()
    old = stage.confirmed(place, trainee)
    stage.confirmed(place, first_day=LATER)
    elsewhere = stage.place()
    stage.confirmed(elsewhere, trainee, date(2027, 8, 2))
    with pytest.raises(SeatTaken) as full:
        move(stage, old)
    assert full.value.extra["weeks"][0] == LATER.isoformat()
    with pytest.raises(AlreadyBookedThen):
        move(stage, old, date(2027, 8, 9))
    with pytest.raises(Unchanged):
        quote(stage, old, FIRST_DAY, 4)
    with pytest.raises(NotBookable):
        quote(stage, old, FIRST_DAY + timedelta(days=1))
    with pytest.raises(NotEligible):
        quote(stage, old, date(2029, 3, 5))
    assert stage.state(old) == "confirmed"
    assert stage.taken(place)[FIRST_DAY] == 1
    stage.clock.at = datetime(2027, 3, 2, 15, 0, tzinfo=UTC)
    with pytest.raises(NotOpenForThis):
        quote(stage, old)
    assert stage.findings() == []


def test_a_host_that_decides_on_each_trainee_is_asked(stage):
    place = stage.place(approval="request")
    old = stage.submitted(place)
    with stage.transaction() as session:
        applications.approve(
            session, queries.find(session, old), actor_id=place.owner_id, now=stage.now
        )
    stage.settle(stage.pay(old))
    with pytest.raises(ApprovalNeeded):
        move(stage, old)
    assert stage.state(old) == "confirmed"


def both(*actions):
    """Do all at once; which of them were not refused."""
    gate = threading.Barrier(len(actions))

    def run(action):
        gate.wait()
        try:
            return action() or True
        except REFUSALS:
            return None

    with ThreadPoolExecutor(len(actions)) as hands:
        return list(hands.map(run, actions))


@pytest.mark.fault(1)
def test_of_two_that_want_the_last_seat_one_moves(live_stage):
    place = live_stage.place(seats_per_week=2)
    live_stage.set_seats(place, 1, LATER, 4)
    bookings = [live_stage.confirmed(place) for _ in range(2)]
    done = both(*(lambda one=one: move(live_stage, one) for one in bookings))
    assert sum(one is not None for one in done) == 1
    assert live_stage.taken(place)[LATER] == 1
    assert live_stage.taken(place)[FIRST_DAY] == 1
    assert live_stage.findings() == []


def test_two_that_want_each_others_seats_never_wait_in_a_ring(live_stage):
    place = live_stage.place(seats_per_week=2)
    one = live_stage.confirmed(place)
    other = live_stage.confirmed(place, first_day=LATER)
    done = both(lambda: move(live_stage, one), lambda: move(live_stage, other, FIRST_DAY))
    assert None not in done
    assert live_stage.taken(place)[LATER] == live_stage.taken(place)[FIRST_DAY] == 1
    assert live_stage.findings() == []


@pytest.mark.fault(2)
@pytest.mark.fault(22)
def test_a_cancellation_and_two_changes_at_once_have_one_effect(live_stage):
    place = live_stage.place()
    old = live_stage.confirmed(place, whole=True)
    payment = live_stage.booking(old).payment_id
    done = both(
        lambda: move(live_stage, old),
        lambda: move(live_stage, old, NEXT_WEEK),
        lambda: cancel(live_stage, old) and "cancelled",
    )
    assert sum(one is not None for one in done) == 1
    went_back = live_stage.refunded(payment)
    assert went_back == (199000 if done[2] else 0)
    assert kept(live_stage, old) == (25000 if done[2] else 0)
    assert live_stage.findings() == []


def test_the_record_and_the_history_say_what_was_agreed(stage):
    old = stage.confirmed(stage.place(), whole=True)
    shown = quote(stage, old, LATER, 2)
    new = move(stage, old, LATER, 2)
    with stage.transaction() as session:
        change = queries.change_to(session, new)
        assert (change.replaced_id, change.kind, change.quote) == (old, "reschedule", shown.mark)
        assert change.lines == changes.lines_json(shown)
        assert change.refund == usd(1120)
    assert stage.steps(new) == ["confirmed"]
    assert stage.steps(old)[-1] == "cancelled_by_trainee"
