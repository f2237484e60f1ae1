"""Itineraries: held together, paid together, given up in part or whole, followed by the job."""

from datetime import timedelta
from typing import Any

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from sqlalchemy import text

from marketplace.booking.rules.itineraries import ItineraryState
from marketplace.booking.service import applications
from marketplace.booking.states import TIMED
from tests.factories import itineraries as make
from tests.factories.rotations import FIRST_DAY
from tests.integration.booking.promises.machine import PAGES, TRAINEES, WHICH, Machine, S

WEEK = timedelta(days=7)
DONE = (S.CONFIRMED, S.IN_PROGRESS, S.COMPLETED)
SOME = st.lists(st.sampled_from([0, 1, 2]), min_size=2, max_size=3, unique=True)


class Rules(Machine):
    def __init__(self) -> None:
        super().__init__()
        self.itineraries: list[Any] = []

    def itinerary(self, which: int) -> Any:
        return self.itineraries[-1 - which % len(self.itineraries)]

    def first_steps(self, page: str) -> None:
        if not self.booked:
            self.holds_an_itinerary(0, [0, 1], 0, 1, paid=True)
            self.holds_an_itinerary(1, [0, 1], 2, 2, paid=False)
            self.pays_the_itinerary(0, whole=False, then=page)

    @rule(
        trainee=TRAINEES,
        places=SOME,
        start=st.integers(0, 2),
        weeks=st.integers(1, 2),
        paid=st.booleans(),
    )
    def holds_an_itinerary(self, trainee, places, start, weeks, paid):
        """Rotations at two or three places, one after the other: all seats are held, or none."""
        wanted = [
            (self.places[place], FIRST_DAY + WEEK * (start + number * weeks), weeks)
            for number, place in enumerate(places)
        ]

        def hold() -> Any:
            return make.held(self.stage, self.trainees[trainee], *wanted)

        made = self.attempt(hold)
        if made is not None:
            event("an itinerary was held")
            self.itineraries.append(made[0])
            self.states.update(dict.fromkeys(made[1], S.HELD))
            if paid:
                self.pays_the_itinerary(0, whole=False, then="settles")

    @precondition(lambda self: self.itineraries)
    @rule(which=WHICH)
    def submits_the_itinerary(self, which):
        self.attempt(lambda: make.submit(self.stage, self.itinerary(which)))

    @precondition(lambda self: self.itineraries)
    @rule(which=WHICH, whole=st.booleans(), then=PAGES)
    def pays_the_itinerary(self, which, whole, then):
        """What its hosts have to decide on is decided first, and what has ended is left out."""
        itinerary = self.itinerary(which)
        self.attempt(lambda: make.submit(self.stage, itinerary))
        for booking in make.bookings(self.stage, itinerary):
            if booking.state in (S.SUBMITTED, S.MORE_ASKED):
                self.on(booking.id, applications.approve, actor_id=self.host)
        self.attempt(lambda: make.follow(self.stage, itinerary))
        ended = [one.id for one in make.bookings(self.stage, itinerary) if one.state not in TIMED]
        asked = self.attempt(
            lambda: make.pay(self.stage, itinerary, whole=whole, without=tuple(ended))
        )
        if asked is not None and asked not in self.payments:
            self.payments.append(asked)
        if asked is not None and then == "settles":
            self.stage.settle(asked)
        elif asked is not None and then != "stays open":
            self.attempt(lambda: self.stage.arrive(asked, failed=then == "fails"))
        if asked is not None:
            event(f"a page {then}: the itinerary is {make.read(self.stage, itinerary).state}")

    @precondition(lambda self: self.itineraries)
    @rule(which=WHICH, one=WHICH)
    def leaves_one_of_the_itinerary(self, which, one):
        live = [b for b in make.bookings(self.stage, self.itinerary(which)) if b.state in TIMED]
        if live:
            self.on(live[one % len(live)].id, applications.withdraw, reason="")

    @precondition(lambda self: self.itineraries)
    @rule(which=WHICH)
    def gives_the_itinerary_up(self, which):
        self.attempt(lambda: make.withdraw(self.stage, self.itinerary(which)))

    @rule()
    def itineraries_are_followed(self):
        """Afterwards none waits whose rotations have all ended."""
        for itinerary in self.itineraries:
            make.follow(self.stage, itinerary)
            if make.read(self.stage, itinerary).state == ItineraryState.HELD:
                assert set(make.states(self.stage, itinerary)) & TIMED

    @invariant()
    def an_itinerary_is_paid_whole_or_not(self):
        """No rotation is confirmed before its itinerary is, and no payment is for a part of it."""
        with self.stage.transaction() as session:
            early = session.execute(
                text(
                    "SELECT b.id, i.state FROM booking b JOIN itinerary i ON i.id = b.itinerary_id"
                    " WHERE b.state = ANY (:done) AND i.state <> 'confirmed'"
                ),
                {"done": list(DONE)},
            ).all()
            uneven = session.execute(
                text(
                    "SELECT p.id FROM payment p JOIN payment_part t ON t.payment_id = p.id"
                    " GROUP BY p.id HAVING sum(t.amount_minor) <> p.amount_minor"
                    " OR sum(t.refunded_minor) <> p.refunded_minor"
                )
            ).all()
            lingering = session.execute(
                text(
                    "SELECT b.id, b.state FROM booking b JOIN itinerary i ON i.id = b.itinerary_id"
                    " WHERE i.state = 'ended' AND b.state = ANY (:timed)"
                ),
                {"timed": sorted(TIMED)},
            ).all()
        assert early == []
        assert lingering == []
        assert uneven == []
