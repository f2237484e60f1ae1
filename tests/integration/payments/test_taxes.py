"""The tax in what the platform earns: a liability of its own, given back in proportion."""

import csv
import io
from dataclasses import replace
from decimal import Decimal

import pytest

from marketplace.core.settings import Settings
from marketplace.payments import service
from marketplace.payments.rules.credit import CreditTerms
from tests.integration.payments.conftest import usd


@pytest.fixture
def tax(parts):
    """Changes the rate of the tax that prices contain."""
    before = parts.get(Settings)

    def at(percent):
        parts.add(Settings, replace(before, tax_name="VAT", tax_percent=Decimal(percent)))

    yield at
    parts.add(Settings, before)


@pytest.fixture
def pay(till, gateway):
    def paid():
        payment_id, page = till.opened()
        till.handle(gateway.pay(page))
        return payment_id

    return paid


def test_tax_is_owed_from_the_payment_on_and_goes_back_with_it(
    client, people, till, gateway, pay, tax
):
    tax(20)
    payment_id = pay()
    # Of the platform's 40.80, which contain it.
    assert till.balance("tax_payable") == -680
    assert till.balance("platform_revenue") == -3_400
    till.refund(payment_id, usd(19_040))
    assert (till.balance("tax_payable"), till.balance("platform_revenue")) == (-340, -1_700)
    tax(8)
    with till.context.transaction() as session:
        service.refund(
            session,
            payment_id,
            amount=usd(333),
            reason="Goodwill",
            as_credit=CreditTerms(),
            now=till.clock.now(),
        )
    assert till.balance("tax_payable") == -334
    accounts = {"tax_payable", "platform_revenue", "deferred_host_share"}
    operator = people.make("operator").headers
    answer = client.get("/api/v1/operator/ledger/trial-balance", headers=operator).json
    shown = {one["account"]: one["balance"]["amount"] for one in answer["accounts"]}
    assert shown["tax_payable"] == -334
    assert [one["amount"] for one in answer["sums"]] == [0]
    for _ in range(2):
        left = till.payment(payment_id).refundable
        till.refund(payment_id, left - usd(7) if left > usd(7) else left)
    assert accounts.isdisjoint(till.books())
    month = f"/api/v1/operator/ledger/months/{till.clock.now():%Y-%m}/entries.csv"
    rows = list(csv.DictReader(io.StringIO(client.get(month, headers=operator).text)))
    owed = [row for row in rows if row["account"] == "tax_payable"]
    assert sum(Decimal(row["debit"] or 0) for row in owed) == Decimal("6.80")
    assert [row["credit"] for row in owed if row["credit"]] == ["6.80"]
    assert till.one("SELECT count(*) FROM ledger_transaction WHERE reason = 'payment_settled'") == 1


def test_what_was_paid_before_there_was_a_tax_gives_none_back(till, pay, tax):
    before = pay()
    tax(20)
    after = pay()
    till.refund(before)
    assert till.balance("tax_payable") == -680
    assert till.balance("platform_revenue") == -3_400
    tax(0)
    till.refund(after)
    assert "tax_payable" not in till.books()
    assert "platform_revenue" not in till.books()
