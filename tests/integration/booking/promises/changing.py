"""Bookings that take over from others: other weeks, another trainee, with and without the host."""

from datetime import timedelta
from typing import Any

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import rule

from marketplace.booking import queries
from marketplace.booking.service import proposals, reschedules, transfers
from tests.factories.rotations import FIRST_DAY
from tests.integration.booking.promises.machine import TRAINEES, WHICH, Machine, S, having

STARTS, WEEKS = st.integers(0, 3), st.integers(1, 3)


class Rules(Machine):
    @having(S.CONFIRMED)
    @rule(which=WHICH, start=STARTS, weeks=WEEKS, host_agrees=st.booleans())
    def reschedules(self, which, start, weeks, host_agrees):
        """At once, or as a proposal to the host, whichever the listing has; one is refused."""
        booking = self.pick(which, S.CONFIRMED)
        wish = {"first_day": FIRST_DAY + timedelta(days=7 * start), "weeks": weeks}
        facts = {**wish, "terms": self.stage.terms}

        def run() -> Any:
            with self.stage.transaction() as session:
                found, now = queries.find(session, booking), self.stage.now
                mark = reschedules.quote(session, found, now=now, **facts).mark
                if host_agrees:
                    made = proposals.propose_weeks(
                        session, found, mark=mark, message="", now=now, **facts
                    )
                    return self._accepted(session, made, by_host=True)
                actor = found.trainee_id
                return reschedules.reschedule(
                    session, found, mark=mark, actor_id=actor, now=now, **facts
                ).id

        if self.made(run) is not None:
            event("other weeks took over")

    @having(S.CONFIRMED)
    @rule(which=WHICH, trainee=TRAINEES, agrees=st.booleans())
    def hands_on_to_a_fellow_student(self, which, trainee, agrees):
        booking = self.pick(which, S.CONFIRMED)
        owner = self.stage.booking(booking).trainee_id
        fellows = [one for one in self.trainees if one != owner]
        to = fellows[trainee % len(fellows)]
        facts = {"to_trainee_id": to, "terms": self.stage.terms}

        def run() -> Any:
            with self.stage.transaction() as session:
                found, now = queries.find(session, booking), self.stage.now
                mark = transfers.quote(session, found, now=now, **facts).mark
                made = proposals.propose_transfer(
                    session, found, mark=mark, message="", now=now, **facts
                )
                if not agrees:
                    proposals.decline(session, made, actor_id=to, reason="", now=now)
                    return None
                new = self._accepted(session, made, by_host=False)
                return new or self._accepted(session, made, by_host=True)

        if self.made(run) is not None:
            event("another trainee took over")

    def _accepted(self, session: Any, proposal: Any, *, by_host: bool) -> Any:
        new = proposals.accept(
            session,
            proposal,
            actor_id=self.host if by_host else proposal.to_trainee_id,
            by_host=by_host,
            terms=self.stage.terms,
            now=self.stage.now,
        )
        return None if new is None else new.id
