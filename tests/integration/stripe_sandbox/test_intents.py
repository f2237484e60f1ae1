"""PaymentIntents by the API: outcomes by test card, states, capture, cancel, later use."""

import pytest
import stripe

from tests.integration.stripe_sandbox.running import (
    RETURN,
    check_balance,
    eventually,
    new_payment,
    visit,
)


@pytest.mark.parametrize(
    ("method", "code", "decline"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
    ],
)
def test_a_decline_is_a_card_error_with_its_reason(
    sandbox, client, receiver, method, code, decline
):
    with pytest.raises(stripe.CardError) as refused:
        new_payment(client, payment_method=method)
    error = refused.value
    assert (error.http_status, error.code) == (402, code)
    assert error.error.decline_code == decline
    intent = client.v1.payment_intents.retrieve(error.error.payment_intent.id)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error.code == code
    charge = client.v1.charges.retrieve(intent.latest_charge)
    assert (charge.status, charge.failure_code) == ("failed", code)
    assert check_balance(client) == {"usd": 0}
    eventually(lambda: receiver.of("payment_intent.payment_failed"))
    retried = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert retried.status == "succeeded"


def test_a_challenge_by_redirect(sandbox, client):
    intent = client.v1.payment_intents.create(
        {
            "amount": 3_000,
            "currency": "usd",
            "payment_method": "pm_card_threeDSecure2Required",
            "confirm": True,
            "return_url": RETURN + "/back?a=b",
        }
    )
    assert intent.status == "requires_action"
    url = intent.next_action.redirect_to_url.url
    status, back, _ = visit(url, answer="complete")
    assert status == 303
    assert back.startswith(f"{RETURN}/back?a=b&payment_intent={intent.id}")
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_a_challenge_off_session_is_a_decline(sandbox, client):
    with pytest.raises(stripe.CardError) as refused:
        new_payment(client, payment_method="pm_card_authenticationRequired", off_session=True)
    assert refused.value.code == "authentication_required"


def test_capture_takes_part_and_releases_the_rest(sandbox, client):
    intent = new_payment(client, 9_000, capture_method="manual")
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 9_000)
    assert check_balance(client) == {"usd": 0}
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 9_001})
    taken = client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 5_000})
    assert (taken.status, taken.amount_received) == ("succeeded", 5_000)
    assert check_balance(client) == {"usd": 5_000 - 175}
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 5_001})
    assert client.v1.refunds.create({"payment_intent": intent.id}).amount == 5_000


def test_cancel_and_what_it_refuses(sandbox, client, receiver):
    intent = new_payment(client, 9_000, capture_method="manual")
    reason = {"cancellation_reason": "requested_by_customer"}
    cancelled = client.v1.payment_intents.cancel(intent.id, reason)
    assert (cancelled.status, cancelled.cancellation_reason) == (
        "canceled",
        "requested_by_customer",
    )
    for again in (
        lambda: client.v1.payment_intents.cancel(intent.id),
        lambda: client.v1.payment_intents.capture(intent.id),
        lambda: client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}),
        lambda: client.v1.payment_intents.cancel(new_payment(client).id),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            again()
        assert refused.value.code == "payment_intent_unexpected_state"
    eventually(lambda: receiver.of("payment_intent.canceled"))


def test_confirming_with_redirects_needs_a_return_address(shared):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        new_payment(shared.client(), automatic_payment_methods={"enabled": True})
    assert refused.value.param == "return_url"


def test_a_payment_method_without_a_customer_is_used_once(shared):
    client = shared.client()
    first = new_payment(client)
    with pytest.raises(stripe.InvalidRequestError):
        new_payment(client, payment_method=first.payment_method)


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"amount": 49}, "amount", "amount_too_small"),
        ({"amount": 100_000_000}, "amount", "amount_too_large"),
        ({"amount": -1}, "amount", "parameter_invalid_integer"),
        ({"amount": "12.5"}, "amount", "parameter_invalid_integer"),
        ({"currency": "dollar"}, "currency", None),
        ({"payment_method": "pm_none"}, "payment_method", "resource_missing"),
        ({"capture_method": "later"}, "capture_method", None),
        ({"amount": ""}, "amount", "parameter_invalid_empty"),
    ],
)
def test_bad_parameters_are_named(shared, change, param, code):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        new_payment(shared.client(), **change)
    assert (refused.value.param, refused.value.code) == (param, code)


def test_money_is_pending_until_available(start):
    process = start("--available-after", "3600")
    client = process.client()
    new_payment(client, 10_000)
    balance = client.v1.balance.retrieve()
    assert (balance.available[0].amount, balance.pending[0].amount) == (0, 9_680)
    new_payment(client, 10_000, payment_method="pm_card_bypassPending")
    assert client.v1.balance.retrieve().available[0].amount == 9_680
    process.fault("clock.advance", seconds=3_601)
    balance = client.v1.balance.retrieve()
    assert (balance.available[0].amount, balance.pending[0].amount) == (19_360, 0)
    assert {e.status for e in client.v1.balance_transactions.list().data} == {"available"}
