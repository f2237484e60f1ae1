"""A panel becomes tables and the tables a report: the same one that its CSV gives, for ever."""

import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.adapters.queue import Context
from marketplace.core.db import edge
from marketplace.outcomes.queries import match as match_queries
from marketplace.outcomes.rules.match import FIELDS, Provenance, encode
from marketplace.outcomes.service import match
from marketplace.reporting.errors import PublishedMeanwhile, TableUnreadable
from marketplace.reporting.queries import frame, runs
from marketplace.reporting.rules import cohort
from marketplace.reporting.rules.panel import read_panel
from marketplace.reporting.service import reports
from marketplace.reporting.service.benchmarks import load_shipped
from marketplace.reporting.service.panel_import import import_panel
from marketplace.reporting.tasks import freeze_report
from tests.integration.reporting.conftest import PANEL, TAKEN_IN, YEAR

API = "/api/v1"
LATER = TAKEN_IN + timedelta(days=30)


def correct(session, external_id, claims, at, source=Provenance.ROSTER_VERIFIED):
    outcome_id = session.execute(
        text(
            "SELECT o.id FROM match_outcome o JOIN person p ON p.id = o.person_id"
            " WHERE p.external_id = :id"
        ),
        {"id": external_id},
    ).scalar_one()
    outcome = match_queries.outcome(session, outcome_id)
    return match.record(
        session,
        person_id=outcome.person_id,
        match_year=YEAR,
        claims=claims,
        source=source,
        actor_id=None,
        evidence="a roster",
        now=at,
    )


def figures(session, as_of, *, public=False):
    return reports.cohort_report(session, YEAR, as_of, public=public, k=11)


def test_every_row_survives_the_way_through_the_tables(panel, session):
    assert (panel.rows, panel.joined, panel.changed) == (300, 300, 0)
    read = sorted(read_panel(io.StringIO(PANEL)), key=lambda row: row.trainee_id)
    assert list(frame.panel(session, YEAR, TAKEN_IN)) == read


def test_the_report_is_the_one_that_the_file_gives(panel, session):
    rows = sorted(read_panel(io.StringIO(PANEL)), key=lambda row: row.trainee_id)
    expected = cohort.report(
        rows,
        year=YEAR,
        as_of=date(2024, 7, 1),
        benchmarks=runs.benchmarks(session, TAKEN_IN),
        public=False,
    )
    assert figures(session, TAKEN_IN).document == expected
    assert expected["groups"]["all"]["match_rate"] == pytest.approx(60 / 81)


def test_importing_again_changes_nothing(panel, session):
    state = text(
        "SELECT (SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM match_outcome t),"
        " (SELECT count(*) FROM match_outcome_event), (SELECT count(*) FROM cohort_member_version)"
    )
    before = session.execute(state).one()
    again = import_panel(session, PANEL, YEAR, LATER)
    assert (again.joined, again.changed, again.values) == (0, 0, 0)
    assert session.execute(state).one() == before


def test_a_changed_panel_appends_and_a_correction_of_ours_stands(panel, session):
    correct(session, "S0012", {"main_result": "unmatched"}, LATER)
    lines = PANEL.splitlines()
    changed = [
        line.replace("unmatched,not_placed", "unmatched,placed_pgy1")
        if line.startswith("S0004,")
        else line
        for line in lines
    ]
    result = import_panel(session, "\n".join(changed), YEAR, LATER + timedelta(days=1))
    assert (result.changed, result.values) == (0, 1)
    rows = {row.trainee_id: row for row in frame.panel(session, YEAR, LATER + timedelta(days=2))}
    assert rows["S0004"].soap_result == "placed_pgy1"
    assert (rows["S0012"].main_result, rows["S0012"].outcome_source) == (
        "unmatched",
        "roster_verified",
    )
    before = {row.trainee_id: row for row in frame.panel(session, YEAR, TAKEN_IN)}
    assert before["S0004"].soap_result == "not_placed"


def test_a_panel_with_a_fault_is_refused_whole_with_row_and_column(session):
    lines = PANEL.splitlines()
    lines[1] = lines[1].replace("non_us_img", "img")
    lines[4] = lines[4].replace(",1,1,1,unmatched", ",1,0,1,unmatched")
    with pytest.raises(TableUnreadable) as caught:
        import_panel(session, "\n".join(lines), YEAR, TAKEN_IN)
    assert "row 2, img_type" in caught.value.fields
    # Empty lines count, as a spreadsheet shows them.
    lines[1] = PANEL.splitlines()[1] + "\n"
    with pytest.raises(TableUnreadable) as caught:
        import_panel(session, "\n".join(lines), YEAR, TAKEN_IN)
    assert list(caught.value.fields) == ["row 6, main_result"]
    assert session.execute(text("SELECT count(*) FROM person")).scalar_one() == 0


def test_corrections_move_later_reports_and_leave_earlier_ones(panel, session):
    before = figures(session, TAKEN_IN)
    correct(session, "S0012", {"main_result": "unmatched"}, LATER)
    correct(session, "S0004", {"main_result": "matched_pgy1"}, LATER + timedelta(days=1))
    assert figures(session, TAKEN_IN) == before
    later = figures(session, LATER).document["groups"]["all"]
    assert later["matched_pgy1"] == before.document["groups"]["all"]["matched_pgy1"] - 1
    last = figures(session, LATER + timedelta(days=1)).document["groups"]["all"]
    assert last["matched_pgy1"] == before.document["groups"]["all"]["matched_pgy1"]


def test_the_sql_reads_the_past_as_the_rule_does(panel, session):
    """`frame.KNOWN` and `rules.match.fold` are two readings of one definition."""
    ids = ["S0004", "S0009", "S0012", "S0014", "S0018"]
    for day, external_id in enumerate(ids * 2):
        at = TAKEN_IN + timedelta(days=day + 1)
        outcome = correct(session, external_id, {"interviews": day, "program": f"P{day}"}, at)
        if day == 6:
            event = match_queries.events(session, outcome.id)[-1]
    actor = session.execute(
        text(
            "INSERT INTO account (id, email, name, active, fs_uniquifier, fs_token_uniquifier)"
            " VALUES (gen_random_uuid(), 'a@example.org', 'A', true, 'a', 'a') RETURNING id"
        )
    ).scalar_one()
    match.retract(
        session, event.id, actor_id=actor, reason="typo", now=TAKEN_IN + timedelta(days=20)
    )
    query = text(
        f"WITH {frame.KNOWN} SELECT known.*, o.id AS outcome_id FROM known"
        " JOIN match_outcome o USING (person_id) WHERE external_id = ANY(:ids)"
    )
    for day in range(22):
        as_of = TAKEN_IN + timedelta(days=day)
        rows = session.execute(query, {"ids": ids, "as_of": as_of, "match_year": YEAR}).mappings()
        for row in rows:
            folded = match_queries.outcome_as_of(session, row["outcome_id"], as_of)
            for name in FIELDS:
                column = "residency_specialty" if name == "specialty" else name
                expected = folded.get(name, (None, ""))[0]
                assert encode(row[column]) == encode(expected), (day, name)


def freeze(client, analyst, run_jobs, **sent):
    answer = client.post(f"{API}/reports/match/{YEAR}/runs", json=sent, headers=analyst.headers)
    assert answer.status_code == 202, answer.get_data()
    run_jobs()
    path = answer.headers["Location"]
    return client.get(path, headers=analyst.headers).get_json()


def test_a_frozen_report_is_recomputed_to_the_same_bytes(
    panel, client, analyst, run_jobs, session, clock
):
    run = freeze(client, analyst, run_jobs)
    frozen = client.get(f"{API}/reports/runs/{run['id']}/report", headers=analyst.headers)
    clock.advance(timedelta(days=1))
    correct(session, "S0012", {"main_result": "unmatched"}, clock.now())
    again = reports.recompute(session, run["id"])
    assert again.text.encode() == frozen.get_data()
    assert again.inputs_sha256.hex() == run["inputs_sha256"]
    assert again.sha256.hex() == run["result_sha256"] == frozen.get_etag()[0]


def test_what_is_published_hides_small_counts_and_is_the_frozen_bytes(
    panel, client, analyst, run_jobs
):
    assert client.get(f"{API}/reports/match/{YEAR}").get_json()["code"] == "report_missing"
    whole = freeze(client, analyst, run_jobs)
    assert client.get(f"{API}/reports/match/{YEAR}").status_code == 404
    run = freeze(client, analyst, run_jobs, public=True)
    answer = client.get(f"{API}/reports/match/{YEAR}")
    document = answer.get_json()
    assert document["public"] is True
    assert document["groups"]["all"]["matched_pgy2_only"] == "*"
    assert document["groups"]["all"]["matched_pgy1"] == 60
    frozen = client.get(f"{API}/reports/runs/{run['id']}/report", headers=analyst.headers)
    assert frozen.get_data() == answer.get_data()
    same = client.get(
        f"{API}/reports/match/{YEAR}", headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert same.status_code == 304
    assert client.get(f"{API}/reports/match").get_json() == {"match_years": [YEAR]}
    assert client.get(f"{API}/reports/runs/{whole['id']}/report").status_code == 401
    assert client.get(f"{API}/reports/match/{YEAR}?img_type=us_img").get_data() == answer.get_data()


def test_a_version_that_is_published_later_agrees_with_the_earlier_one(
    client, analyst, run_jobs, session, clock, app
):
    """Each is worked out again to its bytes by the command, though the other was published since."""
    load_shipped(session, TAKEN_IN)
    import_panel(session, "\n".join(PANEL.splitlines()[:30]), YEAR, TAKEN_IN)
    first = freeze(client, analyst, run_jobs, public=True)
    clock.advance(timedelta(days=1))
    correct(session, "S0012", {"main_result": "unmatched"}, clock.now())
    second = freeze(client, analyst, run_jobs, public=True)
    documents = [
        client.get(f"{API}/reports/runs/{run['id']}/report", headers=analyst.headers).get_json()
        for run in (first, second)
    ]
    assert "earlier_versions" not in documents[0]
    assert documents[1]["earlier_versions"] == [
        {"as_of": first["as_of"], "sha256": first["result_sha256"]}
    ]
    assert documents[0]["groupings"].keys() == {"specialty", "wave"}
    for run in (first, second):
        again = reports.recompute(session, run["id"])
        assert again.sha256.hex() == run["result_sha256"]
        assert again.inputs_sha256.hex() == run["inputs_sha256"]
    alone = reports.inputs_of(session, second["id"])
    late = reports.compute(replace(alone, earlier=()))
    session.execute(
        text(
            "INSERT INTO report_run (id, match_year, as_of, public, k, asked_at)"
            " SELECT gen_random_uuid(), match_year, as_of, true, k, asked_at FROM report_run"
            " WHERE id = :id"
        ),
        {"id": second["id"]},
    )
    other = session.execute(text("SELECT id FROM report_run WHERE result IS NULL")).scalar_one()
    with pytest.raises(PublishedMeanwhile):
        reports.fill(session, other, late, clock.now())


def test_a_reported_past_is_closed(panel, client, analyst, run_jobs, session):
    as_of = LATER.isoformat()
    freeze(client, analyst, run_jobs, as_of=as_of)
    with pytest.raises(IntegrityError) as caught, session.begin_nested():
        correct(session, "S0012", {"main_result": "unmatched"}, LATER)
    assert caught.value.orig.diag.constraint_name == "report_past_closed"
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(
            text(
                "INSERT INTO cohort_member_version (id, member_id, recorded_at, img_type,"
                " disposition) SELECT gen_random_uuid(), id, :at, img_type, 'I'"
                " FROM cohort_member LIMIT 1"
            ),
            {"at": TAKEN_IN},
        )
    correct(session, "S0012", {"main_result": "unmatched"}, LATER + timedelta(microseconds=1))


def test_a_past_may_be_written_to_while_no_report_covers_it(
    panel, client, analyst, run_jobs, session
):
    freeze(client, analyst, run_jobs, as_of=TAKEN_IN.isoformat())
    import_panel(session, PANEL.replace("S0", "T0"), 2023, TAKEN_IN)
    correct(session, "S0012", {"main_result": "unmatched"}, LATER)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM report_run",
        "UPDATE report_run SET result = '{}'",
        "UPDATE report_run SET as_of = as_of - interval '1 day'",
    ],
)
def test_a_frozen_report_is_not_changed(panel, client, analyst, run_jobs, session, statement):
    freeze(client, analyst, run_jobs)
    with pytest.raises(IntegrityError) as caught:
        session.execute(text(statement))
    assert caught.value.orig.diag.constraint_name == "report_run_holds"


def test_a_report_of_the_future_is_refused(panel, client, analyst):
    sent = {"as_of": datetime(2030, 1, 1, tzinfo=UTC).isoformat()}
    answer = client.post(f"{API}/reports/match/{YEAR}/runs", json=sent, headers=analyst.headers)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "not_yet_then")


def test_only_analysts_freeze(client, people):
    for who in (people.make("trainee"), people.make("operator")):
        answer = client.post(f"{API}/reports/match/{YEAR}/runs", json={}, headers=who.headers)
        assert answer.status_code == 403


def test_a_year_without_a_panel_has_an_empty_report(client, analyst, run_jobs):
    run = freeze(client, analyst, run_jobs)
    report = client.get(f"{API}/reports/runs/{run['id']}/report", headers=analyst.headers)
    assert report.get_json()["groups"]["all"]["match_rate"] is None


def test_benchmarks_are_loaded_once_and_never_changed(panel, session, client):
    assert load_shipped(session, LATER) == 0
    items = client.get(f"{API}/benchmarks").get_json()["items"]
    disputed = [item for item in items if item["status"] == "disputed"]
    assert {item["value"] for item in disputed} >= {"58.0", "67.8"}
    assert {item["half_width"] for item in disputed} == {"0.05"}
    with pytest.raises(IntegrityError, match="history"):
        session.execute(text("UPDATE benchmark SET value = 1"))


def test_a_job_that_runs_twice_freezes_once(panel, client, analyst, run_jobs, sessions):
    run = freeze(client, analyst, run_jobs)
    with sessions() as session, edge(session):
        computed = reports.recompute(session, run["id"])
        again = reports.fill(session, run["id"], computed, LATER)
        assert again.frozen_at != LATER
        assert json.loads(again.result)["match_year"] == YEAR


def test_a_failure_is_told_and_the_next_attempt_succeeds(
    panel, client, analyst, sessions, parts, monkeypatch
):
    asked = client.post(
        f"{API}/reports/match/{YEAR}/runs", json={}, headers=analyst.headers
    ).get_json()
    job = Context(parts, sessions)
    with monkeypatch.context() as broken:
        broken.setattr(reports.cohort, "report", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            freeze_report(job, asked["id"])
    path = f"{API}/reports/runs/{asked['id']}"
    assert client.get(path, headers=analyst.headers).get_json()["failure"] == "ZeroDivisionError"
    answer = client.get(path + "/report", headers=analyst.headers)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "report_not_ready")
    freeze_report(job, asked["id"])
    told = client.get(path, headers=analyst.headers).get_json()
    assert told["failure"] is None
    assert told["frozen_at"] is not None


@pytest.mark.parametrize("year", [0, 99999, 10**12, 10**30])
def test_a_year_beyond_the_calendar_is_no_error_of_ours(client, analyst, year):
    for method, path in (
        ("GET", f"{API}/reports/match/{year}"),
        ("GET", f"{API}/reports/match/{year}/runs"),
        ("POST", f"{API}/reports/match/{year}/runs"),
    ):
        answer = client.open(path, method=method, json={}, headers=analyst.headers)
        assert answer.status_code in {200, 404, 422}, (path, answer.get_data())
