"""What hosts ask for: read, adopted, changed with a version in hand, and frozen on a booking."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.compliance.errors import RequirementsChanged
from marketplace.compliance.rules.requirements import plain
from marketplace.compliance.service import requirements
from tests.factories.rotations import live_stage  # noqa: F401 - a fixture
from tests.integration.compliance.conftest import a_requirement


def keys(found):
    return [one["key"] for one in found["requirements"]]


def test_a_site_begins_with_nothing_and_adopts_what_is_usual(desk):
    path = f"{desk.site}/requirements"
    shown = desk.call(desk.coordinator, "GET", path)
    assert (shown.get_json()["version"], keys(shown.get_json())) == (0, [])
    tag = {"If-Match": shown.headers["ETag"]}
    some = {"keys": ["mmr", "tb_test"]}
    desk.call(desk.coordinator, "POST", f"{path}/adoption", 428, json=some)
    made = desk.call(desk.coordinator, "POST", f"{path}/adoption", json=some, headers=tag)
    assert keys(made.get_json()) == ["mmr", "tb_test"]
    stale = desk.call(desk.coordinator, "POST", f"{path}/adoption", 412, json={}, headers=tag)
    assert stale.get_json()["code"] == "precondition_failed"
    all_of_them = desk.call(
        desk.coordinator,
        "POST",
        f"{path}/adoption",
        json={},
        headers={"If-Match": made.headers["ETag"]},
    ).get_json()
    assert (all_of_them["version"], len(keys(all_of_them))) == (2, 18)
    history = desk.call(desk.coordinator, "GET", f"{path}/history").get_json()
    assert [(one["version"], one["made_by"]) for one in history] == [
        (2, str(desk.coordinator.id)),
        (1, str(desk.coordinator.id)),
    ]


def test_a_listing_replaces_and_leaves_out_and_trainees_see_it_before_they_book(desk):
    listing = f"{desk.site}/listings/{desk.place.listing_id}"
    desk.ask([a_requirement(), a_requirement("cv")])
    desk.ask([a_requirement(due_days=90), a_requirement("cv", omitted=True)], listing)
    asked = desk.call(None, "GET", f"/listings/{desk.place.listing_id}/requirements").get_json()
    assert keys(asked) == ["tb_test"]
    assert asked["requirements"][0]["due_days"] == 90
    assert (
        asked["requirements"][0]["needs"] == "tuberculosis test within 12 months before the start"
    )


def test_what_a_listings_sheet_names_is_asked_for_as_is_usual(desk):
    place = desk.stage.place(documents="tdap;bls")
    asked = desk.call(None, "GET", f"/listings/{place.listing_id}/requirements").get_json()
    assert keys(asked) == ["tdap", "bls"]
    booking_id = desk.stage.confirmed(place, desk.trainee.id)
    assert [item["key"] for item in desk.clearance(booking_id)["items"]] == ["tdap", "bls"]


@pytest.mark.parametrize(
    "wrong",
    [
        [a_requirement(), a_requirement()],
        [a_requirement(alternatives=[])],
        [a_requirement(alternatives=[[]])],
        [a_requirement(alternatives=[[{"kind": "diary"}]])],
        [a_requirement("Tb Test")],
        [a_requirement(due_days=-1)],
        [a_requirement(alternatives=[[{"kind": "cv", "validity": {"rule": "within_months"}}]])],
        [a_requirement(alternatives=[[{"kind": "cv", "validity": {"rule": "season"}}]])],
    ],
)
def test_a_set_that_can_not_be_met_is_refused_and_says_where(desk, wrong):
    problem = desk.ask(wrong, status=422).get_json()
    assert problem["fields"]


def test_only_the_sites_own_people_change_what_it_asks_for(desk):
    path, body = f"{desk.site}/requirements", {"requirements": []}
    for who, status in ((desk.neighbour, 404), (desk.trainee, 404), (None, 401)):
        desk.call(who, "GET", path, status)
        desk.call(who, "PUT", path, status, json=body, headers={"If-Match": "*"})
    preceptor = desk.people.make("preceptor", site_id=desk.place.site_id)
    desk.call(preceptor, "GET", path)
    desk.call(preceptor, "PUT", path, 403, json=body, headers={"If-Match": "*"})
    strange = f"/sites/{desk.elsewhere.site_id}/listings/{desk.place.listing_id}/requirements"
    desk.call(desk.neighbour, "GET", strange, 404)


def test_a_booking_keeps_what_it_was_asked_for(desk, booked, session):
    desk.ask([a_requirement(), a_requirement("drug_screen")])
    later = desk.stage.confirmed(desk.elsewhere, desk.rival.id)
    assert [item["key"] for item in desk.clearance(booked)["items"]] == ["tb_test"]
    desk.stage.set_seats(desk.place, 2)
    third = desk.people.trainee(visa_type="b1_b2")
    found = desk.clearance(desk.stage.confirmed(desk.place, third.id), third)["items"]
    assert [item["key"] for item in found] == ["tb_test", "drug_screen"]
    assert desk.clearance(later, desk.rival)["items"] == []
    with pytest.raises(IntegrityError) as caught:
        session.execute(
            text("UPDATE booking SET site_requirements_id = NULL WHERE id = :id"), {"id": booked}
        )
    assert caught.value.orig.diag.constraint_name == "frozen_requirements"


@pytest.mark.parametrize(
    "change",
    ["UPDATE requirement_version SET note = 'x'", "DELETE FROM requirement_version"],
)
def test_a_version_of_a_set_is_never_changed(desk, booked, session, change):
    with pytest.raises(IntegrityError):
        session.execute(text(change))


def test_freezing_costs_a_hold_no_statement(desk, booked, count_queries):
    desk.stage.set_seats(desk.place, 3)
    trainee = desk.stage.trainee()
    with count_queries() as statements:
        desk.stage.hold(trainee, desk.place)
    assert not [one for one in statements.texts if "requirement_version" in one]


def test_of_two_who_change_a_set_at_once_one_is_told(live_stage):  # noqa: F811 - a fixture
    place = live_stage.place()
    meeting = threading.Barrier(2)

    def change(key):
        with live_stage.transaction() as session:
            meeting.wait()
            requirements.change(
                session,
                site_id=place.site_id,
                listing_id=None,
                requirements=[plain(key)],
                note="",
                read=0,
                actor_id=place.owner_id,
                now=live_stage.now,
            )
        return key

    with ThreadPoolExecutor(2) as pool:
        tries = [pool.submit(change, key) for key in ("cv", "bls")]
    failed = [one.exception() for one in tries if one.exception()]
    assert len(failed) == 1
    # The name of the constraint is what the edge turns into the answer.
    assert failed[0].orig.diag.constraint_name == "uq_requirement_version_scope_id_number"
    assert RequirementsChanged.status == 412
    with live_stage.transaction() as session:
        kept = session.execute(text("SELECT requirements FROM requirement_version")).scalars().all()
    assert len(kept) == 1
    assert json.dumps(kept[0])
