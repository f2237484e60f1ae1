"""What every endpoint shares: keys, errors, cursors, expansion, metadata, time filters, pages."""

import base64
import http.client
import json
import time
import urllib.error
from urllib.parse import urlsplit

import pytest
import stripe

from tests.integration.stripe_sandbox.running import KEY, new_payment, visit


def ask(process, method, path, body=None, **headers):
    connection = http.client.HTTPConnection(urlsplit(process.url).netloc, timeout=30)
    connection.request(method, path, body, headers)
    with connection.getresponse() as answer:
        found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


AUTHORIZED = {"Authorization": f"Bearer {KEY}"}


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer pk_test_abc"},
        {"Authorization": "Bearer sk_live_abcdefgh"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Digest x"},
    ],
)
def test_a_test_key_is_needed(shared, header):
    status, headers, body = ask(shared, "GET", "/v1/balance", **header)
    assert status == 401
    assert headers["Request-Id"].startswith("req_")
    assert json.loads(body)["error"]["type"] == "invalid_request_error"


def test_only_the_key_given_at_start_is_taken(start):
    process = start("--api-key", "sk_test_the_only_one")
    with pytest.raises(stripe.AuthenticationError):
        process.client().v1.balance.retrieve()
    known = stripe.StripeClient("sk_test_the_only_one", base_addresses={"api": process.url})
    assert known.v1.balance.retrieve().object == "balance"


def test_a_key_as_user_name_as_curl_sends_it(shared):
    basic = "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()
    assert ask(shared, "GET", "/v1/balance", Authorization=basic)[0] == 200


def test_what_does_not_exist_is_404_with_its_code(shared):
    client = shared.client()
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.v1.customers.retrieve("cus_none")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
    assert missing.value.request_id.startswith("req_")
    with pytest.raises(stripe.InvalidRequestError) as wrong_kind:
        client.v1.refunds.retrieve(client.v1.customers.create({}).id)
    assert wrong_kind.value.http_status == 404
    status, _, body = ask(shared, "GET", "/v1/nonsense", **AUTHORIZED)
    assert (status, json.loads(body)["error"]["type"]) == (404, "invalid_request_error")


def test_cursors_walk_forwards_and_backwards(start):
    client = start().client()
    made = [client.v1.customers.create({"name": f"c{n}"}).id for n in range(7)]
    newest = list(reversed(made))
    page = client.v1.customers.list({"limit": 3})
    assert ([c.id for c in page.data], page.has_more) == (newest[:3], True)
    second = client.v1.customers.list({"limit": 3, "starting_after": newest[2]})
    assert ([c.id for c in second.data], second.has_more) == (newest[3:6], True)
    last = client.v1.customers.list({"limit": 3, "starting_after": newest[5]})
    assert ([c.id for c in last.data], last.has_more) == (newest[6:], False)
    back = client.v1.customers.list({"limit": 3, "ending_before": newest[5]})
    assert ([c.id for c in back.data], back.has_more) == (newest[2:5], True)
    assert [c.id for c in client.v1.customers.list({"limit": 2}).auto_paging_iter()] == newest
    for wrong in (
        {"limit": 0},
        {"limit": 101},
        {"limit": "many"},
        {"starting_after": "cus_none"},
        {"starting_after": newest[0], "ending_before": newest[1]},
        {"created": {"around": 1}},
        {"nothing": 1},
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.customers.list(wrong)
        assert refused.value.http_status == 400


def test_created_filters(start):
    process = start()
    client = process.client()
    old = client.v1.customers.create({})
    process.fault("clock.advance", seconds=1_000)
    new = client.v1.customers.create({})
    between = int(time.time()) + 500

    def found(**created):
        return [c.id for c in client.v1.customers.list({"created": created}).data]

    assert found(gte=between) == [new.id]
    assert found(lt=between) == [old.id]
    assert found(gt=old.created, lte=new.created) == [new.id]
    assert [c.id for c in client.v1.customers.list({"created": old.created}).data] == [old.id]


def test_expansion(shared):
    client = shared.client()
    customer = client.v1.customers.create({"email": "a@example.org"})
    intent = new_payment(client, customer=customer.id, expand=["customer"])
    assert intent.customer.email == "a@example.org"
    listed = client.v1.payment_intents.list(
        {"customer": customer.id, "expand": ["data.latest_charge.balance_transaction"]}
    )
    assert listed.data[0].latest_charge.balance_transaction.object == "balance_transaction"
    for path in ("amount.x.y.z.a.b", "nothing", "status"):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.payment_intents.retrieve(intent.id, {"expand": [path]})


def test_metadata_merges(shared):
    client = shared.client()
    customer = client.v1.customers.create({"metadata": {"a": "1", "b": "2", "0": "zero"}})
    changed = client.v1.customers.update(customer.id, {"metadata": {"a": "", "c": "3"}})
    assert changed.metadata.to_dict() == {"b": "2", "c": "3", "0": "zero"}
    assert client.v1.customers.update(customer.id, {"metadata": ""}).metadata.to_dict() == {}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/customers", "a=1&a[b]=2", 400),
        ("/v1/customers", "metadata" + "[x]" * 30 + "=1", 400),
        ("/v1/customers", "[]=1", 400),
        ("/v1/customers", "email[0]=1", 400),
        ("/v1/customers", "metadata[a][b]=1", 400),
        ("/v1/customers", "expand=x", 400),
        ("/v1/customers", "email=" + "x" * 600, 400),
        ("/v1/payment_intents", "amount=١٢٣&currency=usd".encode(), 400),
        ("/v1/payment_intents", "amount=99999999999999999999&currency=usd", 400),
        ("/v1/payment_intents", "amount=%00&currency=usd", 400),
        ("/v1/checkout/sessions", "mode=payment&line_items=x&success_url=http://a", 400),
        ("/v1/checkout/sessions", "mode=payment&line_items[a][price]=x&success_url=http://a", 400),
        ("/v1/customers", "x" * (1024 * 1024 + 1), 413),
    ],
)
def test_malformed_bodies_are_refused(shared, path, body, status):
    headers = {**AUTHORIZED, "Content-Type": "application/x-www-form-urlencoded"}
    answer = ask(shared, "POST", path, body, **headers)
    assert answer[0] == status, answer
    assert json.loads(answer[2])["error"]["type"] == "invalid_request_error"


def test_json_bodies_are_refused(shared):
    headers = {**AUTHORIZED, "Content-Type": "application/json"}
    assert ask(shared, "POST", "/v1/customers", "{}", **headers)[0] == 400


def test_the_page_lists_what_is_held(sandbox, client):
    intent = new_payment(client, 12_345)
    status, _, text = visit(sandbox.url + "/_sandbox/")
    assert status == 200
    assert intent.id in text
    assert "123.45 USD" in text
    assert text.count("<table>") == text.count('<div class="wide" tabindex="0"') == 2
    assert intent.id in visit(f"{sandbox.url}/_sandbox/?kind=payment_intent")[2]
    assert sandbox.json("GET", f"/_sandbox/objects/{intent.id}")["amount"] == 12_345
    assert visit(f"{sandbox.url}/_sandbox/objects/none")[0] == 404


def test_faults_are_listed_cleared_and_checked(sandbox):
    sandbox.fault("request.error", path="/v1/refunds*", status=500, times=3)
    sandbox.fault("webhook.hold", types=["charge.*"])
    listed = sandbox.json("GET", "/_sandbox/faults")["faults"]
    assert [fault["kind"] for fault in listed] == ["error", "hold"]
    assert sandbox.json("DELETE", "/_sandbox/faults") == {"faults": []}
    for wrong in (
        {"kind": "nothing"},
        {"kind": "request.error", "colour": "red"},
        {"kind": "request.error", "times": "many"},
        {"kind": "webhook.hold", "types": "charge.*"},
        {"kind": "refund.fail", "refund": "re_none"},
        {"kind": "refund.fail"},
        {"kind": "dispute.open", "charge": "ch_none"},
        {"kind": "clock.advance"},
        {"kind": "clock.advance", "seconds": "soon"},
        {"kind": "clock.advance", "seconds": 1e300},
        {"kind": "clock.advance", "seconds": float("nan")},
        {"kind": "refund.fail", "refund": ["re_none"]},
        {"kind": "balance.adjust", "amount": 10**30},
        {},
        [],
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            sandbox.json("POST", "/_sandbox/faults", wrong)
        with refused.value as answer:
            assert answer.code == 400
            assert json.load(answer)["error"]
