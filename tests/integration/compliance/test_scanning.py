"""Viruses in documents: nobody reads a file before the scanner has, however long that takes."""

import socket
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.adapters.queue import Context
from marketplace.adapters.virus_scanner import ClamdScanner
from marketplace.app import sessions_of
from marketplace.compliance import tasks
from marketplace.core.ports import ObjectStore
from marketplace.core.scanning import ScannerAway, VirusScanner
from tests.fakes.clamd import EICAR, clamd
from tests.integration.compliance.conftest import PDF

INFECTED = PDF + EICAR + b"\n%%EOF\n"


@pytest.fixture
def server(parts):
    with clamd() as running:
        parts.add(VirusScanner, ClamdScanner(running.url))
        yield running


@pytest.fixture
def job(app):
    return Context(app.extensions["marketplace.parts"], sessions_of(app))


def newest(desk, document):
    shown = desk.call(desk.trainee, "GET", f"/documents/{document}").get_json()
    return shown["state"], shown["versions"][-1]["scan"], shown["reason"]


def waiting(desk):
    return desk.call(desk.coordinator, "GET", f"{desk.site}/documents").get_json()["items"]


def test_without_a_scanner_the_reviewer_is_told_that_nobody_looked(desk, booked):
    document = desk.upload()
    desk.release(booked, document)
    assert newest(desk, document)[1] == "not_scanned"
    assert [one["scan"] for one in waiting(desk)] == ["not_scanned"]
    assert desk.read(desk.coordinator, document) == PDF


def test_nobody_reads_or_decides_before_the_scanner_has_looked(desk, booked, server, run_jobs):
    document = desk.upload()
    desk.release(booked, document)
    assert [one["scan"] for one in waiting(desk)] == ["waiting"]
    for who in (desk.coordinator, desk.trainee):
        assert desk.link(who, document, 409).get_json()["code"] == "file_not_scanned"
    assert desk.decide(desk.coordinator, document, status=409).get_json()["code"] == (
        "file_not_scanned"
    )
    run_jobs()
    assert server.streams == [PDF]
    assert [one["scan"] for one in waiting(desk)] == ["clean"]
    assert desk.read(desk.coordinator, document) == PDF
    desk.decide(desk.coordinator, document)
    assert desk.state_of(booked) == "accepted"


def test_a_virus_takes_the_key_and_the_file_and_is_a_rejection(
    desk, booked, server, run_jobs, session, parts
):
    document = desk.upload(content=INFECTED)
    desk.release(booked, document)
    (key,) = session.execute(text("SELECT object_key FROM document_content")).scalars()
    session.rollback()
    run_jobs()
    state, scan, reason = newest(desk, document)
    assert (state, scan) == ("rejected", "infected")
    assert "Eicar-Test-Signature" in reason
    assert not parts.get(ObjectStore).exists(key)
    assert session.execute(text("SELECT count(*) FROM document_content")).scalar_one() == 0
    session.rollback()
    for who in (desk.coordinator, desk.trainee):
        assert desk.link(who, document, 409).get_json()["code"] == "file_infected"
    assert desk.decide(desk.coordinator, document, status=409).get_json()["code"] == (
        "file_infected"
    )
    assert waiting(desk) == []
    assert desk.state_of(booked) == "rejected"
    trail = desk.call(desk.trainee, "GET", f"/documents/{document}/trail").get_json()["items"]
    assert trail[0]["action"] == "document.infected"
    # A clean one takes its place.
    again = desk.upload(document_id=document)
    run_jobs()
    assert newest(desk, again)[:2] == ("uploaded", "clean")


def test_a_scanner_that_was_away_is_asked_until_it_answers(desk, booked, job, parts, run_jobs):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    parts.add(VirusScanner, ClamdScanner(f"tcp://127.0.0.1:{port}"))
    document = desk.upload()
    desk.release(booked, document)
    version = desk.call(desk.trainee, "GET", f"/documents/{document}").get_json()
    assert version["versions"][0]["scan"] == "waiting"
    desk.stage.clock.advance(tasks.TIME_TO_SCAN * 2)
    with pytest.raises(ScannerAway):
        tasks.scan_waiting(job)
    assert newest(desk, document)[1] == "waiting"
    with clamd(port) as server:
        for _ in range(2):
            tasks.scan_waiting(job)
        assert server.streams == [PDF]
    assert newest(desk, document)[1] == "clean"
    assert desk.read(desk.coordinator, document) == PDF


def test_what_was_uploaded_before_there_was_a_scanner_is_looked_at_too(desk, job, parts):
    document = desk.upload()
    desk.stage.clock.advance(tasks.TIME_TO_SCAN * 2)
    tasks.scan_waiting(job)
    assert newest(desk, document)[1] == "not_scanned"
    with clamd() as server:
        parts.add(VirusScanner, ClamdScanner(server.url))
        tasks.scan_waiting(job)
    assert newest(desk, document)[1] == "clean"


def test_what_the_scanner_said_stays(desk, server, run_jobs, session):
    desk.upload()
    run_jobs()
    for change in ("UPDATE file_scan SET virus = 'x'", "DELETE FROM file_scan"):
        with pytest.raises(IntegrityError, match="history"), session.begin_nested():
            session.execute(text(change))


def test_an_answer_that_is_none_leaves_the_file_waiting(desk, server, job, session):
    server.says = b"stream: OK"
    document = desk.upload()
    version = session.execute(text("SELECT version_id FROM document_content")).scalar_one()
    session.rollback()
    with pytest.raises(ScannerAway):
        tasks.scan(job, str(UUID(str(version))))
    assert newest(desk, document)[1] == "waiting"
