"""Exports: whole or not there, the same layout whatever is in them, safe to open anywhere."""

import hashlib
import json
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from marketplace.adapters.queue import Context
from marketplace.compliance.models import AuditEntry
from marketplace.core.db import edge
from marketplace.core.ports import ObjectStore
from marketplace.outcomes.rules.match import Provenance
from marketplace.outcomes.service import match
from marketplace.reporting.rules.codebook import MISSING, NAMES, VARIABLES
from marketplace.reporting.service import export_build
from tests.integration.reporting.conftest import TAKEN_IN, YEAR
from tests.integration.reporting.exporting import API, download, export, table_of

HARM = ['=HYPERLINK("http://x")', "+1+1", "-2+3", "@SUM(A1)", "\tx", "\rx", "-9"]


def test_from_asking_to_the_file(panel, client, analyst, run_jobs, session):
    run = export(client, analyst, run_jobs, match_year=YEAR)
    assert (run["state"], run["row_count"]) == ("ready", 300)
    assert [file["name"] for file in run["files"]] == [
        f"outcomes-{YEAR}.csv",
        "codebook.json",
        "codebook.md",
        "redcap.csv",
        "ddi.xml",
        "README.md",
        "manifest.json",
    ]
    for file in run["files"]:
        answer = download(client, analyst, run, file["name"])
        content = answer.get_data()
        assert len(content) == file["size"] == answer.content_length
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
        assert answer.get_etag()[0] == file["sha256"]
    manifest = json.loads(download(client, analyst, run, "manifest.json").get_data())
    assert manifest["rows"] == 300
    assert manifest["files"][0]["sha256"] == run["files"][0]["sha256"]
    book = json.loads(download(client, analyst, run, "codebook.json").get_data())
    assert [variable["name"] for variable in book["variables"]] == list(NAMES)
    read = session.execute(select(AuditEntry).where(AuditEntry.action == "export.download"))
    assert len(read.scalars().all()) == 9


def test_rows_say_what_is_known_and_why_the_rest_is_not(panel, client, trusted, run_jobs):
    rows = table_of(
        client, trusted, export(client, trusted, run_jobs, match_year=YEAR, profile="identified")
    )
    assert list(rows[0]) == list(NAMES)
    by_id = {row["external_id"]: row for row in rows}
    assert len(by_id) == 300
    matched = by_id["S0012"]
    assert (matched["main_result"], matched["registered"], matched["wave"]) == (
        "matched_pgy1",
        "1",
        "2",
    )
    assert matched["recorded_at"] == "2024-07-01T09:00:00Z"
    silent = by_id["S0001"]
    assert (silent["main_result"], silent["registered"], silent["wave"]) == ("-9", "-9", "-7")
    refused = by_id["S0005"]
    assert (refused["disposition"], refused["main_result"]) == ("R", "-8")
    routed = by_id["S0019"]
    assert (routed["certified_rol"], routed["interviews"], routed["program"]) == ("0", "-7", "-7")
    assert matched["account_id"] == "-7"


def test_every_cell_is_a_listed_value_or_a_listed_missing_code(panel, client, analyst, run_jobs):
    rows = table_of(client, analyst, export(client, analyst, run_jobs))
    for variable in VARIABLES:
        seen = {row[variable.name] for row in rows}
        assert "" not in seen
        missing = seen & set(MISSING)
        assert missing <= set(variable.missing), variable.name
        if variable.values:
            assert seen - missing <= set(variable.values), variable.name


def test_a_pii_free_export_has_the_same_layout_and_nobody_in_it(
    panel, client, analyst, run_jobs, session
):
    tell(session, "S0012", "Mercy Hospital")
    rows = table_of(client, analyst, export(client, analyst, run_jobs, match_year=YEAR))
    assert list(rows[0]) == list(NAMES)
    for name in ("account_id", "external_id", "program"):
        assert {row[name] for row in rows} == {"-6"}
    assert not [row for row in rows if "Mercy" in str(row) or "S00" in str(row)]


def test_the_layout_does_not_depend_on_the_content(client, analyst, run_jobs):
    run = export(client, analyst, run_jobs, match_year=1999)
    content = download(client, analyst, run, "outcomes-1999.csv").get_data()
    assert content.decode().splitlines() == [",".join(NAMES)]
    assert run["row_count"] == 0


def tell(session, external_id, program, now=TAKEN_IN + timedelta(days=1)):
    with edge(session):
        person = session.execute(
            text("SELECT id FROM person WHERE external_id = :id"), {"id": external_id}
        ).scalar_one()
        match.record(
            session,
            person_id=person,
            match_year=YEAR,
            claims={"program": program},
            source=Provenance.DOCUMENT_VERIFIED,
            actor_id=None,
            evidence="a letter",
            now=now,
        )


@pytest.mark.parametrize("harm", HARM)
def test_no_cell_is_run_by_a_spreadsheet(panel, client, trusted, run_jobs, session, harm):
    tell(session, "S0012", harm)
    rows = table_of(
        client, trusted, export(client, trusted, run_jobs, match_year=YEAR, profile="identified")
    )
    (row,) = [row for row in rows if row["external_id"] == "S0012"]
    assert row["program"] == "'" + harm
    for cells in rows:
        assert not [
            cell
            for cell in cells.values()
            if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} and cell not in MISSING
        ]


def test_quotes_commas_line_breaks_and_other_scripts_survive(
    panel, client, trusted, run_jobs, session
):
    odd = 'A "B", C\nD — Ñandú 医院 🏥'
    tell(session, "S0012", odd)
    run = export(client, trusted, run_jobs, match_year=YEAR, profile="identified")
    rows = table_of(client, trusted, run)
    assert odd in {row["program"] for row in rows}
    assert len(rows) == run["row_count"] == 300


def test_an_export_is_as_of_when_it_was_asked_for(panel, client, analyst, run_jobs, session, clock):
    clock.at = TAKEN_IN + timedelta(hours=1)
    asked = client.post(API, json={"match_year": YEAR}, headers=analyst.headers)
    tell(session, "S0012", "Later")
    run_jobs()
    run = client.get(asked.headers["Location"], headers=analyst.headers).get_json()
    (row,) = [row for row in table_of(client, analyst, run) if row["program"] != "-6"] or [None]
    assert row is None


@pytest.mark.fault(43)
def test_a_worker_that_dies_in_the_middle_leaves_nothing_that_is_served(
    panel, client, analyst, app, sessions, parts, session
):
    asked = client.post(API, json={"match_year": YEAR}, headers=analyst.headers).get_json()
    path = f"{API}/{asked['id']}"
    name = f"outcomes-{YEAR}.csv"

    class Killed(BaseException):
        """Stands for the end of the process: no handler of ours runs for it."""

    class DyingStore:
        def __init__(self, store):
            self.store, self.written = store, []

        def put_stream(self, key, pieces):
            self.written.append(key)
            self.store.put(key, next(iter(pieces))[:100])

        def put(self, key, content):
            raise Killed

        def delete(self, key):
            self.store.delete(key)

        def keys(self, prefix):
            return self.store.keys(prefix)

    store = parts.get(ObjectStore)
    dying = DyingStore(store)
    parts.add(ObjectStore, dying)
    job = Context(parts, sessions)
    try:
        with pytest.raises(Killed):
            export_build.build(job, asked["id"])
    finally:
        parts.add(ObjectStore, store)
    assert store.exists(dying.written[0])
    state = client.get(path, headers=analyst.headers).get_json()
    assert (state["state"], state["files"]) == ("running", None)
    refused = client.get(f"{path}/files/{name}", headers=analyst.headers)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "export_not_ready")
    export_build.build(job, asked["id"])
    assert not store.exists(dying.written[0])
    ready = client.get(path, headers=analyst.headers).get_json()
    assert ready["state"] == "ready"
    content = download(client, analyst, ready, name).get_data()
    assert content.count(b"\n") == 301


@pytest.mark.fault(38)
def test_a_job_that_runs_twice_builds_once(panel, client, analyst, run_jobs, app, sessions, parts):
    run = export(client, analyst, run_jobs, match_year=YEAR)
    export_build.build(Context(parts, sessions), run["id"])
    assert client.get(f"{API}/{run['id']}", headers=analyst.headers).get_json() == run


def test_a_failure_is_told_and_tried_again(panel, client, analyst, sessions, parts):
    asked = client.post(API, json={}, headers=analyst.headers).get_json()

    class Full:
        def put_stream(self, key, pieces):
            raise OSError("no space")

        def keys(self, prefix):
            return []

    store = parts.get(ObjectStore)
    parts.add(ObjectStore, Full())
    job = Context(parts, sessions)
    try:
        with pytest.raises(OSError, match="no space"):
            export_build.build(job, asked["id"])
    finally:
        parts.add(ObjectStore, store)
    path = f"{API}/{asked['id']}"
    told = client.get(path, headers=analyst.headers).get_json()
    assert (told["state"], told["failure"]) == ("failed", "OSError")
    export_build.build(job, asked["id"])
    told = client.get(path, headers=analyst.headers).get_json()
    assert (told["state"], told["failure"]) == ("ready", None)


def test_only_analysts_export_and_only_files_that_are_listed(
    panel, client, analyst, run_jobs, people
):
    run = export(client, analyst, run_jobs, match_year=YEAR)
    trainee = people.make("trainee")
    for path in ("", f"/{run['id']}", f"/{run['id']}/files/manifest.json"):
        assert client.get(API + path, headers=trainee.headers).status_code == 403
    for name in ("other.csv", "..%2f..%2fetc%2fpasswd", "%00"):
        answer = client.get(f"{API}/{run['id']}/files/{name}", headers=analyst.headers)
        assert answer.status_code == 404
    document = client.get(f"{API}/{run['id']}", headers=analyst.headers).get_data(as_text=True)
    assert "exports/" not in document.replace(API, "")
