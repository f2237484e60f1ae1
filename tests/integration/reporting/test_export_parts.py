"""What an export can be asked for: formats, identified ones by right, an earlier one to compare."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from marketplace.compliance.models import AuditEntry
from marketplace.core.ids import new_id
from marketplace.reporting.rules.formats import xlsx
from tests.integration.reporting.conftest import YEAR
from tests.integration.reporting.exporting import API, download, export, rows_of
from tests.integration.reporting.test_exports import tell

ALL = ["xlsx", "dta", "sav", "parquet", "jsonl"]


def test_all_formats_hold_all_rows(panel, client, analyst, run_jobs):
    run = export(client, analyst, run_jobs, match_year=YEAR, formats=ALL)
    assert (run["state"], run["formats"]) == ("ready", ["csv", *reversed(ALL)])
    assert (run["step"], run["rows_done"], run["row_count"]) == (None, 300, 300)
    names = [file["name"] for file in run["files"]]
    assert names[:6] == [f"outcomes-{YEAR}.{one}" for one in ("csv", *reversed(ALL))]
    first = {
        "csv": b"person_id,", "jsonl": b'{"person_id"', "parquet": b"PAR1", "sav": b"$FL2",
        "dta": b"<stata_dta><header><release>118", "xlsx": b"PK",
    }  # fmt: skip
    for name in names[:6]:
        content = download(client, analyst, run, name).get_data()
        assert content.startswith(first[name.rpartition(".")[2]])
    lines = download(client, analyst, run, f"outcomes-{YEAR}.jsonl").get_data().splitlines()
    table = rows_of(download(client, analyst, run, f"outcomes-{YEAR}.csv").get_data())
    told = [{name: str(value) for name, value in json.loads(line).items()} for line in lines]
    assert told == table
    readme = download(client, analyst, run, "README.md").get_data(as_text=True)
    manifest = json.loads(download(client, analyst, run, "manifest.json").get_data())
    assert [file["name"] for file in manifest["files"]] == names[:-1]
    assert all(f"| {name} |" in readme for name in names if name != "README.md")


def test_a_year_without_anybody_has_every_format_too(client, analyst, run_jobs):
    run = export(client, analyst, run_jobs, match_year=1999, formats=ALL)
    assert (run["state"], run["row_count"]) == ("ready", 0)
    assert len([file for file in run["files"] if file["name"].startswith("outcomes")]) == 6


def test_too_many_rows_for_a_workbook_are_refused_at_once_and_for_good(
    panel, client, analyst, run_jobs, monkeypatch
):
    monkeypatch.setattr(xlsx, "MOST_ROWS", 299)
    run = export(client, analyst, run_jobs, match_year=YEAR, formats=["xlsx", "sav"])
    assert (run["state"], run["failure"], run["files"]) == (
        "failed",
        "too_many_rows_for_xlsx",
        None,
    )
    monkeypatch.setattr(xlsx, "MOST_ROWS", 300)
    assert export(client, analyst, run_jobs, match_year=YEAR, formats=["xlsx"])["state"] == "ready"


def test_identified_needs_right_and_reason_and_is_recorded(
    panel, client, analyst, operator, people, run_jobs, session, clock
):
    asked = {"match_year": YEAR, "profile": "identified", "reason": "to mend the panel's ids"}
    refused = client.post(API, json=asked, headers=analyst.headers)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "identified_export_refused")
    right = {
        "account_id": str(analyst.id),
        "reason": "mends the panel's ids",
        "expires_at": (clock.now() + timedelta(days=2)).isoformat(),
    }
    for who in (analyst, people.make("trainee")):
        answer = client.post(f"{API}/rights", json=right, headers=who.headers)
        assert answer.status_code == 403
    given = client.post(f"{API}/rights", json=right, headers=operator.headers)
    assert given.status_code == 201
    unreasoned = client.post(API, json={**asked, "reason": None}, headers=analyst.headers)
    assert (unreasoned.status_code, list(unreasoned.get_json()["fields"])) == (422, ["reason"])
    run = export(client, analyst, run_jobs, **asked)
    assert (run["state"], run["reason"]) == ("ready", asked["reason"])
    name = f"outcomes-{YEAR}.csv"
    assert b"S0012" in download(client, analyst, run, name).get_data()
    # Another analyst, or this one after the right has ended, takes nothing home.
    path = f"{API}/{run['id']}/files/{name}"
    assert client.get(path, headers=people.make("analyst").headers).status_code == 403
    ended = client.delete(f"{API}/rights/{given.get_json()['id']}", headers=operator.headers)
    assert ended.get_json()["revoked_at"] is not None
    assert client.get(path, headers=analyst.headers).status_code == 403
    actions = session.execute(
        select(AuditEntry.action)
        .where(AuditEntry.action.like("export.%"))
        .order_by(AuditEntry.at, AuditEntry.id)
    )
    assert sorted(actions.scalars()) == [
        "export.ask", "export.download", "export.right_give", "export.right_revoke",
    ]  # fmt: skip
    listed = client.get(f"{API}/rights", headers=operator.headers).get_json()["items"]
    assert [one["account_id"] for one in listed] == [str(analyst.id)]


def test_a_right_ends_by_itself_and_is_no_gift_to_oneself(client, trusted, operator, people, clock):
    asked = {"profile": "identified", "reason": "to check what was recorded"}
    clock.advance(timedelta(days=31))
    assert client.post(API, json=asked, headers=trusted.headers).status_code == 403
    for days in (0, 400):
        right = {
            "account_id": str(trusted.id),
            "reason": "for a very long time",
            "expires_at": (clock.now() + timedelta(days=days)).isoformat(),
        }
        answer = client.post(f"{API}/rights", json=right, headers=operator.headers)
        assert (answer.status_code, list(answer.get_json()["fields"])) == (422, ["expires_at"])
    for nobody in (new_id(), operator.id):
        right = {
            "account_id": str(nobody),
            "reason": "for nobody that there is",
            "expires_at": (clock.now() + timedelta(days=2)).isoformat(),
        }
        answer = client.post(f"{API}/rights", json=right, headers=operator.headers)
        assert (answer.status_code, list(answer.get_json()["fields"])) == (422, ["account_id"])
    both = people.make("operator", "analyst")
    own = {**right, "account_id": str(both.id)}
    answer = client.post(f"{API}/rights", json=own, headers=both.headers)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "right_by_oneself")


def test_the_database_refuses_identified_without_a_reason(session, analyst):
    with pytest.raises(Exception, match="ck_export_run_identified_has_reason"):
        session.execute(
            text(
                "INSERT INTO export_run (id, profile, as_of, state, asked_by, asked_at)"
                " VALUES (gen_random_uuid(), 'identified', now(), 'asked', :by, now())"
            ),
            {"by": analyst.id},
        )


def test_the_difference_from_an_earlier_export(panel, client, analyst, run_jobs, session, clock):
    first = export(client, analyst, run_jobs, match_year=YEAR)
    clock.advance(timedelta(days=1))
    tell(session, "S0012", "Mercy Hospital", clock.now())
    run = export(client, analyst, run_jobs, match_year=YEAR, compared_with=first["id"])
    assert run["compared_with"] == first["id"]
    summary = json.loads(download(client, analyst, run, "changes.json").get_data())
    # The program is withheld; that something was recorded, how it is known, and when, is not.
    assert summary["fields"] == {"program_source": 1, "recorded_at": 1}
    assert (summary["added"], summary["removed"], summary["unchanged"]) == (0, 0, 299)
    when, how = rows_of(download(client, analyst, run, "changes.csv").get_data())
    assert (when["change"], when["field"]) == ("changed", "recorded_at")
    assert when["before"] == "2024-07-01T09:00:00Z"
    assert (how["field"], how["after"]) == ("program_source", "document_verified")
    # As it was known then, it is the first one again.
    then = export(
        client, analyst, run_jobs, match_year=YEAR, as_of=first["as_of"],
        compared_with=first["id"],
    )  # fmt: skip
    assert json.loads(download(client, analyst, then, "changes.json").get_data())["changed"] == 0
    assert then["files"][0]["sha256"] == first["files"][0]["sha256"]


def test_what_can_not_be_compared_or_known_is_refused(panel, client, analyst, run_jobs, clock):
    run = export(client, analyst, run_jobs, match_year=YEAR)
    pending = client.post(API, json={"match_year": YEAR}, headers=analyst.headers).get_json()
    for sent in (
        {"match_year": 2023, "compared_with": run["id"]},
        {"match_year": YEAR, "compared_with": pending["id"]},
        {"match_year": YEAR, "compared_with": str(analyst.id)},
    ):
        answer = client.post(API, json=sent, headers=analyst.headers)
        assert answer.status_code == 422
        assert list(answer.get_json()["fields"]) == ["compared_with"]
    later = (clock.now() + timedelta(minutes=1)).isoformat()
    answer = client.post(API, json={"as_of": later}, headers=analyst.headers)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "not_yet_then")
    answer = client.post(API, json={"formats": ["sas7bdat"]}, headers=analyst.headers)
    assert answer.status_code == 422


def test_texts_too_long_for_a_format_are_counted(panel, client, trusted, run_jobs, session):
    tell(session, "S0012", "é" * 200)
    run = export(
        client, trusted, run_jobs, match_year=YEAR, profile="identified", formats=["sav", "jsonl"]
    )
    cut = {file["name"]: file["texts_cut"] for file in run["files"] if file["texts_cut"]}
    assert cut == {f"outcomes-{YEAR}.sav": 1}
    manifest = json.loads(download(client, trusted, run, "manifest.json").get_data())
    assert [file["texts_cut"] for file in manifest["files"]][:3] == [0, 0, 1]
