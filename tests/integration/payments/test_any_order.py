"""Whatever payers, hosts, banks, the network and our own retries do, in whatever order, the books agree.

A state machine over paying (whole, deposit, balance, by card and by bank), declining, expiring,
cancelling, refunding, disputing, releasing shares, sending, reversing and paying out, against the
sandbox itself: the official SDK calls it, its signed webhooks come late, twice, out of order or
never, its answers are lost, and it is restarted. At every step each ledger account adds up, refunds
stay within what was captured, and a host has earned no more of a thing than is theirs of it. In the
end, once everything has been heard, our account at Stripe is what Stripe says that it holds, in every
currency, no balance transaction is unexplained, and each payer has been charged once for one thing.
"""

import os
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from marketplace.embedded.stripe_sandbox import acts
from tests.integration.payments.near_stripe import NearStripe
from tests.integration.payments.trading import PAYMENT_METHODS, Trade

# The same eight runs each time; others, and more, by MONEY_RUNS=300.
RUNS = os.environ.get("MONEY_RUNS")
EXAMPLES, STEPS = int(RUNS or 8), 50
picks = st.integers(0, 1_000_000)
bookings = st.tuples(st.sampled_from(["USD", "USD", "EUR"]), st.booleans())
turns = st.sampled_from(["won", "lost", "won", "lost", "reopen", "ask again", "escalate"])
weathers = st.sampled_from(
    ["", "", "", "before", "after", "busy", "kept 500", "kept 500 of work that was done"]
)


@pytest.mark.fault(7, 9, 13, 14, 15, 23, 26)
@pytest.mark.fault(30, 31, 32, 33, 34, 35)
def test_in_any_order_the_books_agree_with_the_sandbox(till, sessions, client, clock):
    began = clock.now()

    class Money(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.savepoint = sessions.kw["bind"].begin_nested()
            clock.at = began
            self.folder = tempfile.TemporaryDirectory()
            self.stripe = NearStripe(Path(self.folder.name), clock)
            self.trade = Trade(till, self.stripe, client)

        @initialize(
            percent=st.sampled_from([None, 333, 1000]),
            bearer=st.sampled_from(["host", "platform"]),
            booked=st.lists(st.tuples(bookings, st.booleans()), min_size=2, max_size=3),
        )
        def begin(self, percent, bearer, booked):
            if percent is not None:
                self.trade.contract(host_fee_bp=percent, losses_borne_by=bearer)
            for (currency, whole), earned in booked:
                thing = self.trade.book(currency, whole=whole, paid=True)
                if earned:
                    self.trade.earn(thing)

        # What we are asked to do.

        @precondition(lambda self: len(self.trade.things) < 5)
        @rule(booking=bookings)
        def book(self, booking):
            currency, whole = booking
            self.trade.book(currency, whole=whole, paid=False)

        @precondition(lambda self: self.trade.things)
        @rule(pick=picks, second=st.booleans(), afresh=st.booleans())
        def ask(self, pick, second, afresh):
            self.trade.ask(self.some(self.trade.things, pick), second=second, afresh=afresh)

        @precondition(lambda self: self.trade.payments)
        @rule(pick=picks)
        def cancel(self, pick):
            self.trade.cancel(self.some(self.trade.payments, pick))

        @precondition(lambda self: self.trade.payments)
        @rule(
            pick=picks,
            minor=st.integers(1, 40_000),
            as_credit=st.booleans(),
            sent=st.booleans(),
        )
        def refund(self, pick, minor, as_credit, sent):
            payment_id = self.some(self.trade.payments, pick)
            self.trade.refund(payment_id, minor, as_credit=as_credit)
            if sent:
                self.trade.work_of("payments.send_refund", "payments.send_reversal")

        @precondition(lambda self: self.trade.failed_refunds())
        @rule(pick=picks)
        def send_refund_again(self, pick):
            self.trade.send_refund_again(self.some(self.trade.failed_refunds(), pick))

        @precondition(lambda self: self.trade.open_disputes())
        @rule(
            pick=picks,
            words=st.sampled_from(["winning_evidence", "losing_evidence", "it was", None]),
        )
        def answer(self, pick, words):
            self.trade.answer(self.some(self.trade.open_disputes(), pick), words)

        @precondition(lambda self: self.trade.things)
        @rule(pick=picks, step=st.sampled_from(["first", "rest", "stop", "earn", "earn"]))
        def tell(self, pick, step):
            thing = self.some(self.trade.things, pick)
            if step == "earn":
                self.trade.earn(thing)
            else:
                self.trade.tell(thing, step)

        # What others do.

        @precondition(lambda self: self.trade.open_pages())
        @rule(pick=picks, method=st.sampled_from(sorted(PAYMENT_METHODS)), good=st.booleans())
        def pay(self, pick, method, good):
            page = self.some(self.trade.open_pages(), pick)
            self.trade.pay(page, "card" if good else method)

        @rule(pick=picks, outcome=st.sampled_from(["succeeded", "insufficient_funds"]))
        def bank_debit(self, pick, outcome):
            waiting = self.stripe.held("payment_intent", status="processing")
            if waiting:
                name = self.some(waiting, pick)["id"]
                self.stripe.act(acts.settle, payment_intent=name, outcome=outcome)

        @precondition(lambda self: self.stripe.held("refund"))
        @rule(pick=picks, fails=st.booleans())
        def refund_ends(self, pick, fails):
            name = self.some(self.stripe.held("refund"), pick)["id"]
            self.stripe.act(acts.fail_refund if fails else acts.succeed_refund, refund=name)

        @precondition(lambda self: self.stripe.held("charge"))
        @rule(
            pick=picks,
            minor=st.none() | st.integers(1, 38_080),
            reason=st.sampled_from(["fraudulent", "product_not_received", "inquiry"]),
            heard=st.booleans(),
        )
        def dispute(self, pick, minor, reason, heard):
            name = self.some(self.stripe.held("charge"), pick)["id"]
            made = self.stripe.act(acts.open_dispute, charge=name, reason=reason, amount=minor)
            if made and heard:
                self.trade.look_at_dispute(made["id"])

        @precondition(lambda self: self.stripe.held("dispute"))
        @rule(pick=picks, turns=st.lists(st.tuples(turns, st.booleans()), min_size=1, max_size=3))
        def bank_decides(self, pick, turns):
            """A bank decides, and may think better of it; each time we hear of it, or don't yet."""
            name = self.some(self.stripe.held("dispute"), pick)["id"]
            for turn, heard in turns:
                self.trade.bank_decides(name, turn)
                if heard:
                    self.trade.look_at_dispute(name)

        @rule(able=st.booleans())
        def change_account(self, able):
            act = acts.enable_account if able else acts.disable_account
            self.stripe.act(act, account=self.trade.name)

        @rule(
            ours=st.booleans(),
            percent=st.integers(1, 100),
            currency=st.sampled_from(["usd", "eur"]),
        )
        def pay_out(self, ours, percent, currency):
            self.trade.pay_out(None if ours else self.trade.name, percent, currency)

        @precondition(lambda self: self.stripe.held("payout", None))
        @rule(pick=picks)
        def payout_fails(self, pick):
            name = self.some(self.stripe.held("payout", None), pick)["id"]
            self.stripe.act(acts.fail_payout, payout=name)

        # What lies between us.

        @rule(pick=picks, weather=weathers)
        def work(self, pick, weather):
            """One of the waiting jobs, in no order; something may happen to its first call."""
            if waiting := self.trade.waiting_jobs():
                with self.stripe.weather(weather):
                    self.trade.work(self.some(waiting, pick))

        @precondition(lambda self: self.stripe.undelivered())
        @rule(
            pick=picks,
            times=st.integers(0, 3),
            ends=st.sampled_from(["delivered", "delivered", "pending"]),
            handled=st.booleans(),
        )
        def deliver(self, pick, times, ends, handled):
            """A webhook comes, perhaps several times, or never; it may be sent again later."""
            delivery = self.some(self.stripe.undelivered(), pick)
            for _ in range(times):
                self.trade.deliver(delivery, handled=handled)
            self.stripe.close_delivery(delivery, ends if times else "lost")

        @rule(
            hours=st.sampled_from([0.1, 0.6, 3, 26, 168]),
            then=st.sampled_from(["look", "reconcile", "reconcile", "restart", ""]),
        )
        def time_passes(self, hours, then):
            self.stripe.pass_time(timedelta(hours=hours))
            if then == "restart":
                self.stripe.restart()
            elif then:
                getattr(self.trade, then)()

        # What holds.

        @invariant()
        def the_books_are_sound(self):
            self.trade.check()

        def teardown(self):
            try:
                self.trade.hear_everything()
                self.trade.check()
                self.trade.compare()
            finally:
                self.stripe.close()
                self.folder.cleanup()
                self.savepoint.rollback()

        @staticmethod
        def some(found, pick):
            choices = list(found)
            return choices[pick % len(choices)]

    run_state_machine_as_test(
        Money,
        settings=settings(
            max_examples=EXAMPLES,
            derandomize=RUNS is None,
            database=None,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
