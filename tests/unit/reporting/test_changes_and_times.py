"""The difference between two exports, and the times of a schedule."""

import csv
import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.reporting.rules import changes, cron

HEADER = "person_id,match_year,wave,program"


def difference(before, after, header=HEADER, old_header=HEADER):
    out = io.BytesIO()
    spools = [
        io.BytesIO("\n".join([names, *rows, ""]).encode())
        for names, rows in ((old_header, before), (header, after))
    ]
    summary = changes.write(out, *spools)
    assert not any(spool.closed for spool in spools)
    header, *lines = csv.reader(io.StringIO(out.getvalue().decode()))
    assert tuple(header) == changes.HEADER
    return summary.as_document(), lines


def test_added_removed_changed_by_field():
    summary, lines = difference(
        ["a,2023,1,X", "b,2023,1,X", "c,2023,1,X", "a,2024,2,Y"],
        ["b,2023,1,X", "c,2023,2,'=Z", "d,2023,1,X", "a,2024,2,Y"],
    )
    assert lines == [
        ["removed", "2023", "a", "", "", ""],
        ["changed", "2023", "c", "wave", "1", "2"],
        ["changed", "2023", "c", "program", "X", "'=Z"],
        ["added", "2023", "d", "", "", ""],
    ]
    assert summary == {
        "added": 1, "removed": 1, "changed": 1, "unchanged": 2,
        "fields": {"program": 1, "wave": 1}, "only_before": [], "only_after": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after"), [([], []), (["a,2023,1,X"], []), ([], ["a,2023,1,X"])]
)
def test_nothing_on_a_side(before, after):
    summary, _ = difference(before, after)
    assert (summary["removed"], summary["added"]) == (len(before), len(after))


def test_fields_that_only_one_has_are_named_and_not_compared():
    summary, lines = difference(
        ["a,2023,9"], ["a,2023,1,X"], old_header="person_id,match_year,gone"
    )
    assert (summary["only_before"], summary["only_after"]) == (["gone"], ["wave", "program"])
    assert (summary["unchanged"], lines) == (1, [])


ROWS = st.dictionaries(
    st.tuples(st.integers(2000, 2030), st.sampled_from("abcdefgh")), st.sampled_from("123")
)


@given(ROWS, ROWS)
def test_the_difference_leads_from_one_to_the_other(before, after):
    sides = [
        [f"{person},{year},{wave},P" for (year, person), wave in sorted(side.items())]
        for side in (before, after)
    ]
    summary, lines = difference(*sides)
    made = dict(before)
    for change, year, person, _, was, now in lines:
        key = (int(year), person)
        if change == "removed":
            del made[key]
        elif change == "added":
            made[key] = after[key]
        else:
            assert made[key] == was
            made[key] = now
    assert made == after
    assert summary["unchanged"] + summary["changed"] + summary["removed"] == len(before)


CHICAGO = ZoneInfo("America/Chicago")


def times(expression, moment, count=1, zone=UTC):
    found, read = [], cron.read(expression)
    for _ in range(count):
        moment = cron.after(read, moment, ZoneInfo("UTC") if zone is UTC else zone)
        found.append(f"{moment:%Y-%m-%d %H:%M}")
    return found


NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 * * * *", ["2026-11-22 13:00", "2026-11-22 14:00"]),
        ("30 */6 * * *", ["2026-11-22 12:30", "2026-11-22 18:30"]),
        ("0 6 * * 1", ["2026-11-23 06:00", "2026-11-30 06:00"]),
        ("0 6 * * 7", ["2026-11-29 06:00", "2026-12-06 06:00"]),
        ("0 6 1 1,7 *", ["2027-01-01 06:00", "2027-07-01 06:00"]),
        ("0 0 29 2 *", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("0 9 13 * 5", ["2026-11-27 09:00", "2026-12-04 09:00"]),
        ("5 8-10/2 * * *", ["2026-11-23 08:05", "2026-11-23 10:05"]),
        ("0 12 * * *", ["2026-11-23 12:00", "2026-11-24 12:00"]),
    ],
)
def test_when_it_is_due(expression, expected):
    assert times(expression, NOON, 2) == expected


def test_an_hour_that_the_clocks_skip_or_repeat_comes_once():
    spring = datetime(2027, 3, 13, 12, 0, tzinfo=UTC)
    assert times("30 2 * * *", spring, 2, CHICAGO) == ["2027-03-14 08:30", "2027-03-15 07:30"]
    autumn = datetime(2027, 11, 6, 12, 0, tzinfo=UTC)
    assert times("30 1 * * *", autumn, 2, CHICAGO) == ["2027-11-07 06:30", "2027-11-08 07:30"]


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("", "five fields"),
        ("* * * * *", "minute"),
        ("*/5 * * * *", "minute"),
        ("60 * * * *", "minute"),
        ("0 24 * * *", "hour"),
        ("0 5-3 * * *", "hour"),
        ("0 0 0 * *", "day of the month"),
        ("0 0 30 2 *", "no such day"),
        ("0 0 * 13 *", "month"),
        ("0 0 * * 8", "day of the week"),
        ("0 0 * * mon", "day of the week"),
        ("0 0 */0 * *", "day of the month"),
        ("0 0 ١ * *", "day of the month"),
        ("0 0 -1 * *", "day of the month"),
        ("0 0 1, * *", "day of the month"),
    ],
)
def test_what_is_no_time_is_refused_by_field(expression, told):
    with pytest.raises(cron.BadCron, match=told):
        cron.read(expression)
