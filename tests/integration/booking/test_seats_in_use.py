"""No host closes a week or takes away a seat that somebody has, and each is told who has it."""

import csv
import io
from datetime import date

import pytest

from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.models import Listing, Site
from marketplace.catalog.queries import listings
from marketplace.catalog.rules.terms import terms_of
from marketplace.catalog.service.importing import import_listings
from tests.factories.rotations import FIRST_DAY

API = "/api/v1"
WEEKS = ["2027-03-01", "2027-03-08", "2027-03-15", "2027-03-22"]


@pytest.fixture
def place(stage):
    return stage.place(seats_per_week=2)


@pytest.fixture
def coordinator(people, place):
    return people.make("coordinator", site_id=place.site_id)


@pytest.mark.fault(40)
def test_fewer_seats_than_are_taken_are_refused_with_the_bookings_named(
    stage, client, place, coordinator
):
    confirmed = stage.confirmed(place, stage.trainee("Asha Rao"))
    held = stage.hold(stage.trainee("Not Yet Known"), place, date(2027, 3, 15), 2)
    route = f"{API}/sites/{place.site_id}/listings/{place.listing_id}/seats"
    tag = client.get(route, headers=coordinator.headers).headers["ETag"]
    answer = client.put(
        route,
        json={"first_week": "2027-03-01", "last_week": "2027-03-29", "capacity": 1},
        headers={**coordinator.headers, "If-Match": tag},
    )
    assert (answer.status_code, answer.json["code"]) == (409, "capacity_below_taken")
    assert [(week["week"], week["taken"]) for week in answer.json["weeks"]] == [
        ("2027-03-15", 2),
        ("2027-03-22", 2),
    ]
    by_id = {booking["booking_id"]: booking for booking in answer.json["bookings"]}
    assert set(by_id) == {str(confirmed), str(held)}
    assert by_id[str(confirmed)]["trainee_name"] == "Asha Rao"
    assert by_id[str(confirmed)]["weeks"] == ["2027-03-15", "2027-03-22"]
    # Who holds a seat for minutes has not told the host who they are.
    assert by_id[str(held)]["trainee_name"] is None
    assert "Asha Rao (confirmed, 2027-03-15 to 2027-03-22)" in answer.json["detail"]


def test_an_applicant_is_named_from_the_application_on(stage, parts):
    place = stage.place(seats_per_week=2, approval="request")
    applied = stage.submitted(place, stage.trainee("Ben Osei"))
    stage.hold(stage.trainee("Not Yet Known"), place)
    with stage.transaction() as session:
        found = parts.get(SeatHolders).holding(session, [place.listing_id], weeks=[FIRST_DAY])
    assert {holder.booking_id: holder.trainee_name for holder in found}[applied] == "Ben Osei"
    assert sorted(str(holder.trainee_name) for holder in found) == ["Ben Osei", "None"]


def test_any_number_of_bookings_costs_one_query(stage, parts, count_queries):
    place = stage.place(seats_per_week=5)
    ids = [stage.confirmed(place, weeks=2) for _ in range(4)]
    with stage.transaction() as session, count_queries() as statements:
        found = parts.get(SeatHolders).holding(session, [place.listing_id])
        assert len(statements) == 1
    assert [holder.booking_id for holder in found] == sorted(ids)
    assert {holder.weeks for holder in found} == {(date(2027, 3, 1), date(2027, 3, 8))}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("blackout_weeks", "2027-03-08"),
        ("last_start", "2027-01-25"),
        ("first_start", "2027-03-15"),
        ("seats_per_week", "1"),
    ],
)
def test_a_sheet_that_would_take_a_seat_names_who_has_it(stage, parts, place, column, value):
    for _ in range(2):
        stage.confirmed(place, stage.trainee("Asha Rao"))
    row = sheet_row(stage, place) | {column: value}
    if column == "last_start":
        row["weeks_max"] = "4"
    plan = imported(stage, parts, place, row)
    assert plan.counts["refused"] == 1, plan
    said = {problem.column: problem for problem in plan.entries[0].problems}
    assert "Asha Rao (confirmed, 2027-03-" in said[column].expected


def test_a_sheet_that_touches_no_seat_is_taken(stage, parts, place):
    stage.confirmed(place)
    row = sheet_row(stage, place) | {"blackout_weeks": "2027-03-29", "last_start": "2027-10-04"}
    assert imported(stage, parts, place, row).counts["changed"] == 1


def sheet_row(stage, place):
    with stage.transaction() as session:
        listing = listings.listing(session, place.listing_id)
        return terms_of(listings.draft_of(listing, listing.site, listing.preceptor))


def imported(stage, parts, place, row):
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, row)
    writer.writeheader()
    writer.writerow(row)
    with stage.transaction() as session:
        site = session.get_one(Site, session.get_one(Listing, place.listing_id).site_id)
        return import_listings(
            session,
            sheet.getvalue(),
            site.owner_account_id,
            True,
            stage.now,
            holders=parts.get(SeatHolders),
        )
