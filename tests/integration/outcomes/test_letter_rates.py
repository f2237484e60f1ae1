"""Letter rates as they are published, and programs as they are proposed."""

from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.booking import queries
from marketplace.booking.service import rotations
from marketplace.outcomes.service import programs
from marketplace.reporting.service import letter_rates
from tests.integration.outcomes.conftest import AFTER
from tests.integration.outcomes.test_letter_ledger import LETTER

SHEET = """code,name,city,state,specialty,source
1403521234,Lakeview Community Hospital Program,Chicago,IL,internal_medicine,list of 2027
1203521235,Bayou Family Medicine Residency,Houston,TX,family_medicine,list of 2027
1403521236,Harbor University Hospital Program,Boston,MA,internal_medicine,list of 2027
"""


def complete(stage, place, trainee, coordinator, number: int, *, letter: bool) -> None:
    """A completed rotation at the place, with a confirmed letter or without."""
    booking_id = stage.confirmed(place, trainee, date(2027, 1, 4) + timedelta(weeks=number), 1)
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        rotations.begin_if_due(session, booking, AFTER)
        present = [rotations.Day(booking.first_day, "present")]
        rotations.mark_attendance(session, booking, present, actor_id=coordinator, now=AFTER)
        rotations.complete(session, booking, actor_id=coordinator, now=AFTER)
        if letter:
            session.execute(LETTER, {"id": str(booking_id), "of": booking_id})


def test_a_rate_is_published_when_nobody_can_be_found_in_it(stage, client, clock):
    place, other = stage.place(seats_per_week=3, weeks_min="1"), stage.place()
    trainee, coordinator = stage.trainee(), stage.member(place.site_id)
    path = f"/api/v1/reports/letter-rates/{place.listing_id}"

    def published():
        with stage.transaction() as session:
            made = letter_rates.publish(session, 2, AFTER)
        return made, client.get(path).get_json()

    for number, letter in enumerate((True, True, False)):
        complete(stage, place, trainee, coordinator, number, letter=letter)
    made, seen = published()
    assert (made, seen["completed"], seen["rate"], seen["as_of"]) == (0, "*", "*", None)
    complete(stage, place, trainee, coordinator, 3, letter=False)
    made, seen = published()
    assert (made, seen["completed"], seen["with_letter"], seen["rate"]) == (1, 4, 2, 0.5)
    assert [seen["lower"], seen["upper"]] == pytest.approx([0.1500, 0.8500], abs=1e-4)
    complete(stage, place, trainee, coordinator, 4, letter=True)
    # Three letters of five now: the difference would be that trainee's.
    made, seen = published()
    assert (made, seen["completed"]) == (0, 4)
    complete(stage, place, trainee, coordinator, 5, letter=True)
    made, seen = published()
    assert (made, seen["completed"], seen["with_letter"]) == (1, 6, 4)
    shown = client.get(f"/listings/{place.listing_id}").get_data(as_text=True)
    assert "4 of 6 completed rotations ended with a confirmed letter: 67%" in shown
    unseen = client.get(f"/listings/{other.listing_id}").get_data(as_text=True)
    assert "is not shown yet" in unseen
    assert client.get(f"/api/v1/reports/letter-rates/{other.listing_id}").get_json()["rate"] == "*"
    assert client.get(f"/api/v1/reports/letter-rates/{place.site_id}").status_code == 404
    add = (
        "INSERT INTO letter_rate (listing_id, number, as_of, completed, with_letter, k)"
        " VALUES ('{of}', {number}, now(), {counts}, 2)"
    )
    first = {"of": other.listing_id, "number": 1}
    refused = {
        "letter_rate_hides": add.format(of=place.listing_id, number=3, counts="7, 5"),
        "ck_letter_rate_with_letter": add.format(**first, counts="40, 1"),
        "ck_letter_rate_without_letter": add.format(**first, counts="40, 39"),
        "ck_letter_rate_completed": add.format(**first, counts="0, 0"),
        "history_letter_rate": "UPDATE letter_rate SET with_letter = 2",
    }
    for constraint, statement in refused.items():
        with (
            stage.transaction() as session,
            pytest.raises(IntegrityError) as caught,
            session.begin_nested(),
        ):
            session.execute(text(statement))
        assert caught.value.orig.diag.constraint_name == constraint


def test_programs_are_proposed_and_never_decided(done, stage):
    with stage.transaction() as session:
        assert programs.load(session, SHEET.splitlines(), stage.now) == 3
        assert programs.load(session, SHEET.splitlines(), stage.now) == 3
    for broken in (SHEET.replace("code,", "id,"), SHEET + "12,x,,,,y\n", SHEET + SHEET[-90:]):
        with stage.transaction() as session, pytest.raises(programs.ProgramsUnreadable):
            programs.load(session, broken.splitlines(), stage.now)
    said = {
        "registered": True,
        "program": "lakeview comunity hosp (Chicago)",
        "specialty": "Int Med",
    }
    record = done.call(done.trainee, "PUT", "/match-outcomes/2027", json=said).get_json()
    path = f"/match-outcomes/{record['id']}"
    done.call(done.trainee, "GET", f"{path}/proposals", 403)
    found = done.call(done.analyst, "GET", f"{path}/proposals").get_json()
    assert not found["program"]["listed"]
    assert found["program"]["proposals"][0]["code"] == "1403521234"
    assert found["specialty"]["proposals"][0]["code"] == "internal_medicine"
    # What was written stands until somebody says otherwise, with the evidence.
    kept = done.call(done.analyst, "GET", path).get_json()["outcome"]
    assert (kept["program"], kept["specialty"]) == (said["program"], said["specialty"])
    name = found["program"]["proposals"][0]["name"]
    entry = {
        "values": {"program": name, "specialty": "internal_medicine"},
        "source": "document_verified",
        "evidence": "The program's letter.",
    }
    done.call(done.analyst, "POST", f"{path}/entries", 201, json=entry)
    found = done.call(done.analyst, "GET", f"{path}/proposals").get_json()
    assert (found["program"]["listed"], found["specialty"]["listed"]) == (True, True)
    like = done.call(done.trainee, "GET", "/match-outcomes/programs?q=bayou+family").get_json()
    assert like["items"][0]["code"] == "1203521235"
