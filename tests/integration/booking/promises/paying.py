"""Money that is asked for, arrives, fails, comes twice or too late."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from marketplace.payments.service import asking
from tests.integration.booking.promises.machine import PAID, TRAINEES, WHICH, Machine, S, having


class Rules(Machine):
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
        self.expire()
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
