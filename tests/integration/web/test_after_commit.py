"""What is noted for after the commit is done after it, once, and never after a rollback."""

import pytest
from flask import Blueprint, jsonify, request
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.core.db import AFTER, after_commit, edge
from marketplace.web import context
from marketplace.web.guards import open_to_all
from tests.conftest import maintenance_engine

INSERT = text("INSERT INTO remembered_answer VALUES ('c', :key, '', 200, '{}', '', now())")


class Witness:
    """Notes what it is called with, and how many rows others see by then."""

    def __init__(self, live):
        self.engine = maintenance_engine(live.url)
        self.calls = []

    def __call__(self, *items):
        with self.engine.connect() as other:
            seen = other.scalar(text("SELECT count(*) FROM remembered_answer"))
        self.calls.append((items, seen))


@pytest.fixture
def witness(live):
    return Witness(live)


def test_it_runs_once_after_the_commit_with_the_items_of_all_notes(live, witness):
    with live.transaction() as session:
        after_commit(session, witness, "a", "b")
        session.execute(INSERT, {"key": "k"})
        after_commit(session, witness, "b", "c")
        assert witness.calls == []
    assert witness.calls == [(("a", "b", "c"), 1)]
    with live.transaction() as session:
        session.execute(text("SELECT 1"))
    assert len(witness.calls) == 1


def test_a_rollback_forgets_it_even_for_the_same_session_later(live, witness):
    with live.sessions() as session:
        with pytest.raises(RuntimeError), edge(session):
            session.execute(INSERT, {"key": "k"})
            after_commit(session, witness)
            raise RuntimeError("after the note")
        assert AFTER not in session.info
    assert witness.calls == []


def test_a_commit_that_fails_forgets_it(live, witness):
    deferred = "CREATE TEMP TABLE t (x int UNIQUE DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP"
    with pytest.raises(IntegrityError), live.transaction() as session:
        session.execute(text(deferred))
        session.execute(text("INSERT INTO t VALUES (1), (1)"))
        after_commit(session, witness)
    assert witness.calls == []


def test_a_savepoint_that_is_undone_takes_its_notes_along(live, witness):
    with live.transaction() as session:
        after_commit(session, witness, "before")
        with pytest.raises(RuntimeError), session.begin_nested():
            after_commit(session, witness, "undone")
            with session.begin_nested():
                after_commit(session, witness, "undone further in")
            raise RuntimeError("within the savepoint")
        with session.begin_nested():
            after_commit(session, witness, "kept")
    assert witness.calls == [(("before", "kept"), 0)]


def test_an_error_in_it_changes_nothing_and_stops_no_other(live, witness):
    def broken():
        raise ValueError("the cache is on fire")

    with live.transaction() as session:
        after_commit(session, broken)
        session.execute(INSERT, {"key": "k"})
        after_commit(session, witness)
    assert witness.calls == [((), 1)]


def test_a_request_runs_it_before_the_answer_leaves_and_a_refusal_does_not(live, witness):
    routes = Blueprint("after", __name__)

    @routes.post("/after")
    @open_to_all
    def view():
        after_commit(context.session(), witness, "asked")
        return jsonify(), int(request.args["status"])

    live.app.register_blueprint(routes)
    client = live.app.test_client()
    assert client.post("/after?status=422").status_code == 422
    assert witness.calls == []
    assert client.post("/after?status=201").status_code == 201
    assert witness.calls == [(("asked",), 0)]
