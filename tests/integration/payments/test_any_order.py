"""Whatever payers, banks, the network and our own retries do, in whatever order, the books agree.

A state machine over opening, paying, declining, expiring, cancelling, refunding, bounced refunds,
lost answers, and events that come late, twice and out of order. At every step the ledger balances
and refunds stay within what was captured; at the end, once everything has been heard, the clearing
account equals the processor's balance, and each payer has been charged once for one thing.
"""

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from marketplace.core.ids import new_id
from marketplace.payments import service, tasks
from marketplace.payments.errors import (
    AlreadyPaid,
    PaymentInProgress,
    RefundExceedsPayment,
    RefundNotRetryable,
)
from marketplace.payments.events import Payable
from marketplace.payments.gateway import GatewayUncertain
from tests.fakes.gateway import Lost
from tests.integration.payments.conftest import usd


@pytest.mark.fault(13)
@pytest.mark.fault(14)
@pytest.mark.fault(23)
@pytest.mark.fault(26)
def test_in_any_order_the_books_agree(till, gateway, run_jobs, clock):
    class Money(RuleBasedStateMachine):
        things = Bundle("things")

        def __init__(self):
            super().__init__()
            self.payments, self.refunds, self.events = [], [], []

        @rule(target=things)
        def something_to_pay(self):
            return Payable("thing", new_id())

        @rule(thing=things)
        def ask(self, thing):
            with suppress(AlreadyPaid, PaymentInProgress):
                self.payments.append(till.request(thing))

        @rule(lost=st.booleans())
        def work(self, lost):
            gateway.failures = [Lost()] if lost else []
            with suppress(GatewayUncertain):
                run_jobs()
            gateway.failures = []

        @precondition(lambda self: self.open_pages())
        @rule(data=st.data(), act=st.sampled_from(["pay", "decline", "expire", "fail_later"]))
        def payer(self, data, act):
            page = data.draw(st.sampled_from(self.open_pages()))
            self.events.append(getattr(gateway, act)(page))

        @precondition(lambda self: self.payments)
        @rule(data=st.data())
        def cancel(self, data):
            with suppress(AlreadyPaid):
                till.cancel(data.draw(st.sampled_from(self.payments)))

        @precondition(lambda self: self.payments)
        @rule(data=st.data(), minor=st.integers(1, 40_000))
        def refund(self, data, minor):
            with suppress(RefundExceedsPayment):
                payment_id = data.draw(st.sampled_from(self.payments))
                self.refunds.append(till.refund(payment_id, usd(minor)))

        @precondition(lambda self: self.good_refunds())
        @rule(data=st.data())
        def bounce(self, data):
            name = data.draw(st.sampled_from(self.good_refunds()))
            self.events.append(gateway.bounce_refund(name))

        @precondition(lambda self: self.refunds)
        @rule(data=st.data())
        def send_again(self, data):
            refund_id = data.draw(st.sampled_from(self.refunds))
            with suppress(RefundNotRetryable), till.context.transaction() as session:
                again = service.retry_refund(session, refund_id, now=clock.now())
                self.refunds.append(again.id)

        @precondition(lambda self: self.events)
        @rule(data=st.data(), times=st.integers(1, 3))
        def hear(self, data, times):
            event = data.draw(st.sampled_from(self.events))
            for _ in range(times):
                till.handle(event)

        @rule(minutes=st.sampled_from([1, 6, 31]))
        def time_passes(self, minutes):
            clock.advance(timedelta(minutes=minutes))
            tasks.poll(till.context)

        @invariant()
        def balanced_and_within_what_was_captured(self):
            till.books()
            assert (
                till.one("SELECT count(*) FROM payment WHERE refunded_minor > captured_minor") == 0
            )

        def teardown(self):
            gateway.failures = []
            for event in self.events:
                till.handle(event)
            for _ in range(3):
                run_jobs()
                clock.advance(timedelta(minutes=31))
                tasks.poll(till.context)
            run_jobs()
            held = gateway.balance().get("USD", usd(0))
            assert till.balance("processor_clearing") == held.minor
            kept_twice = (
                "SELECT count(*) FROM (SELECT payable_id FROM payment WHERE state = 'settled'"
                " AND NOT surplus AND refunded_minor = 0 GROUP BY payable_id"
                " HAVING count(*) > 1) AS twice"
            )
            assert till.one(kept_twice) == 0
            for payment_id in self.payments:
                assert till.payment(payment_id).state not in {"requested", "open"}
            assert set(till.quarantined()) <= {"refund_failed"}

        def open_pages(self):
            return [name for name, page in gateway.sessions.items() if page.status == "open"]

        def good_refunds(self):
            return [name for name, one in gateway.refunds.items() if one.status == "succeeded"]

    run_state_machine_as_test(
        Money,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
