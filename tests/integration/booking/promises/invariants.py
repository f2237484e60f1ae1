"""What must hold after every step: promises 1 to 3, money that adds up, a history that replays."""

import itertools
from collections import Counter

from hypothesis.stateful import invariant
from sqlalchemy import select, text

from marketplace.booking.models import (
    Booking,
    BookingCancellation,
    BookingChange,
    BookingTransition,
)
from marketplace.booking.service import replaying
from marketplace.booking.states import OWNED, TIMED, TRANSITIONS
from marketplace.payments import queries as payment_queries
from marketplace.payments.models import Payment, PaymentPart
from marketplace.payments.states import PaymentState
from tests.integration.booking.promises.machine import Machine, S

KEEPS = sorted(TIMED | OWNED)


def every(session, model):
    return session.execute(select(model)).scalars().all()


def money_kept(session):
    """Minor units that settled payments, and parts of such, keep for each booking now."""
    kept = Counter()
    settled = Payment.state == PaymentState.SETTLED
    parts = select(PaymentPart).join(Payment, Payment.id == PaymentPart.payment_id)
    for statement, kind in ((select(Payment), Payment), (parts, PaymentPart)):
        asked = statement.where(settled, kind.payable_kind == "booking")
        for one in session.execute(asked).scalars():
            kept[one.carried_to_id or one.payable_id] += one.refundable.minor
    return kept


class Rules(Machine):
    def bookings(self, session):
        """All that were made so far, in one statement."""
        found = {one.id: one for one in every(session, Booking)}
        return [found[booking_id] for booking_id in self.states]

    @invariant()
    def no_seat_leaks_or_is_sold_twice(self):
        wrong = [found for found in self.stage.findings() if found.code == "seats_differ"]
        assert wrong == []
        with self.stage.transaction() as session:
            oversold = session.execute(
                text("SELECT count(*) FROM seat_week WHERE taken > capacity OR taken < 0")
            ).scalar_one()
        assert oversold == 0

    @invariant()
    def no_trainee_has_two_seats_in_a_week(self):
        with self.stage.transaction() as session:
            twice = session.execute(
                text(
                    "SELECT trainee_id, week FROM booking_week WHERE released_at IS NULL"
                    " GROUP BY trainee_id, week HAVING count(*) > 1"
                )
            ).all()
        assert twice == []

    @invariant()
    def every_seat_has_an_end_or_an_owner(self):
        with self.stage.transaction() as session:
            stray = session.execute(
                text(
                    "SELECT b.id, b.state FROM booking b JOIN booking_week w ON w.booking_id = b.id"
                    " WHERE w.released_at IS NULL AND b.hold_expires_at IS NULL"
                    " AND b.state IN ('expired', 'withdrawn', 'declined')"
                )
            ).all()
            bare = session.execute(
                text(
                    "SELECT b.id, b.state FROM booking b WHERE b.state = ANY (:keeps)"
                    " AND b.weeks <> (SELECT count(*) FROM booking_week w"
                    "   WHERE w.booking_id = b.id AND w.released_at IS NULL)"
                ),
                {"keeps": list(KEEPS)},
            ).all()
            endless = session.execute(
                text(
                    "SELECT id FROM booking"
                    " WHERE (state = ANY (:timed)) <> (hold_expires_at IS NOT NULL)"
                ),
                {"timed": sorted(TIMED)},
            ).all()
        assert stray == []
        assert bare == []
        assert endless == []

    @invariant()
    def money_is_kept_only_for_what_was_agreed(self):
        with self.stage.transaction() as session:
            kept = money_kept(session)
            agreed = {one.booking_id: one.kept for one in every(session, BookingCancellation)}
            # Another took over, and all of it went along or back.
            left = {one.replaced_id for one in every(session, BookingChange)}
            for booking in self.bookings(session):
                self.states[booking.id] = S(booking.state)
                due = 0 if booking.id in left else agreed.get(booking.id, booking.paid).minor
                assert kept[booking.id] == due, booking.state
                assert booking.paid <= booking.total

    @invariant()
    def history_tells_how_it_came_to_be(self):
        with self.stage.transaction() as session:
            steps = every(session, BookingTransition)
            ordered = sorted(steps, key=lambda step: (step.booking_id, step.number))
            of = {
                booking_id: list(own)
                for booking_id, own in itertools.groupby(ordered, key=lambda step: step.booking_id)
            }
            for booking in self.bookings(session):
                assert of[booking.id][-1].to_state == booking.state
                for before, after in itertools.pairwise(of[booking.id]):
                    assert after.from_state == before.to_state
                    assert TRANSITIONS.allows(S(before.to_state), S(after.to_state))

    @invariant()
    def a_replay_leads_to_what_is_stored(self):
        with self.stage.transaction() as session:
            found = replaying.verdicts(session, self.bookings(session))
        assert [(one.booking_id, *one.disagreements) for one in found if not one.agrees] == []

    @invariant()
    def the_books_balance(self):
        with self.stage.transaction() as session:
            uneven = session.execute(
                text(
                    "SELECT transaction_id FROM ledger_entry"
                    " GROUP BY transaction_id, currency HAVING sum(amount_minor) <> 0"
                )
            ).all()
            assert uneven == []
            assert payment_queries.wrong_refund_sums(session) == []
