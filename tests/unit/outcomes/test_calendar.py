"""The calendar of a season: as it was known, the best source first, and no date made up."""

from datetime import date

import pytest

from marketplace.outcomes.rules import calendar

HEAD = "match_year,kind,first_day,last_day,time,as_kind,status,source,recorded_on,note"
DAY = date(2026, 11, 22)


def made(*rows: str) -> tuple[calendar.Entry, ...]:
    return calendar.read([HEAD, *rows])


def test_what_comes_with_the_product_is_in_order():
    entries = calendar.shipped()
    assert calendar.seasons(entries, DAY)[0] == 2027
    for year in calendar.seasons(entries, DAY):
        season = calendar.season(entries, year, DAY)
        kinds = {one.entry.kind for one in season.dates}
        assert kinds.isdisjoint(season.not_known)
        assert kinds | set(season.not_known) == set(calendar.KINDS)
        assert all(one.entry.source for one in season.dates)
        verified, lists = season.of("ecfmg_verified"), season.of("rank_list_deadline")
        # An IMG is verified by the rank list deadline, whatever day that is; else neither is known.
        assert (verified and verified.last_day) == (lists and lists.last_day)
    of_2023 = calendar.season(entries, 2023, DAY).of("rank_list_deadline")
    assert of_2023.at.isoformat() == "2023-03-01T21:00:00-05:00"
    # The day of the next deadline is named by no source yet: a span is said, and not a day.
    coming = calendar.season(entries, 2027, DAY)
    assert not coming.of("rank_list_deadline").exact
    assert "match_day" in coming.not_known
    looked_for = {one.kind: one for one in coming.not_announced}
    assert set(looked_for) <= set(coming.not_known)
    assert looked_for["match_day"].source.startswith("https://www.nrmp.org/")
    assert calendar.season(entries, 2027, date(2026, 11, 21)).not_announced == ()


def test_what_was_looked_for_in_vain_is_said_until_a_day_is_named():
    entries = made(
        "2027,match_day,,,,,not_announced,nrmp,2026-09-01,",
        "2027,match_day,2027-03-19,2027-03-19,,,primary,nrmp,2026-12-01,",
    )
    before = calendar.season(entries, 2027, date(2026, 11, 30))
    assert (before.of("match_day"), "match_day" in before.not_known) == (None, True)
    assert [one.recorded_on for one in before.not_announced] == [date(2026, 9, 1)]
    after = calendar.season(entries, 2027, date(2026, 12, 1))
    assert (after.of("match_day").last_day, after.not_announced) == (date(2027, 3, 19), ())


def test_a_misprint_is_shown_and_counts_for_nothing():
    season = calendar.season(calendar.shipped(), 2024, DAY)
    assert [one.kind for one in season.disputed] == ["registration_deadline"]
    assert season.of("registration_deadline") is None


def test_the_better_source_counts_the_other_is_shown_and_the_past_can_be_read():
    entries = made(
        "2027,match_day,2027-03-19,2027-03-19,,,secondary,blog,2026-06-01,",
        "2027,match_day,2027-03-19,2027-03-19,12:00,,primary,nrmp,2026-09-01,",
        "2027,match_day,2027-03-12,2027-03-12,,,reprint,school,2026-09-02,",
    )
    now = calendar.season(entries, 2027, date(2026, 9, 2)).of("match_day")
    assert (now.entry.source, [one.source for one in now.others]) == ("nrmp", ["school"])
    then = calendar.season(entries, 2027, date(2026, 6, 1)).of("match_day")
    assert (then.entry.source, then.at) == ("blog", None)
    assert calendar.seasons(entries, date(2026, 5, 31)) == []


@pytest.mark.parametrize(
    "row",
    [
        "2027,match_night,2027-03-19,2027-03-19,,,primary,x,2026-06-01,",
        "2027,match_day,2027-03-19,2027-03-18,,,primary,x,2026-06-01,",
        "2027,match_day,2027-03-19,,,,primary,x,2026-06-01,",
        "2027,match_day,2027-03-19,2027-03-19,,,certain,x,2026-06-01,",
        "2027,match_day,2027-03-19,2027-03-19,,,not_announced,x,2026-06-01,",
        ",match_day,,,,,not_announced,x,2026-06-01,",
    ],
)
def test_a_row_that_says_nothing_definite_is_refused(row):
    with pytest.raises(ValueError, match="kind|days"):
        made(row)
