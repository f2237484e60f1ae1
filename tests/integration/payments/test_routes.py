"""Who may see and do what with money, over HTTP."""

import pytest

from marketplace.core.ids import new_id
from marketplace.payments import tasks

API = "/api/v1"


@pytest.fixture
def operator(people):
    return people.make("operator")


@pytest.fixture
def payer(people, till):
    person = people.make("trainee")
    till.payer_id = person.id
    return person


def test_the_payer_sees_where_to_pay_and_what_for(client, till, payer, run_jobs):
    payment_id, _ = till.opened()
    answer = client.get(f"{API}/payments/{payment_id}", headers=payer.headers)
    assert answer.status_code == 200
    assert answer.json["status"] == "open"
    assert answer.json["checkout_url"] == "https://pay.test/1"
    assert answer.json["amount"] == {"amount": 38_080, "currency": "USD"}
    assert [line["kind"] for line in answer.json["lines"]] == ["weeks", "platform_fee"]
    assert answer.json["refunds"] == []
    assert answer.json["payable"]["kind"] == "thing"


def test_others_are_not_told_that_it_exists(client, till, payer, people):
    payment_id, _ = till.opened()
    stranger = people.make("trainee")
    for path in (f"/payments/{payment_id}", f"/payments/{payment_id}/receipt"):
        assert client.get(API + path, headers=stranger.headers).status_code == 404
        assert client.get(API + path).status_code == 401
    assert client.get(f"{API}/payments/{new_id()}", headers=payer.headers).status_code == 404


def test_the_receipt_is_a_pdf_once_it_is_made(client, till, gateway, payer, operator):
    payment_id, page = till.opened()
    path = f"{API}/payments/{payment_id}/receipt"
    assert client.get(path, headers=payer.headers).json["code"] == "receipt_not_ready"
    till.handle(gateway.pay(page))
    tasks.issue_receipt(till.context, str(payment_id))
    for person in (payer, operator):
        answer = client.get(path, headers=person.headers)
        assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
        assert answer.data.startswith(b"%PDF-")
    assert "receipt-000001.pdf" in answer.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/operator/ledger/trial-balance"),
        ("GET", "/operator/quarantine"),
        ("GET", "/operator/payments/{id}/postings"),
        ("POST", "/operator/payments/{id}/refunds"),
        ("POST", "/operator/refunds/{id}/retry"),
        ("POST", "/operator/quarantine/{id}/resolve"),
    ],
)
def test_the_books_are_for_operators(client, payer, method, path):
    url = API + path.format(id=new_id())
    assert client.open(url, method=method, json={}, headers=payer.headers).status_code == 403
    assert client.open(url, method=method, json={}).status_code == 401


def test_an_operator_refunds_and_reads_the_books(client, till, gateway, payer, operator, run_jobs):
    payment_id, page = till.opened()
    till.handle(gateway.pay(page))
    url = f"{API}/operator/payments/{payment_id}/refunds"
    wish = {"amount": {"amount": 10_000, "currency": "USD"}, "reason": "Goodwill"}
    headers = {**operator.headers, "Idempotency-Key": "once"}
    first = client.post(url, json=wish, headers=headers)
    again = client.post(url, json=wish, headers=headers)
    assert first.status_code == 201
    assert first.json == again.json
    run_jobs()
    shown = client.get(f"{API}/payments/{payment_id}", headers=payer.headers).json
    assert [one["status"] for one in shown["refunds"]] == ["settled"]
    assert shown["refunded"] == {"amount": 10_000, "currency": "USD"}

    too_much = {**wish, "amount": {"amount": 28_081, "currency": "USD"}}
    answer = client.post(url, json=too_much, headers=operator.headers)
    assert (answer.status_code, answer.json["code"]) == (409, "refund_exceeds_payment")
    nothing = {**wish, "amount": {"amount": 0, "currency": "USD"}}
    assert client.post(url, json=nothing, headers=operator.headers).status_code == 422

    books = client.get(f"{API}/operator/ledger/trial-balance", headers=operator.headers).json
    assert books["sums"] == [{"amount": 0, "currency": "USD"}]
    clearing = next(one for one in books["accounts"] if one["account"] == "processor_clearing")
    assert clearing["balance"]["amount"] == 38_080 - 1_142 - 10_000
    postings = client.get(
        f"{API}/operator/payments/{payment_id}/postings", headers=operator.headers
    ).json["items"]
    assert sum(one["amount"]["amount"] for one in postings) == 0
    assert {one["reason"] for one in postings} == {
        "payment_settled",
        "processor_fee",
        "refund_granted",
        "refund_sent",
    }


def test_a_quarantined_case_is_closed_with_a_reason(client, till, gateway, operator):
    _, page = till.opened()
    gateway.pay(page)
    till.handle(gateway.tell("checkout.session.completed", page, amount_total=1))
    (case,) = client.get(f"{API}/operator/quarantine", headers=operator.headers).json["items"]
    assert (case["reason"], case["details"]["claimed"]) == ("amount", "1")
    url = f"{API}/operator/quarantine/{case['id']}/resolve"
    done = {"resolution": "A test event; nothing was charged."}
    assert client.post(url, json=done, headers=operator.headers).status_code == 204
    assert client.post(url, json=done, headers=operator.headers).status_code == 404
    assert client.get(f"{API}/operator/quarantine", headers=operator.headers).json["items"] == []


def test_coming_back_with_an_unknown_page_tells_nothing(client, till):
    assert client.get(f"{API}/payments/return?session_id=cs_guess").status_code == 404
    assert client.get(f"{API}/payments/return").status_code == 422


def test_a_browser_is_led_to_the_page_it_came_from(client, till):
    _, page = till.opened(return_path="/bookings/7")
    answer = client.get(f"{API}/payments/return?session_id={page}", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/bookings/7?paid=yes")


@pytest.mark.parametrize("path", ["https://evil.test", "//evil.test", "/\\evil.test", "bookings"])
def test_nobody_is_led_elsewhere(till, path):
    with pytest.raises(ValueError, match="path of ours"):
        till.request(return_path=path)
