"""Webhooks: signed, at least once, retried, and played false where a fault asks for it."""

import json
import time

import pytest
import stripe

from tests.integration.stripe_sandbox.running import (
    SECRET,
    Receiver,
    card,
    eventually,
    new_payment,
    new_session,
    visit,
)


def delivered(process):
    return process.json("GET", "/_sandbox/webhooks")


def settled(process):
    """Wait until nothing waits any more."""
    eventually(lambda: delivered(process)["waiting"] == 0)


def test_a_delivery_verifies_with_the_sdk(sandbox, client, receiver):
    new_payment(client)
    settled(sandbox)
    for body, header in receiver.got:
        event = stripe.Webhook.construct_event(body, header, SECRET)
        assert client.v1.events.retrieve(event.id).pending_webhooks == 0
    assert {"payment_intent.succeeded", "charge.succeeded"} < set(receiver.types)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, header, "whsec_other")


def test_a_refused_delivery_comes_again_until_it_is_taken(sandbox, client, receiver):
    receiver.answers[:] = [500, 503, 302, 404]
    client.v1.customers.create({"email": "a@example.org"})
    settled(sandbox)
    assert receiver.types == ["customer.created"] * 5
    assert len({body["id"] for body in receiver.bodies}) == 1
    row = delivered(sandbox)["deliveries"][0]
    assert (row["state"], row["attempts"], row["status"]) == ("delivered", 5, 200)


def test_a_delivery_is_given_up_in_the_end(start, receiver):
    options = ("--webhook-url", receiver.url, "--webhook-secret", SECRET)
    process = start(*options, "--retry-first", "0.01", "--retry-attempts", "3")
    receiver.answers[:] = [500] * 9
    process.client().v1.customers.create({})
    settled(process)
    assert len(receiver.got) == 3
    assert delivered(process)["deliveries"][0]["state"] == "failed"


def test_an_endpoint_that_is_down_gets_it_later(start, receiver):
    spare = Receiver()
    spare.close()
    options = ("--webhook-url", spare.url, "--webhook-secret", SECRET, "--retry-first", "3600")
    process = start(*options)
    client = process.client()
    client.v1.customers.create({})
    eventually(lambda: delivered(process)["deliveries"][0]["attempts"] == 1)
    endpoint = client.v1.webhook_endpoints.list().data[0]
    client.v1.webhook_endpoints.update(endpoint.id, {"url": receiver.url})
    process.fault("clock.advance", seconds=3_601)
    settled(process)
    assert receiver.types == ["customer.created"]


def test_endpoints_get_what_they_listen_to(sandbox, client):
    other = Receiver()
    try:
        made = client.v1.webhook_endpoints.create(
            {"url": other.url, "enabled_events": ["customer.*", "charge.succeeded"]}
        )
        assert made.secret.startswith("whsec_")
        assert "secret" not in client.v1.webhook_endpoints.retrieve(made.id).to_dict()
        client.v1.customers.create({})
        new_payment(client)
        settled(sandbox)
        assert sorted(other.types) == ["charge.succeeded", "customer.created"]
        body, header = other.got[0]
        stripe.Webhook.construct_event(body, header, made.secret)
        client.v1.webhook_endpoints.update(made.id, {"disabled": True})
        client.v1.customers.create({})
        client.v1.webhook_endpoints.delete(made.id)
        settled(sandbox)
        assert len(other.got) == 2
    finally:
        other.close()


def test_five_at_once(sandbox, client, receiver):
    sandbox.fault("webhook.duplicate", types=["customer.created"], count=5)
    client.v1.customers.create({})
    settled(sandbox)
    assert receiver.types == ["customer.created"] * 5
    assert len({body["id"] for body in receiver.bodies}) == 1


def test_the_refund_event_comes_before_the_payment_event(sandbox, client, receiver):
    types = ["payment_intent.succeeded", "charge.refunded"]
    sandbox.fault("webhook.reorder", types=types, count=2)
    intent = new_payment(client)
    client.v1.refunds.create({"payment_intent": intent.id})
    settled(sandbox)
    assert [kind for kind in receiver.types if kind in types] == list(reversed(types))


def test_held_back_until_released_and_lost(sandbox, client, receiver):
    sandbox.fault("webhook.hold", types=["customer.created"], times=2)
    sandbox.fault("webhook.lose", types=["payment_intent.succeeded"])
    for email in ("a@example.org", "b@example.org"):
        client.v1.customers.create({"email": email})
    new_payment(client)
    eventually(lambda: delivered(sandbox)["waiting"] == 2)
    time.sleep(0.3)
    assert receiver.of("customer.created") == []
    assert sandbox.fault("webhook.release") == {"released": 2}
    settled(sandbox)
    emails = [body["data"]["object"]["email"] for body in receiver.of("customer.created")]
    assert emails == ["a@example.org", "b@example.org"]
    assert receiver.of("payment_intent.succeeded") == []


@pytest.mark.parametrize("kind", ["forge", "tamper", "stale"])
def test_bad_signatures(sandbox, client, receiver, kind):
    sandbox.fault(f"webhook.{kind}", types=["customer.created"])
    client.v1.customers.create({})
    settled(sandbox)
    body, header = receiver.got[0]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, header, SECRET)


def test_a_secret_in_rotation_signs_with_both(sandbox, client, receiver):
    endpoint = client.v1.webhook_endpoints.list().data[0]
    rolled = sandbox.fault("endpoint.roll_secret", endpoint=endpoint.id, overlap=60)
    client.v1.customers.create({})
    settled(sandbox)
    for secret in (SECRET, rolled["secret"]):
        stripe.Webhook.construct_event(*receiver.got[0], secret)
    sandbox.fault("clock.advance", seconds=61)
    client.v1.customers.create({})
    settled(sandbox)
    stripe.Webhook.construct_event(*receiver.got[1], rolled["secret"])
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(*receiver.got[1], SECRET)


def test_a_wrong_amount_well_signed(sandbox, client, receiver):
    wrong = {"data.object.amount_total": 1, "data.object.currency": "eur", "livemode": True}
    sandbox.fault("webhook.change", types=["checkout.session.completed"], set=wrong)
    visit(new_session(client).url, **card("4242424242424242"))
    settled(sandbox)
    body, header = next(g for g in receiver.got if b"checkout.session.completed" in g[0])
    event = stripe.Webhook.construct_event(body, header, SECRET)
    assert event.livemode
    assert (event.data.object.amount_total, event.data.object.currency) == (1, "eur")


def test_a_stale_event_after_the_fact_and_an_old_one_again(sandbox, client, receiver):
    intent = new_payment(client)
    settled(sandbox)
    sandbox.fault(
        "event.emit",
        event_type="payment_intent.payment_failed",
        object_id=intent.id,
        fields={"status": "requires_payment_method"},
    )
    old = receiver.of("payment_intent.succeeded")[0]
    sandbox.fault("event.repeat", event=old["id"])
    eventually(lambda: len(receiver.of("payment_intent.succeeded")) == 2)
    stale = eventually(lambda: receiver.of("payment_intent.payment_failed"))[0]
    assert stale["data"]["object"]["status"] == "requires_payment_method"
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_connected_accounts_events_go_to_connect_endpoints(start, receiver):
    connect = Receiver()
    try:
        options = ("--webhook-url", receiver.url, "--webhook-secret", SECRET)
        more = ("--connect-webhook-url", connect.url, "--connect-webhook-secret", "whsec_connect")
        process = start(*options, *more)
        client = process.client()
        account = client.v1.accounts.create({"type": "express"})
        client.v1.customers.create({})
        client.v1.customers.create({}, {"stripe_account": account.id})
        settled(process)
        assert receiver.types == ["customer.created"]
        assert sorted(connect.types) == ["account.updated", "customer.created"]
        assert {body["account"] for body in connect.bodies} == {account.id}
        stripe.Webhook.construct_event(*connect.got[0], "whsec_connect")
    finally:
        connect.close()


def test_events_are_listed_by_type_and_time(sandbox, client):
    client.v1.customers.create({})
    new_payment(client)
    listed = client.v1.events.list({"type": "customer.created"}).data
    assert [event.type for event in listed] == ["customer.created"]
    some = client.v1.events.list({"types": ["charge.succeeded", "customer.created"]}).data
    assert [event.type for event in some] == ["charge.succeeded", "customer.created"]
    assert client.v1.events.list({"created": {"gt": int(time.time()) + 5}}).data == []
    assert json.loads(json.dumps(listed[0].to_dict()))["api_version"] == "2026-05-27.dahlia"
