"""BEGIN goes with a transaction's first statement, and nothing else about it is different."""

from datetime import UTC, datetime
from decimal import Decimal
from tempfile import TemporaryFile
from uuid import UUID

import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from marketplace.core import connections
from marketplace.core.connections import PREPARE_AFTER
from marketplace.core.db import EdgeSession, by_itself, edge, fetch, only_read

OFTEN = PREPARE_AFTER + 2
PREPARED = "SELECT statement FROM pg_prepared_statements WHERE statement LIKE :like ORDER BY 1"
NOTED = "INSERT INTO noted VALUES (:n)"
VALUES = {
    "whole": 70_000,
    "part": Decimal("1.50"),
    "name": "100 % José",
    "none": None,
    "id": UUID(int=7),
    "at": datetime(2026, 3, 1, 12, tzinfo=UTC),
    "many": ["a", "b"],
}
SHOWN = """
    SELECT CAST(:whole AS int), CAST(:part AS numeric), CAST(:name AS text) || '%', :name LIKE '%é',
           CAST(:none AS uuid), CAST(:id AS uuid), CAST(:at AS timestamptz), CAST(:many AS text[])
"""


@pytest.fixture
def session(database_url):
    engine = create_engine(database_url, connect_args={"prepare_threshold": PREPARE_AFTER})
    connections.watch(engine)
    with EdgeSession(engine) as session:
        yield session
    engine.dispose()


def driver(session):
    return session.connection().connection.dbapi_connection


def traced(session, ask):
    """What went to the server and came from there, a message each: F and its kind, or B."""
    pgconn = driver(session).pgconn
    with TemporaryFile("w+") as file:
        pgconn.trace(file.fileno())
        ask()
        pgconn.untrace()
        file.seek(0)
        return [line.split("\t")[1:4:2] for line in file if "\t" in line]


def begun(session, statement, values):
    """What a transaction's first statement answers; the transaction is given up."""
    found = fetch(session, statement, values)
    session.rollback()
    return found


@pytest.mark.parametrize("times", [1, OFTEN])
def test_begin_and_the_statement_are_one_message(session, times):
    def ask():
        assert begun(session, "SELECT CAST(:n AS int)", {"n": 1}) == [(1,)]

    for _ in range(times - 1):
        ask()
    messages = traced(session, ask)
    ways = [side for n, (side, _) in enumerate(messages) if n == 0 or messages[n - 1][0] != side]
    assert ways == ["F", "B", "F", "B"]  # the second is ROLLBACK


def test_values_and_rows_are_those_of_the_drivers_own_way(session):
    first = [begun(session, SHOWN, VALUES) for _ in range(OFTEN)]
    session.execute(text("SELECT 1"))
    assert first == [fetch(session, SHOWN, VALUES)] * OFTEN


def test_a_first_statement_is_undone_and_kept_with_its_transaction(session):
    with edge(session):
        assert fetch(session, "CREATE TEMP TABLE noted (n int UNIQUE)", {}) == []
    with pytest.raises(RuntimeError), edge(session):
        assert fetch(session, NOTED, {"n": 1}) == []
        raise RuntimeError("undone")
    with edge(session):
        fetch(session, NOTED, {"n": 2})
        with pytest.raises(IntegrityError), session.begin_nested():
            fetch(session, NOTED, {"n": 2})
        fetch(session, NOTED, {"n": 3})
    assert fetch(session, "SELECT n FROM noted ORDER BY n", {}) == [(2,), (3,)]


def test_one_that_fails_leaves_a_transaction_that_has_failed(session):
    connection = driver(session)
    connection.execute("SET statement_timeout = 50")
    connection.commit()
    with pytest.raises(OperationalError, match="statement timeout"):
        fetch(session, "SELECT pg_sleep(5)", {})
    assert connection.info.transaction_status == TransactionStatus.INERROR
    session.rollback()
    assert begun(session, "RESET statement_timeout", {}) == []
    assert driver(session) is connection


def test_what_is_begun_with_often_is_prepared_once_and_the_one_used_longest_ago_goes(session):
    driver(session).prepared_max = 2
    for n in (1, 2, 1, 3):
        for _ in range(OFTEN):
            begun(session, f"SELECT {n} AS own", {})
            fetch(session, f"SELECT {n} AS anew", {}, prepare=False)
            session.rollback()
    prepared = [row[0] for row in fetch(session, PREPARED, {"like": "SELECT _ AS %"})]
    assert prepared == ["SELECT 1 AS own", "SELECT 3 AS own"]


def test_what_was_prepared_and_dropped_is_asked_all_the_same(session):
    for _ in range(OFTEN):
        begun(session, "SELECT 1 AS own", {})
    connection = driver(session)
    session.execute(text("DEALLOCATE ALL"))
    session.rollback()
    assert begun(session, "SELECT 1 AS own", {}) == [(1,)]
    assert driver(session) is connection


def test_transactions_with_options_go_the_drivers_way(session):
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    assert begun(session, "SHOW transaction_isolation", {}) == [("repeatable read",)]


@pytest.mark.parametrize("alone", [by_itself, only_read])
def test_a_statement_by_itself_goes_without_begin(session, alone):
    alone(session)
    connection = driver(session)
    for _ in range(OFTEN):
        messages = traced(session, lambda: fetch(session, "SELECT 1", {}))
    assert [kind.strip() for side, kind in messages if side == "F"] == [
        "Bind",
        "Describe",
        "Execute",
        "Sync",
    ]
    assert [fetch(session, SHOWN, VALUES) for _ in range(OFTEN)] == [
        begun(session, SHOWN, VALUES)
    ] * OFTEN
    alone(session)
    connection.execute("DEALLOCATE ALL")
    assert fetch(session, "SELECT 1", {}) == [(1,)]
    with pytest.raises(DataError):
        fetch(session, "SELECT 1 / CAST(:n AS int)", {"n": 0})
    assert connection.info.transaction_status == TransactionStatus.IDLE
    assert fetch(session, "SELECT 1", {}) == [(1,)]
    assert driver(session) is connection


def test_a_request_that_only_reads_gives_its_connection_back_at_the_edge(session):
    with edge(session):
        only_read(session)
        assert fetch(session, "SELECT 1", {}) == [(1,)]
    assert session.get_bind().pool.checkedout() == 0
