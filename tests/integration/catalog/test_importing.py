"""The host's sheet goes in, comes out as planned, and goes in again unchanged."""

from datetime import date

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from marketplace.catalog.models import (
    ImportRun,
    Listing,
    ListingTransition,
    ListingVersion,
    SeatWeek,
    Site,
)
from marketplace.catalog.queries import seats as seat_queries
from marketplace.catalog.queries import sheets, versions
from marketplace.catalog.service import publishing, seats
from marketplace.catalog.service.importing import import_listings
from marketplace.catalog.states import ListingState
from marketplace.core.errors import NotFound
from marketplace.core.money import Money
from marketplace.identity import queries as identity
from tests.conftest import NOW
from tests.integration.catalog.conftest import SHEET, Sold, listing_of, new_account

CREATED = 13
REFUSED = 11


def sheet_with(old: str, new: str, count: int = 1) -> bytes:
    text = SHEET.decode()
    assert old in text
    return text.replace(old, new, count).encode()


def test_a_dry_run_writes_nothing(session, owner):
    plan = import_listings(session, SHEET, owner, False, NOW)
    assert plan.counts == {
        "created": CREATED,
        "changed": 0,
        "unchanged": 0,
        "repeated": 0,
        "refused": REFUSED,
    }
    assert not plan.committed
    assert session.scalar(select(func.count()).select_from(Listing)) == 0
    assert session.scalar(select(func.count()).select_from(ImportRun)) == 0


def test_what_is_committed_is_what_was_planned(session, owner, imported):
    assert imported.committed
    assert imported.counts["created"] == CREATED
    assert session.scalar(select(func.count()).select_from(Listing)) == CREATED
    listing = listing_of(session, "CHI-IM-02")
    assert listing.price == Money(125000, "USD")
    assert listing.specialty == "internal_medicine"
    assert listing.first_start == date(2027, 1, 4)
    assert (listing.tier_student, listing.tier_graduate) == (None, "externship")
    assert listing.state == "draft"
    assert listing.version == 1
    version = session.execute(
        select(ListingVersion).where(ListingVersion.listing_id == listing.id)
    ).scalar_one()
    assert version.terms["price_per_week"] == "1250.00"
    run = session.execute(select(ImportRun)).scalar_one()
    assert run.counts == imported.counts


def test_importing_twice_changes_nothing(session, owner, imported):
    again = import_listings(session, SHEET, owner, True, NOW)
    assert again.counts["unchanged"] == CREATED
    assert again.counts["created"] == again.counts["changed"] == 0
    assert session.scalar(select(func.count()).select_from(ListingVersion)) == CREATED
    assert session.scalar(select(func.count()).select_from(ListingTransition)) == CREATED


def test_the_owner_is_a_member_of_each_new_site(session, owner, imported):
    sites = session.execute(select(Site.id)).scalars().all()
    assert len(sites) == 9
    assert all(identity.has_role(session, owner, "site_owner", site_id=site) for site in sites)


def test_seats_cover_the_season_to_the_end_of_the_last_rotation(session, imported):
    listing = listing_of(session, "HOU-FM-01")
    pool = listings_pool(session, listing)
    weeks = session.execute(
        select(func.min(SeatWeek.week), func.max(SeatWeek.week), func.min(SeatWeek.capacity)).where(
            SeatWeek.pool_id == pool
        )
    ).one()
    assert tuple(weeks) == (date(2027, 2, 1), date(2027, 12, 13), 4)


def listings_pool(session, listing):
    (pool,) = seat_queries.pools(session, listing.id)
    return pool.id


def test_a_change_is_a_version_with_its_difference(session, owner, imported):
    plan = import_listings(session, sheet_with("425.00", "450.00"), owner, True, NOW)
    assert plan.counts["changed"] == 1
    (entry,) = plan.of("changed")
    assert entry.difference == {"price_per_week": ("425.00", "450.00")}
    listing = listing_of(session, "CHI-IM-01")
    session.refresh(listing)
    assert listing.price == Money(45000, "USD")
    assert listing.version == 2
    last = versions.versions(session, listing.id)[-1]
    assert last.difference == {"price_per_week": ["425.00", "450.00"]}


def test_a_season_that_moves_moves_its_calendar(session, owner, imported):
    text = sheet_with("2027-03-01,2027-09-27", "2027-02-22,2027-09-20")
    import_listings(session, text, owner, True, NOW)
    pool = listings_pool(session, listing_of(session, "NYC-NEU-01"))
    first, last = session.execute(
        select(func.min(SeatWeek.week), func.max(SeatWeek.week)).where(SeatWeek.pool_id == pool)
    ).one()
    assert (first, last) == (date(2027, 2, 22), date(2027, 10, 11))


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("425.00,USD,3,", "425.00,USD,0,", "seats_per_week"),
        ("2027-01-04,2027-12-06,2027-11-22", "2027-02-01,2027-12-06,2027-11-22", "first_start"),
        ("2027-11-22;2027-12-20", "2027-01-11;2027-12-20", "blackout_weeks"),
        ("Lakeview Community Hospital", "Lakeside Community Hospital", "site_name"),
    ],
)
def test_a_change_that_would_break_a_taken_seat_is_refused(
    session, owner, imported, old, new, column
):
    listing = listing_of(session, "CHI-IM-01")
    seats.take(session, listing.id, [date(2027, 1, 4), date(2027, 1, 11)])
    plan = import_listings(session, sheet_with(old, new), owner, True, NOW)
    entry = next(entry for entry in plan.entries if entry.external_id == "CHI-IM-01")
    assert entry.action == "refused"
    assert [(p.column, p.code) for p in entry.problems] == [(column, "seats_taken")]
    session.refresh(listing)
    assert listing.version == 1


def test_a_time_zone_over_taken_seats_of_a_listing_that_is_not_in_the_sheet_refuses_its_rows(
    session, owner, imported
):
    taken = listing_of(session, "CHI-IM-02")
    seats.take(session, taken.id, [date(2027, 1, 4), date(2027, 1, 11)])
    lines = SHEET.decode().splitlines(keepends=True)
    rows = [line for line in lines if line.startswith(("CHI-IM-01", "NYC-NEU-01"))]
    moved = rows[0].replace("America/Chicago", "America/New_York").replace("425.00", "430.00")
    new = moved.replace("CHI-IM-01", "CHI-IM-09")
    sheet = lines[0] + moved + new + rows[1].replace("510,USD", "515,USD")
    assert moved != rows[0]
    sold = Sold()
    sold.runs.append((taken.id, [date(2027, 1, 4), date(2027, 1, 11)]))
    plan = import_listings(session, sheet, owner, True, NOW, holders=sold)
    assert [entry.action for entry in plan.entries] == ["refused", "refused", "changed"]
    for entry in plan.of("refused"):
        (problem,) = entry.problems
        assert (problem.column, problem.value) == ("timezone", "America/New_York")
        assert problem.code == "seats_taken"
        for named in ("America/Chicago", "Lakeview Community Hospital", "CHI-IM-02", "2027-01-04",
                      "Asha Rao"):  # fmt: skip
            assert named in problem.expected
    session.expire_all()
    assert session.get(Site, taken.site_id).time_zone == "America/Chicago"
    assert listing_of(session, "NYC-NEU-01").price == Money(51500, "USD")


def test_seats_raised_are_seats_to_take(session, owner, imported):
    listing = listing_of(session, "NYC-NEU-01")
    week = [date(2027, 3, 1)]
    seats.take(session, listing.id, week)
    import_listings(session, sheet_with("510,USD,1,", "510,USD,2,"), owner, True, NOW)
    seats.take(session, listing.id, week)


def test_a_site_that_moves_is_found_where_it_is(session, owner, imported):
    text = SHEET.decode().replace("300 New York Medical Way", "301 New York Medical Way")
    plan = import_listings(session, text, owner, True, NOW)
    assert plan.counts["changed"] == 2
    site = session.execute(select(Site).where(Site.name == "Harlem Behavioral Health")).scalar_one()
    assert site.address == "301 New York Medical Way"


def test_two_owners_may_use_one_id(session, owner, imported):
    other = new_account(session)
    assert import_listings(session, SHEET, other, True, NOW).counts["created"] == CREATED


def test_an_import_for_one_site_refuses_rows_of_others(session, owner, imported):
    site = session.execute(
        select(Site).where(Site.name == "Lakeview Community Hospital")
    ).scalar_one()
    plan = import_listings(session, SHEET, owner, False, NOW, site_id=site.id)
    assert plan.counts["unchanged"] == 2
    foreign = [p.code for entry in plan.entries for p in entry.problems if p.code == "other_site"]
    assert len(foreign) == CREATED - 2
    with pytest.raises(NotFound):
        import_listings(session, SHEET, new_account(session), False, NOW, site_id=site.id)


def test_a_retired_listing_is_not_changed(session, owner, imported):
    listing = listing_of(session, "CHI-IM-01")
    publishing.take_off(session, listing.id, ListingState.RETIRED, owner, "Closed.", NOW)
    plan = import_listings(session, sheet_with("425.00", "450.00"), owner, True, NOW)
    assert next(e for e in plan.entries if e.row == 2).problems[0].code == "retired"


def test_a_file_that_can_not_be_read_is_told_in_the_plan(session, owner):
    plan = import_listings(session, b"PK\x03\x04 workbook", owner, True, NOW)
    assert plan.fault
    assert plan.fault.code == "workbook"
    assert plan.entries == ()


def test_the_table_tells_row_column_value_and_what_was_expected(imported):
    lines = imported.as_table()
    zone = next(line for line in lines if line["row"] == 21)
    assert zone["external_id"] == "ATL-GI-01"
    assert (zone["column"], zone["value"]) == ("timezone", "America/Atlanta")
    assert "America/New_York" in zone["message"]
    assert {line["row"] for line in lines} == set(range(2, 26))


NEWER = "english,documents,deposit,lead_days,residency_affiliation,claimed_tier"
VALUES = "native;OET 350,cv;bls,25%,30,Lakeview IM residency,elective"


def with_newer_columns(row: int = 1) -> str:
    """The sample's first rows with the newer columns behind the notes."""
    lines = SHEET.decode().splitlines()[:3]
    lines[0] += f",{NEWER}"
    lines[row] += f",{VALUES}"
    return "\n".join(lines) + "\n"


def test_the_newer_terms_are_stored_and_come_out_as_they_went_in(session, owner, imported):
    plan = import_listings(session, with_newer_columns(), owner, True, NOW)
    assert plan.counts["changed"] == 1, plan.as_table()
    listing = listing_of(session, "CHI-IM-01")
    assert (listing.english.native, listing.english.oet) == (True, 350)
    assert listing.documents == ["cv", "bls"]
    assert listing.deposit.basis_points == 2500
    assert listing.lead_days == 30
    assert listing.claimed_tier == "elective"
    assert import_listings(session, with_newer_columns(), owner, True, NOW).counts["changed"] == 0


def test_a_sheet_without_a_column_leaves_that_term_alone(session, owner, imported):
    import_listings(session, with_newer_columns(), owner, True, NOW)
    again = import_listings(session, SHEET, owner, True, NOW)
    assert again.counts["unchanged"] == CREATED
    emptied = with_newer_columns().replace(",30,Lakeview", ",,Lakeview")
    plan = import_listings(session, emptied, owner, True, NOW)
    assert plan.of("changed")[0].difference == {"lead_days": ("30", "14")}


def test_no_seat_is_taken_while_a_sheet_gives_its_site_another_time_zone(live):
    """Neither of a listing in the sheet nor of another one at the site."""
    with live.transaction() as session:
        owner = new_account(session)
        import_listings(session, SHEET, owner, True, NOW)
        ids = [listing_of(session, name).id for name in ("CHI-IM-01", "CHI-IM-02")]
    lines = SHEET.decode().splitlines(keepends=True)
    sheet = lines[0] + lines[1].replace("America/Chicago", "America/New_York")
    with live.transaction() as session:
        plan = import_listings(session, sheet, owner, True, NOW)
        assert [entry.action for entry in plan.entries] == ["changed"]
        for listing_id in ids:
            with pytest.raises(OperationalError, match="lock timeout"), live.transaction() as other:
                other.execute(text("SET LOCAL lock_timeout = '200ms'"))
                seats.take(other, listing_id, [date(2027, 1, 4)])
    with live.transaction() as session:
        zones = session.execute(select(Site.time_zone).where(Site.id.in_(
            select(Listing.site_id).where(Listing.id.in_(ids))))).scalars()  # fmt: skip
        assert list(zones) == ["America/New_York"]


@pytest.mark.parametrize(("taken", "action"), [(2, "changed"), (5, "refused")])
def test_what_others_write_at_the_last_moment_is_judged_and_not_written_over(
    live, monkeypatch, taken, action
):
    """Between what is held and what is read somebody edits a listing that seemed the same."""
    with live.transaction() as session:
        owner = new_account(session)
        import_listings(session, SHEET, owner, True, NOW)
        listing_id = listing_of(session, "CHI-IM-01").id
    read, reads = sheets.known, []

    def known(*given):
        reads.append(given)
        if len(reads) == 1:
            with live.transaction() as other:
                for table, column in (("listing", "seats_per_week"), ("seat_week", "capacity")):
                    other.execute(text(f"UPDATE {table} SET {column} = 9"))
                seats.take(other, listing_id, [date(2027, 1, 4)], seats=taken)
        return read(*given)

    monkeypatch.setattr(sheets, "known", known)
    lines = SHEET.decode().splitlines(keepends=True)
    with live.transaction() as session:
        plan = import_listings(session, lines[0] + lines[1], owner, True, NOW)
    (entry,) = plan.entries
    assert entry.action == action
    assert len(reads) == (2 if action == "changed" else 1)
    with live.transaction() as session:
        found = listing_of(session, "CHI-IM-01")
        assert (found.seats_per_week, found.version) == ((3, 2) if action == "changed" else (9, 1))
        assert seats_of(session, found) == {3 if action == "changed" else 9}


def seats_of(session, listing):
    pool = listings_pool(session, listing)
    return set(session.execute(select(SeatWeek.capacity).where(SeatWeek.pool_id == pool)).scalars())
