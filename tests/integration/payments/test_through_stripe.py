"""The same paths through the true adapter, the official SDK and the sandbox's own process.

A payer clicks through the hosted page; the sandbox's signed webhooks are handed to our endpoint as
they came.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from marketplace.adapters.stripe_gateway import StripeGateway
from marketplace.core.ids import new_id
from marketplace.core.parts import Parts
from marketplace.payments import queries, tasks
from marketplace.payments.errors import SignatureRefused
from marketplace.payments.gateway import GatewayMissing, GatewayUncertain, PaymentGateway
from tests.integration.payments.conftest import WHOLE, Till, usd
from tests.integration.stripe_sandbox.running import (
    KEY,
    SECRET,
    Process,
    Receiver,
    card,
    check_balance,
    eventually,
    visit,
)

GOOD, CHALLENGED, DECLINED = "4242424242424242", "4000002760003184", "4000000000000002"


class Street:
    """The way between the sandbox and our endpoint."""

    def __init__(self, sandbox: Process, receiver: Receiver, client: FlaskClient) -> None:
        self.sandbox, self.receiver, self._client = sandbox, receiver, client
        self._delivered = 0

    def pay(self, till: Till, payment_id, number: str = GOOD) -> tuple[int, str, str]:
        return visit(till.payment(payment_id).checkout_url, **card(number))

    def wait_for(self, kind: str, count: int = 1) -> None:
        eventually(lambda: len(self.receiver.of(kind)) >= count)

    def deliver(self) -> list[int]:
        """Hand over what has come since the last time; the statuses that we answered."""
        fresh = self.receiver.got[self._delivered :]
        self._delivered += len(fresh)
        return [
            self._client.post(
                "/api/v1/stripe/webhook", data=body, headers={"Stripe-Signature": signature}
            ).status_code
            for body, signature in fresh
        ]


@pytest.fixture
def gateway(parts: Parts, sandbox: Process) -> Iterator[StripeGateway]:
    before = parts.get(PaymentGateway)
    made = StripeGateway(
        KEY, webhook_secrets=(SECRET,), api_base=sandbox.url, timeouts=(1.0, 1.0), waits=()
    )
    parts.add(PaymentGateway, made)
    yield made
    parts.add(PaymentGateway, before)


@pytest.fixture
def street(sandbox: Process, receiver: Receiver, client: FlaskClient) -> Street:
    return Street(sandbox, receiver, client)


@pytest.fixture
def settle(till: Till, street: Street, run_jobs: Callable[[], int]) -> Callable[[], object]:
    """Open, pay and settle a payment; its id."""

    def settled():
        payment_id, _ = till.opened()
        assert street.pay(till, payment_id)[0] == 303
        street.wait_for("checkout.session.completed")
        street.deliver()
        run_jobs()
        assert till.payment(payment_id).state == "settled"
        return payment_id

    return settled


def agrees(till: Till, sandbox: Process) -> bool:
    """Whether the clearing account equals the sandbox's balance."""
    return till.balance("processor_clearing") == check_balance(sandbox.client()).get("usd", 0)


@pytest.mark.fault(12)
@pytest.mark.fault(14)
def test_paid_on_the_page_confirmed_by_signed_events_however_often(
    till, street, run_jobs, settle, mail
):
    street.sandbox.fault("webhook.duplicate", types=["checkout.session.completed"], count=5)
    payment_id = settle()
    street.wait_for("checkout.session.completed", 5)
    intent = till.payment(payment_id).processor_intent
    street.sandbox.fault(
        "event.emit",
        event_type="payment_intent.payment_failed",
        object_id=intent,
        fields={"status": "requires_payment_method"},
    )
    street.wait_for("payment_intent.payment_failed")
    assert set(street.deliver()) == {200}
    run_jobs()
    assert till.payment(payment_id).state == "settled"
    assert till.names() == ["PaymentSettled"]
    assert len(mail.sent) == 1
    assert till.books() == {
        "processor_clearing": 38_080 - 1_134,
        "deferred_host_share": -34_000,
        "platform_revenue": -4_080,
        "processor_fees": 1_134,
    }
    assert agrees(till, street.sandbox)
    assert till.quarantined() == []


def test_a_decline_then_a_good_card(till, street, run_jobs):
    payment_id, _ = till.opened()
    assert street.pay(till, payment_id, DECLINED)[0] == 402
    street.wait_for("payment_intent.payment_failed")
    street.deliver()
    run_jobs()
    payment = till.payment(payment_id)
    assert payment.state == "open"
    assert "declined" in payment.last_decline
    assert street.pay(till, payment_id)[0] == 303
    street.wait_for("checkout.session.completed")
    street.deliver()
    run_jobs()
    assert till.payment(payment_id).state == "settled"
    assert till.quarantined() == []


@pytest.mark.fault(24)
def test_an_abandoned_challenge_ends_with_the_page(till, street, run_jobs):
    payment_id, _ = till.opened()
    street.pay(till, payment_id, CHALLENGED)
    till.cancel(payment_id)
    run_jobs()
    street.wait_for("checkout.session.expired")
    street.deliver()
    run_jobs()
    assert till.payment(payment_id).state == "cancelled"
    intents = street.sandbox.client().v1.payment_intents.list().data
    assert [intent.status for intent in intents] == ["canceled"]
    assert till.books() == {}


@pytest.mark.fault(22)
def test_paid_before_the_page_could_be_closed_settles_late(till, street, run_jobs):
    payment_id, _ = till.opened()
    assert street.pay(till, payment_id)[0] == 303
    till.cancel(payment_id)
    run_jobs()
    (settled,) = till.heard
    assert settled.late
    assert agrees(till, street.sandbox)


@pytest.mark.fault(15)
def test_lost_webhooks_are_made_up_for_by_the_poller(till, street, clock, run_jobs):
    street.sandbox.fault("webhook.lose", types=["*"], times=50)
    payment_id, _ = till.opened()
    street.pay(till, payment_id)
    clock.advance(timedelta(minutes=6))
    tasks.poll(till.context)
    run_jobs()
    assert till.payment(payment_id).state == "settled"
    assert street.receiver.got == []


@pytest.mark.fault(18)
@pytest.mark.parametrize("kind", ["forge", "tamper", "stale"])
def test_bad_signatures_are_refused_without_a_write(till, street, kind):
    street.sandbox.fault(f"webhook.{kind}", types=["*"], times=50)
    payment_id, _ = till.opened()
    street.pay(till, payment_id)
    street.wait_for("checkout.session.completed")
    assert set(street.deliver()) == {400}
    assert till.one("SELECT count(*) FROM webhook_event") == 0
    assert till.payment(payment_id).state == "open"


@pytest.mark.fault(19)
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"data.object.amount_total": 1}, "amount"),
        ({"data.object.currency": "eur"}, "currency"),
        ({"livemode": True}, "mode"),
        ({"account": "acct_other"}, "account"),
    ],
)
def test_what_does_not_fit_is_set_aside(till, street, run_jobs, change, reason):
    street.sandbox.fault("webhook.change", types=["checkout.session.completed"], set=change)
    street.sandbox.fault("webhook.hold", types=["payment_intent.*", "charge.*"], times=50)
    payment_id, _ = till.opened()
    street.pay(till, payment_id)
    street.wait_for("checkout.session.completed")
    street.deliver()
    run_jobs()
    assert till.quarantined() == [reason]
    assert till.payment(payment_id).state == "open"
    assert till.books() == {}


@pytest.mark.fault(7)
@pytest.mark.parametrize("work", [False, True])
def test_a_lost_answer_to_opening_a_page_opens_one(till, street, work):
    payment_id = till.request()
    street.sandbox.fault("request.drop", path="/v1/checkout/sessions", work=work)
    with pytest.raises(GatewayUncertain):
        tasks.open_checkout(till.context, str(payment_id))
    tasks.open_checkout(till.context, str(payment_id))
    assert till.payment(payment_id).state == "open"
    assert len(street.sandbox.client().v1.checkout.sessions.list().data) == 1


@pytest.mark.fault(9)
@pytest.mark.parametrize("work", [False, True])
def test_a_500_kept_under_a_key(till, street, work):
    payment_id = till.request()
    street.sandbox.fault(
        "request.error", status=500, stored=True, work=work, path="/v1/checkout/sessions"
    )
    for _ in range(4):
        try:
            tasks.open_checkout(till.context, str(payment_id))
        except GatewayUncertain:
            continue
        break
    assert till.payment(payment_id).state == "open"
    assert len(street.sandbox.client().v1.checkout.sessions.list().data) == 1


@pytest.mark.fault(10)
@pytest.mark.parametrize("status", [429, 409])
def test_bursts_are_waited_out_at_once_when_short(till, street, parts, status):
    patient = StripeGateway(KEY, api_base=street.sandbox.url, waits=(0.05, 0.1))
    parts.add(PaymentGateway, patient)
    payment_id = till.request()
    street.sandbox.fault("request.error", status=status, path="/v1/checkout/sessions", times=2)
    tasks.open_checkout(till.context, str(payment_id))
    assert till.payment(payment_id).state == "open"
    assert len(street.sandbox.client().v1.checkout.sessions.list().data) == 1


@pytest.mark.fault(10)
@pytest.mark.parametrize("status", [429, 409])
def test_a_burst_on_a_refund_is_one_refund(till, street, settle, parts, status):
    payment_id = settle()
    parts.add(PaymentGateway, StripeGateway(KEY, api_base=street.sandbox.url, waits=(0.05, 0.1)))
    refund_id = till.refund(payment_id)
    street.sandbox.fault("request.error", status=status, path="/v1/refunds", method="POST", times=2)
    tasks.send_refund(till.context, str(refund_id))
    assert till.refund_row(refund_id).state == "settled"
    assert len(street.sandbox.client().v1.refunds.list().data) == 1
    assert agrees(till, street.sandbox)


@pytest.mark.fault(13)
def test_refund_events_before_payment_events(till, street, run_jobs):
    payment_id, _ = till.opened()
    kinds = ["checkout.session.completed", "payment_intent.succeeded"]
    street.sandbox.fault("webhook.hold", types=kinds, times=2)
    street.pay(till, payment_id)
    tasks.look_at_checkout(till.context, str(payment_id))
    refund_id = till.refund(payment_id, usd(10_000))
    run_jobs()
    street.wait_for("refund.created")
    street.deliver()
    run_jobs()
    street.sandbox.fault("webhook.release")
    street.wait_for("checkout.session.completed")
    street.deliver()
    run_jobs()
    assert till.payment(payment_id).state == "settled"
    assert till.refund_row(refund_id).state == "settled"
    assert agrees(till, street.sandbox)
    assert till.quarantined() == []


@pytest.mark.fault(11)
@pytest.mark.fault(27)
def test_a_refund_whose_answer_was_lost_a_day_ago_is_made_once(till, street, settle):
    payment_id = settle()
    refund_id = till.refund(payment_id)
    street.sandbox.fault("request.drop", path="/v1/refunds", method="POST", work=True)
    with pytest.raises(GatewayUncertain):
        tasks.send_refund(till.context, str(refund_id))
    street.sandbox.fault("clock.advance", seconds=90_000)
    tasks.send_refund(till.context, str(refund_id))
    assert till.refund_row(refund_id).state == "settled"
    assert len(street.sandbox.client().v1.refunds.list().data) == 1
    assert agrees(till, street.sandbox)


@pytest.mark.fault(27)
def test_a_sandbox_killed_in_the_middle_of_a_refund(till, street, settle):
    payment_id = settle()
    refund_id = till.refund(payment_id, usd(5_000))
    street.sandbox.kill()
    with pytest.raises(GatewayUncertain):
        tasks.send_refund(till.context, str(refund_id))
    street.sandbox.restart()
    tasks.send_refund(till.context, str(refund_id))
    tasks.send_refund(till.context, str(refund_id))
    assert len(street.sandbox.client().v1.refunds.list().data) == 1
    assert agrees(till, street.sandbox)


@pytest.mark.fault(28)
def test_a_refund_that_fails_days_later(till, street, run_jobs, settle):
    payment_id = settle()
    refund_id = till.refund(payment_id)
    run_jobs()
    made = till.refund_row(refund_id).processor_refund
    street.sandbox.fault("clock.advance", seconds=5 * 86_400)
    street.sandbox.fault("refund.fail", refund=made, reason="expired_or_canceled_card")
    street.wait_for("refund.failed")
    street.deliver()
    run_jobs()
    assert till.refund_row(refund_id).state == "failed"
    assert till.balance("refunds_payable") == -WHOLE.minor
    assert agrees(till, street.sandbox)
    assert till.quarantined() == ["refund_failed"]


@pytest.mark.fault(41)
def test_reconciliation_against_the_sandbox(till, street, settle, clock):
    payment_id = settle()
    refund_id = till.refund(payment_id, usd(8_000))
    tasks.send_refund(till.context, str(refund_id))
    tasks.run_reconciliation(till.context)
    assert _mismatches(till) == []
    street.sandbox.fault("balance.adjust", amount=-77, currency="usd")
    tasks.run_reconciliation(till.context)
    kinds = {found["kind"] for found in _mismatches(till)}
    assert kinds == {"unexplained", "suspense"}
    assert agrees(till, street.sandbox)


def test_what_the_processor_does_not_know_is_missing(gateway):
    with pytest.raises(GatewayMissing):
        gateway.retrieve_checkout("cs_test_none")
    with pytest.raises(GatewayMissing):
        gateway.retrieve_refund("re_none")
    assert gateway.find_refund("pi_none", new_id()) is None
    assert not gateway.live


def test_an_address_where_nobody_answers_is_uncertain():
    nobody = StripeGateway(KEY, api_base="http://127.0.0.1:1", timeouts=(0.2, 0.2))
    with pytest.raises(GatewayUncertain):
        nobody.balance()
    with pytest.raises(SignatureRefused):
        nobody.verify_webhook(b"{}", "t=1,v1=00")


def test_lines_that_do_not_add_up_never_reach_the_processor(gateway):
    with pytest.raises(ValueError, match="add up"):
        gateway.open_checkout(
            "key",
            payment_id=new_id(),
            amount=usd(2),
            lines=[],
            description="",
            customer_email="a@example.org",
            expires_at=datetime.now(UTC),
            success_url="http://127.0.0.1/",
            cancel_url="http://127.0.0.1/",
            metadata={},
        )


def _mismatches(till: Till) -> list[dict[str, str]]:
    with till.context.transaction() as session:
        run = queries.last_reconciliation(session)
    assert run is not None
    return run.mismatches
