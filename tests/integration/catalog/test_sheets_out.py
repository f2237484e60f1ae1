"""Listings and calendars come out as spreadsheets and go in again unchanged."""

import csv
import io
from datetime import date

import pytest
from sqlalchemy import select

from marketplace.catalog.models import CalendarEdit, Listing, SeatPool
from marketplace.catalog.rules.faults import LARGE
from marketplace.catalog.rules.sheet import CALENDAR, COLUMNS, open_bytes
from marketplace.catalog.rules.writing import Format
from marketplace.catalog.service import exporting, seats
from marketplace.catalog.service.exporting import Whose
from marketplace.catalog.service.importing import import_listings
from tests.conftest import NOW
from tests.integration.catalog.conftest import listing_of, new_account

API = "/api/v1"
FORMS = list(Format)


def exported(session, form, **whose):
    file = io.BytesIO()
    count = exporting.write_listings(session, file, Whose(**whose), form)
    return file.getvalue(), count


@pytest.mark.parametrize("form", FORMS)
def test_the_sample_goes_in_comes_out_and_goes_in_again_unchanged(session, owner, imported, form):
    content, count = exported(session, form, owner_account_id=owner)
    assert count == 13
    again = import_listings(session, content, owner, True, NOW, name=f"ours.{form}")
    assert again.fault is None
    assert again.counts["unchanged"] == len(again.entries) == 13
    assert all(not entry.fixes for entry in again.entries)
    assert again.remarks == ()
    other = new_account(session)
    assert import_listings(session, content, other, True, NOW).counts["created"] == 13
    out_again, _ = exported(session, form, owner_account_id=other)
    assert rows_of(out_again) == rows_of(content)


def rows_of(content):
    return [record.cells for record in open_bytes(content, limits=LARGE).records]


@pytest.mark.parametrize("form", FORMS)
def test_what_would_run_as_a_formula_goes_out_harmless_and_comes_in_whole(
    session, owner, imported, form
):
    listing = listing_of(session, "CHI-IM-01")
    listing.title, listing.notes = '=HYPERLINK("http://x.invalid")', "'- quoted - twice"
    session.flush()
    content, _ = exported(session, form, owner_account_id=owner)
    cells = next(row for row in rows_of(content) if row["external_id"] == "CHI-IM-01")
    assert cells["title"] == '\'=HYPERLINK("http://x.invalid")'
    assert cells["notes"] == "''- quoted - twice"
    again = import_listings(session, content, owner, True, NOW)
    assert again.counts["unchanged"] == 13


def test_a_csv_begins_with_the_mark_that_excel_needs(session, owner, imported):
    content, _ = exported(session, Format.CSV, owner_account_id=owner)
    assert content.startswith(b"\xef\xbb\xbfexternal_id,")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows[0] == list(COLUMNS)


def test_an_export_is_a_constant_number_of_statements(client, host, market, count_queries):
    site = market["CHI-IM-01"].site_id
    for path in ("listings/export", "calendar/export"):
        with count_queries() as seen:
            answer = client.get(f"{API}/sites/{site}/{path}?format=xlsx", headers=host.headers)
            assert answer.get_data().startswith(b"PK")
        assert len(seen) <= 4


def test_a_site_gets_its_own_listings_only(client, host, market, people):
    site = market["CHI-IM-01"].site_id
    answer = client.get(f"{API}/sites/{site}/listings/export", headers=host.headers)
    assert {row["external_id"] for row in rows_of(answer.get_data())} == {"CHI-IM-01", "CHI-IM-02"}
    assert answer.headers["Content-Disposition"] == 'attachment; filename="listings.csv"'
    stranger = people.trainee().headers
    refused = client.get(f"{API}/sites/{site}/listings/export", headers=stranger)
    assert refused.status_code == 404


@pytest.fixture
def calendar(client, host, market):
    """Download, edit and upload the calendars of a site."""

    class Calendar:
        site = market["CHI-IM-01"].site_id
        base = f"{API}/sites/{site}/calendar"

        def rows(self, form="csv"):
            answer = client.get(f"{self.base}/export?format={form}", headers=host.headers)
            assert answer.status_code == 200
            self.content = answer.get_data()
            table = open_bytes(self.content, CALENDAR)
            return [dict(record.cells) for record in table.records]

        def send(self, rows, query=""):
            text = io.StringIO()
            writer = csv.DictWriter(text, CALENDAR.columns)
            writer.writeheader()
            writer.writerows(rows)
            return self.send_file(text.getvalue().encode(), query)

        def send_file(self, content, query=""):
            return client.post(
                f"{self.base}/import{query}",
                data=content,
                content_type="text/csv",
                headers=host.headers,
            ).json

    return Calendar()


@pytest.mark.parametrize("form", FORMS)
def test_a_calendar_goes_in_again_unchanged(calendar, form):
    rows = calendar.rows(form)
    assert {row["pool"] for row in rows} == {"CHI-IM-01", "CHI-IM-02"}
    plan = calendar.send_file(calendar.content, f"?commit=true&filename=c.{form}")
    assert plan["counts"]["unchanged"] == len(rows) == len(plan["entries"])


def edited(rows, week, /, pool="CHI-IM-01", **changes):
    return [
        {**row, **changes} if (row["pool"], row["week"]) == (pool, week) else row for row in rows
    ]


def test_seats_are_edited_in_a_spreadsheet_and_undone(calendar, session, client, host):
    before = calendar.rows()
    rows = edited(before, "2027-01-04", seats="7")
    rows = edited(rows, "2027-01-11", closed="yes")
    dry = calendar.send(rows)
    assert (dry["committed"], dry["counts"]["changed"]) == (False, 2)
    assert {tuple(e["difference"]) for e in dry["entries"] if e["difference"]} == {
        ("seats",),
        ("closed",),
    }
    assert [row["seats"] for row in calendar.rows()] == [row["seats"] for row in before]
    assert calendar.send(rows, "?commit=true")["committed"] is True
    after = {row["week"]: row for row in calendar.rows() if row["pool"] == "CHI-IM-01"}
    assert (after["2027-01-04"]["seats"], after["2027-01-11"]["closed"]) == ("7", "yes")
    edit = session.execute(select(CalendarEdit)).scalar_one()
    assert (edit.kind, edit.asked) == ("import", {"rows": len(rows)})
    assert calendar.send(rows, "?commit=true")["counts"]["unchanged"] == len(rows)
    undone = client.post(
        f"{calendar.base}/edits/{edit.id}/undo", json={"commit": True}, headers=host.headers
    )
    assert undone.json["committed"] is True
    after = {row["week"]: row for row in calendar.rows() if row["pool"] == "CHI-IM-01"}
    assert (after["2027-01-04"]["seats"], after["2027-01-11"]["closed"]) == ("3", "no")


def test_fewer_seats_than_are_taken_are_refused_and_the_rest_goes_in(calendar, session):
    listing = listing_of(session, "CHI-IM-01")
    for _ in range(2):
        seats.take(session, listing.id, [date(2027, 1, 4), date(2027, 1, 11)])
    rows = edited(calendar.rows(), "2027-01-04", seats="1")
    rows = edited(rows, "2027-01-11", closed="yes")
    rows = edited(rows, "2027-01-18", seats="1")
    plan = calendar.send(rows, "?commit=true")
    assert (plan["counts"]["changed"], plan["counts"]["refused"]) == (1, 2)
    problems = [problem for entry in plan["entries"] for problem in entry["problems"]]
    assert [(p["column"], p["code"]) for p in problems] == [
        ("seats", "seats_taken"),
        ("closed", "seats_taken"),
    ]
    assert "at least 2" in problems[0]["expected"]
    after = {row["week"]: row for row in calendar.rows() if row["pool"] == "CHI-IM-01"}
    assert [after[f"2027-01-{day}"]["seats"] for day in ("04", "11", "18")] == ["3", "3", "1"]
    assert after["2027-01-11"]["closed"] == "no"


def test_a_row_from_before_anothers_edit_is_refused(calendar):
    old = calendar.rows()
    calendar.send(edited(old, "2027-01-04", seats="5"), "?commit=true")
    plan = calendar.send(edited(old, "2027-01-11", seats="5"), "?commit=true")
    assert {p["code"] for e in plan["entries"] for p in e["problems"]} == {"edited_since"}
    unversioned = [
        {**row, "version": ""} for row in edited(calendar.rows(), "2027-01-11", seats="5")
    ]
    assert calendar.send(unversioned, "?commit=true")["counts"]["changed"] == 1


@pytest.mark.parametrize(
    ("changes", "column", "code"),
    [
        ({"seats": "-1"}, "seats", "seats_out_of_range"),
        ({"seats": "=2+3"}, "seats", "formula"),
        ({"week": "2027-01-05"}, "week", "not_monday"),
        ({"closed": "perhaps"}, "closed", "not_yes_or_no"),
        ({"pool_id": "CHI-IM-01"}, "pool_id", "not_an_id"),
        ({"pool_id": "01a20199-0c47-776c-9cf7-5fee34ddd44d"}, "pool_id", "unknown_calendar"),
        ({"week": "2026-11-09"}, "week", "week_over"),
    ],
)
def test_what_is_wrong_in_a_calendar_is_told_by_its_cell(calendar, changes, column, code):
    rows = edited(calendar.rows(), "2027-01-04", **{"seats": "9", **changes})
    plan = calendar.send(rows)
    problems = [problem for entry in plan["entries"] for problem in entry["problems"]]
    assert (column, code) in {(p["column"], p["code"]) for p in problems}
    assert all(problem["expected"] for problem in problems)


def test_rows_that_contradict_each_other_are_refused_together(calendar):
    rows = edited(calendar.rows(), "2027-01-04", week="2027-01-11", seats="9")
    same = next(row for row in rows if row["week"] == "2027-01-18")
    plan = calendar.send([*rows, same], "?commit=true")
    refused = [entry for entry in plan["entries"] if entry["action"] == "refused"]
    assert [problem["code"] for entry in refused for problem in entry["problems"]] == (
        ["contradiction"] * 2
    )
    assert str(refused[1]["row"]) in refused[0]["problems"][0]["expected"]
    assert (plan["counts"]["changed"], plan["counts"]["repeated"]) == (0, 1)


def test_another_sites_calendar_is_not_known(calendar, session, market):
    pool = session.scalar(
        select(SeatPool.id).join(Listing, Listing.site_id == SeatPool.site_id).where(
            Listing.external_id == "NYC-NEU-01"
        ).limit(1)
    )  # fmt: skip
    rows = edited(calendar.rows(), "2027-01-04", pool_id=str(pool))
    (refused,) = [e for e in calendar.send(rows)["entries"] if e["action"] == "refused"]
    assert refused["problems"][0]["code"] == "unknown_calendar"
