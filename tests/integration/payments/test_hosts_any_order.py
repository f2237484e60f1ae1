"""Whatever payers, hosts, banks and our own retries do, in whatever order, the books agree.

A state machine over paying, releasing, sending, refunding, disputing, spending and disabling, with
answers that are lost and events that come late and twice. Always, a host has earned no more of a
thing than is theirs of it; in the end the clearing account equals the processor's balance.
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

from marketplace.payments import service, tasks
from marketplace.payments.errors import RefundExceedsPayment
from marketplace.payments.gateway import (
    DisputeGateway,
    EvidenceSource,
    GatewayUncertain,
    PaymentGateway,
)
from marketplace.payments.queries import hosts as found
from marketplace.payments.rules.credit import CreditTerms
from marketplace.payments.service.hosts import shares
from marketplace.payments.tasks import disputes as dispute_jobs
from marketplace.payments.tasks import hosts as host_jobs
from tests.conftest import run_due_jobs
from tests.fakes.disputes import FakeDisputes
from tests.fakes.gateway import FakeGateway, Lost
from tests.integration.payments.conftest import usd
from tests.integration.payments.hosting import Hosting
from tests.integration.payments.test_disputes import Known


@pytest.mark.fault(30, 31, 32, 33, 34, 35)
def test_in_any_order_no_host_keeps_what_went_back(till, app, sessions, parts, clock):
    jobs = {task.name: task.run for task in tasks.TASKS}
    began = clock.now()

    class Money(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.savepoint = sessions.kw["bind"].begin_nested()
            clock.at = began
            self.gateway = FakeGateway(at=began)
            parts.add(PaymentGateway, self.gateway)
            self.host = Hosting(till, self.gateway)
            self.bank = FakeDisputes(self.gateway)
            parts.add(DisputeGateway, self.bank)
            parts.add(EvidenceSource, Known())
            self.account = self.host.join()
            self.things, self.events = [], []

        @precondition(lambda self: len(self.things) < 3)
        @rule()
        def pay(self):
            self.things.append(self.host.paid())

        @rule(percent=st.sampled_from([0, 333, 1000]), bearer=st.sampled_from(["host", "platform"]))
        def agree(self, percent, bearer):
            if not till.one("SELECT count(*) FROM fee_contract"):
                self.host.contract(host_fee_bp=percent, losses_borne_by=bearer)

        @precondition(lambda self: self.things)
        @rule(data=st.data(), step=st.sampled_from(["first", "rest", "stop"]))
        def tell(self, data, step):
            self.host.tell(data.draw(st.sampled_from(self.things))[0], step)

        @rule()
        def release(self):
            clock.advance(timedelta(days=7))
            self.host.release()

        @rule(data=st.data(), lost=st.booleans())
        def work(self, data, lost):
            """Run one of the waiting jobs, in no order; its answer from the processor may be lost."""
            waiting = till.one(
                "SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM procrastinate_jobs"
            )
            if not waiting:
                return
            name, arguments = till.one(
                "WITH taken AS (DELETE FROM procrastinate_jobs WHERE id = :id RETURNING *)"
                " SELECT jsonb_build_array(task_name, args) FROM taken",
                id=data.draw(st.sampled_from(waiting)),
            )
            self.gateway.failures = [Lost()] if lost else []
            if name in jobs:
                with suppress(GatewayUncertain):
                    jobs[name](till.context, **arguments)
            self.gateway.failures = []

        @precondition(lambda self: self.things)
        @rule(data=st.data(), minor=st.integers(1, 40_000))
        def refund(self, data, minor):
            with suppress(RefundExceedsPayment):
                till.refund(data.draw(st.sampled_from(self.things))[1], usd(minor))

        @precondition(lambda self: self.undisputed())
        @rule(data=st.data(), minor=st.integers(1, 38_080), asks=st.booleans())
        def dispute(self, data, minor, asks):
            """A bank disputes a payment, or only asks about it."""
            page = data.draw(st.sampled_from(self.undisputed()))
            back = sum(
                one.amount.minor
                for one in self.gateway.refunds.values()
                if one.intent_id == self.gateway.sessions[page].intent_id
            )
            if minor <= 38_080 - back:
                do = self.bank.inquire if asks else self.bank.open
                self.events.append(do(page, usd(minor)))

        @precondition(lambda self: self.inquiries())
        @rule(data=st.data(), turn=st.sampled_from(["close", "escalate", "reopen"]))
        def inquire(self, data, turn):
            """What was only asked about goes no further, is taken up again, or becomes a dispute."""
            name = data.draw(st.sampled_from(self.inquiries()))
            given = ("warning_needs_response",) if turn == "reopen" else ()
            self.events.append(getattr(self.bank, turn)(name, *given))

        @precondition(lambda self: self.open_disputes())
        @rule(data=st.data(), outcome=st.sampled_from(["win", "lose"]))
        def decide(self, data, outcome):
            name = data.draw(st.sampled_from(self.open_disputes()))
            self.events.append(getattr(self.bank, outcome)(name))

        @precondition(lambda self: self.ended())
        @rule(data=st.data(), again=st.sampled_from(["", "under_review", "needs_response"]))
        def decide_anew(self, data, again):
            """Rarely a bank takes back what it has decided, at once or after a while."""
            name = data.draw(st.sampled_from(self.ended()))
            lost = self.bank.disputes[name].status == "lost"
            if again:
                self.events.append(self.bank.reopen(name, again))
            else:
                self.events.append((self.bank.win if lost else self.bank.lose)(name))

        @precondition(lambda self: self.things)
        @rule(data=st.data(), minor=st.integers(1, 40_000))
        def refund_as_credit(self, data, minor):
            payment_id = data.draw(st.sampled_from(self.things))[1]
            with suppress(RefundExceedsPayment), till.context.transaction() as session:
                service.refund(
                    session,
                    payment_id,
                    amount=usd(minor),
                    reason="the policy",
                    as_credit=CreditTerms(),
                    now=clock.now(),
                )

        @rule(percent=st.integers(1, 100))
        def spend(self, percent):
            held = self.host.processor.held.get(self.account, usd(0))
            self.host.processor.spend(self.account, held.percent(percent))

        @rule(able=st.booleans())
        def change_account(self, able):
            do = self.host.processor.onboard if able else self.host.processor.disable
            self.events.append(do(self.account))

        @precondition(lambda self: self.events)
        @rule(data=st.data(), times=st.integers(1, 3))
        def hear(self, data, times):
            event = data.draw(st.sampled_from(self.events))
            for _ in range(times):
                till.handle(event)

        @rule()
        def time_passes(self):
            clock.advance(timedelta(hours=1))
            for poll in (tasks.poll, host_jobs.poll, dispute_jobs.poll):
                poll(till.context)

        @invariant()
        def no_more_is_earned_than_is_theirs(self):
            till.books()
            with till.context.transaction() as session:
                assert found.wrong_host_sums(session) == []
                for thing, _ in self.things:
                    sent = found.transfers_for(session, thing)
                    earned = sum(one.gross_minor for one in sent)
                    earned -= sum(one.gross_minor for one in found.claims_for(session, thing))
                    assert 0 <= earned <= shares.share_of(session, thing, "USD").minor

        def teardown(self):
            try:
                self.hear_everything_and_compare()
            finally:
                self.savepoint.rollback()

        def hear_everything_and_compare(self):
            self.gateway.failures = []
            for name in self.open_disputes():
                self.events.append(self.bank.lose(name))
            for name in self.inquiries():
                self.events.append(self.bank.close(name))
            self.events.append(self.host.processor.onboard(self.account))
            for event in self.events:
                till.handle(event)
            for thing, _ in self.things:
                self.host.tell(thing, "rest")
            for _ in range(4):
                self.host.release()
                run_due_jobs(app, sessions, MANY)
                clock.advance(timedelta(hours=2))
                for poll in (tasks.poll, host_jobs.poll, dispute_jobs.poll):
                    poll(till.context)
            run_due_jobs(app, sessions, MANY)
            assert self.host.agrees()
            left = self.host.balances()
            assert left.keys() <= {"host_receivable"}, left
            assert till.balance("disputes") == 0
            assert set(till.quarantined()) <= {"refund_failed"}

        def undisputed(self):
            taken = {one.intent_id for one in self.bank.disputes.values()}
            return [
                name
                for name, page in self.gateway.sessions.items()
                if page.paid and page.intent_id not in taken
            ]

        def open_disputes(self):
            return [name for name, one in self.bank.disputes.items() if one.status in WAITING]

        def inquiries(self):
            return [
                name for name, one in self.bank.disputes.items() if one.status.startswith("warning")
            ]

        def ended(self):
            return [
                name for name, one in self.bank.disputes.items() if one.status in ("won", "lost")
            ]

    run_state_machine_as_test(
        Money,
        settings=settings(
            max_examples=10,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


WAITING = {"needs_response", "under_review"}
# As many as wait after hours in which nobody ran any.
MANY = 3000
