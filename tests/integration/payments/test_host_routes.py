"""HTTP of hosts' money: who may see what, statements that add up, operators' queues and actions."""

import csv
import io
from datetime import timedelta

import pytest

from marketplace.payments.gateway import DisputeGateway, EvidenceSource
from marketplace.payments.tasks import disputes as dispute_jobs
from marketplace.payments.tasks import hosts as jobs
from tests.fakes.disputes import FakeDisputes
from tests.integration.payments.conftest import usd
from tests.integration.payments.hosting import Hosting
from tests.integration.payments.test_disputes import TEXTS, Known

API = "/api/v1"


@pytest.fixture
def host(till, gateway):
    return Hosting(till, gateway)


@pytest.fixture
def owner(people, host):
    return people.make("site_owner", site_id=host.site_id)


@pytest.fixture
def operator(people):
    return people.make("operator")


def at(host, path=""):
    return f"{API}/sites/{host.site_id}/payouts{path}"


def test_a_host_asks_for_a_link_and_sees_how_it_stands(client, host, owner):
    before = client.get(at(host), headers=owner.headers).json
    assert (before["status"], before["onboarding_url"]) == ("none", None)
    asked = client.post(at(host, "/onboarding"), headers=owner.headers)
    assert (asked.status_code, asked.json["status"]) == (202, "asked")
    jobs.open_onboarding(host.till.context, str(host.site_id))
    told = client.get(at(host), headers=owner.headers).json
    assert told["status"] == "onboarding"
    assert told["onboarding_url"].startswith("https://host.test/")
    assert told["requirements_due"] == ["external_account"]
    name = host.account().processor_account
    host.processor.onboard(name)
    back = client.get(f"{API}/payments/onboarded/{host.site_id}")
    assert back.status_code == 200
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    page = client.get(f"{API}/payments/onboarded/{host.site_id}?expired=true", headers=browser)
    assert (page.status_code, page.location) == (303, f"/host/sites/{host.site_id}/money")
    host.work()
    assert client.get(at(host), headers=owner.headers).json["status"] == "ready"
    host.till.handle(host.processor.disable(name, "rejected.fraud"))
    stopped = client.get(at(host), headers=owner.headers).json
    assert (stopped["status"], stopped["disabled_reason"]) == ("restricted", "rejected.fraud")


def test_others_are_told_nothing(client, host, people, owner):
    stranger = people.make("trainee")
    assert client.get(at(host), headers=stranger.headers).status_code == 404
    assert client.get(at(host)).status_code == 401
    expired = client.get(f"{API}/payments/onboarded/{host.site_id}")
    assert expired.status_code == 404
    for path in ("/operator/disputes", "/operator/payouts/stopped", "/operator/receivables"):
        assert client.get(API + path, headers=owner.headers).status_code == 403


def test_statements_add_up_from_month_to_month(client, host, owner, till, run_jobs):
    account = host.join()
    host.contract(host_fee_bp=1000)
    thing, payment_id = host.paid()
    host.begin(thing)
    host.gateway.at = till.clock.now()
    host.work()
    first = f"{till.clock.now():%Y-%m}"
    till.clock.advance(timedelta(days=40))
    host.gateway.at = till.clock.now()
    host.end(thing)
    host.work()
    host.processor.spend(account, usd(30_000))
    till.refund(payment_id)
    host.work()
    later = f"{till.clock.now():%Y-%m}"
    months = [
        client.get(at(host, f"/statements/{month}"), headers=owner.headers).json
        for month in (first, later)
    ]
    (one,), (two,) = (month["accounts"] for month in months)
    assert [line["kind"] for line in one["lines"]] == ["share_earned", "transfer_sent"]
    assert one["lines"][0]["share"]["amount"] == 17_000
    assert one["lines"][0]["fee"]["amount"] == 1_700
    assert one["opening"]["amount"] == 0
    assert two["opening"] == one["closing"]
    kinds = [line["kind"] for line in two["lines"]]
    assert kinds == ["share_earned", "transfer_sent", "share_taken_back"]
    for read in (one, two):
        moved = sum(line["amount"]["amount"] for line in read["lines"])
        assert read["opening"]["amount"] + moved == read["closing"]["amount"]
    assert two["closing"]["amount"] == -30_600
    table = client.get(at(host, f"/statements/{later}/lines.csv"), headers=owner.headers)
    rows = list(csv.DictReader(io.StringIO(table.get_data(as_text=True))))
    assert [row["kind"] for row in rows] == ["opening", *kinds, "closing"]
    assert rows[-1]["amount"] == "-306.00"
    pdf = client.get(at(host, f"/statements/{later}/statement.pdf"), headers=owner.headers)
    assert pdf.data.startswith(b"%PDF")
    assert client.get(at(host, "/statements/2027-13"), headers=owner.headers).status_code == 404
    listed = client.get(at(host, "/transfers?limit=1"), headers=owner.headers).json
    assert [item["tranche"] for item in listed["items"]] == [2]
    assert listed["next_cursor"]


def test_an_empty_month_is_a_statement_too(client, host, owner, count_queries):
    with count_queries() as none:
        empty = client.get(at(host, "/statements/2020-01"), headers=owner.headers)
    assert empty.json["accounts"] == []
    pdf = client.get(at(host, "/statements/2020-01/statement.pdf"), headers=owner.headers)
    assert pdf.data.startswith(b"%PDF")
    host.join()
    for _ in range(3):
        thing, _ = host.paid()
        host.end(thing)
    host.work()
    month = f"{host.till.clock.now():%Y-%m}"
    with count_queries() as full:
        client.get(at(host, f"/statements/{month}"), headers=owner.headers)
    assert len(full) == len(none)


def test_operators_see_what_is_stopped_and_send_it_again(client, host, operator, till):
    thing, _ = host.paid()
    row = host.end(thing)
    listed = client.get(f"{API}/operator/payouts/stopped", headers=operator.headers).json
    assert [one["held_for"] for one in listed["transfers"]] == ["account"]
    again = f"{API}/operator/transfers/{row.id}/retry"
    assert client.post(again, headers=operator.headers).json["code"] == "transfer_not_retryable"
    host.join()
    host.work()
    listed = client.get(f"{API}/operator/payouts/stopped", headers=operator.headers).json
    assert listed == {"releases": [], "transfers": []}


def test_operators_see_who_owes(client, host, operator, till):
    account = host.join()
    thing, payment_id = host.paid()
    host.end(thing)
    host.work()
    host.processor.spend(account, usd(34_000))
    till.refund(payment_id)
    host.work()
    owed = client.get(f"{API}/operator/receivables", headers=operator.headers).json["items"]
    assert owed == [{"site_id": str(host.site_id), "amount": {"amount": 34_000, "currency": "USD"}}]


def test_operators_answer_disputes(client, host, operator, till, parts, gateway, mail):
    bank = FakeDisputes(gateway)
    parts.add(DisputeGateway, bank)
    parts.add(EvidenceSource, Known())
    thing, payment_id = host.paid()
    till.handle(bank.open(till.payment(payment_id).processor_session))
    (listed,) = client.get(f"{API}/operator/disputes", headers=operator.headers).json["items"]
    assert listed["evidence_state"] == "gathering"
    assert listed["due_by"]
    place = f"{API}/operator/disputes/{listed['id']}"
    dispute_jobs.gather_evidence(till.context, listed["id"])
    assert client.get(place, headers=operator.headers).json["evidence"] == TEXTS
    wrong = client.post(
        f"{place}/evidence", json={"changes": {"rumour": "x"}}, headers=operator.headers
    )
    assert wrong.status_code == 422
    sent = client.post(
        f"{place}/evidence",
        json={"changes": {"note": "Read this."}, "losses_borne_by": "host"},
        headers=operator.headers,
    )
    assert sent.json["evidence_state"] == "approved"
    again = client.post(f"{place}/concession", json={"reason": "fraud"}, headers=operator.headers)
    assert again.json["code"] == "dispute_answered"
    dispute_jobs.answer_dispute(till.context, listed["id"])
    detail = client.get(place, headers=operator.headers).json
    assert detail["evidence_state"] == "submitted"
    assert [step["after"] for step in detail["steps"]] == ["open", "ready", "approved", "submitted"]
    host.tell(thing, "rest")
    host.release()
    stopped = client.get(f"{API}/operator/payouts/stopped", headers=operator.headers).json
    assert [one["waits_for"] for one in stopped["releases"]] == ["dispute"]
    till.handle(bank.win(next(iter(bank.disputes))))
    ended = client.get(f"{API}/operator/disputes?ended=true", headers=operator.headers).json
    assert [one["state"] for one in ended["items"]] == ["won"]


TERMS = {"valid_from": "2027-01-01", "host_fee_percent": "12.50", "note": "signed"}


def test_operators_set_and_replace_contracts(client, host, operator):
    place = f"{API}/operator/sites/{host.site_id}/fee-contracts"
    made = client.post(place, json=TERMS, headers=operator.headers)
    assert made.status_code == 201, made.json
    assert made.json["host_fee_percent"] == "12.50"
    twice = client.post(place, json=TERMS, headers=operator.headers)
    assert (twice.status_code, twice.json["code"]) == (409, "contracts_overlap")
    assert twice.json["detail"].startswith("Another counts from 2027-01-01 on:")
    assert twice.json["contract"] == made.json["id"]
    before = {**TERMS, "valid_from": "2026-12-01", "valid_until": "2027-01-01"}
    assert client.post(place, json=before, headers=operator.headers).status_code == 201
    dates = {**TERMS, "valid_until": "2026-01-01"}
    refused = client.post(place, json=dates, headers=operator.headers)
    assert refused.json["fields"].keys() == {"valid_until"}
    third = {**TERMS, "host_fee_percent": "12.345"}
    refused = client.post(place, json=third, headers=operator.headers)
    assert refused.json["fields"] == {"host_fee_percent": ["At most two decimals."]}
    own = f"{API}/operator/fee-contracts/{made.json['id']}"
    better = {**TERMS, "host_fee_percent": "5"}
    new = client.post(f"{own}/replacement", json=better, headers=operator.headers)
    assert new.json["replaces_id"] == made.json["id"]
    gone = client.post(f"{own}/withdrawal", headers=operator.headers)
    assert gone.json["code"] == "contract_replaced"
    listed = client.get(place, headers=operator.headers).json["items"]
    assert [bool(one["replaced_at"]) for one in listed] == [True, False, False]
    nowhere = f"{API}/operator/sites/{made.json['id']}/fee-contracts"
    assert client.post(nowhere, json=TERMS, headers=operator.headers).status_code == 404
