"""What we rely on Stripe for, asked of the sandbox and, with a test key, of Stripe itself.

`STRIPE_TEST_KEY=sk_test_… .venv/bin/python -m pytest tests/integration/stripe_sandbox/test_contract.py`
The account of the key is one in the United States that settles in USD. What is made there stays.
"""

import os
from datetime import timedelta

import pytest

from marketplace.adapters.stripe_cards import StripeCards
from marketplace.adapters.stripe_connect import StripeConnect
from marketplace.adapters.stripe_disputes import StripeDisputes
from marketplace.adapters.stripe_gateway import StripeGateway
from marketplace.core.ids import new_id
from marketplace.core.money import Money
from marketplace.payments.gateway import RECEIPT, CheckoutLine, GatewayMissing, GatewayRefused
from marketplace.payments.tasks.hosts import UNABLE
from tests.integration.stripe_sandbox.running import KEY, RETURN, eventually

GIVEN = "STRIPE_TEST_KEY"
# Stripe's own lists are told a moment later.
PATIENCE = 60
# An empty page, as small as a reader of PDF takes it.
PAPER = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>endobj
xref
0 4
0000000000 65535 f\x20
0000000009 00000 n\x20
0000000052 00000 n\x20
0000000101 00000 n\x20
trailer<</Size 4/Root 1 0 R>>
startxref
164
%%EOF
"""


class Processor:
    """One of the two, behind the adapters that the product uses."""

    def __init__(self, key, api_base=None):
        self.pages = StripeGateway(key, api_base=api_base)
        self.cards = StripeCards(key, api_base=api_base)
        self.hosts = StripeConnect(key, api_base=api_base)
        self.disputes = StripeDisputes(key, api_base=api_base)
        self.raw = self.pages._client
        self._until = {}

    def since(self):
        return self.pages.now() - timedelta(minutes=5)

    def page(self, payment_id, key, amount=42_500):
        # As the product does: a call that is repeated is the same to the second, or the key is refused.
        until = self._until.setdefault(payment_id, self.pages.now() + timedelta(minutes=45))
        whole = Money(amount, "USD")
        return self.pages.open_checkout(
            key,
            payment_id=payment_id,
            amount=whole,
            lines=[CheckoutLine("Four weeks", whole)],
            description="Internal medicine, 4 weeks",
            customer_email="payer@example.org",
            expires_at=until,
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


def test_a_hosts_account_is_made_once_and_gets_nothing_before_it_is_onboarded(processor):
    site_id, transfer_id, key = new_id(), new_id(), f"contract:{new_id()}"
    group = f"contract:{site_id}"
    try:
        made = processor.hosts.create_account(key, site_id=site_id, email="host@example.org")
    except GatewayRefused as error:
        if "Connect" not in str(error):
            raise
        pytest.skip(f"the account of the key has not signed up for Connect: {error}")
    again = processor.hosts.create_account(key, site_id=site_id, email="host@example.org")
    assert (again.id, made.site_id) == (made.id, site_id)
    assert (made.details_submitted, made.transfers, made.payouts) == (False, False, False)
    found = eventually(lambda: processor.hosts.find_account(site_id, processor.since()), PATIENCE)
    assert found.id == processor.hosts.retrieve_account(made.id).id == made.id
    link = processor.hosts.onboarding_link(made.id, back=f"{RETURN}/back", again=f"{RETURN}/again")
    assert link.url.startswith("http")
    assert link.lives > timedelta()
    with pytest.raises(GatewayRefused) as refused:
        processor.hosts.transfer(
            f"contract:{transfer_id}",
            transfer_id=transfer_id,
            account=made.id,
            amount=Money(100, "USD"),
            group=group,
            words="A share",
        )
    # Which of the two is looked at first is not published.
    assert refused.value.code in {*UNABLE, "balance_insufficient"}
    assert processor.hosts.find_transfer(group, transfer_id) is None


def test_a_disputed_charge_is_answered_once_with_a_file(processor):
    charge = processor.charge(f"contract:{new_id()}", new_id(), "pm_card_createDispute", 2_000)
    paid = charge()
    listed = processor.raw.v1.disputes.list
    (opened,) = eventually(lambda: listed({"payment_intent": paid.intent_id}).data, PATIENCE)
    seen = processor.disputes.retrieve_dispute(opened.id)
    assert (seen.status, seen.amount) == ("needs_response", Money(2_000, "USD"))
    assert (seen.intent_id, seen.submitted) == (paid.intent_id, 0)
    assert seen.due_by > processor.pages.now()
    keys = [f"contract:{new_id()}" for _ in range(2)]
    receipt = processor.disputes.send_file(keys[0], name="receipt.pdf", content=PAPER)
    texts = {"customer_name": "Asha Rao", "history": "Attended on twenty days."}
    for _ in range(2):
        answered = processor.disputes.submit_evidence(keys[1], opened.id, texts, {RECEIPT: receipt})
        assert (answered.id, answered.submitted) == (opened.id, 1)
    assert answered.status != "needs_response"


def test_what_was_never_made_is_missing(processor):
    for call in (
        lambda: processor.pages.retrieve_checkout("cs_test_none"),
        lambda: processor.pages.retrieve_checkout("pi_none"),
        lambda: processor.pages.retrieve_refund("re_none"),
    ):
        with pytest.raises(GatewayMissing):
            call()
    assert processor.cards.retrieve_card("pm_none") is None
