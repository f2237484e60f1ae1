"""Seats held, for longer and given up; seats that hosts add and take away; the clock."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from marketplace.booking.service import applications, cancellations, extending, rotations
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.states import BookingState
from tests.conftest import NOW
from tests.factories.rotations import FIRST_DAY
from tests.integration.booking.promises.machine import (
    PAGES,
    PLACES,
    TRAINEES,
    UNPAID,
    WHICH,
    Machine,
    S,
    having,
)


class Rules(Machine):
    @initialize(starts=st.tuples(*[st.integers(0, 2)] * 3), page=PAGES)
    def begin(self, starts, page):
        self.stage.clock.at = NOW
        for place, seats in zip(self.places, self.seats, strict=True):
            self.stage.set_seats(place, seats, weeks=6)
        if self.booked:
            self.books(0, 0, starts[0])
            self.books(1, 1, starts[1])
            self.hold(2, 2, starts[2], 2)
        self.first_steps(page)

    @rule(trainee=TRAINEES, place=PLACES, start=st.integers(0, 3), weeks=st.integers(1, 3))
    def hold(self, trainee, place, start, weeks):
        first = FIRST_DAY + timedelta(days=7 * start)
        self.made(lambda: self.stage.hold(self.trainees[trainee], self.places[place], first, weeks))

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
    def extend(self, which):
        self.on(self.pick(which, S.HELD), extending.extend, terms=self.stage.terms)

    @having(*UNPAID)
    @rule(which=WHICH)
    def trainee_withdraws(self, which):
        self.on(self.pick(which, *UNPAID), applications.withdraw, reason="")

    @having(*UNPAID)
    @rule(which=WHICH, to=st.sampled_from([S.CANCELLED_BY_OPERATOR, S.CANCELLED_BY_HOST]))
    def is_released(self, which, to):
        self.on(
            self.pick(which, *UNPAID),
            cancellations.cancel_unpaid,
            to=to,
            actor_id=self.host,
            reason="Mistake.",
        )

    @precondition(lambda self: self.states)
    @rule(which=WHICH, what=st.integers(0, 6))
    def somebody_does_what_the_state_may_not_allow(self, which, what):
        booking = self.pick(which, *BookingState)
        if what == 0:
            self.on(booking, applications.withdraw, reason="")
        elif what == 1:
            self.on(booking, applications.approve, actor_id=self.host)
        elif what == 2:
            self.cancel(booking, Wish(), S.CANCELLED_BY_TRAINEE)
        elif what == 3:
            self.pay_for(booking, whole=True)
        elif what == 4:
            self.on(booking, extending.extend, terms=self.stage.terms)
        elif what == 5:
            self.on(booking, applications.answer, text="Why?")
        else:
            self.on(booking, rotations.complete, actor_id=self.host)

    @rule()
    def holds_expire(self):
        self.expire()
        overdue = [found for found in self.stage.findings() if found.code == "hold_overdue"]
        assert overdue == []

    @rule(place=PLACES, seats=st.integers(0, 3))
    def host_changes_seats(self, place, seats):
        self.attempt(lambda: self.stage.set_seats(self.places[place], seats, weeks=6))

    @rule(minutes=st.sampled_from([1, 20, 31, 36, 60 * 26]))
    def time_passes(self, minutes):
        self.stage.clock.advance(timedelta(minutes=minutes))

    @rule()
    def clock_is_set_back(self):
        self.stage.clock.advance(timedelta(hours=-1))
