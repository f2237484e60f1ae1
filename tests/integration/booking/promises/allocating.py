"""Allocation rounds: opened over free seats, ranked, ordered, run, published, answered, called off."""

from datetime import timedelta
from typing import Any

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from sqlalchemy import text

from marketplace.booking.queries import rounds as queries
from marketplace.booking.service import allocating, offers, rounds
from marketplace.booking.service.rounds import Times, Wanted
from tests.factories.rotations import FIRST_DAY
from tests.integration.booking.promises.machine import TRAINEES, WHICH, Machine

HOUR = timedelta(hours=1)
SOME = st.lists(st.sampled_from([0, 1, 2]), min_size=1, max_size=3, unique=True)


class Rules(Machine):
    def __init__(self) -> None:
        super().__init__()
        self.rounds: list[Any] = []

    def allocation(self, which: int) -> Any:
        return self.rounds[-1 - which % len(self.rounds)]

    @rule(places=SOME, start=st.integers(0, 3), weeks=st.integers(1, 2), every=st.booleans())
    def opens_a_round(self, places, start, weeks, every):
        first = FIRST_DAY + timedelta(days=7 * start)
        quota = None if every else 1
        wanted = [Wanted(self.places[one].listing_id, first, weeks, quota) for one in places]
        now = self.stage.now
        times = Times(now + HOUR, now + HOUR * 2, now + HOUR * 72)

        def opened() -> Any:
            with self.stage.transaction() as session:
                return rounds.open_round(
                    session, title="Spring", site_id=None, wanted=wanted, times=times,
                    actor_id=self.host, now=now,
                )  # fmt: skip

        made = self.attempt(opened)
        if made is not None:
            self.rounds.append(made)

    @precondition(lambda self: self.rounds)
    @rule(which=WHICH, trainee=TRAINEES, order=st.permutations([0, 1, 2]), waits=st.booleans())
    def ranks(self, which, trainee, order, waits):
        made = self.allocation(which)
        choices = [made.places[one].id for one in order if one < len(made.places)]

        def rank() -> Any:
            with self.stage.transaction() as session:
                rounds.rank(
                    session, made.round.id, trainee_id=self.trainees[trainee], choices=choices,
                    wait_if_unmatched=waits, now=self.stage.now,
                )  # fmt: skip

        self.attempt(rank)

    @precondition(lambda self: self.rounds)
    @rule(which=WHICH, place=WHICH, first=st.booleans())
    def host_orders(self, which, place, first):
        """Whoever wants the place: the first of them in a tier of their own, or refused."""
        made = self.allocation(which)
        place_id = made.places[place % len(made.places)].id

        def order() -> Any:
            with self.stage.transaction() as session:
                found = queries.place(session, made.round.id, place_id)
                wanting = [one.trainee_id for one in rounds.wanting_of(session, found)]
                rounds.order(
                    session, found, tiers=[wanting[:1]] if first else [],
                    refused=[] if first else wanting[:1], actor_id=self.host, now=self.stage.now,
                )  # fmt: skip

        self.attempt(order)

    @precondition(lambda self: self.rounds)
    @rule(which=WHICH)
    def rounds_are_run_and_published(self, which):
        """Whoever ranked reads why they got what they got, and no blocking pair was left."""
        made = self.allocation(which)
        self.stage.clock.at = max(self.stage.now, made.round.run_at)
        more = True
        while more:
            with self.stage.transaction() as session:
                more = allocating.decide_due(session, self.stage.now)
        with self.stage.transaction() as session:
            found = queries.find(session, made.round.id)
            run = queries.decision(session, made.round.id)
            if found.state != "decided" or run is None:
                return
            assert run.blocking_pairs == 0
            event(f"a round gave {len(run.result['matched'])}")
            for ranking in queries.rankings(session, made.round.id):
                told = allocating.explained(session, found, ranking.trainee_id)
                assert len(told) == len(ranking.choices)

    @rule(places=SOME, start=st.integers(0, 3), order=st.permutations([0, 1, 2]))
    def a_round_from_the_first_word_to_the_last(self, places, start, order):
        """The likeliest story in one step: everybody ranks, it is run, one accepts."""
        before = len(self.rounds)
        self.opens_a_round(places, start, 1, every=True)
        if len(self.rounds) > before:
            for trainee in range(len(self.trainees)):
                self.ranks(0, trainee, order, waits=trainee == 0)
            self.rounds_are_run_and_published(0)
            for trainee in range(len(self.trainees)):
                self.answers_the_round(0, trainee, accepts=trainee != 0)

    @precondition(lambda self: self.rounds)
    @rule(which=WHICH, trainee=TRAINEES, accepts=st.booleans())
    def answers_the_round(self, which, trainee, accepts):
        made, who = self.allocation(which), self.trainees[trainee]

        def answer() -> Any:
            with self.stage.transaction() as session:
                if accepts:
                    return offers.accept_place(
                        session, made.round.id, who, terms=self.stage.terms, now=self.stage.now
                    ).id
                return offers.decline_place(session, made.round.id, who, self.stage.now)

        if accepts and self.made(answer) is not None:
            event("a place of a round was accepted")
        elif not accepts:
            self.attempt(answer)

    @precondition(lambda self: self.rounds)
    @rule(which=WHICH)
    def round_is_called_off(self, which):
        made = self.allocation(which)

        def end() -> Any:
            with self.stage.transaction() as session:
                rounds.call_off(
                    session, made.round.id, actor_id=self.host, reason="No.", now=self.stage.now
                )

        self.attempt(end)

    @invariant()
    def a_round_keeps_seats_only_while_it_is_open(self):
        with self.stage.transaction() as session:
            kept = session.execute(
                text(
                    "SELECT p.id FROM round_place p JOIN allocation_round r ON r.id = p.round_id"
                    " WHERE p.kept > 0 AND r.state <> 'open'"
                )
            ).all()
        assert kept == []
