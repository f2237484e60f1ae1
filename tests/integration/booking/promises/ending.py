"""Hosts that call off and what is chosen then; trainees who never came and what is decided."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from marketplace.booking import queries
from marketplace.booking.service import applications, no_shows, rescues
from tests.integration.booking.promises.machine import PAID, WHICH, Machine, S, having

CHOICES = ("accept", "accept", "refund", "switch", "close")


class Rules(Machine):
    def by_id(self, booking_id: Any, action: Any, **arguments: Any) -> None:
        """Act as a job does, which knows the booking by its id."""

        def run() -> None:
            with self.stage.transaction() as session:
                action(session, booking_id, now=self.stage.now, **arguments)

        self.attempt(run)

    @having(*PAID)
    @rule(which=WHICH, searched=st.booleans(), then=st.sampled_from([None, *CHOICES]))
    def host_calls_off(self, which, searched, then):
        booking = self.pick(which, *PAID)
        self.on(booking, rescues.call_off, actor_id=self.host, reason="The preceptor is ill.")
        if searched or then:
            self.by_id(booking, rescues.search, terms=self.stage.terms)
        self.learns_of_offers()
        if then:
            self.chooses(booking, then)

    @having(S.CANCELLED_BY_HOST)
    @rule(which=WHICH, what=st.sampled_from(CHOICES))
    def chooses_after_the_host_called_off(self, which, what):
        self.chooses(self.pick(which, S.CANCELLED_BY_HOST), what)

    def chooses(self, booking: Any, what: str) -> None:
        shown = self._shown(booking)
        if shown is None:
            return
        trainee = self.stage.booking(booking).trainee_id
        if what == "close":
            self.stage.clock.advance(timedelta(days=4))
            self.by_id(booking, rescues.close)
        elif what == "refund":
            self.on(booking, rescues.refund, actor_id=trainee)
        elif what == "switch" and shown.others:
            other = shown.others[0]["listing_id"]
            self.on(booking, rescues.switch, listing_id=other, terms=self.stage.terms)
        elif shown.quote is not None:
            self.on(booking, rescues.accept, mark=shown.quote.mark, actor_id=trainee)
            event(f"a rescue was taken: {self.stage.state(shown.offer.id)}")
        self.learns_of_offers()

    @having(S.CANCELLED_BY_HOST)
    @rule(which=WHICH, agrees=st.booleans())
    def host_of_the_rescue_decides(self, which, agrees):
        """On what the trainee took where it is by request; then the job follows."""
        booking = self.pick(which, S.CANCELLED_BY_HOST)
        shown = self._shown(booking)
        if shown is None or shown.asked_at is None:
            return
        if agrees:
            self.on(shown.offer.id, applications.approve, actor_id=self.host)
        else:
            self.on(shown.offer.id, applications.decline, actor_id=self.host, reason="Full.")
        self.by_id(booking, rescues.follow, terms=self.stage.terms)
        self.learns_of_offers()
        event(f"a rescue was decided: {self.stage.state(shown.offer.id)}")

    @rule()
    def jobs_search_for_rescues_and_close_them(self):
        for booking in self.found(S.CANCELLED_BY_HOST):
            self.by_id(booking, rescues.search, terms=self.stage.terms)
            self.by_id(booking, rescues.follow, terms=self.stage.terms)
            self.by_id(booking, rescues.close)
        self.learns_of_offers()

    @having(S.NO_SHOW)
    @rule(which=WHICH, words=st.booleans())
    def no_show_is_disputed(self, which, words):
        booking = self.pick(which, S.NO_SHOW)
        self.on(booking, no_shows.dispute, words="I was there." if words else "")

    @having(S.NO_SHOW)
    @rule(which=WHICH, what=st.sampled_from(["upheld", "reinstated", "refunded"]))
    def no_show_is_decided(self, which, what):
        booking = self.pick(which, S.NO_SHOW)
        self.on(booking, no_shows.dispute, words="I was there.")
        self.on(booking, no_shows.decide, decision=what, reason="So.", actor_id=self.host)
        event(f"a no-show: {self.stage.state(booking)}")

    @having(S.NO_SHOW)
    @rule(which=WHICH)
    def nobody_disputes_in_time(self, which):
        booking = self.pick(which, S.NO_SHOW)
        self.stage.clock.advance(timedelta(days=9))
        self.by_id(booking, no_shows.settle)

    @precondition(lambda self: self.found(S.CONFIRMED))
    @rule(which=WHICH)
    def comes_late_and_is_marked_as_never_come(self, which):
        """The likeliest story in one step: the second day, and nobody was there."""
        booking = self.pick(which, S.CONFIRMED)
        day = self.stage.booking(booking).first_day + timedelta(days=1)
        second = datetime.combine(day, time(15), tzinfo=UTC)
        self.stage.clock.at = max(self.stage.now, second)
        self.stage.start_due()
        self.on(booking, no_shows.mark, actor_id=self.host, reason="")

    def learns_of_offers(self) -> None:
        """What a search holds for a trainee is a booking like any other."""
        with self.stage.transaction() as session:
            for booking in self.found(S.CANCELLED_BY_HOST):
                rescue = queries.rescue(session, booking)
                if rescue is not None and rescue.offer_id is not None:
                    if rescue.offer_id not in self.states:
                        event("the same weeks were offered elsewhere")
                    self.states[rescue.offer_id] = S(queries.find(session, rescue.offer_id).state)

    def _shown(self, booking: Any) -> Any:
        with self.stage.transaction() as session:
            if queries.rescue(session, booking) is None:
                return None
            return rescues.offered(session, booking)
