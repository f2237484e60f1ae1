"""`stripe trigger` by Stripe's own command-line client, for each type of event that we use.

The client is a program by itself: have `stripe` on the PATH, or name it in STRIPE_CLI (npm's
`@stripe/cli-linux-x64` holds it). It plays against the sandbox; what comes of it is handed to our
endpoint, which knows none of these payments: it keeps each event, books nothing, and goes on.
"""

import os
import shutil
import subprocess

import pytest

from marketplace.adapters.stripe_cards import StripeCards
from marketplace.adapters.stripe_connect import StripeConnect
from marketplace.adapters.stripe_disputes import StripeDisputes
from marketplace.adapters.stripe_gateway import StripeGateway
from marketplace.payments.gateway import (
    CardGateway,
    DisputeGateway,
    HostGateway,
    PaymentGateway,
)
from tests.integration.payments.test_through_stripe import Street
from tests.integration.stripe_sandbox.running import KEY, SECRET, eventually

CLIENT = os.environ.get("STRIPE_CLI") or shutil.which("stripe")
ABSENT = (
    "Stripe's command-line client is not here: put `stripe` on the PATH, or name it in STRIPE_CLI"
)
TRIGGERS = (
    *("account.updated", "charge.captured", "charge.dispute.closed", "charge.dispute.created"),
    *("charge.dispute.updated", "charge.failed", "charge.refund.updated", "charge.refunded"),
    *("charge.succeeded", "checkout.session.async_payment_failed"),
    *("checkout.session.async_payment_succeeded", "checkout.session.completed"),
    *("checkout.session.expired", "customer.created"),
    *("payment_intent.amount_capturable_updated", "payment_intent.canceled"),
    *("payment_intent.created", "payment_intent.payment_failed", "payment_intent.processing"),
    *("payment_intent.requires_action", "payment_intent.succeeded", "payment_method.attached"),
    *("payout.created", "payout.updated", "transfer.created", "transfer.reversed"),
    "transfer.updated",
)
# What follows by itself: an account pays out, a debit is known after a while.
FOLLOWING = ("payout.paid", "charge.updated", "refund.created", "refund.updated")


@pytest.fixture
def sandbox(start, receiver):
    """It tells of connected accounts too, and banks answer within a second."""
    there, connected = ("webhook", "connect-webhook")
    addresses = [
        option
        for name in (there, connected)
        for option in (f"--{name}-url", receiver.url, f"--{name}-secret", SECRET)
    ]
    quick = ("--retry-first", "0.05", "--settle-after", "1", "--available-after", "0")
    return start(*addresses, *quick)


@pytest.fixture
def gateway(parts, sandbox):
    there = {"api_base": sandbox.url}
    made = {
        PaymentGateway: StripeGateway(KEY, webhook_secrets=(SECRET,), **there),
        CardGateway: StripeCards(KEY, **there),
        DisputeGateway: StripeDisputes(KEY, **there),
        HostGateway: StripeConnect(KEY, **there),
    }
    before = {protocol: parts.get(protocol) for protocol in made}
    for protocol, part in made.items():
        parts.add(protocol, part)
    yield
    for protocol, part in before.items():
        parts.add(protocol, part)


def trigger(sandbox, home, kind):
    done = subprocess.run(
        [str(CLIENT), "trigger", kind, "--api-base", sandbox.url, "--api-key", KEY],
        env={**os.environ, "XDG_CONFIG_HOME": str(home), "STRIPE_CLI_TELEMETRY_OPTOUT": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.skipif(CLIENT is None, reason=ABSENT)
def test_each_type_that_we_use_can_be_triggered_and_is_handled(
    sandbox, receiver, till, client, run_jobs, tmp_path
):
    for kind in TRIGGERS:
        code, said = trigger(sandbox, tmp_path, kind)
        assert (code, "Trigger succeeded" in said) == (0, True), f"{kind}: {said}"
    for kind in (*TRIGGERS, *FOLLOWING):
        eventually(lambda kind=kind: receiver.of(kind))
    answers = Street(sandbox, receiver, client).deliver()
    assert set(answers) == {200}
    run_jobs()
    assert till.one("SELECT count(*) FROM webhook_event WHERE state = 'received'") == 0
    assert till.one("SELECT count(*) FROM webhook_event") == len(
        {event["id"] for event in receiver.bodies}
    )
    assert till.books() == {}
