"""The hosted page: a payer clicks through it, is declined, challenged, too late, or twice."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from tests.integration.stripe_sandbox.running import (
    RETURN,
    card,
    check_balance,
    eventually,
    new_session,
    visit,
)


def test_a_payer_clicks_through(sandbox, client, receiver):
    session = new_session(
        client,
        metadata={"booking": "7"},
        client_reference_id="ref",
        payment_intent_data={"metadata": {"booking": "7"}, "description": "Deposit"},
    )
    assert (session.status, session.payment_status, session.payment_intent) == (
        "open",
        "unpaid",
        None,
    )
    status, _, text = visit(session.url)
    assert status == 200
    assert "425.00 USD" in text
    assert f'href="{RETURN}/cancelled"' in text

    status, onward, _ = visit(session.url, **card("4242 4242 4242 4242"))
    assert (status, onward) == (303, f"{RETURN}/paid?session={session.id}")

    paid = client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge.balance_transaction"]}
    )
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert paid.customer_details.email == "payer@example.org"
    assert paid.payment_intent.metadata.to_dict() == {"booking": "7"}
    entry = paid.payment_intent.latest_charge.balance_transaction
    assert (entry.amount, entry.fee, entry.net) == (42_500, 1_263, 41_237)
    assert check_balance(client) == {"usd": 41_237}
    done = eventually(lambda: receiver.of("checkout.session.completed"))
    assert done[0]["data"]["object"]["id"] == session.id
    assert done[0]["data"]["object"]["metadata"] == {"booking": "7"}

    assert "Already paid" in visit(session.url)[2]
    assert visit(session.url, **card("4242424242424242"))[0] == 200
    assert check_balance(client) == {"usd": 41_237}


@pytest.mark.parametrize(
    ("number", "code", "reason"),
    [
        ("4000000000000002", "card_declined", "declined"),
        ("4000000000009995", "card_declined", "insufficient funds"),
        ("4000000000000069", "expired_card", "expired"),
        ("4000000000000127", "incorrect_cvc", "security code is incorrect"),
        ("4242424242424241", None, "number is incorrect"),
        ("4111111111111111", None, "test numbers only"),
    ],
)
def test_a_decline_says_why_and_lets_the_payer_try_again(shared, number, code, reason):
    client = shared.client()
    session = new_session(client)
    status, _, text = visit(session.url, **card(number))
    assert status == 402
    assert reason in text
    assert 'name="number"' in text
    if code:
        seen = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
        assert seen.payment_intent.status == "requires_payment_method"
        assert seen.payment_intent.last_payment_error.code == code
        assert reason in visit(session.url)[2]
    assert visit(session.url, **card("4242424242424242"))[0] == 303


@pytest.mark.parametrize("expiry", ["", "13/34", "00/34", "12/20", "x", "12/9999"])
def test_an_impossible_expiry_date_is_refused(shared, expiry):
    session = new_session(shared.client())
    status, _, text = visit(session.url, **{**card("4242424242424242"), "expiry": expiry})
    assert status == 402
    assert "expiry date" in text


def test_the_challenge_passed_and_failed(sandbox, client, receiver):
    session = new_session(client)
    status, challenge, _ = visit(session.url, **card("4000002760003184"))
    assert status == 303
    assert "425.00 USD" in visit(challenge)[2]
    status, back, _ = visit(challenge, answer="fail")
    assert (status, back) == (303, session.url)
    assert "could not be authenticated" in visit(session.url)[2]
    _, second, _ = visit(session.url, **card("4000002760003184"))
    status, onward, _ = visit(second, answer="complete")
    assert (status, onward) == (303, f"{RETURN}/paid?session={session.id}")
    assert visit(second, answer="complete")[0] == 303
    assert check_balance(client) == {"usd": 41_237}
    eventually(lambda: receiver.of("payment_intent.requires_action"))


def test_an_abandoned_challenge_ends_with_the_session(sandbox, client, receiver):
    session = new_session(client)
    _, challenge, _ = visit(session.url, **card("4000002760003184"))
    client.v1.checkout.sessions.expire(session.id)
    seen = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert (seen.status, seen.payment_intent.status) == ("expired", "canceled")
    assert visit(challenge)[0] == 410
    assert visit(challenge, answer="complete")[0] == 303
    assert visit(session.url)[0] == 410
    assert visit(session.url, **card("4242424242424242"))[0] == 410
    assert check_balance(client) == {"usd": 0}
    eventually(lambda: receiver.of("checkout.session.expired"))
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.expire(session.id)
    assert refused.value.code == "checkout_session_not_open"


def test_a_session_expires_by_itself(sandbox, client, receiver):
    session = new_session(client, expires_at=int(time.time()) + 2_000)
    sandbox.fault("clock.advance", seconds=1_900)
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"
    sandbox.fault("clock.advance", seconds=101)
    assert client.v1.checkout.sessions.retrieve(session.id).status == "expired"
    eventually(lambda: receiver.of("checkout.session.expired"))


@pytest.mark.parametrize("seconds", [-5, 0, 1_790, 86_500, 10**9])
def test_an_expiry_outside_half_an_hour_to_a_day_is_refused(shared, seconds):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        new_session(shared.client(), expires_at=int(time.time()) + seconds)
    assert refused.value.param == "expires_at"


def test_two_tabs_pay_once(sandbox, client):
    session = new_session(client)
    with ThreadPoolExecutor(12) as pool:
        tries = [pool.submit(visit, session.url, **card("4242424242424242")) for _ in range(12)]
        answers = [done.result()[0] for done in tries]
    assert sorted(set(answers)) == [200, 303]
    assert answers.count(303) == 1
    assert len(client.v1.charges.list().data) == 1
    assert check_balance(client) == {"usd": 41_237}


@pytest.mark.parametrize(
    ("outcome", "event"),
    [
        ("succeeded", "checkout.session.async_payment_succeeded"),
        ("insufficient_funds", "checkout.session.async_payment_failed"),
    ],
)
def test_a_bank_debit_is_known_later(sandbox, client, receiver, outcome, event):
    session = new_session(client, payment_method_types=["card", "us_bank_account"])
    assert visit(session.url, **card("000123456789"))[0] == 303
    seen = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert (seen.status, seen.payment_status) == ("complete", "unpaid")
    assert seen.payment_intent.status == "processing"
    assert check_balance(client) == {"usd": 0}
    sandbox.fault("intent.settle", payment_intent=seen.payment_intent.id, outcome=outcome)
    assert eventually(lambda: receiver.of(event))
    seen = client.v1.checkout.sessions.retrieve(session.id)
    assert seen.payment_status == ("paid" if outcome == "succeeded" else "unpaid")


def test_a_bank_debit_needs_to_be_asked_for(shared):
    session = new_session(shared.client())
    assert visit(session.url, **card("000123456789"))[0] == 400


def test_a_card_is_kept_for_the_balance(sandbox, client):
    customer = client.v1.customers.create({"email": "a@example.org"})
    session = new_session(
        client, customer=customer.id, payment_intent_data={"setup_future_usage": "off_session"}
    )
    visit(session.url, **card("4242424242424242"))
    kept = client.v1.customers.payment_methods.list(customer.id).data[0]
    balance = client.v1.payment_intents.create(
        {
            "amount": 100_000,
            "currency": "usd",
            "customer": customer.id,
            "payment_method": kept.id,
            "off_session": True,
            "confirm": True,
        }
    )
    assert balance.status == "succeeded"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"success_url": "javascript:alert(1)"}, "success_url"),
        ({"line_items": []}, "line_items"),
        ({"mode": "subscription"}, None),
        ({"customer": "cus_none"}, "customer"),
        ({"colour": "red"}, "colour"),
        ({"line_items": [{"price": "price_none", "quantity": 1}]}, "line_items[0][price]"),
        ({"metadata": {"k": "v" * 501}}, "metadata"),
    ],
)
def test_bad_parameters_are_named(shared, change, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        new_session(shared.client(), **change)
    assert refused.value.param == param
    assert refused.value.http_status == 400


def test_pages_escape_what_they_show(shared):
    price = {"currency": "usd", "unit_amount": 500, "product_data": {"name": "<script>x</script>"}}
    session = new_session(shared.client(), line_items=[{"price_data": price, "quantity": 1}])
    text = visit(session.url)[2]
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_unknown_pages_are_not_found(shared):
    for path in (
        "/c/pay/cs_test_none",
        "/hosted/3ds/pi_x/y",
        "/hosted/onboarding/x",
        "/hosted/receipt/x",
    ):
        assert visit(shared.url + path)[0] == 404
