"""Fees, cards, signatures, states and faults of the sandbox: the parts without a store."""

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from marketplace.embedded.stripe_sandbox import cards, idempotency, money, signature, states
from marketplace.embedded.stripe_sandbox.api import ROUTER
from marketplace.embedded.stripe_sandbox.deliveries import Retry, changed, signed
from marketplace.embedded.stripe_sandbox.errors import ApiError
from marketplace.embedded.stripe_sandbox.faults import Faults, RequestFault, WebhookFault


@pytest.mark.parametrize(
    ("amount", "fee"), [(50, 31), (100, 33), (1_000, 59), (10_000, 320), (42_500, 1_263), (10, 10)]
)
def test_the_fee_is_2_9_percent_and_30(amount, fee):
    assert money.processing_fee(amount) == fee


@given(st.integers(50, money.LARGEST))
def test_a_fee_never_exceeds_its_amount(amount):
    assert 0 < money.processing_fee(amount) <= amount


def test_amounts_in_words():
    assert money.written(42_500, "usd") == "425.00 USD"
    assert money.written(-5, "eur") == "-0.05 EUR"
    assert money.written(500, "jpy") == "500 JPY"


def test_test_cards_are_well_formed():
    assert all(cards.passes_luhn(number) for number in cards.CARDS)
    assert not cards.passes_luhn("4242424242424241")
    assert not cards.passes_luhn("4242 4242")
    assert not cards.passes_luhn("٤٢")
    named = [name for one in (*cards.CARDS.values(), *cards.BANKS.values()) for name in one.names]
    assert len(named) == len(set(named))
    assert cards.NAMED["pm_card_visa"] == "4242424242424242"
    reasons = {one.decline[1] or one.decline[0] for one in cards.CARDS.values() if one.decline}
    assert reasons <= cards.PLAIN_WORDS.keys()


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=4))
def test_the_sdk_accepts_the_signature(values):
    event = {"id": "evt_1", "object": "event", "values": values}
    for secrets in (["whsec_a"], ["whsec_b", "whsec_a"]):
        body, header = signed(event, secrets, 2**33, None)
        stripe.Webhook.construct_event(body, header, "whsec_a")


@pytest.mark.parametrize("kind", ["forge", "tamper", "stale"])
def test_false_deliveries_are_refused_by_the_sdk(kind):
    body, header = signed({"object": "event"}, ["whsec_a"], 1_000, WebhookFault(kind))
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, header, "whsec_a")


def test_a_signature_by_hand():
    assert signature.header(b"{}", ["s"], 1) == f"t=1,v1={signature.sign(b'{}', 's', 1)}"


def test_changing_a_path_leaves_the_original():
    event = {"data": {"object": {"amount": 5}}}
    assert changed(event, {"data.object.amount": 6}) == {"data": {"object": {"amount": 6}}}
    assert event["data"]["object"]["amount"] == 5


def test_back_off_doubles_to_its_limit():
    retry = Retry(first=2, longest=60)
    assert [retry.wait(n) for n in (1, 2, 3, 6, 1_000)] == [2, 4, 8, 60, 60]


@pytest.mark.parametrize(
    "table", [states.INTENT, states.SESSION, states.REFUND, states.PAYOUT, states.DISPUTE]
)
def test_state_tables_are_closed(table):
    assert {new for steps in table.values() for new in steps} <= table.keys()


def test_a_final_state_refuses_every_step():
    for new in states.INTENT:
        with pytest.raises(ApiError) as refused:
            states.check("payment_intent", states.INTENT, "succeeded", new)
        assert refused.value.fields["code"] == "payment_intent_unexpected_state"


def test_a_fault_is_used_up():
    faults = Faults()
    faults.add(RequestFault("error", path="/v1/refunds*", method="POST", times=2))
    assert faults.request("GET", "/v1/refunds") is None
    assert faults.request("POST", "/v1/refunds/re_1") is not None
    assert faults.request("POST", "/v1/refunds") is not None
    assert faults.request("POST", "/v1/refunds") is None


def test_reordering_gathers():
    faults = Faults()
    faults.add(WebhookFault("reorder", types=("charge.*",), count=2))
    assert faults.webhook("refund.created", 1) is None
    first = faults.webhook("charge.succeeded", 2)
    second = faults.webhook("charge.refunded", 3)
    assert first is second
    assert second.gathered == [2, 3]
    assert faults.webhook("charge.refunded", 4) is None


def test_the_fingerprint_ignores_order_only():
    one = idempotency.fingerprint("POST", "/v1/a", {"x": "1", "y": {"z": "2"}})
    assert one == idempotency.fingerprint("POST", "/v1/a", {"y": {"z": "2"}, "x": "1"})
    assert one != idempotency.fingerprint("POST", "/v1/b", {"x": "1", "y": {"z": "2"}})
    assert one != idempotency.fingerprint("POST", "/v1/a", {"x": "1", "y": {"z": "3"}})


def test_a_running_key_is_refused_and_freed():
    running = idempotency.Running()
    with running.claim("a/k", "k"), pytest.raises(ApiError) as refused, running.claim("a/k", "k"):
        pass
    assert refused.value.status == 409
    with running.claim("a/k", "k"):
        pass


def test_no_two_routes_answer_the_same_request():
    shapes = [(route.method, route.pattern) for route in ROUTER.routes]
    assert len(shapes) == len(set(shapes))
    for route in ROUTER.routes:
        path = route.pattern.replace("{", "").replace("}", "")
        assert ROUTER.match(route.method, path)[0] is route
