"""What must hold after every step: promises 1 to 3, money that adds up, a history that replays."""

import itertools

from hypothesis.stateful import invariant
from sqlalchemy import text

from marketplace.booking import queries
from marketplace.booking.service import replaying
from marketplace.booking.states import OWNED, TIMED, TRANSITIONS
from marketplace.core.money import Money
from marketplace.payments import queries as payment_queries
from marketplace.payments.events import Payable
from tests.integration.booking.promises.machine import Machine, S

KEEPS = sorted(TIMED | OWNED)


class Rules(Machine):
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
            for booking_id in self.states:
                booking = queries.find(session, booking_id)
                self.states[booking_id] = S(booking.state)
                agreed = queries.cancellation(session, booking_id)
                due = booking.paid if agreed is None else agreed.kept
                if queries.change_from(session, booking_id) is not None:
                    # Another took over, and all of it went along or back.
                    due = Money.zero(due.currency)
                payable = Payable("booking", booking_id)
                kept = [
                    *payment_queries.kept_payments(session, payable),
                    *payment_queries.kept_parts(session, payable),
                ]
                assert sum(one.refundable.minor for one in kept) == due.minor, booking.state
                assert booking.paid <= booking.total

    @invariant()
    def history_tells_how_it_came_to_be(self):
        with self.stage.transaction() as session:
            for booking_id in self.states:
                steps = queries.history(session, booking_id)
                assert steps[-1].to_state == queries.find(session, booking_id).state
                for before, after in itertools.pairwise(steps):
                    assert after.from_state == before.to_state
                    assert TRANSITIONS.allows(S(before.to_state), S(after.to_state))

    @invariant()
    def a_replay_leads_to_what_is_stored(self):
        with self.stage.transaction() as session:
            found = replaying.verdicts(
                session, [queries.find(session, booking_id) for booking_id in self.states]
            )
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
