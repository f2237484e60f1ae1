"""Whatever payers, hosts, banks, the network and our own retries do, in whatever order, the books agree.

A state machine over paying (whole, deposit, balance, by card and by bank), declining, expiring,
cancelling, refunding, disputing, releasing shares, sending, reversing and paying out, against the
sandbox itself: the official SDK calls it, its signed webhooks come late, twice, out of order or
never, its answers are lost, and it is restarted. At every step each ledger account adds up, refunds
stay within what was captured, and a host has earned no more of a thing than is theirs of it. In the
end, once everything has been heard, our account at Stripe is what Stripe says that it holds, in every
currency, no balance transaction is unexplained, and each payer has been charged once for one thing.
"""

import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from marketplace.embedded.stripe_sandbox import acts
from tests.integration.payments.near_stripe import NearStripe
from tests.integration.payments.trading import PAYMENT_METHODS, Trade

EXAMPLES, STEPS = 16, 50
picks = st.integers(0, 1_000_000)
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

        # What we are asked to do.

        @precondition(lambda self: len(self.trade.things) < 4)
        @rule(
            currency=st.sampled_from(["USD", "USD", "EUR"]),
            whole=st.booleans(),
            paid=st.booleans(),
        )
        def book(self, currency, whole, paid):
            self.trade.book(currency, whole=whole, paid=paid)

        @precondition(lambda self: self.trade.things)
        @rule(pick=picks, second=st.booleans(), afresh=st.booleans())
        def ask(self, pick, second, afresh):
            self.trade.ask(self.some(self.trade.things, pick), second=second, afresh=afresh)

        @precondition(lambda self: self.trade.payments)
        @rule(pick=picks)
        def cancel(self, pick):
            self.trade.cancel(self.some(self.trade.payments, pick))

        @precondition(lambda self: self.trade.payments)
        @rule(pick=picks, minor=st.integers(1, 40_000), as_credit=st.booleans())
        def refund(self, pick, minor, as_credit):
            payment_id = self.some(self.trade.payments, pick)
            self.trade.refund(payment_id, minor, as_credit=as_credit)

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
        @rule(pick=picks, step=st.sampled_from(["first", "rest", "rest", "stop"]))
        def tell(self, pick, step):
            self.trade.tell(self.some(self.trade.things, pick), step)

        @rule(percent=st.sampled_from([0, 333, 1000]), bearer=st.sampled_from(["host", "platform"]))
        def agree(self, percent, bearer):
            self.trade.agree(percent, bearer)

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
        )
        def dispute(self, pick, minor, reason):
            name = self.some(self.stripe.held("charge"), pick)["id"]
            self.stripe.act(acts.open_dispute, charge=name, reason=reason, amount=minor)

        @precondition(lambda self: self.stripe.held("dispute"))
        @rule(pick=picks, turn=st.sampled_from(["won", "lost", "reopen", "ask again", "escalate"]))
        def bank_decides(self, pick, turn):
            self.trade.bank_decides(self.some(self.stripe.held("dispute"), pick)["id"], turn)

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

        @rule(pick=picks, ours=st.booleans())
        def payout_fails(self, pick, ours):
            owner = [] if ours else [self.trade.name]
            if found := self.stripe.held("payout", *owner):
                self.stripe.act(acts.fail_payout, payout=self.some(found, pick)["id"])

        # What lies between us.

        @rule(pick=picks, weather=weathers)
        def work(self, pick, weather):
            """One of the waiting jobs, in no order; something may happen to its first call."""
            if waiting := self.trade.waiting_jobs():
                with self.stripe.weather(weather):
                    self.trade.work(self.some(waiting, pick))

        @precondition(lambda self: self.stripe.undelivered())
        @rule(pick=picks, times=st.integers(1, 3), again=st.booleans(), handled=st.booleans())
        def deliver(self, pick, times, again, handled):
            """A webhook comes, perhaps several times; unless our answer came it is sent `again`."""
            delivery = self.some(self.stripe.undelivered(), pick)
            for _ in range(times):
                self.trade.deliver(delivery, handled=handled)
            if not again:
                self.stripe.close_delivery(delivery, "delivered")

        @precondition(lambda self: self.stripe.undelivered())
        @rule(pick=picks)
        def lose(self, pick):
            self.stripe.close_delivery(self.some(self.stripe.undelivered(), pick), "lost")

        @rule(hours=st.sampled_from([0.1, 0.6, 3, 26, 168]), looked=st.booleans())
        def time_passes(self, hours, looked):
            self.stripe.pass_time(timedelta(hours=hours))
            if looked:
                self.trade.look()

        @rule()
        def reconcile(self):
            self.trade.reconcile()

        @rule()
        def restart(self):
            self.stripe.restart()

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
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
