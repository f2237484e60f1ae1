"""Refunds against payouts, workers against each other, and processes killed in the middle."""

import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest

from marketplace.adapters.stripe_connect import StripeConnect
from marketplace.adapters.stripe_gateway import StripeGateway
from marketplace.core.clock import Clock
from marketplace.payments import tasks
from marketplace.payments.errors import RefundExceedsPayment
from marketplace.payments.gateway import GatewayUncertain, HostGateway, PaymentGateway
from marketplace.payments.tasks import hosts as jobs
from tests.fakes.gateway import FakeGateway
from tests.integration.payments.conftest import Till, _silence, usd
from tests.integration.payments.hosting import Hosting
from tests.integration.payments.test_hosts_through_stripe import Onboarded
from tests.integration.payments.test_through_stripe import Street
from tests.integration.stripe_sandbox.running import KEY, SECRET, eventually

# A worker of its own that runs one job, and is killed in it.
WORKER = """
import sys
from datetime import datetime
from importlib import import_module
from tests import settings
from marketplace.app import create_app, job_context
from marketplace.core.clock import Clock, FixedClock

url, stripe, key, name, argument, now = sys.argv[1:]
app = create_app(settings.make(DATABASE_URL=url, STRIPE_API_BASE=stripe, STRIPE_SECRET_KEY=key))
app.load()
app.extensions["marketplace.parts"].add(Clock, FixedClock(datetime.fromisoformat(now)))
module, _, job = name.rpartition(".")
getattr(import_module(module), job)(job_context(app), argument)
"""


@pytest.fixture
def racing(live):
    gateway = FakeGateway(at=live.clock.now())
    live.parts.add(PaymentGateway, gateway)
    till = Till(live.sessions, live.parts, live.parts.get(Clock))
    host = Hosting(till, gateway)
    host.join()
    yield host
    _silence(till)


def together(*works):
    start = threading.Barrier(len(works))
    failures = []

    def run(work):
        start.wait()
        try:
            work()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def settle(host):
    """Let all that was asked for be done."""
    for _ in range(4):
        host.work()
        host.till.clock.advance(host_wait)
        jobs.poll(host.till.context)


host_wait = jobs.moves.LOOK_AGAIN


@pytest.mark.fault(30)
@pytest.mark.parametrize("sent", [False, True])
def test_refunds_race_the_release_and_the_transfer(racing, sent):
    till = racing.till
    thing, payment_id = racing.paid()
    racing.tell(thing, "rest")
    if sent:
        racing.release()

    def refund():
        with suppress(RefundExceedsPayment):
            till.refund(payment_id, usd(9_520))

    def pay_out():
        racing.release()
        for row in racing.transfers(thing):
            racing.send(row)

    assert together(refund, pay_out, refund, refund, racing.release, refund, refund) == []
    settle(racing)
    assert till.payment(payment_id).refundable == usd(0)
    assert racing.balances() == {}
    assert racing.agrees()
    assert all(held == usd(0) for held in racing.processor.held.values())


@pytest.mark.fault(31)
def test_many_workers_release_and_send_one_transfer(racing):
    thing, _ = racing.paid()
    racing.tell(thing, "rest")
    assert together(*[racing.release] * 6) == []
    (row,) = racing.transfers(thing)
    failures = together(*[lambda: jobs.send_transfer(racing.till.context, str(row.id))] * 6)
    assert [error for error in failures if not isinstance(error, GatewayUncertain)] == []
    assert len(racing.processor.transfers) == 1
    assert racing.transfer(row.id).state == "settled"
    assert racing.agrees()


@pytest.mark.fault(32)
def test_two_shares_at_once_pay_one_debt_once(racing):
    till = racing.till
    account = racing.account().processor_account
    thing, payment_id = racing.paid()
    racing.end(thing)
    racing.work()
    racing.processor.spend(account, usd(34_000))
    till.refund(payment_id, usd(19_040))
    racing.work()
    assert racing.balances() == {"deferred_host_share": 0, "host_receivable": -17_000} or (
        racing.balances() == {"host_receivable": -17_000}
    )
    others = [racing.paid()[0] for _ in range(3)]
    for other in others:
        racing.tell(other, "rest")
    assert together(*[racing.release] * 4) == []
    netted = sum(racing.transfers(other)[0].netted_minor for other in others)
    assert netted == 17_000
    settle(racing)
    assert racing.balances() == {}


@pytest.fixture
def street(live, start, receiver):
    """A live database before a sandbox that tells us of hosts' accounts too."""
    ours = ("--webhook-url", receiver.url, "--webhook-secret", SECRET)
    theirs = ("--connect-webhook-url", receiver.url, "--connect-webhook-secret", SECRET)
    sandbox = start(*ours, *theirs, "--retry-first", "0.05", "--available-after", "0")
    given = {"api_base": sandbox.url, "waits": ()}
    live.parts.add(PaymentGateway, StripeGateway(KEY, webhook_secrets=(SECRET,), **given))
    live.parts.add(HostGateway, StripeConnect(KEY, **given))
    till = Till(live.sessions, live.parts, live.parts.get(Clock))
    host = Onboarded(till, Street(sandbox, receiver, live.app.test_client()), live.run_jobs)
    host.join()
    yield host
    _silence(till)


def killed_in(live, sandbox, job, argument, done):
    """Run a job in a process of its own, and kill -9 it while it waits for the answer."""
    now = live.clock.now().isoformat()
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, live.url, sandbox.url, KEY, job, argument, now],
        stderr=subprocess.PIPE,
    )
    try:
        eventually(lambda: worker.poll() is not None or done(), 90)
        time.sleep(0.05)
        assert worker.poll() is None, worker.stderr.read()
    finally:
        worker.kill()
        worker.wait(10)
        worker.stderr.close()


@pytest.mark.fault(31)
def test_a_worker_killed_in_the_middle_of_a_transfer(live, street):
    sandbox = street.street.sandbox
    thing, _ = street.paid()
    row = street.end(thing)
    sandbox.fault("request.hang", seconds=100, work=True, path="/v1/transfers", method="POST")
    job = "marketplace.payments.tasks.hosts.send_transfer"
    killed_in(live, sandbox, job, str(row.id), lambda: street.made() == 1)
    assert street.transfer(row.id).state == "requested"
    street.send(row)
    assert street.transfer(row.id).state == "settled"
    assert street.made() == 1
    assert street.agrees()


@pytest.mark.fault(27)
def test_a_worker_killed_in_the_middle_of_a_refund(live, street):
    sandbox = street.street.sandbox
    _, payment_id = street.paid()
    refund_id = street.till.refund(payment_id, usd(5_000))
    sandbox.fault("request.hang", seconds=100, work=True, path="/v1/refunds", method="POST")
    client = sandbox.client()
    job = "marketplace.payments.tasks.send_refund"
    killed_in(live, sandbox, job, str(refund_id), lambda: len(client.v1.refunds.list().data) == 1)
    assert street.till.refund_row(refund_id).state == "requested"
    tasks.send_refund(street.till.context, str(refund_id))
    assert street.till.refund_row(refund_id).state == "settled"
    assert len(client.v1.refunds.list().data) == 1
    assert street.agrees()
