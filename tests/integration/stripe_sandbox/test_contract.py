"""What we rely on Stripe for, asked of the sandbox and, with a test key, of Stripe itself.

`STRIPE_TEST_KEY=sk_test_… .venv/bin/python -m pytest tests/integration/stripe_sandbox/test_contract.py`
The account of the key is one in the United States that settles in USD. What is made there stays.
"""

import os
from datetime import timedelta

import pytest

from marketplace.adapters.stripe_cards import StripeCards
from marketplace.adapters.stripe_gateway import StripeGateway
from marketplace.core.ids import new_id
from marketplace.core.money import Money
from marketplace.payments.gateway import CheckoutLine, GatewayMissing, GatewayRefused
from tests.integration.stripe_sandbox.running import KEY, RETURN, eventually

GIVEN = "STRIPE_TEST_KEY"
# Stripe's own lists are told a moment later.
PATIENCE = 60


class Processor:
    """One of the two, behind the adapters that the product uses."""

    def __init__(self, key, api_base=None):
        self.pages = StripeGateway(key, api_base=api_base)
        self.cards = StripeCards(key, api_base=api_base)
        self.raw = self.pages._client

    def since(self):
        return self.pages.now() - timedelta(minutes=5)

    def page(self, payment_id, key, amount=42_500):
        now = self.pages.now()
        whole = Money(amount, "USD")
        return self.pages.open_checkout(
            key,
            payment_id=payment_id,
            amount=whole,
            lines=[CheckoutLine("Four weeks", whole)],
            description="Internal medicine, 4 weeks",
            customer_email="payer@example.org",
            expires_at=now + timedelta(minutes=45),
            success_url=f"{RETURN}/paid",
            cancel_url=f"{RETURN}/back",
            metadata={"kind": "contract"},
        )

    def kept(self, named):
        """A customer with a ready-made test card."""
        customer = self.raw.v1.customers.create({"email": "payer@example.org"})
        method = self.raw.v1.payment_methods.attach(named, {"customer": customer.id})
        return customer.id, method.id

    def charge(self, key, payment_id, named, amount=10_000):
        customer, method = self.kept(named)
        return lambda: self.cards.charge(
            key,
            payment_id=payment_id,
            customer=customer,
            method=method,
            amount=Money(amount, "USD"),
            description="The balance",
            metadata={"kind": "contract"},
            return_url=None,
        )


@pytest.fixture(scope="module", params=["sandbox", "stripe"])
def processor(request):
    if request.param == "sandbox":
        return Processor(KEY, request.getfixturevalue("shared").url)
    key = os.environ.get(GIVEN, "")
    if not key:
        pytest.skip(f"{GIVEN} is not set: this was played by the sandbox, and not by Stripe")
    if not key.startswith(("sk_test_", "rk_test_")):
        pytest.fail(f"{GIVEN} is no test key: nothing is tried with another")
    return Processor(key)


def test_a_page_is_opened_once_found_read_and_closed(processor):
    payment_id, key = new_id(), f"contract:{new_id()}"
    made = processor.page(payment_id, key)
    assert processor.page(payment_id, key).id == made.id
    assert (made.status, made.paid, made.live) == ("open", False, False)
    assert (made.payment_id, made.amount) == (payment_id, Money(42_500, "USD"))
    assert made.url.startswith("http")
    found = eventually(
        lambda: processor.pages.find_checkout(payment_id, processor.since()), PATIENCE
    )
    assert found.id == made.id
    assert processor.pages.find_checkout(new_id(), processor.since()) is None
    assert processor.pages.expire_checkout(made.id).status == "expired"
    assert processor.pages.expire_checkout(made.id).status == "expired"


def test_a_key_is_good_for_one_body_only(processor):
    payment_id, key = new_id(), f"contract:{new_id()}"
    processor.page(payment_id, key)
    with pytest.raises(GatewayRefused):
        processor.page(payment_id, key, amount=42_501)


def test_a_kept_card_is_charged_once_and_refunded_up_to_what_it_paid(processor):
    payment_id, key = new_id(), f"contract:{new_id()}"
    charge = processor.charge(key, payment_id, "pm_card_visa")
    paid = charge()
    assert charge().intent_id == paid.intent_id
    assert (paid.status, paid.paid, paid.captured) == ("complete", True, Money(10_000, "USD"))
    settled = eventually(
        lambda: (seen := processor.pages.retrieve_checkout(paid.id)).balance and seen, PATIENCE
    )
    assert settled.balance.net == settled.balance.amount - settled.balance.fee
    first, second = new_id(), new_id()
    for refund_id, minor in ((first, 4_000), (first, 4_000), (second, 6_000)):
        sent = processor.pages.refund(
            f"contract:{refund_id}",
            intent_id=paid.intent_id,
            amount=Money(minor, "USD"),
            metadata={"refund_id": str(refund_id)},
        )
        assert (sent.status, sent.amount.minor) == ("succeeded", minor)
    assert processor.pages.find_refund(paid.intent_id, first).amount.minor == 4_000
    with pytest.raises(GatewayRefused):
        processor.pages.refund(
            f"contract:{new_id()}",
            intent_id=paid.intent_id,
            amount=Money(1, "USD"),
            metadata={},
        )


def test_what_has_happened_is_listed_for_the_reconciliation(processor):
    payment_id = new_id()
    paid = processor.charge(f"contract:{new_id()}", payment_id, "pm_card_visa", 12_300)()

    def told():
        events = processor.pages.events_since(processor.since())
        return any(
            one.kind == "payment_intent.succeeded" and one.data["id"] == paid.intent_id
            for one in events
        )

    def booked():
        listed = processor.pages.balance_transactions_since(processor.since())
        return [one for one in listed if one.source == paid.charge_id]

    eventually(told, PATIENCE)
    (one,) = eventually(booked, PATIENCE)
    assert (one.kind, one.amount) == ("charge", Money(12_300, "USD"))
    assert "USD" in processor.pages.balance()


def test_a_decline_is_an_intent_that_took_nothing(processor):
    payment_id = new_id()
    seen = processor.charge(f"contract:{new_id()}", payment_id, "pm_card_authenticationRequired")()
    assert (seen.paid, seen.payment_id) == (False, payment_id)
    assert not seen.captured
    assert seen.decline_code == "authentication_required"
    assert seen.intent_failed


def test_what_was_never_made_is_missing(processor):
    for call in (
        lambda: processor.pages.retrieve_checkout("cs_test_none"),
        lambda: processor.pages.retrieve_checkout("pi_none"),
        lambda: processor.pages.retrieve_refund("re_none"),
    ):
        with pytest.raises(GatewayMissing):
            call()
    assert processor.cards.retrieve_card("pm_none") is None
