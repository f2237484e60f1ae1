"""The books of a month as files: they add up, and are an operator's to read."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from marketplace.core.money import Money
from marketplace.payments import queries
from marketplace.payments.models import AccountKind
from marketplace.payments.service.ledger import Leg, post
from tests.integration.payments.conftest import usd

MONTHS = "/api/v1/operator/ledger/months"
CLEARING, REVENUE = AccountKind.PROCESSOR_CLEARING, AccountKind.PLATFORM_REVENUE


@pytest.fixture
def operator(people):
    return people.make("operator")


def read(client, person, path):
    answer = client.get(f"{MONTHS}/{path}", headers=person.headers)
    assert (answer.status_code, answer.mimetype) == (200, "text/csv"), answer.data
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_a_months_entries_and_balances_add_up(client, till, operator):
    days = (datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC),
            datetime(2026, 11, 30, 23, 59, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))  # fmt: skip
    with till.context.transaction() as session:
        for number, day in enumerate(days, start=1):
            for currency in ("USD", "JPY"):
                amount = Money(number * 105, currency)
                legs = [
                    Leg(CLEARING, amount),
                    Leg(AccountKind.DEFERRED_HOST_SHARE, -amount, till.site_id),
                ]
                post(session, source=f"ch_{number}_{currency}", reason="payment_settled",
                     legs=legs, at=day)  # fmt: skip
        post(session, source="re_1", reason="refund_sent", at=days[1],
             legs=[Leg(CLEARING, usd(-5)), Leg(REVENUE, usd(5))])  # fmt: skip
    rows = read(client, operator, "2026-11/entries.csv")
    assert len(rows) == 2 * 2 * 2 + 2
    assert rows == sorted(rows, key=lambda row: row["occurred_at"])
    assert {row["occurred_at"] for row in rows} == {"2026-11-01T00:00:00Z", "2026-11-30T23:59:00Z"}
    for currency, wanted in (("USD", "5.30"), ("JPY", "525")):
        own = [row for row in rows if row["currency"] == currency]
        debits = sum(Decimal(row["debit"] or 0) for row in own)
        assert debits == sum(Decimal(row["credit"] or 0) for row in own) == Decimal(wanted)
    assert {row["credit"] for row in rows if row["source"] == "ch_2_USD"} == {"", "2.10"}

    found = {
        (row["account"], row["currency"]): row
        for row in read(client, operator, "2026-11/balances.csv")
    }
    clearing = found["processor_clearing", "USD"]
    names = ("opening", "debits", "credits", "closing")
    assert [clearing[name] for name in names] == ["1.05", "5.25", "0.05", "6.25"]
    assert [found["processor_clearing", "JPY"][name] for name in names] == [
        "105",
        "525",
        "0",
        "630",
    ]
    assert found["deferred_host_share", "USD"]["owner_id"] == str(till.site_id)
    for currency in ("USD", "JPY"):
        own = [row for key, row in found.items() if key[1] == currency]
        assert sum(Decimal(row["closing"]) for row in own) == 0
    last = read(client, operator, "2026-12/balances.csv")
    with till.context.transaction() as session:
        now = {
            (one.kind, one.debits.currency): one.balance for one in queries.trial_balance(session)
        }
    assert {(row["account"], row["currency"]): Decimal(row["closing"]) for row in last} == {
        key: balance.as_decimal() for key, balance in now.items()
    }


def test_who_may_read_them_and_what_is_no_month(client, people, operator):
    for name in ("entries", "balances"):
        path = f"{MONTHS}/2026-11/{name}.csv"
        assert client.get(path, headers=people.make("trainee").headers).status_code == 403
        assert client.get(path).status_code == 401
        for month in ("2026-13", "1999-01", "202611"):
            wrong = client.get(f"{MONTHS}/{month}/{name}.csv", headers=operator.headers)
            assert wrong.status_code == 404
    assert read(client, operator, "2026-11/entries.csv") == []
