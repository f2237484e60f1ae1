"""Credit is never made from nothing and never lost, whatever is done with it and in what order.

A state machine over giving, holding, paying whole and in part, pages that settle, fail, or settle
late, cancelling, revoking, handing on and expiring. After each step the books owe what there is, and
what was granted is what is left, set aside, kept for bookings, expired, revoked or handed on.
"""

from contextlib import suppress
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from marketplace.booking import queries
from marketplace.booking.errors import NotBookable, NotOpenForThis
from marketplace.booking.rules.less import Less
from marketplace.booking.service import cancellations, payment
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.states import BookingState
from marketplace.payments.errors import AlreadyPaid, AmountRefused, CreditLacking, PaymentInProgress
from marketplace.payments.service.credit import granting
from tests.factories.credit import assert_sound, give, usd
from tests.factories.rotations import FIRST_DAY

AMOUNTS = st.sampled_from([1, 999, 10_000, 44_800, 100_000, 179_200])
REFUSALS = (AlreadyPaid, AmountRefused, CreditLacking, NotOpenForThis, PaymentInProgress)
KINDS = """
    SELECT kind, coalesce(sum(amount_minor), 0) FROM credit_movement GROUP BY kind
"""


def test_credit_is_never_created_or_lost(stage, sessions, clock):
    began = clock.now()
    place = stage.place(seats_per_week=20)
    people = [stage.trainee(), stage.trainee()]

    class Credit(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.savepoint = sessions.kw["bind"].begin_nested()
            clock.at = began
            self.bookings, self.payments, self.grants, self.given = [], [], [], 0

        @rule(who=st.integers(0, 1), amount=AMOUNTS, days=st.sampled_from([None, 1, 40]))
        def grant(self, who, amount, days):
            until = None if days is None else stage.now + timedelta(days=days)
            made = give(stage, people[who], usd(amount), expires_at=until, transferable=True)
            self.grants.append((people[who], made))
            self.given += amount

        @rule(who=st.integers(0, 1))
        def hold(self, who):
            start = FIRST_DAY + timedelta(weeks=2 * len(self.bookings))
            with suppress(NotBookable):
                self.bookings.append(stage.hold(people[who], place, start, 2))

        @precondition(lambda self: self.bookings)
        @rule(data=st.data(), amount=AMOUNTS, whole=st.booleans(), all_of_it=st.booleans())
        def pay(self, data, amount, whole, all_of_it):
            booking_id = data.draw(st.sampled_from(self.bookings))
            with suppress(*REFUSALS), stage.transaction() as session, session.begin_nested():
                booking = queries.find(session, booking_id)
                if all_of_it:
                    look = payment.look(session, booking, whole=whole, less=Less(), now=stage.now)
                    amount = look.due.minor
                self.payments.append(
                    payment.pay(
                        session,
                        booking,
                        whole=whole,
                        less=Less(credit=usd(amount)),
                        terms=stage.terms,
                        now=stage.now,
                    )
                )

        @precondition(lambda self: self.payments)
        @rule(data=st.data(), act=st.sampled_from(["paid", "paid", "failed", "closed"]))
        def page(self, data, act):
            found = data.draw(st.sampled_from(self.payments))
            if self.means(found) == "card":
                stage.arrive(found, paid=act == "paid", failed=act == "failed")

        @precondition(lambda self: self.bookings)
        @rule(data=st.data())
        def cancel(self, data):
            booking_id = data.draw(st.sampled_from(self.bookings))
            with suppress(NotOpenForThis), stage.transaction() as session, session.begin_nested():
                booking = queries.find(session, booking_id)
                cancellations.cancel(
                    session,
                    booking,
                    Wish(),
                    mark=cancellations.quote(session, booking, Wish(), stage.now).mark,
                    to=BookingState.CANCELLED_BY_TRAINEE,
                    actor_id=booking.trainee_id,
                    reason="Other plans.",
                    now=stage.now,
                )

        @precondition(lambda self: self.grants)
        @rule(data=st.data(), amount=AMOUNTS)
        def revoke(self, data, amount):
            owner, grant = data.draw(st.sampled_from(self.grants))
            with suppress(CreditLacking), stage.transaction() as session, session.begin_nested():
                granting.revoke(
                    session,
                    grant,
                    amount=usd(amount),
                    reason="Taken back.",
                    actor_id=owner,
                    now=stage.now,
                )

        @precondition(lambda self: self.grants)
        @rule(data=st.data())
        def hand_on(self, data):
            owner, grant = data.draw(st.sampled_from(self.grants))
            other = people[owner == people[0]]
            with suppress(CreditLacking), stage.transaction() as session, session.begin_nested():
                made = granting.hand_on(
                    session,
                    grant,
                    owner_id=owner,
                    to_email=f"{other}@example.org",
                    now=stage.now,
                )
                self.grants.append((other, made.id))

        @rule(step=st.sampled_from([timedelta(minutes=36), timedelta(days=2)]))
        def time_passes(self, step):
            clock.advance(step)
            stage.expire_due()
            with stage.transaction() as session:
                granting.expire_due(session, stage.now)

        @invariant()
        def nothing_is_made_or_lost(self):
            assert_sound(stage)
            with stage.transaction() as session:
                moved = {row[0]: int(row[1]) for row in session.execute(text(KINDS))}
                there, aside, paid = session.execute(
                    text(
                        "SELECT (SELECT coalesce(sum(left_minor), 0) FROM credit_grant),"
                        " (SELECT coalesce(sum(amount_minor), 0) FROM credit_use"
                        "   WHERE state = 'held'),"
                        " (SELECT coalesce(sum(captured_minor - refunded_minor), 0) FROM payment"
                        "   WHERE means = 'credit')"
                    )
                ).one()
            handed = -moved.get("handed_on", 0)
            ended = -moved.get("expired", 0) - moved.get("revoked", 0)
            assert moved.get("granted", 0) - handed == self.given
            assert self.given == there + aside + paid + ended

        def means(self, payment_id):
            with stage.transaction() as session:
                return session.execute(
                    text("SELECT means FROM payment WHERE id = :id"), {"id": payment_id}
                ).scalar_one()

        def teardown(self):
            self.savepoint.rollback()

    run_state_machine_as_test(
        Credit,
        settings=settings(
            max_examples=20,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
