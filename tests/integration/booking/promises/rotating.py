"""Rotations that begin, are attended and completed, cancelled by either side, or never came to."""

from datetime import UTC, datetime, time

from hypothesis.stateful import rule

from marketplace.booking.service import no_shows, rotations
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.service.rotations import Day
from marketplace.catalog.rules.policies import PolicyEvent
from tests.factories.rotations import FIRST_DAY
from tests.integration.booking.promises.machine import PAID, WHICH, Machine, S, having


class Rules(Machine):
    @having(*PAID)
    @rule(which=WHICH)
    def trainee_cancels(self, which):
        self.cancel(self.pick(which, *PAID), Wish(), S.CANCELLED_BY_TRAINEE)

    @having(*PAID)
    @rule(which=WHICH)
    def host_cancels(self, which):
        wish = Wish(PolicyEvent.HOST_WITHDRAWS)
        self.cancel(self.pick(which, *PAID), wish, S.CANCELLED_BY_HOST)

    @having(*PAID)
    @rule(which=WHICH)
    def operator_cancels(self, which):
        wish = Wish(PolicyEvent.HOST_WITHDRAWS)
        self.cancel(self.pick(which, *PAID), wish, S.CANCELLED_BY_OPERATOR)

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
