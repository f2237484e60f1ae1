"""Freezing waits for whoever is still writing: no earlier write commits into a reported past."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.core.db import edge
from marketplace.reporting.service import reports
from marketplace.reporting.service.panel_import import import_panel
from tests.integration.reporting.conftest import PANEL, TAKEN_IN, YEAR

LATER = TAKEN_IN + timedelta(days=1)
WRITE = text(
    "INSERT INTO match_outcome_event"
    " (id, outcome_id, field, new_value, provenance, evidence, recorded_at)"
    " SELECT gen_random_uuid(), id, 'interviews', '3', 'self_reported', '', :at"
    " FROM match_outcome ORDER BY id LIMIT 1"
)


@pytest.fixture
def taken_in(live):
    with live.transaction() as session:
        import_panel(session, PANEL, YEAR, TAKEN_IN)


def freeze(live, done):
    with live.sessions() as session, edge(session):
        reports.ask(
            session, match_year=YEAR, as_of=LATER, public=False, k=11, asked_by=None, now=LATER
        )
    done.set()


def test_a_writer_under_way_is_waited_for_and_counted(live, taken_in):
    frozen = threading.Event()
    with live.sessions() as session, edge(session):
        session.execute(WRITE, {"at": LATER})
        freezer = threading.Thread(target=freeze, args=(live, frozen))
        freezer.start()
        assert not frozen.wait(0.5)
    assert frozen.wait(10)
    freezer.join()
    with live.sessions() as session:
        run = session.execute(text("SELECT id FROM report_run")).scalar_one()
        rows = reports.inputs_of(session, run).rows
        assert len(rows) == 300
        found = text("SELECT count(*) FROM match_outcome_event WHERE field = 'interviews'")
        assert session.execute(found).scalar_one() == 1


def test_a_writer_that_comes_after_is_refused(live, taken_in):
    freeze(live, threading.Event())
    with live.sessions() as session, pytest.raises(IntegrityError) as caught, edge(session):
        session.execute(WRITE, {"at": LATER})
    assert caught.value.orig.diag.constraint_name == "report_past_closed"
