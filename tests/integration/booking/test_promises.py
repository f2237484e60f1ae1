"""Promises 1 to 4 under arbitrary sequences of what people, money and the clock can do.

A Hypothesis state machine drives the real services on a real database, commits after each step,
and looks for a broken promise after each. A refusal is a fine answer; a broken promise is not.
"""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from marketplace.booking import queries
from marketplace.booking.service import applications, cancellations, no_shows, rotations
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.service.rotations import Day
from marketplace.booking.states import TRANSITIONS, BookingState
from marketplace.catalog.rules.policies import PolicyEvent
from marketplace.core.errors import DomainError
from marketplace.payments import queries as payment_queries
from marketplace.payments.events import Payable
from marketplace.payments.service import asking
from tests.conftest import NOW
from tests.factories.rotations import FIRST_DAY, Place, Stage

S = BookingState
WHICH = st.integers(0, 5)
PLACES = st.integers(0, 2)
TRAINEES = st.integers(0, 2)
UNPAID = (S.HELD, S.SUBMITTED, S.AWAITING_PAYMENT)
PAID = (S.CONFIRMED, S.IN_PROGRESS)


def having(*states: BookingState) -> Callable[[Any], Any]:
    """Offer a rule only while a booking is in one of these states: steps should do something."""
    return precondition(lambda self: bool(self.found(*states)))


class Bookings(RuleBasedStateMachine):
    """Three trainees, three places of one or two seats, and everything that can happen."""

    def __init__(self, stage: Stage, trainees: list[Any], places: list[Place]) -> None:
        super().__init__()
        self.stage = stage
        self.trainees = trainees
        self.places = places
        self.host = places[0].owner_id
        self.states: dict[Any, BookingState] = {}
        self.payments: list[Any] = []

    @initialize(starts=st.tuples(*[st.integers(0, 2)] * 3))
    def begin(self, starts):
        self.stage.clock.at = NOW
        for place, seats in zip(self.places, (1, 2, 1), strict=True):
            self.stage.set_seats(place, seats, weeks=6)
        self.books(0, 0, starts[0])
        self.books(1, 1, starts[1])
        self.hold(2, 2, starts[2], 2)

    def found(self, *states: BookingState) -> list[Any]:
        return [booking for booking, state in self.states.items() if state in states]

    def pick(self, which: int, *states: BookingState) -> Any:
        """One of the bookings in these states; the newest is the likeliest."""
        candidates = self.found(*states)
        return candidates[-1 - which % len(candidates)]

    def attempt(self, action: Callable[[], Any]) -> Any:
        """Do it, or be refused: a refusal has no effect, which the invariants see to."""
        try:
            return action()
        except DomainError as refused:
            event(f"refused: {refused.code}")
            return None

    def on(self, booking_id: Any, action: Callable[..., Any], **arguments: Any) -> None:
        def run() -> None:
            with self.stage.transaction() as session:
                booking = queries.find(session, booking_id)
                action(session, booking, now=self.stage.now, **arguments)

        self.attempt(run)

    @rule(trainee=TRAINEES, place=PLACES, start=st.integers(0, 3), weeks=st.integers(1, 3))
    def hold(self, trainee, place, start, weeks):
        first = FIRST_DAY + timedelta(days=7 * start)
        made = self.attempt(
            lambda: self.stage.hold(self.trainees[trainee], self.places[place], first, weeks)
        )
        if made is not None:
            self.states[made] = S.HELD

    @rule(trainee=TRAINEES, place=PLACES, start=st.integers(0, 3))
    def books(self, trainee, place, start):
        before = set(self.states)
        self.hold(trainee, place, start, 2)
        for booking in set(self.states) - before:
            self.on(booking, applications.submit, message=None)
            self.on(booking, applications.approve, actor_id=self.host)
            self.pay_for(booking, whole=False)
            if self.payments:
                self.stage.settle(self.payment(0))

    @rule(trainee=TRAINEES, place=PLACES)
    def hold_the_first_week(self, trainee, place):
        self.hold(trainee, place, 0, 1)

    @having(S.HELD)
    @rule(which=WHICH)
    def submit(self, which):
        self.on(self.pick(which, S.HELD), applications.submit, message=None)

    @having(S.SUBMITTED)
    @rule(which=WHICH)
    def approve(self, which):
        self.on(self.pick(which, S.SUBMITTED), applications.approve, actor_id=self.host)

    @having(S.SUBMITTED)
    @rule(which=WHICH)
    def decline(self, which):
        booking = self.pick(which, S.SUBMITTED)
        self.on(booking, applications.decline, actor_id=self.host, reason="Full.")

    @having(S.HELD, S.AWAITING_PAYMENT)
    @rule(which=WHICH, whole=st.booleans())
    def pay(self, which, whole):
        self.pay_for(self.pick(which, S.HELD, S.AWAITING_PAYMENT), whole=whole)

    @having(*PAID)
    @rule(which=WHICH)
    def pay_the_balance(self, which):
        self.pay_for(self.pick(which, *PAID), whole=False)

    @precondition(lambda self: self.payments)
    @rule(which=WHICH)
    def money_arrives(self, which):
        """Money is never refused: it is fulfilled, or it goes back."""
        self.stage.settle(self.payment(which))

    @having(S.HELD, S.AWAITING_PAYMENT)
    @rule(which=WHICH, trainee=TRAINEES, seat_is_lost=st.booleans())
    def money_arrives_late(self, which, trainee, seat_is_lost):
        booking = self.pick(which, S.HELD, S.AWAITING_PAYMENT)
        self.pay_for(booking, whole=False)
        payment = self.stage.booking(booking).payment_id
        self.stage.clock.advance(timedelta(hours=1))
        self.holds_expire()
        if seat_is_lost:
            for place in range(len(self.places)):
                self.hold((trainee + place) % 3, place, 0, 3)
        if payment is not None:
            self.stage.settle(payment)

    @precondition(lambda self: self.payments)
    @rule(which=WHICH)
    def money_arrives_and_is_told_again(self, which):
        for _ in range(2):
            self.stage.settle(self.payment(which))

    @precondition(lambda self: self.payments)
    @rule(which=WHICH, how=st.sampled_from(["fails", "closes", "is dropped"]))
    def payment_ends(self, which, how):
        payment = self.payment(which)

        def drop() -> None:
            with self.stage.transaction() as session:
                asking.cancel(session, payment, now=self.stage.now)

        if how == "is dropped":
            self.attempt(drop)
        else:
            self.attempt(lambda: self.stage.arrive(payment, failed=how == "fails"))

    @having(*UNPAID)
    @rule(which=WHICH, by_trainee=st.booleans())
    def is_given_up(self, which, by_trainee):
        booking = self.pick(which, *UNPAID)
        if by_trainee:
            self.on(booking, applications.withdraw, reason="")
        else:
            self.on(
                booking,
                cancellations.cancel_unpaid,
                to=S.CANCELLED_BY_OPERATOR,
                actor_id=self.host,
                reason="Mistake.",
            )

    @having(*PAID)
    @rule(which=WHICH)
    def trainee_cancels(self, which):
        self.cancel(self.pick(which, *PAID), Wish(), S.CANCELLED_BY_TRAINEE)

    @having(*PAID)
    @rule(which=WHICH)
    def host_cancels(self, which):
        wish = Wish(PolicyEvent.HOST_WITHDRAWS)
        self.cancel(self.pick(which, *PAID), wish, S.CANCELLED_BY_HOST)

    @precondition(lambda self: self.states)
    @rule(which=WHICH, what=st.integers(0, 4))
    def somebody_does_what_the_state_may_not_allow(self, which, what):
        booking = self.pick(which, *S)
        if what == 0:
            self.on(booking, applications.withdraw, reason="")
        elif what == 1:
            self.on(booking, applications.approve, actor_id=self.host)
        elif what == 2:
            self.cancel(booking, Wish(), S.CANCELLED_BY_TRAINEE)
        elif what == 3:
            self.pay_for(booking, whole=True)
        else:
            self.on(booking, rotations.complete, actor_id=self.host)

    @rule()
    def holds_expire(self):
        while self.stage.expire_due():
            pass
        overdue = [found for found in self.stage.findings() if found.code == "hold_overdue"]
        assert overdue == []

    @having(S.CONFIRMED)
    @rule()
    def the_first_day_comes(self):
        self.stage.clock.at = max(self.stage.now, datetime.combine(FIRST_DAY, time(15), tzinfo=UTC))
        self.stage.start_due()

    @having(*PAID)
    @rule(which=WHICH)
    def attends(self, which):
        days = [Day(FIRST_DAY, "present")]
        booking = self.pick(which, *PAID)
        self.on(booking, rotations.mark_attendance, days=days, actor_id=self.host)

    @having(S.IN_PROGRESS)
    @rule(which=WHICH)
    def completes(self, which):
        booking = self.pick(which, S.IN_PROGRESS)
        ends = datetime.combine(self.stage.booking(booking).last_day, time(15), tzinfo=UTC)
        self.stage.clock.at = max(self.stage.now, ends)
        self.on(booking, rotations.complete, actor_id=self.host)

    @having(S.IN_PROGRESS)
    @rule(which=WHICH)
    def never_came(self, which):
        booking = self.pick(which, S.IN_PROGRESS)
        self.on(booking, no_shows.mark, actor_id=self.host, reason="")

    @rule(place=PLACES, seats=st.integers(0, 3))
    def host_changes_seats(self, place, seats):
        self.attempt(lambda: self.stage.set_seats(self.places[place], seats, weeks=6))

    @rule(minutes=st.sampled_from([1, 20, 31, 36, 60 * 26]))
    def time_passes(self, minutes):
        self.stage.clock.advance(timedelta(minutes=minutes))

    @rule()
    def clock_is_set_back(self):
        self.stage.clock.advance(timedelta(hours=-1))

    @invariant()
    def no_seat_leaks_or_is_sold_twice(self):
        wrong = [found for found in self.stage.findings() if found.code == "seats_differ"]
        assert wrong == []
        with self.stage.transaction() as session:
            oversold = session.execute(
                text("SELECT count(*) FROM seat_week WHERE taken > capacity OR taken < 0")
            ).scalar_one()
        assert oversold == 0

    @invariant()
    def no_trainee_has_two_seats_in_a_week(self):
        with self.stage.transaction() as session:
            twice = session.execute(
                text(
                    "SELECT trainee_id, week FROM booking_week WHERE released_at IS NULL"
                    " GROUP BY trainee_id, week HAVING count(*) > 1"
                )
            ).all()
        assert twice == []

    @invariant()
    def every_seat_has_an_end_or_an_owner(self):
        with self.stage.transaction() as session:
            stray = session.execute(
                text(
                    "SELECT b.id, b.state FROM booking b JOIN booking_week w ON w.booking_id = b.id"
                    " WHERE w.released_at IS NULL AND b.hold_expires_at IS NULL"
                    " AND b.state IN ('expired', 'withdrawn', 'declined')"
                )
            ).all()
            bare = session.execute(
                text(
                    "SELECT b.id, b.state FROM booking b WHERE b.state IN ('held', 'submitted',"
                    " 'awaiting_payment', 'confirmed', 'in_progress', 'completed') AND b.weeks <>"
                    " (SELECT count(*) FROM booking_week w"
                    "   WHERE w.booking_id = b.id AND w.released_at IS NULL)"
                )
            ).all()
        assert stray == []
        assert bare == []

    @invariant()
    def money_is_kept_only_for_what_was_agreed(self):
        with self.stage.transaction() as session:
            for booking_id in self.states:
                booking = queries.find(session, booking_id)
                self.states[booking_id] = S(booking.state)
                agreed = queries.cancellation(session, booking_id)
                due = booking.paid if agreed is None else agreed.kept
                held = sum(
                    payment.refundable.minor
                    for payment in payment_queries.kept_payments(
                        session, Payable("booking", booking_id)
                    )
                )
                assert held == due.minor, booking.state
                assert booking.paid <= booking.total

    @invariant()
    def history_tells_how_it_came_to_be(self):
        with self.stage.transaction() as session:
            for booking_id in self.states:
                steps = queries.history(session, booking_id)
                assert steps[-1].to_state == queries.find(session, booking_id).state
                for before, after in itertools.pairwise(steps):
                    assert after.from_state == before.to_state
                    assert TRANSITIONS.allows(S(before.to_state), S(after.to_state))

    def payment(self, which: int) -> Any:
        return self.payments[-1 - which % len(self.payments)]

    def pay_for(self, booking_id: Any, *, whole: bool) -> None:
        asked_for = self.attempt(lambda: self.stage.pay(booking_id, whole=whole))
        if asked_for is not None and asked_for not in self.payments:
            self.payments.append(asked_for)

    def cancel(self, booking_id: Any, wish: Wish, to: BookingState) -> None:
        def run() -> None:
            with self.stage.transaction() as session:
                booking = queries.find(session, booking_id)
                shown = cancellations.quote(booking, wish, self.stage.now)
                cancellations.cancel(
                    session,
                    booking,
                    wish,
                    mark=shown.mark,
                    to=to,
                    actor_id=self.host,
                    reason="Other plans.",
                    now=self.stage.now,
                )

        self.attempt(run)

    def teardown(self) -> None:
        """Leave the places empty for the next sequence."""
        with self.stage.transaction() as session:
            session.execute(text("TRUNCATE booking, payment, ledger_account, notice CASCADE"))
            session.execute(text("DELETE FROM procrastinate_jobs"))
            session.execute(text("UPDATE seat_week SET taken = 0"))


def test_the_promises_hold_whatever_happens(live_stage):
    trainees = [live_stage.trainee() for _ in range(3)]
    places = [
        live_stage.place(seats_per_week=1),
        live_stage.place(seats_per_week=2, cancellation_policy="deposit_forfeit"),
        live_stage.place(seats_per_week=1, approval="request"),
    ]
    run_state_machine_as_test(
        lambda: Bookings(live_stage, trainees, places),
        settings=settings(
            max_examples=12,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
