"""The machine that every file of rules builds on: a stage, who and what is on it, and how to act.

To add rules: a module in this folder with a class that derives from `Machine` and is named `Rules`;
`test_promises` finds it. A rule does something that can really happen; a refusal is a fine answer.
What must hold after each step is in `invariants`.
"""

from collections.abc import Callable
from typing import Any

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition
from sqlalchemy import text

from marketplace.booking import queries
from marketplace.booking.service import cancellations
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.states import BookingState
from marketplace.core.errors import DomainError
from tests.factories.rotations import Place, Stage

S = BookingState
WHICH = st.integers(0, 5)
PAGES = st.sampled_from(["fails", "closes", "stays open", "settles", "settles"])
PLACES = st.integers(0, 2)
TRAINEES = st.integers(0, 2)
UNPAID = (S.HELD, S.SUBMITTED, S.MORE_ASKED, S.AWAITING_PAYMENT)
PAID = (S.CONFIRMED, S.IN_PROGRESS)


def having(*states: BookingState) -> Callable[[Any], Any]:
    """Offer a rule only while a booking is in one of these states: steps should do something."""
    return precondition(lambda self: bool(self.found(*states)))


class Machine(RuleBasedStateMachine):
    """Three trainees, three places of one or two seats, and what is known of their bookings."""

    # Set by the test before it runs; the same stage for every sequence.
    stage: Stage
    trainees: list[Any]
    places: list[Place]
    # How many seats a week each place has at first, and whether some are booked.
    seats = (1, 2, 1)
    booked = True

    def __init__(self) -> None:
        super().__init__()
        self.host = self.places[0].owner_id
        self.states: dict[Any, BookingState] = {}
        self.payments: list[Any] = []

    def first_steps(self, page: str) -> None:
        """What every sequence of a theme begins with, once the places have their seats.

        `page` is what becomes of a payment's page.
        """

    def found(self, *states: BookingState) -> list[Any]:
        return [booking for booking, state in self.states.items() if state in states]

    def pick(self, which: int, *states: BookingState) -> Any:
        """One of the bookings in these states; the newest is the likeliest."""
        candidates = self.found(*states)
        return candidates[-1 - which % len(candidates)]

    def payment(self, which: int) -> Any:
        return self.payments[-1 - which % len(self.payments)]

    def attempt(self, action: Callable[[], Any]) -> Any:
        """Do it, or be refused: a refusal has no effect, which the invariants see to."""
        try:
            return action()
        except DomainError as refused:
            event(f"refused: {refused.code}")
            return None

    def on(self, booking_id: Any, action: Callable[..., Any], **arguments: Any) -> None:
        """Act on a booking in a transaction of its own: `action(session, booking, now=…, …)`."""

        def run() -> None:
            with self.stage.transaction() as session:
                booking = queries.find(session, booking_id)
                action(session, booking, now=self.stage.now, **arguments)

        self.attempt(run)

    def made(self, make: Callable[[], Any]) -> Any:
        """Make a booking and remember it; None if it was refused."""
        booking = self.attempt(make)
        if booking is not None:
            self.states[booking] = S(self.stage.state(booking))
        return booking

    def pay_for(self, booking_id: Any, *, whole: bool) -> None:
        asked_for = self.attempt(lambda: self.stage.pay(booking_id, whole=whole))
        if asked_for is not None and asked_for not in self.payments:
            self.payments.append(asked_for)

    def cancel(self, booking_id: Any, wish: Wish, to: BookingState) -> None:
        """Cancel under the quote that is shown at that moment."""

        def run() -> None:
            with self.stage.transaction() as session:
                booking = queries.find(session, booking_id)
                shown = cancellations.quote(session, booking, wish, self.stage.now)
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
        """Leave the places empty for the next sequence."""
        with self.stage.transaction() as session:
            session.execute(text("TRUNCATE booking, payment, ledger_account, notice CASCADE"))
            session.execute(text("TRUNCATE waiting_entry, kept_seat, itinerary CASCADE"))
            session.execute(text("TRUNCATE allocation_round CASCADE"))
            session.execute(text("DELETE FROM procrastinate_jobs"))
            session.execute(text("UPDATE seat_week SET taken = 0"))
