"""Reading a panel and its corrections: whole, or refused cell by cell."""

import io
from dataclasses import replace
from datetime import date

import pytest

from marketplace.reporting.errors import TableUnreadable
from marketplace.reporting.rules.corrections import apply, read_corrections
from marketplace.reporting.rules.panel import (
    COLUMNS,
    PanelRow,
    contradictions,
    read_panel,
    written,
)

GOOD = dict(
    zip(
        COLUMNS,
        [
            "T1",
            "us_img",
            "pediatrics",
            "in_person",
            "0-2y",
            "completed",
            "ok",
            "1",
            "1",
            "delivered",
            "I",
            "1",
            "1",
            "1",
            "1",
            "matched_pgy1",
            "not_applicable",
            "0",
            "1",
            "self_reported",
        ],
        strict=True,
    )
)
EVENTS = (
    "event_id,trainee_id,match_year,field,old_value,new_value,new_outcome_source,"
    "recorded_at,retracted_at"
)


def csv_of(*rows, columns=tuple(COLUMNS)):
    lines = [",".join(columns), *(",".join(row.get(name, "") for name in columns) for row in rows)]
    return io.StringIO("\n".join(lines) + "\n")


def test_the_rows_columns_are_the_tables():
    ours_alone = {"tier", "learner_status", "site_group", "residency_specialty", "program"}
    assert set(PanelRow.__dataclass_fields__) == set(COLUMNS) | ours_alone


def test_the_sample_reads_whole_and_writes_the_same(sample):
    assert len(sample) == 300
    assert contradictions(sample) == []
    again = csv_of(*({name: written(row, name) for name in COLUMNS} for row in sample))
    assert read_panel(again) == sample


def test_empty_is_not_known():
    (row,) = read_panel(csv_of({"trainee_id": "T1", "img_type": "us_img", "disposition": "R"}))
    assert row.registered is None
    assert row.wave is None
    assert row.specialty is None


def test_every_bad_cell_is_reported_with_row_column_value_and_what_belongs_there():
    bad = GOOD | {"trainee_id": "T2", "img_type": "img", "registered": "yes", "wave": "0"}
    with pytest.raises(TableUnreadable) as refusal:
        read_panel(csv_of(GOOD, bad, GOOD))
    cells = [(cell.row, cell.column, cell.value) for cell in refusal.value.cells]
    assert cells == [
        (3, "img_type", "img"),
        (3, "wave", "0"),
        (3, "registered", "yes"),
        (4, "trainee_id", "T1"),
    ]
    expected = {cell.column: cell.expected for cell in refusal.value.cells}
    assert expected["registered"] == "0 or 1, or empty"
    assert expected["img_type"] == "one of us_img, non_us_img"
    document = refusal.value.as_document()
    assert document["error"]["code"] == "table_unreadable"
    assert document["error"]["cells"][0]["row"] == 3


def test_missing_double_and_ragged():
    with pytest.raises(TableUnreadable) as refusal:
        read_panel(csv_of(GOOD, columns=[name for name in COLUMNS if name != "certified_rol"]))
    assert refusal.value.cells[0].column == "certified_rol"
    with pytest.raises(TableUnreadable, match="can't be read"):
        read_panel(csv_of(GOOD, columns=[*COLUMNS, "wave"]))
    with pytest.raises(TableUnreadable) as refusal:
        read_panel(io.StringIO(csv_of(GOOD).getvalue() + "T3,us_img\n"))
    assert refusal.value.cells[0].value == "2 cells"
    assert list(refusal.value.fields or {}) == ["row 3"]
    with pytest.raises(TableUnreadable):
        read_panel(io.StringIO(""))
    with pytest.raises(TableUnreadable) as refusal:
        read_panel(io.StringIO(csv_of(GOOD).getvalue().replace(",", ";")))
    assert refusal.value.fields == {"row 1": ["'semicolons': expected commas between the columns"]}
    with pytest.raises(TableUnreadable) as refusal:
        read_panel(io.TextIOWrapper(io.BytesIO(b"\xff\xfe"), encoding="utf-8"))
    assert list(refusal.value.fields or {}) == ["the file"]


def test_two_faults_of_one_cell_are_both_told():
    """A name too long, and there twice: the list by place has as many entries as are counted."""
    row = GOOD | {"trainee_id": "T" * 101}
    with pytest.raises(TableUnreadable, match="3 cell") as refusal:
        read_panel(csv_of(row, row))
    told = refusal.value.fields or {}
    assert [len(told[place]) for place in ("row 2, trainee_id", "row 3, trainee_id")] == [1, 2]
    assert "each trainee_id once" in told["row 3, trainee_id"][1]


def test_a_byte_order_mark_spare_columns_and_empty_lines_do_no_harm():
    text = "\ufeff" + csv_of(GOOD | {"x": "1"}, columns=[*COLUMNS, "x"]).getvalue() + "\n\n"
    assert len(read_panel(io.StringIO(text))) == 1


def test_a_panel_of_two_match_years_is_refused():
    """It would be held against the national rate of one of them."""
    rows = [GOOD | {"match_year": "2024"}, GOOD | {"trainee_id": "T2", "match_year": "2023"}]
    table = csv_of(*rows, columns=[*COLUMNS, "match_year"])
    with pytest.raises(TableUnreadable) as refusal:
        read_panel(table, 2024)
    (cell,) = refusal.value.cells
    assert (cell.row, cell.column, cell.value) == (3, "match_year", "2023")


def test_a_nul_byte_is_no_accident():
    with pytest.raises(TableUnreadable):
        read_panel(io.StringIO(csv_of(GOOD | {"specialty": "a\0b"}).getvalue()))
    with pytest.raises(TableUnreadable):
        read_panel(io.StringIO(csv_of(GOOD | {"trainee_id": "a\0b"}).getvalue()))


def test_contradictions_are_named():
    (row,) = read_panel(csv_of(GOOD))
    odd = [
        replace(row, rotation_status="cancelled"),
        replace(row, disposition="NE", match_items_answered=False),
        replace(row, disposition="R"),
        replace(row, registered=False),
        replace(row, certified_rol=False),
        replace(row, soap_result="placed_pgy1"),
    ]
    assert [len(contradictions([item])) for item in odd] == [1, 1, 1, 1, 1, 1]


class TestCorrections:
    @pytest.fixture
    def rows(self):
        return read_panel(csv_of(GOOD, GOOD | {"trainee_id": "T2"}))

    def events(self, *lines):
        return read_corrections(io.StringIO("\n".join([EVENTS, *lines]) + "\n"))

    def results(self, rows, events, as_of):
        done = apply(rows, events, 2024, as_of)
        return [row.main_result for row in done.rows]

    def test_as_of_is_inclusive_and_retractions_take_away(self, rows):
        events = self.events(
            "E1,T1,2024,main_result,matched_pgy1,unmatched,roster_verified,2024-05-02T23:59:59Z,"
            "2024-07-01"
        )
        assert self.results(rows, events, date(2024, 5, 1))[0] == "matched_pgy1"
        assert self.results(rows, events, date(2024, 5, 2))[0] == "unmatched"
        assert self.results(rows, events, date(2024, 6, 30))[0] == "unmatched"
        assert self.results(rows, events, date(2024, 7, 1))[0] == "matched_pgy1"
        assert self.results(rows, events, None)[0] == "matched_pgy1"

    def test_the_order_is_that_of_recording_not_of_the_file(self, rows):
        events = self.events(
            "E2,T1,2024,main_result,unmatched,matched_pgy2_only,,2024-06-02,",
            "E1,T1,2024,main_result,matched_pgy1,unmatched,,2024-06-01,",
        )
        done = apply(rows, events, 2024, None)
        assert done.rows[0].main_result == "matched_pgy2_only"
        assert done.applied == ["E1", "E2"]
        assert done.surprises == []

    def test_a_day_is_counted_in_utc(self, rows):
        events = self.events(
            "E1,T1,2024,main_result,matched_pgy1,unmatched,,2024-06-01T22:00:00-05:00,"
        )
        assert self.results(rows, events, date(2024, 6, 1))[0] == "matched_pgy1"
        assert self.results(rows, events, date(2024, 6, 2))[0] == "unmatched"

    def test_other_years_unknown_trainees_and_surprises(self, rows):
        events = self.events(
            "E1,T1,2023,main_result,matched_pgy1,unmatched,,2024-06-01,",
            "E2,T9,2024,main_result,matched_pgy1,unmatched,,2024-06-01,",
            "E3,T2,2024,main_result,unmatched,matched_pgy2_only,roster_verified,2024-06-01,",
            "E4,T2,2024,registered,1,,,2024-06-03,",
        )
        done = apply(rows, events, 2024, None)
        assert done.rows[0] == rows[0]
        assert done.rows[1].main_result == "matched_pgy2_only"
        assert done.rows[1].outcome_source == "roster_verified"
        assert done.rows[1].registered is None
        assert done.applied == ["E3", "E4"]
        assert done.left_out == ["E1", "E2"]
        assert len(done.surprises) == 2

    def test_bad_events_are_refused_cell_by_cell(self):
        with pytest.raises(TableUnreadable) as refusal:
            self.events(
                "E1,T1,2024,nothing,,x,rumour,yesterday,",
                "E1,T1,24,main_result,,won,,2024-06-01,never",
            )
        assert [(cell.row, cell.column) for cell in refusal.value.cells] == [
            (2, "field"),
            (2, "new_outcome_source"),
            (2, "recorded_at"),
            (3, "match_year"),
            (3, "retracted_at"),
            (3, "event_id"),
        ]
        with pytest.raises(TableUnreadable) as refusal:
            self.events("E1,T1,2024,main_result,,won,,2024-06-01,")
        assert [(cell.row, cell.column) for cell in refusal.value.cells] == [(2, "new_value")]
