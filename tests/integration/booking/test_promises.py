"""Promises 1 to 4 under arbitrary sequences of what people, money and the clock can do.

A Hypothesis state machine drives the real services on a real database, commits after each step,
and looks for a broken promise after each. A refusal is a fine answer; a broken promise is not.
"""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from marketplace.booking import queries
from marketplace.booking.service import applications, cancellations, rotations
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
PLACES = st.integers(0, 2)
TRAINEES = st.integers(0, 2)


class Bookings(RuleBasedStateMachine):
    """Three trainees, three places of one or two seats, and everything that can happen."""

    bookings = Bundle("bookings")
    payments = Bundle("payments")

    def __init__(self, stage: Stage, trainees: list[Any]) -> None:
        super().__init__()
        self.stage = stage
        self.trainees = trainees
        self.places: list[Place] = []
        self.host: Any = None
        self.known: list[Any] = []

    @initialize()
    def open_places(self) -> None:
        self.stage.clock.at = NOW
        self.places = [
            self.stage.place(seats_per_week=1),
            self.stage.place(seats_per_week=2, cancellation_policy="deposit_forfeit"),
            self.stage.place(seats_per_week=1, approval="request"),
        ]
        self.host = self.places[0].owner_id

    def attempt(self, action: Callable[[], Any]) -> Any:
        """Do it, or be refused: a refusal has no effect, which the invariants see to."""
        try:
            return action()
        except DomainError:
            return None

    def on(self, booking_id: Any, action: Callable[..., Any], **arguments: Any) -> None:
        def run() -> None:
            with self.stage.transaction() as session:
                booking = queries.find(session, booking_id)
                action(session, booking, now=self.stage.now, **arguments)

        self.attempt(run)

    @rule(
        target=bookings,
        trainee=TRAINEES,
        place=PLACES,
        start=st.integers(0, 3),
        weeks=st.integers(1, 3),
    )
    def hold(self, trainee, place, start, weeks):
        first = FIRST_DAY + timedelta(days=7 * start)
        made = self.attempt(
            lambda: self.stage.hold(self.trainees[trainee], self.places[place], first, weeks)
        )
        if made is None:
            return multiple()
        self.known.append(made)
        return made

    @rule(booking=bookings)
    def submit(self, booking):
        self.on(booking, applications.submit, message=None)

    @rule(booking=bookings)
    def approve(self, booking):
        self.on(booking, applications.approve, actor_id=self.host)

    @rule(booking=bookings)
    def decline(self, booking):
        self.on(booking, applications.decline, actor_id=self.host, reason="Full.")

    @rule(target=payments, booking=bookings, whole=st.booleans())
    def pay(self, booking, whole):
        asked_for = self.attempt(lambda: self.stage.pay(booking, whole=whole))
        return multiple() if asked_for is None else asked_for

    @rule(payment=payments)
    def money_arrives(self, payment):
        self.attempt(lambda: self.stage.settle(payment))

    @rule(payment=consumes(payments))
    def money_arrives_at_once_and_again(self, payment):
        self.attempt(lambda: self.stage.settle(payment))
        self.attempt(lambda: self.stage.settle(payment))

    @rule(payment=payments)
    def payment_fails(self, payment):
        self.attempt(lambda: self.stage.arrive(payment, failed=True))

    @rule(payment=payments)
    def page_closes(self, payment):
        self.attempt(lambda: self.stage.arrive(payment))

    @rule(payment=payments)
    def payment_is_dropped(self, payment):
        def drop() -> None:
            with self.stage.transaction() as session:
                asking.cancel(session, payment, now=self.stage.now)

        self.attempt(drop)

    @rule(booking=bookings)
    def withdraw(self, booking):
        self.on(booking, applications.withdraw, reason="")

    @rule(booking=bookings)
    def trainee_cancels(self, booking):
        self.cancel(booking, Wish(), S.CANCELLED_BY_TRAINEE)

    @rule(booking=bookings)
    def host_cancels(self, booking):
        self.cancel(booking, Wish(PolicyEvent.HOST_WITHDRAWS), S.CANCELLED_BY_HOST)

    @rule(booking=bookings)
    def operator_releases(self, booking):
        self.on(
            booking,
            cancellations.cancel_unpaid,
            to=S.CANCELLED_BY_OPERATOR,
            actor_id=self.host,
            reason="Mistake.",
        )

    @rule()
    def holds_expire(self):
        self.expire()
        overdue = [found for found in self.stage.findings() if found.code == "hold_overdue"]
        assert overdue == []

    @rule()
    def rotations_start(self):
        self.stage.start_due()

    @rule(booking=bookings)
    def attends(self, booking):
        days = [Day(FIRST_DAY, "present")]
        self.on(booking, rotations.mark_attendance, days=days, actor_id=self.host)

    @rule(booking=bookings)
    def completes(self, booking):
        self.on(booking, rotations.complete, actor_id=self.host)

    @rule(booking=bookings)
    def never_comes(self, booking):
        self.on(booking, rotations.no_show, actor_id=self.host, reason="")

    @rule(place=PLACES, seats=st.integers(0, 3))
    def host_changes_seats(self, place, seats):
        self.attempt(lambda: self.stage.set_seats(self.places[place], seats, weeks=6))

    @rule(minutes=st.sampled_from([1, 20, 31, 36, 60 * 26]))
    def time_passes(self, minutes):
        self.stage.clock.advance(timedelta(minutes=minutes))

    @rule(days=st.sampled_from([5, 40, 99, 110]))
    def weeks_pass(self, days):
        self.stage.clock.advance(timedelta(days=days))

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
            for booking_id in self.known:
                booking = queries.find(session, booking_id)
                agreed = queries.cancellation(session, booking_id)
                due = booking.paid if agreed is None else agreed.kept
                held = sum(
                    payment.captured_minor - payment.refunded_minor
                    for payment in payment_queries.payments_of(
                        session, Payable("booking", booking_id)
                    )
                )
                assert held == due.minor, booking.state
                assert booking.paid <= booking.total

    @invariant()
    def history_tells_how_it_came_to_be(self):
        with self.stage.transaction() as session:
            for booking_id in self.known:
                steps = queries.history(session, booking_id)
                assert steps[-1].to_state == queries.find(session, booking_id).state
                for before, after in itertools.pairwise(steps):
                    assert after.from_state == before.to_state
                    assert TRANSITIONS.allows(S(before.to_state), S(after.to_state))

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

    def expire(self) -> None:
        while self.stage.expire_due():
            pass

    def teardown(self) -> None:
        """Let what is held expire, and what is booked be over, so that trainees are free again."""
        with self.stage.transaction() as session:
            session.execute(text("UPDATE booking_week SET released_at = now()"))
            session.execute(text("UPDATE seat_week SET taken = 0"))
            session.execute(
                text(
                    "UPDATE booking SET state = 'expired', hold_expires_at = NULL"
                    " WHERE hold_expires_at IS NOT NULL"
                )
            )


def test_the_promises_hold_whatever_happens(live_stage):
    trainees = [live_stage.trainee() for _ in range(3)]
    run_state_machine_as_test(
        lambda: Bookings(live_stage, trainees),
        settings=settings(
            max_examples=20,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
