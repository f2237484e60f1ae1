"""Large sheets of calendars: by a job, in batches that commit, whole or not at all, as listings."""

import csv
import io
from datetime import date

import pytest
from sqlalchemy import select

from marketplace.catalog.models import CalendarEdit, SeatPool, SeatWeek
from marketplace.catalog.queries.calendars import Scope
from marketplace.catalog.rules.sheet import CALENDAR, open_bytes
from marketplace.catalog.rules.writing import Format
from marketplace.catalog.service import exporting, import_job, import_runs, overview, seats
from marketplace.catalog.service.exporting import Whose
from marketplace.catalog.states import ImportMode, SheetKind
from tests.conftest import NOW
from tests.integration.catalog.conftest import listing_of
from tests.integration.catalog.test_import_jobs import Desk, rows_of
from tests.unit.catalog.sheets import sheet

LISTINGS = 3


class Stopped(Exception):
    """A worker that comes to its end between two batches."""


@pytest.fixture
def desk(live, tmp_path, monkeypatch):
    """Three listings of one site with five weeks each, and batches of four rows."""
    made = Desk(live, tmp_path)
    made.work(made.send(sheet(*rows_of(LISTINGS)).encode()))
    monkeypatch.setattr(import_job, "BATCH", 4)
    return made


def exported(desk):
    file = io.BytesIO()
    with desk.live.transaction() as session:
        exporting.write_calendars(
            session, file, Whose(owner_account_id=desk.owner), Format.CSV, date(2026, 11, 16)
        )
    return [dict(record.cells) for record in open_bytes(file.getvalue(), CALENDAR).records]


def written(rows):
    text = io.StringIO()
    table = csv.DictWriter(text, CALENDAR.columns)
    table.writeheader()
    table.writerows(rows)
    return text.getvalue().encode()


def send(desk, rows, **options):
    return desk.send(written(rows), sheet=SheetKind.CALENDAR, **options)


def seats_of(desk):
    with desk.live.transaction() as session:
        return sorted(session.scalars(select(SeatWeek.capacity)))


def test_a_calendar_goes_in_by_and_by_and_on_after_a_stop(desk, monkeypatch):
    rows = exported(desk)
    assert len(rows) == LISTINGS * 5
    again = desk.work(send(desk, rows))
    assert (again.state, again.counts["unchanged"]) == ("done", len(rows))
    edited = [{**row, "seats": str(4 + number)} for number, row in enumerate(rows)]
    edited[2] |= {"seats": "many", "week": "2027-01-05"}
    import_id, batches = send(desk, edited), []

    def stop(*arguments):
        if len(batches) == 2:
            raise Stopped
        batches.append(commit(*arguments))
        return batches[-1]

    commit = import_job._commit_batch
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(import_job, "_commit_batch", stop)
        desk.work(import_id)
    stopped = desk.run(import_id)
    assert (stopped.state, stopped.position, stopped.rows_total) == ("committing", 8, 15)
    done = desk.work(import_id)
    # The rows of one calendar lie in two batches: its version is ours, and no other's edit.
    assert (done.state, done.counts["changed"], done.counts["refused"]) == ("done", 14, 1)
    assert sum(seats_of(desk)) == sum(range(4, 19)) - 6 + int(rows[2]["seats"])
    book = next(file for file in done.files if file["name"] == "errors.xlsx")
    table = open_bytes(desk.store.get(book["key"]), CALENDAR, name="errors.xlsx")
    assert [record.cells["seats"] for record in table.records][2] == "many"
    with desk.live.transaction() as session:
        site_id = session.scalar(select(SeatPool.site_id).limit(1))
        edits = overview.history(session, Scope(site_id), limit=10, cursor=None).items
    assert {(one["kind"], one["undoable"]) for one in edits} == {("import", True)}
    assert sum(one["asked"]["rows"] for one in edits) == 15


def test_a_calendar_goes_in_whole_or_not_at_all(desk):
    before, rows = seats_of(desk), exported(desk)
    wrong = desk.work(send(desk, [*rows[:-1], {**rows[-1], "seats": "-1"}], mode=ImportMode.FILE))
    assert (wrong.state, wrong.failure["code"]) == ("failed", "rows_refused")
    more = [{**row, "seats": "9"} for row in rows]
    import_id = send(desk, more, mode=ImportMode.FILE, commit=False)
    assert desk.work(import_id).counts["changed"] == len(rows)
    with desk.live.transaction() as session:
        import_runs.approve(session, import_id)
        # Somebody has edited one of them since it was planned.
        session.execute(select(SeatPool).limit(1)).scalar_one().version += 1
    assert desk.work(import_id).failure["code"] == "rows_refused"
    assert seats_of(desk) == before
    done = desk.work(send(desk, [{**row, "version": ""} for row in more], mode=ImportMode.FILE))
    assert (done.state, done.position) == ("done", len(rows))
    assert set(seats_of(desk)) == {9}
    assert desk.count(CalendarEdit) == 1
    with desk.live.transaction() as session:
        listing = listing_of(session, "X-0")
        for _ in range(2):
            seats.take(session, listing.id, [listing.first_start])
    fewer = desk.work(send(desk, [{**row, "seats": "1"} for row in exported(desk)]))
    assert (fewer.counts["changed"], fewer.counts["refused"]) == (len(rows) - 1, 1)
    assert "at least 2" in fewer.remarks[0]["text"]
    assert fewer.finished_at == NOW


def test_a_sheet_of_the_other_kind_is_told_what_it_is(desk):
    calendar, listings = written(exported(desk)), sheet(*rows_of(1)).encode()
    for content, kind, said in (
        (calendar, SheetKind.LISTINGS, "this is one of calendars"),
        (listings, SheetKind.CALENDAR, "this is one of listings"),
    ):
        run = desk.work(desk.send(content, sheet=kind))
        assert run.failure["code"] == "other_sheet"
        assert said in run.failure["expected"]
