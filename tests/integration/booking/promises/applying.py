"""Applications: submitted, decided, asked about and answered, in time or not."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from marketplace.booking.rules import reasons
from marketplace.booking.service import applications
from tests.integration.booking.promises.machine import WHICH, Machine, S, having

UNDECIDED = (S.SUBMITTED, S.MORE_ASKED)


class Rules(Machine):
    @having(S.HELD)
    @rule(which=WHICH)
    def submit(self, which):
        self.on(self.pick(which, S.HELD), applications.submit, message=None)

    @having(*UNDECIDED)
    @rule(which=WHICH)
    def approve(self, which):
        self.on(self.pick(which, *UNDECIDED), applications.approve, actor_id=self.host)

    @having(*UNDECIDED)
    @rule(which=WHICH, code=st.sampled_from(sorted(reasons.DECLINE)), words=st.booleans())
    def decline(self, which, code, words):
        self.on(
            self.pick(which, *UNDECIDED),
            applications.decline,
            actor_id=self.host,
            code=code,
            reason="Full." if words else "",
        )

    @having(*UNDECIDED)
    @rule(which=WHICH)
    def ask_for_more(self, which):
        booking = self.pick(which, *UNDECIDED)
        self.on(booking, applications.ask_for_more, text="When?", actor_id=self.host)

    @having(S.MORE_ASKED)
    @rule(which=WHICH)
    def answer(self, which):
        self.on(self.pick(which, S.MORE_ASKED), applications.answer, text="In June.")

    @having(*UNDECIDED)
    @rule(which=WHICH, late=st.booleans())
    def nobody_acts_in_time(self, which, late):
        """The clock goes to the deadline of one, and those that are due are given up."""
        until = self.stage.booking(self.pick(which, *UNDECIDED)).hold_expires_at
        self.stage.clock.at = max(self.stage.now, until - timedelta(minutes=not late))
        self.stage.remind_due()
        self.expire()
