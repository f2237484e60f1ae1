"""A connection that died in the pool reaches no client, and costs no question while it lives."""

import pytest
from flask import Blueprint, jsonify
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from marketplace.core import connections
from marketplace.core.connections import PLAN_EACH_TIME, PREPARE_AFTER
from marketplace.core.db import fetch
from marketplace.web import context
from marketplace.web.guards import open_to_all

END_ALL = (
    "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def outside(live):
    """Statements from a connection that is not the application's."""
    engine = create_engine(live.url, poolclass=NullPool)

    def run(statement):
        with engine.begin() as connection:
            found = connection.execute(text(statement))
            return found.scalar() if found.returns_rows else None

    return run


@pytest.fixture
def questions(monkeypatch):
    asked = []
    answers = connections._answers
    monkeypatch.setattr(connections, "_answers", lambda c: asked.append(1) or answers(c))
    return asked


@pytest.fixture(params=["the session's way", "the short way"])
def reader(live, request):
    """A route that reads a table whose shape a test can change."""
    routes = Blueprint("reader", __name__)
    short = request.param == "the short way"

    @routes.get("/reader")
    @open_to_all
    def read():
        session, statement = context.session(), "SELECT * FROM shaped"
        found = fetch(session, statement, {}) if short else session.execute(text(statement))
        (row,) = found
        return jsonify([str(value) for value in row])

    live.app.register_blueprint(routes)
    return lambda: live.app.test_client().get("/reader")


def fill_pool(live, count):
    sessions = [live.sessions() for _ in range(count)]
    for session in sessions:
        session.execute(text("SELECT 1"))
    for session in sessions:
        session.close()


@pytest.mark.fault(36)
def test_connections_that_the_server_ended_are_replaced_before_they_are_used(live, outside):
    client = live.app.test_client()
    fill_pool(live, 6)
    assert outside(END_ALL) >= 6
    assert [client.get("/readyz").status_code for _ in range(8)] == [200] * 8


def test_a_living_connection_is_not_asked(live, questions):
    client = live.app.test_client()
    assert [client.get("/readyz").status_code for _ in range(5)] == [200] * 5
    assert questions == []


def test_one_that_rested_long_is_asked(live, questions, monkeypatch):
    client = live.app.test_client()
    client.get("/readyz")
    monkeypatch.setattr(connections, "ASK_AFTER", -1.0)
    assert client.get("/readyz").status_code == 200
    assert questions == [1]


@pytest.mark.fault(36)
def test_one_that_rested_long_and_lost_its_server_without_a_word_is_replaced(
    live, outside, monkeypatch
):
    client = live.app.test_client()
    client.get("/readyz")
    outside(END_ALL)
    monkeypatch.setattr(connections, "_has_something_to_read", lambda _: False)
    monkeypatch.setattr(connections, "ASK_AFTER", -1.0)
    assert client.get("/readyz").status_code == 200


def test_a_notice_in_the_socket_is_no_death(live, questions, monkeypatch):
    client = live.app.test_client()
    client.get("/readyz")
    monkeypatch.setattr(connections, "_has_something_to_read", lambda _: True)
    assert client.get("/readyz").status_code == 200
    assert questions == [1]


def test_what_is_sent_often_is_prepared_unless_its_plan_depends_on_its_values(live):
    prepared = text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE :like")
    with live.sessions() as session:
        for n in range(PREPARE_AFTER + 2):
            session.execute(text("SELECT 1 + CAST(:n AS int) AS often"), {"n": n})
            session.execute(
                text("SELECT 1 + CAST(:n AS int) AS anew"),
                {"n": n},
                execution_options=PLAN_EACH_TIME,
            )
        assert session.execute(prepared, {"like": "%often%"}).scalar() == 1
        assert session.execute(prepared, {"like": "%anew%"}).scalar() == 0


def test_a_plan_that_a_migration_outdated_costs_one_answer_of_503(live, outside, reader):
    outside("CREATE TABLE shaped AS SELECT 1 AS n")
    assert [reader().json for _ in range(PREPARE_AFTER + 2)] == [["1"]] * (PREPARE_AFTER + 2)
    outside("ALTER TABLE shaped ALTER n TYPE text")
    assert reader().status_code == 503
    assert [reader().json for _ in range(4)] == [["1"]] * 4
