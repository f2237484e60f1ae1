"""The books: balanced, once, never changed, added up as they grow. The database holds it."""

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from marketplace.core.ids import new_id
from marketplace.core.money import Money
from marketplace.payments import queries
from marketplace.payments.models import AccountKind
from marketplace.payments.service.ledger import Leg, post
from tests.integration.payments.conftest import usd

AT = datetime(2026, 11, 22, tzinfo=UTC)
CLEARING, REVENUE = AccountKind.PROCESSOR_CLEARING, AccountKind.PLATFORM_REVENUE


def legs(minor: int = 100) -> list[Leg]:
    return [Leg(CLEARING, usd(minor)), Leg(REVENUE, usd(-minor))]


def test_a_posting_is_made_once_for_its_source_and_reason(till):
    with till.context.transaction() as session:
        assert post(session, source="ch_1", reason="payment_settled", legs=legs(), at=AT)
        assert not post(session, source="ch_1", reason="payment_settled", legs=legs(), at=AT)
        assert post(session, source="ch_1", reason="refund_sent", legs=legs(-30), at=AT)
    assert till.books() == {"processor_clearing": 70, "platform_revenue": -70}


def test_a_posting_is_one_statement_and_its_refusal_names_the_constraint(till, count_queries):
    with till.context.transaction() as session:
        post(session, source="first", reason="makes the accounts", legs=legs(), at=AT)
        with count_queries() as seen:
            assert post(session, source="ch_1", reason="payment_settled", legs=legs(), at=AT)
        assert len(seen) == 1
    with pytest.raises(IntegrityError) as refused, till.context.transaction() as session:
        post(session, source="x", reason="y", legs=legs(), at=AT, payment_id=new_id())
    assert refused.value.orig.diag.constraint_name == "fk_ledger_transaction_payment_id_payment"
    assert till.books() == {"processor_clearing": 200, "platform_revenue": -200}


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        [Leg(CLEARING, usd(1))],
        [Leg(CLEARING, usd(0)), Leg(REVENUE, usd(0))],
        [Leg(CLEARING, usd(5)), Leg(REVENUE, Money(-5, "EUR"))],
    ],
)
def test_what_does_not_balance_is_no_posting(till, wrong):
    with till.context.transaction() as session, pytest.raises(ValueError, match="sums to zero"):
        post(session, source="x", reason="y", legs=wrong, at=AT)


@pytest.mark.parametrize("amounts", [[], [1], [5, -4], [7, -7, 1]])
def test_the_database_refuses_an_unbalanced_transaction_at_the_commit(till, amounts):
    with till.context.transaction() as session:
        post(session, source="first", reason="makes the account", legs=legs(), at=AT)
        account = session.execute(text("SELECT id FROM ledger_account LIMIT 1")).scalar_one()
    refused = pytest.raises(IntegrityError, match="does not sum to zero")
    with refused, till.context.transaction() as session:
        _insert(session, account, amounts)
    assert till.books() == {"processor_clearing": 100, "platform_revenue": -100}


def test_the_database_refuses_an_entry_added_to_an_old_transaction(till):
    with till.context.transaction() as session:
        post(session, source="first", reason="x", legs=legs(), at=AT)
    refused = pytest.raises(IntegrityError, match="does not sum to zero")
    with refused, till.context.transaction() as session:
        session.execute(
            text(
                "INSERT INTO ledger_entry (id, transaction_id, account_id, amount_minor, currency)"
                " SELECT gen_random_uuid(), transaction_id, account_id, 1, 'USD'"
                " FROM ledger_entry LIMIT 1"
            )
        )


def test_an_entry_is_in_its_accounts_currency(till):
    with till.context.transaction() as session:
        post(session, source="first", reason="x", legs=legs(), at=AT)
    with pytest.raises(IntegrityError, match="fk_ledger_entry_account_id"):
        till.one(
            "INSERT INTO ledger_entry (id, transaction_id, account_id, amount_minor, currency)"
            " SELECT gen_random_uuid(), transaction_id, account_id, 1, 'EUR'"
            " FROM ledger_entry LIMIT 1 RETURNING 1"
        )


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_entry SET amount_minor = 1",
        "DELETE FROM ledger_entry",
        "UPDATE ledger_transaction SET reason = 'other'",
        "DELETE FROM ledger_transaction",
        "UPDATE ledger_account SET kind = 'bank'",
        "UPDATE payment_line SET amount_minor = 1",
        "DELETE FROM payment_transition",
    ],
)
def test_history_is_never_changed(till, change):
    with till.context.transaction() as session:
        post(session, source="first", reason="x", legs=legs(), at=AT)
    till.request()
    with pytest.raises(DBAPIError, match="are history"), till.context.transaction() as session:
        session.execute(text(change))


def test_currencies_are_kept_apart(till):
    euros = [Leg(CLEARING, Money(7, "EUR")), Leg(REVENUE, Money(-7, "EUR"))]
    with till.context.transaction() as session:
        post(session, source="both", reason="x", legs=[*legs(), *euros], at=AT)
    with till.context.transaction() as session:
        found = {
            (one.kind, one.debits.currency): one.balance.minor
            for one in queries.trial_balance(session)
        }
    assert found == {
        ("platform_revenue", "EUR"): -7,
        ("processor_clearing", "EUR"): 7,
        ("platform_revenue", "USD"): -100,
        ("processor_clearing", "USD"): 100,
    }


def test_many_at_once_post_to_one_busy_account_and_the_totals_are_right(live):
    start = threading.Barrier(12)
    faults: list[Exception] = []

    def work() -> None:
        start.wait()
        try:
            for _ in range(10):
                with live.transaction() as session:
                    owner = new_id()
                    host = Leg(AccountKind.DEFERRED_HOST_SHARE, usd(-60), owner)
                    split = [Leg(CLEARING, usd(100)), host, Leg(REVENUE, usd(-40))]
                    post(session, source=str(new_id()), reason="x", legs=split, at=AT)
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    with live.transaction() as session:
        assert queries.balance_of(session, CLEARING, "USD") == usd(12_000)
        assert queries.balance_of(session, REVENUE, "USD") == usd(-4_800)
        assert queries.wrong_totals(session) == []


def test_the_same_posting_by_many_at_once_is_made_once(live):
    start = threading.Barrier(8)
    made: list[bool] = []

    def work() -> None:
        start.wait()
        with live.transaction() as session:
            made.append(post(session, source="ch_1", reason="x", legs=legs(), at=AT))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False] * 7 + [True]
    with live.transaction() as session:
        assert queries.balance_of(session, CLEARING, "USD") == usd(100)


def _insert(session, account, amounts):
    transaction_id = new_id()
    session.execute(
        text(
            "INSERT INTO ledger_transaction (id, source, reason, occurred_at)"
            " VALUES (:id, 's', 'r', now())"
        ),
        {"id": transaction_id},
    )
    for amount in amounts:
        session.execute(
            text(
                "INSERT INTO ledger_entry (id, transaction_id, account_id, amount_minor, currency)"
                " VALUES (gen_random_uuid(), :transaction, :account, :amount, 'USD')"
            ),
            {"transaction": transaction_id, "account": account, "amount": amount},
        )
