"""Waiting lists: joined, asked in order, offers answered or left to lapse."""

from datetime import timedelta
from typing import Any

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from sqlalchemy import text

from marketplace.booking.queries import waiting as queries
from marketplace.booking.service import offering, offers, waiting
from tests.factories.rotations import FIRST_DAY
from tests.integration.booking.promises.machine import PLACES, TRAINEES, WHICH, Machine


class Rules(Machine):
    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Any] = []

    @rule(trainee=TRAINEES, place=PLACES, start=st.integers(0, 3), weeks=st.integers(1, 3))
    def waits(self, trainee, place, start, weeks):
        def join() -> Any:
            who, where = self.trainees[trainee], self.places[place].listing_id
            first = FIRST_DAY + timedelta(days=7 * start)
            with self.stage.transaction() as session:
                if queries.waits_already(session, who, where, first, weeks):
                    return None
                return waiting.join(
                    session, trainee_id=who, listing_id=where, first_day=first, weeks=weeks,
                    now=self.stage.now,
                ).id  # fmt: skip

        made = self.attempt(join)
        if made is not None:
            self.entries.append(made)

    @rule(trainee=TRAINEES, place=PLACES, accepts=st.booleans())
    def all_seats_are_taken_and_one_waits(self, trainee, place, accepts):
        """The likeliest story in one step: full weeks, a wait, more seats, an offer, an answer."""
        seats = self.stage.capacity(self.places[place], FIRST_DAY)
        used = self.stage.taken(self.places[place]).get(FIRST_DAY, 0)
        self.attempt(lambda: self.stage.set_seats(self.places[place], used, weeks=1))
        before = len(self.entries)
        self.waits(trainee, place, 0, 1)
        self.attempt(
            lambda: self.stage.set_seats(self.places[place], max(seats, used + 1), weeks=1)
        )
        self.lists_are_asked()
        if accepts and len(self.entries) > before:
            self.answers(0, "accept")

    @rule()
    def lists_are_asked(self):
        """Afterwards no seat is free that somebody waits for, and none is kept for nobody."""
        with self.stage.transaction() as session:
            for pool_id in offering.pools_to_ask(session):
                if offering.ask(session, pool_id, self.stage.now):
                    event("a seat was offered")
        with self.stage.transaction() as session:
            assert offering.pools_to_ask(session) == []

    @precondition(lambda self: self.entries)
    @rule(which=WHICH, what=st.sampled_from(["accept", "accept", "decline", "leave"]))
    def answers(self, which, what):
        def act() -> Any:
            with self.stage.transaction() as session:
                entry = queries.entry(session, self.entries[-1 - which % len(self.entries)])
                if what == "accept":
                    return offers.accept(
                        session, entry, terms=self.stage.terms, now=self.stage.now
                    ).id
                do = offers.decline if what == "decline" else waiting.leave
                return do(session, entry, self.stage.now)

        if what != "accept":
            self.attempt(act)
        elif self.made(act) is not None:
            event("an offer was accepted")

    @precondition(lambda self: self.entries)
    @rule()
    def offers_lapse(self):
        self.stage.clock.advance(timedelta(days=3))
        with self.stage.transaction() as session:
            offers.lapse_due(session, self.stage.now, 100)

    @invariant()
    def an_open_offer_is_of_an_entry_that_has_one(self):
        with self.stage.transaction() as session:
            stray = session.execute(
                text(
                    "SELECT e.id, e.state, o.state FROM waiting_entry e LEFT JOIN seat_offer o"
                    " ON o.entry_id = e.id AND o.state = 'open'"
                    " WHERE (e.state = 'offered') <> (o.id IS NOT NULL)"
                )
            ).all()
        assert stray == []
