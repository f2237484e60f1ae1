"""Idempotency keys: the first answer stands, whatever it was, for 24 hours."""

import http.client
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urlsplit

import pytest
import stripe

from tests.integration.stripe_sandbox.running import KEY, check_balance, new_payment

PAYMENT = {
    "amount": "7000",
    "currency": "usd",
    "payment_method": "pm_card_visa",
    "confirm": "true",
    "automatic_payment_methods[enabled]": "true",
    "automatic_payment_methods[allow_redirects]": "never",
}


def post(process, path, params, key, **headers):
    """A request without the SDK: status, headers, body."""
    connection = http.client.HTTPConnection(urlsplit(process.url).netloc, timeout=30)
    sent = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-www-form-urlencoded"}
    if key is not None:
        sent["Idempotency-Key"] = key
    connection.request("POST", path, urlencode(params), {**sent, **headers})
    with connection.getresponse() as answer:
        found = answer.status, dict(answer.getheaders()), json.loads(answer.read())
    connection.close()
    return found


def charges(process):
    return len(process.client().v1.charges.list({"limit": 100}).data)


def test_the_same_request_is_answered_again_not_done_again(sandbox):
    first = post(sandbox, "/v1/payment_intents", PAYMENT, "key-1")
    second = post(sandbox, "/v1/payment_intents", dict(reversed(PAYMENT.items())), "key-1")
    assert (first[0], second[0]) == (200, 200)
    assert first[2] == second[2]
    assert "Idempotent-Replayed" not in first[1]
    assert second[1]["Idempotent-Replayed"] == "true"
    assert second[1]["Original-Request"] == first[1]["Request-Id"] != second[1]["Request-Id"]
    assert charges(sandbox) == 1


def test_other_parameters_under_the_key_are_refused(sandbox):
    post(sandbox, "/v1/payment_intents", PAYMENT, "key-1")
    for path, params in (
        ("/v1/payment_intents", {**PAYMENT, "amount": "7001"}),
        ("/v1/customers", {}),
    ):
        status, _, body = post(sandbox, path, params, "key-1")
        assert (status, body["error"]["type"]) == (400, "idempotency_error")
    with pytest.raises(stripe.IdempotencyError):
        new_payment_under(sandbox, "key-1", 1_234)
    assert charges(sandbox) == 1


def new_payment_under(process, key, amount):
    return process.client().v1.payment_intents.create(
        {"amount": amount, "currency": "usd"}, {"idempotency_key": key}
    )


def test_a_decline_is_stored_with_its_status(sandbox):
    declined = {**PAYMENT, "payment_method": "pm_card_visa_chargeDeclined"}
    first = post(sandbox, "/v1/payment_intents", declined, "key-1")
    second = post(sandbox, "/v1/payment_intents", declined, "key-1")
    assert (first[0], second[0]) == (402, 402)
    assert first[2] == second[2]
    assert charges(sandbox) == 1


def test_what_validation_refuses_is_not_stored(sandbox):
    status, _, _ = post(sandbox, "/v1/payment_intents", {**PAYMENT, "amount": "x"}, "key-1")
    assert status == 400
    assert post(sandbox, "/v1/payment_intents", PAYMENT, "key-1")[0] == 200


def test_keys_are_kept_apart_by_account_and_limited(sandbox, client):
    account = client.v1.accounts.create({"type": "express"})
    here = post(sandbox, "/v1/customers", {}, "key-1")
    there = post(sandbox, "/v1/customers", {}, "key-1", **{"Stripe-Account": account.id})
    assert here[2]["id"] != there[2]["id"]
    assert post(sandbox, "/v1/customers", {}, "k" * 256)[0] == 400


def test_at_once_one_works_and_the_others_conflict_or_are_replayed(sandbox):
    gate = threading.Barrier(16)

    def request(_):
        gate.wait()
        return post(sandbox, "/v1/payment_intents", PAYMENT, "key-1")

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(request, range(16)))
    statuses = {status for status, _, _ in answers}
    assert statuses <= {200, 409}
    assert len({body["id"] for status, _, body in answers if status == 200}) == 1
    for status, headers, body in answers:
        if status == 409:
            assert body["error"]["code"] == "idempotency_key_in_use"
            assert headers["Stripe-Should-Retry"] == "true"
    assert charges(sandbox) == 1


def test_a_request_in_flight_holds_its_key(sandbox):
    sandbox.fault("request.hang", seconds=1.0, path="/v1/payment_intents")
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(post, sandbox, "/v1/payment_intents", PAYMENT, "key-1")
        while not slow.running():
            pass
        threading.Event().wait(0.3)
        status, _, body = post(sandbox, "/v1/payment_intents", PAYMENT, "key-1")
        assert (status, body["error"]["code"]) == (409, "idempotency_key_in_use")
        assert slow.result()[0] == 200
    assert charges(sandbox) == 1


@pytest.mark.parametrize("work", [False, True])
def test_a_500_stored_under_a_key_comes_again(sandbox, work):
    sandbox.fault("request.error", status=500, stored=True, work=work, path="/v1/payment_intents")
    for _ in range(3):
        status, headers, body = post(sandbox, "/v1/payment_intents", PAYMENT, "key-1")
        assert (status, body["error"]["type"]) == (500, "api_error")
    assert headers["Idempotent-Replayed"] == "true"
    assert charges(sandbox) == (1 if work else 0)
    check_balance(sandbox.client())


def test_a_500_not_stored_lets_the_retry_work(sandbox):
    sandbox.fault("request.error", status=500, path="/v1/payment_intents", times=2)
    statuses = [post(sandbox, "/v1/payment_intents", PAYMENT, "key-1")[0] for _ in range(3)]
    assert statuses == [500, 500, 200]


@pytest.mark.parametrize("status", [429, 409, 503])
def test_the_sdk_backs_off_and_has_one_effect(sandbox, status):
    sandbox.fault("request.error", status=status, path="/v1/payment_intents", times=2)
    assert new_payment(sandbox.client(retries=3)).status == "succeeded"
    assert charges(sandbox) == 1


def test_a_dropped_answer_is_had_by_the_same_key(sandbox):
    sandbox.fault("request.drop", path="/v1/payment_intents", work=True)
    with pytest.raises(http.client.RemoteDisconnected):
        post(sandbox, "/v1/payment_intents", PAYMENT, "key-1")
    assert charges(sandbox) == 1
    status, headers, body = post(sandbox, "/v1/payment_intents", PAYMENT, "key-1")
    assert (status, body["status"], headers["Idempotent-Replayed"]) == (200, "succeeded", "true")
    assert charges(sandbox) == 1


def test_a_dropped_request_does_nothing(sandbox):
    sandbox.fault("request.drop", path="/v1/payment_intents")
    with pytest.raises(http.client.RemoteDisconnected):
        post(sandbox, "/v1/payment_intents", PAYMENT, "key-1")
    assert charges(sandbox) == 0


def test_a_key_is_forgotten_after_a_day(sandbox):
    first = post(sandbox, "/v1/payment_intents", PAYMENT, "key-1")[2]["id"]
    sandbox.fault("clock.advance", seconds=86_000)
    assert post(sandbox, "/v1/payment_intents", PAYMENT, "key-1")[2]["id"] == first
    sandbox.fault("clock.advance", seconds=500)
    assert post(sandbox, "/v1/payment_intents", PAYMENT, "key-1")[2]["id"] != first
    assert charges(sandbox) == 2


def test_a_hang_is_a_hang_for_this_request_alone(sandbox, client):
    sandbox.fault("request.hang", seconds=1.5, path="/v1/customers", method="POST")
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(client.v1.customers.create, {"email": "a@example.org"})
        assert client.v1.balance.retrieve().object == "balance"
        assert not slow.done()
        assert slow.result().email == "a@example.org"
