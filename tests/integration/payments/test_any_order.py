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
from marketplace.payments.gateway import GatewayUncertain, PaymentGateway
from tests.fakes.gateway import FakeGateway, Lost
from tests.integration.payments.conftest import usd


@pytest.mark.fault(13)
@pytest.mark.fault(14)
@pytest.mark.fault(23)
@pytest.mark.fault(26)
def test_in_any_order_the_books_agree(till, sessions, parts, run_jobs, clock):
    jobs = {task.name: task.run for task in tasks.TASKS}
    began = clock.now()

    class Money(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.savepoint = sessions.kw["bind"].begin_nested()
            clock.at = began
            self.gateway = FakeGateway(at=began)
            parts.add(PaymentGateway, self.gateway)
            self.things = [Payable("thing", new_id()) for _ in range(2)]
            self.payments, self.refunds, self.events = [], [], []

        @rule(place=st.integers(0, 1), afresh=st.booleans())
        def ask(self, place, afresh):
            """Ask for one of two things; `afresh` in a second tab, after giving up the first."""
            thing = self.things[place]
            with suppress(AlreadyPaid, PaymentInProgress):
                first = till.request(thing)
                self.payments.append(first)
                if afresh:
                    till.cancel(first)
                    self.payments.append(till.request(thing))

        @rule(data=st.data(), lost=st.booleans())
        def work(self, data, lost):
            """Run one of the waiting jobs, in no order; its answer from the processor may be lost."""
            waiting = till.one(
                "SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM procrastinate_jobs"
            )
            if waiting:
                self.run_one(data.draw(st.sampled_from(waiting)), lost=lost)

        def run_one(self, job_id, *, lost):
            name, arguments = till.one(
                "WITH taken AS (DELETE FROM procrastinate_jobs WHERE id = :id RETURNING *)"
                " SELECT jsonb_build_array(task_name, args) FROM taken",
                id=job_id,
            )
            self.gateway.failures = [Lost()] if lost else []
            if name in jobs:
                with suppress(GatewayUncertain):
                    jobs[name](till.context, **arguments)
            self.gateway.failures = []

        @precondition(lambda self: self.open_pages())
        @rule(
            data=st.data(),
            act=st.sampled_from(["pay", "pay", "pay", "decline", "expire", "fail_later"]),
        )
        def payer(self, data, act):
            page = data.draw(st.sampled_from(self.open_pages()))
            self.events.append(getattr(self.gateway, act)(page))

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
            self.events.append(self.gateway.bounce_refund(name))

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
            try:
                self.hear_everything_and_compare()
            finally:
                self.savepoint.rollback()

        def hear_everything_and_compare(self):
            self.gateway.failures = []
            for event in self.events:
                till.handle(event)
            for _ in range(3):
                run_jobs()
                clock.advance(timedelta(minutes=31))
                tasks.poll(till.context)
            run_jobs()
            held = self.gateway.balance().get("USD", usd(0))
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
            return [name for name, page in self.gateway.sessions.items() if page.status == "open"]

        def good_refunds(self):
            return [name for name, one in self.gateway.refunds.items() if one.status == "succeeded"]

    run_state_machine_as_test(
        Money,
        settings=settings(
            max_examples=12,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
