"""A list of corrections: tried, recorded all or none, once each, taken back; the past stays."""

import csv
import io
from datetime import timedelta

import pytest
from sqlalchemy import text

from marketplace.cli.match import outcomes
from marketplace.reporting.queries import frame
from tests.integration.reporting.conftest import YEAR

API = "/api/v1/match-outcomes/corrections"
COLUMNS = (
    "event_id",
    "trainee_id",
    "match_year",
    "field",
    "old_value",
    "new_value",
    "new_outcome_source",
    "recorded_at",
    "retracted_at",
)
EVENTS = text("SELECT count(*) FROM match_outcome_event")


def line(event_id, trainee_id, field, old, new, source="roster_verified", **changed):
    row = dict(zip(COLUMNS, (event_id, trainee_id, YEAR, field, old, new, source), strict=False))
    return {"recorded_at": "2024-08-01T10:00:00Z", "retracted_at": "", **row, **changed}


def sheet(*rows, evidence=True):
    out = io.StringIO()
    names = [*COLUMNS, "evidence"] if evidence else COLUMNS
    writer = csv.DictWriter(out, names, restval="a roster" if evidence else "")
    writer.writeheader()
    writer.writerows(rows)
    return "\ufeff" + out.getvalue()


GOOD = (
    line("E1", "S0004", "main_result", "unmatched", "matched_pgy1", recorded_at="2024-08-02"),
    line("E2", "S0012", "interviews", "", "7", "self_reported"),
    # Noted before E1, so that the two never contradict each other.
    line("E0", "S0004", "soap_result", "not_placed", "not_applicable", recorded_at="2024-08-01"),
    line("E3", "S0012", "program", "", "Lakeview, Medicine", "document_verified"),
    line("E4", "S0012", "registered", "1", "1", "self_reported"),
    line("E5", "S0012", "residency_specialty", "", "neurology", retracted_at="2024-08-03"),
)


@pytest.fixture
def send(client, analyst):
    def post(content, status=200, who=analyst, **query):
        sent = {"data": content, "content_type": "text/csv", "headers": who.headers}
        answer = client.post(API, query_string=query, **sent)
        assert answer.status_code == status, answer.get_data()
        return answer.get_json()

    return post


def actions(answer):
    return {one["event_id"]: one["action"] for one in answer["lines"]}


def rows_at(session, at):
    return {row.trainee_id: row for row in frame.panel(session, YEAR, at)}


def test_tried_recorded_once_and_taken_back(panel, send, session, clock):
    before, count = clock.now(), session.execute(EVENTS).scalar_one()
    wanted = {
        "E0": "recorded", "E1": "recorded", "E2": "recorded", "E3": "recorded",
        "E4": "unchanged", "E5": "left_out",
    }  # fmt: skip
    tried = send(sheet(*GOOD))
    assert (tried["committed"], actions(tried)) == (False, wanted)
    assert session.execute(EVENTS).scalar_one() == count
    clock.advance(timedelta(days=1))
    assert actions(send(sheet(*GOOD), commit=True)) == wanted
    recorded = clock.now()
    assert session.execute(EVENTS).scalar_one() == count + 4
    clock.advance(timedelta(days=1))
    again = send(sheet(*GOOD, evidence=False), commit=True)
    assert {actions(again)[f"E{number}"] for number in range(4)} == {"repeated"}
    taken_back = line("E1", "S0004", "main_result", "unmatched", "matched_pgy1",
                      retracted_at="2024-09-01")  # fmt: skip
    assert actions(send(sheet(taken_back), commit=True)) == {"E1": "retracted"}
    assert actions(send(sheet(taken_back), commit=True)) == {"E1": "repeated"}
    assert rows_at(session, before)["S0004"].main_result == "unmatched"
    assert rows_at(session, recorded)["S0004"].main_result == "matched_pgy1"
    assert rows_at(session, recorded)["S0004"].outcome_source == "roster_verified"
    assert rows_at(session, clock.now())["S0004"].main_result == "unmatched"
    kept = session.execute(
        text("SELECT evidence, actor_id FROM match_outcome_event WHERE external_event_id = 'E3'")
    ).one()
    assert kept.evidence.startswith("a roster (correction E3, noted at 2024-08-01T10:00:00")
    assert kept.actor_id is not None


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (
            line("B", "S0004", "main_result", "matched_pgy1", "unmatched"),
            "old_value: expected 'unm",
        ),
        (line("B", "S9999", "registered", "", "1"), "trainee_id: expected somebody"),
        (line("B", "S0004", "registered", "1", "1", match_year=2031), "frame of 2031"),
        (line("B", "S0004", "interviews", "", "lots"), "new_value: 'lots', expected a whole"),
        (line("B", "S0004", "certified_rol", "1", "0"), "algorithm matches only those"),
        (line("E2", "S0004", "interviews", "", "7"), "event_id"),
    ],
)
def test_one_refused_row_keeps_all_from_being_recorded(panel, send, session, bad, expected):
    first = GOOD[:3] if bad["event_id"] != "E2" else GOOD[1:2]
    if bad["event_id"] == "E2":
        send(sheet(*first), commit=True)
        first = ()
    elif bad["field"] == "certified_rol":
        first = (GOOD[0], GOOD[2])
        bad = {**bad, "recorded_at": "2024-09-09"}
    count = session.execute(EVENTS).scalar_one()
    answer = send(sheet(*first, bad), commit=True)
    assert answer["committed"] is False
    (refused,) = [one for one in answer["lines"] if one["action"] == "refused"]
    assert (refused["row"], expected in refused["problem"]) == (len(first) + 2, True)
    assert session.execute(EVENTS).scalar_one() == count


def test_cells_that_can_not_be_read_are_named(panel, send, people):
    wrong = [
        line("A", "S0004", "specialty", "", "x"),
        line("A", "", "registered", "", "1"),
        line("C", "S0004", "registered", "", "1", "hearsay", recorded_at="yesterday"),
        line("D", "S0004", "program", "", "nul\x00"),
    ]
    fields = send(sheet(*wrong), 422)["fields"]
    assert set(fields) == {
        "row 2, field", "row 3, trainee_id", "row 3, event_id", "row 4, new_outcome_source",
        "row 4, recorded_at", "row 5, new_value",
    }  # fmt: skip
    assert send(b"\xff\xfe\x00", 422)["code"] == "table_unreadable"
    assert send(b"", 422)["code"] == "table_unreadable"
    send(sheet(*GOOD), 403, who=people.make("trainee"))


def test_at_a_terminal(panel, app, analyst, tmp_path, session):
    path = tmp_path / "c.csv"
    path.write_text(sheet(*GOOD), encoding="utf-8")
    runner = app.test_cli_runner()
    asked = ["correct", str(path), "--by", analyst.email]
    tried = runner.invoke(outcomes, asked)
    assert (tried.exit_code, tried.output.splitlines()[-1]) == (0, "nothing was recorded")
    done = runner.invoke(outcomes, [*asked, "--commit"])
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "recorded")
    path.write_text(sheet(line("Z", "S0004", "registered", "0", "1")), encoding="utf-8")
    refused = runner.invoke(outcomes, asked)
    assert (refused.exit_code, "row 2: Z refused old_value" in refused.output) == (1, True)
    path.write_bytes(b"trainee_id\nm\xe9decin\n")
    for command in (
        asked,
        ["import-panel", str(path), "--year", "2024"],
        ["load-programs", str(path)],
    ):
        said = runner.invoke(outcomes, command)
        assert (said.exit_code, "not UTF-8" in said.output) == (1, True)
