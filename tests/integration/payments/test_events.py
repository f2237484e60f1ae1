"""The webhook: what is refused leaves no trace, what does not fit is set aside."""

import hashlib
import hmac
import json
import time

import pytest
from sqlalchemy.exc import OperationalError

from marketplace.adapters.stripe_gateway import StripeGateway
from marketplace.core.ids import new_id
from marketplace.payments.gateway import PaymentGateway
from marketplace.payments.service import inbox

SECRET, OLD_SECRET = "whsec_new", "whsec_old"
URL = "/api/v1/stripe/webhook"


def body(**changes) -> bytes:
    event = {
        "id": f"evt_{new_id().hex}",
        "object": "event",
        "type": "payment_intent.created",
        "created": int(time.time()),
        "livemode": False,
        "api_version": "2026-05-27.dahlia",
        "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
    }
    return json.dumps({**event, **changes}).encode()


def sign(payload: bytes, secret: str = SECRET, at: float | None = None) -> str:
    stamp = int(at if at is not None else time.time())
    mac = hmac.new(secret.encode(), f"{stamp}.".encode() + payload, hashlib.sha256)
    return f"t={stamp},v1={mac.hexdigest()}"


@pytest.fixture
def real(parts, till):
    """The true adapter's verification, with two secrets while one is being rotated."""
    parts.add(
        PaymentGateway,
        StripeGateway(
            "sk_test_1", webhook_secrets=(SECRET, OLD_SECRET), api_base="http://127.0.0.1:1"
        ),
    )


@pytest.mark.fault(18)
def test_both_secrets_are_good_while_one_is_rotated(client, till, real):
    for secret in (SECRET, OLD_SECRET):
        payload = body()
        answer = client.post(URL, data=payload, headers={"Stripe-Signature": sign(payload, secret)})
        assert (answer.status_code, answer.json) == (200, {"received": True})
    assert till.one("SELECT count(*) FROM webhook_event") == 2


@pytest.mark.fault(18)
@pytest.mark.parametrize(
    "forge",
    [
        lambda payload: None,
        lambda payload: "",
        lambda payload: "t=1,v1=",
        lambda payload: "garbage",
        lambda payload: f"t={'9' * 5000},v1=00",
        lambda payload: sign(payload, "whsec_other"),
        lambda payload: sign(payload, ""),
        lambda payload: sign(payload, at=time.time() - 301),
        lambda payload: sign(payload, at=time.time() + 400),
        lambda payload: sign(payload + b" "),
        lambda payload: sign(payload).replace("v1=", "v0="),
    ],
)
def test_a_forged_or_stale_signature_is_refused_without_a_write(client, till, real, forge):
    payload = body()
    signature = forge(payload)
    headers = {} if signature is None else {"Stripe-Signature": signature}
    answer = client.post(URL, data=payload, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (400, "signature_refused")
    assert till.one("SELECT count(*) FROM webhook_event") == 0


@pytest.mark.fault(18)
@pytest.mark.parametrize("secrets", [(), ("",)])
def test_without_a_secret_everything_is_refused(client, till, parts, secrets):
    parts.add(PaymentGateway, StripeGateway("sk_test_1", webhook_secrets=secrets))
    payload = body()
    answer = client.post(URL, data=payload, headers={"Stripe-Signature": sign(payload, "")})
    assert answer.status_code == 400
    assert till.one("SELECT count(*) FROM webhook_event") == 0


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b'"text"',
        b"null",
        b"\xff\xfe",
        body(object="charge"),
        body(id=7),
        body(data=None),
        body(data={"object": []}),
        body(created="soon"),
        body(created=10**30),
        body(type=["a"]),
        body(account=5),
        body(data={"object": {"id": "pi_\u0000"}}),
        body(data={"object": {"id": "pi_\ud800"}}),
        body(data={"object": {"amount": float("inf")}}),
        b"[" * 100_000,
    ],
)
def test_a_signed_payload_that_is_no_event_is_refused_without_a_write(client, till, real, payload):
    answer = client.post(URL, data=payload, headers={"Stripe-Signature": sign(payload)})
    assert answer.status_code == 400, answer.json
    assert answer.json["code"] in {"payload_refused", "signature_refused"}
    assert till.one("SELECT count(*) FROM webhook_event") == 0


def test_an_event_beyond_a_mebibyte_is_refused(client, till, real):
    payload = body(data={"object": {"id": "pi_1", "padding": "x" * (1 << 20)}})
    answer = client.post(URL, data=payload, headers={"Stripe-Signature": sign(payload)})
    assert answer.json["code"] == "event_too_large"


@pytest.mark.fault(17)
def test_with_the_database_down_stripe_is_asked_to_send_it_again(client, till, real, monkeypatch):
    def down(*_args, **_kwargs):
        raise OperationalError("INSERT", {}, ConnectionError("the server is gone"))

    payload = body()
    monkeypatch.setattr(inbox, "receive", down)
    answer = client.post(URL, data=payload, headers={"Stripe-Signature": sign(payload)})
    assert answer.status_code == 503
    monkeypatch.undo()
    again = client.post(URL, data=payload, headers={"Stripe-Signature": sign(payload)})
    assert again.status_code == 200
    assert till.one("SELECT count(*) FROM webhook_event") == 1


@pytest.mark.fault(19)
@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ({"amount_total": 1}, "amount"),
        ({"amount_total": "38080"}, "amount"),
        ({"amount_total": None}, "amount"),
        ({"currency": "eur"}, "currency"),
        ({"currency": None}, "currency"),
        ({"live": True}, "mode"),
        ({"account": "acct_foreign"}, "account"),
        ({"client_reference_id": str(new_id())}, "payment_unknown"),
    ],
)
def test_an_event_that_does_not_fit_is_set_aside_and_confirms_nothing(till, gateway, claim, reason):
    payment_id, page = till.opened()
    gateway.pay(page)
    event = gateway.tell("checkout.session.completed", page, **claim)
    assert till.handle(event) == "quarantined"
    assert till.quarantined() == [reason]
    assert till.payment(payment_id).state == "open"
    assert till.books() == {}


@pytest.mark.fault(19)
@pytest.mark.parametrize("wrong", ["amount", "currency", "captured", "mode", "payment"])
def test_a_checkout_that_does_not_fit_is_set_aside_whatever_the_event_says(till, gateway, wrong):
    payment_id, page = till.opened()
    event = gateway.pay(page)
    gateway.spoil(page, wrong)
    assert till.handle(event) == "quarantined"
    assert till.quarantined() == [wrong]
    assert till.payment(payment_id).state == "open"
    assert till.books() == {}


def test_setting_aside_twice_leaves_one_row(till, gateway):
    _, page = till.opened()
    gateway.pay(page)
    for _ in range(2):
        till.handle(gateway.tell("checkout.session.completed", page, amount_total=1))
    assert till.quarantined() == ["amount"]


def test_events_about_others_and_of_other_kinds_are_ignored(till, gateway):
    _, page = till.opened()
    assert till.handle(gateway.tell("customer.created", page)) == "ignored"
    foreign = gateway.tell(
        "checkout.session.completed", page, id="cs_foreign", client_reference_id=None
    )
    assert till.handle(foreign) == "ignored"
    intent = gateway.tell("payment_intent.succeeded", page, id="pi_x", client_reference_id=None)
    assert till.handle(intent) == "ignored"


def test_an_event_about_a_page_that_the_processor_does_not_know_is_set_aside(till, gateway):
    _, page = till.opened()
    event = gateway.pay(page)
    del gateway.sessions[page]
    assert till.handle(event) == "quarantined"
    assert till.quarantined() == ["unknown_at_processor"]
