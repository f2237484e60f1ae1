"""An application with a few routes that do nothing but show the edge."""

import threading

import pytest
from flask import Blueprint, jsonify, request
from sqlalchemy import text

from marketplace.core.errors import Conflict
from marketplace.core.jobs import defer
from marketplace.web import context
from marketplace.web.guards import open_to_all


class Probe:
    """What the routes did, and a gate to hold one of them half way."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.inside = threading.Event()
        self.gate.set()


@pytest.fixture
def probe(live):
    probe, routes = Probe(), Blueprint("probe", __name__)

    @routes.post("/probe/effect")
    @open_to_all
    def effect():
        session = context.session()
        defer(session, "web.forget_answers")
        probe.inside.set()
        assert probe.gate.wait(10)
        answer = request.args.get("answer", "created")
        if answer == "conflict":
            raise Conflict("after the effect")
        if answer == "bug":
            raise RuntimeError("a bug after the effect")
        if answer == "refused":
            return jsonify(no="thanks"), 422
        return jsonify(echo=request.get_data(as_text=True)), 201, {"Location": "/there"}

    @routes.post("/probe/deferred")
    @open_to_all
    def deferred():
        context.session().execute(
            text("CREATE TEMP TABLE t (x int UNIQUE DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP")
        )
        context.session().execute(text("INSERT INTO t VALUES (1), (1)"))
        return jsonify(status="the commit will fail")

    live.app.register_blueprint(routes)
    return probe


@pytest.fixture
def effects(live):
    def count() -> int:
        with live.sessions() as session:
            return session.scalar(text("SELECT count(*) FROM procrastinate_jobs"))

    return count
