"""Refunds: never more than was captured, whatever runs at once; failing later."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from tests.integration.stripe_sandbox.running import check_balance, eventually, new_payment


def test_partial_refunds_up_to_the_whole(sandbox, client, receiver):
    intent = new_payment(client, 10_000)
    first = client.v1.refunds.create({"payment_intent": intent.id, "amount": 2_500})
    assert (first.status, first.amount) == ("succeeded", 2_500)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 7_501})
    assert refused.value.param == "amount"
    rest = client.v1.refunds.create({"charge": intent.latest_charge})
    assert rest.amount == 7_500
    charge = client.v1.charges.retrieve(intent.latest_charge)
    assert (charge.refunded, charge.amount_refunded) == (True, 10_000)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_already_refunded"
    # The fee of the charge (320) is not given back.
    assert check_balance(client) == {"usd": -320}
    listed = client.v1.refunds.list({"payment_intent": intent.id}).data
    assert [refund.amount for refund in listed] == [7_500, 2_500]
    eventually(lambda: len(receiver.of("refund.created")) == 2)
    eventually(lambda: len(receiver.of("charge.refunded")) == 2)


def test_refunds_at_once_never_exceed_the_charge(sandbox, client):
    intent = new_payment(client, 10_000)

    def refund(_):
        try:
            return client.v1.refunds.create({"payment_intent": intent.id, "amount": 1_500}).amount
        except stripe.InvalidRequestError:
            return 0

    with ThreadPoolExecutor(16) as pool:
        given = list(pool.map(refund, range(20)))
    assert sum(given) == 9_000
    assert client.v1.charges.retrieve(intent.latest_charge).amount_refunded == 9_000
    assert check_balance(client) == {"usd": 10_000 - 320 - 9_000}


def test_a_refund_fails_days_later(sandbox, client, receiver):
    intent = new_payment(client, 10_000)
    refund = client.v1.refunds.create({"payment_intent": intent.id, "amount": 4_000})
    sandbox.fault("clock.advance", seconds=5 * 86_400)
    sandbox.fault("refund.fail", refund=refund.id, reason="expired_or_canceled_card")
    failed = client.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert failed.failure_balance_transaction.net == 4_000
    assert client.v1.charges.retrieve(intent.latest_charge).amount_refunded == 0
    assert check_balance(client) == {"usd": 9_680}
    assert eventually(lambda: receiver.of("refund.failed"))
    assert client.v1.refunds.create({"payment_intent": intent.id}).amount == 10_000


def test_refunds_settle_by_themselves(start, tmp_path):
    process = start("--settle-after", "1")
    client = process.client()
    pending = new_payment(client, payment_method="pm_card_pendingRefund")
    first = client.v1.refunds.create({"payment_intent": pending.id})
    assert first.status == "pending"
    failing = new_payment(client, payment_method="pm_card_refundFail")
    second = client.v1.refunds.create({"payment_intent": failing.id})
    assert second.status == "succeeded"
    eventually(lambda: client.v1.refunds.retrieve(first.id).status == "succeeded")
    eventually(lambda: client.v1.refunds.retrieve(second.id).status == "failed")
    check_balance(client)


def test_what_can_not_be_refunded(sandbox, client):
    held = new_payment(client, capture_method="manual")
    with pytest.raises(stripe.CardError) as declined:
        new_payment(client, payment_method="pm_card_visa_chargeDeclined")
    disputed = new_payment(client, payment_method="pm_card_createDispute")
    for params, code in (
        ({"payment_intent": held.id}, "payment_intent_unexpected_state"),
        ({"charge": held.latest_charge}, None),
        ({"charge": declined.value.error.charge}, None),
        ({"payment_intent": disputed.id}, "charge_disputed"),
        ({"payment_intent": "pi_none"}, "resource_missing"),
        ({}, "parameter_missing"),
        ({"charge": disputed.latest_charge, "amount": 0}, "parameter_invalid_integer"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.refunds.create(params)
        assert refused.value.code == code
    check_balance(client)
