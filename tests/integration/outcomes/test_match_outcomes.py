"""Match outcomes: one a person and year, corrected by appending, readable as of any moment."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.core.db import edge
from marketplace.outcomes.errors import OutcomeInconsistent
from marketplace.outcomes.queries import match as queries
from marketplace.outcomes.rules.match import FIELDS, Provenance
from marketplace.outcomes.service import match
from tests.conftest import NOW
from tests.factories.people import people  # noqa: F401 - a fixture

API = "/api/v1/match-outcomes"
MATCHED = {
    "registered": True,
    "certified_rol": True,
    "main_result": "matched_pgy1",
    "soap_result": "not_applicable",
    "outside_match": False,
}


@pytest.fixture
def trainee(people):  # noqa: F811 - a fixture
    return people.make("trainee")


@pytest.fixture
def analyst(people):  # noqa: F811 - a fixture
    return people.make("analyst")


@pytest.fixture
def reported(client, trainee):
    answer = client.put(f"{API}/2027", json=MATCHED, headers=trainee.headers)
    assert answer.status_code == 200, answer.get_data()
    return answer.get_json()


def entries(client, who, outcome_id, **args):
    return client.get(f"{API}/{outcome_id}", query_string=args, headers=who.headers).get_json()


def test_reporting_twice_is_reporting_once(client, trainee, reported, session):
    again = client.put(f"{API}/2027", json=MATCHED, headers=trainee.headers).get_json()
    assert again == reported
    assert reported["result"] == "matched_pgy1"
    assert set(reported["provenance"].values()) == {"self_reported"}
    count = session.execute(text("SELECT count(*) FROM match_outcome_event")).scalar_one()
    assert count == len(MATCHED)


def test_others_see_nothing_of_it(client, reported, people):  # noqa: F811 - a fixture
    stranger = people.make("trainee")
    answer = client.get(f"{API}/{reported['id']}", headers=stranger.headers)
    assert answer.status_code == 404
    sent = {"values": {"registered": False}, "source": "self_reported", "evidence": "x"}
    answer = client.post(f"{API}/{reported['id']}/entries", json=sent, headers=stranger.headers)
    assert answer.status_code == 403


def test_a_correction_appends_and_every_moment_stays_readable(
    client, clock, trainee, analyst, reported
):
    first = clock.now()
    clock.advance(timedelta(days=10))
    sent = {
        "values": {"main_result": "unmatched", "soap_result": "placed_pgy1"},
        "source": "roster_verified",
        "evidence": "Roster of the program, seen by A. Analyst",
    }
    path = f"{API}/{reported['id']}/entries"
    corrected = client.post(path, json=sent, headers=analyst.headers).get_json()
    assert (corrected["result"], corrected["provenance"]["main_result"]) == (
        "soap",
        "roster_verified",
    )
    clock.advance(timedelta(days=10))
    before = entries(client, trainee, reported["id"], as_of=first.isoformat())["known"]
    assert before["main_result"] == {"value": "matched_pgy1", "provenance": "self_reported"}
    now = entries(client, trainee, reported["id"])
    assert now["known"]["main_result"] == {"value": "unmatched", "provenance": "roster_verified"}
    assert [entry["old_value"] for entry in now["entries"] if entry["field"] == "main_result"] == [
        None,
        "matched_pgy1",
    ]


def test_a_retraction_brings_back_what_counted_before(client, clock, analyst, reported):
    sent = {"values": {"interviews": 12}, "source": "self_reported", "evidence": "Telephone"}
    path = f"{API}/{reported['id']}/entries"
    for interviews in (12, 21):
        clock.advance(timedelta(days=1))
        sent["values"] = {"interviews": interviews}
        client.post(path, json=sent, headers=analyst.headers)
    last = entries(client, analyst, reported["id"])["entries"][-1]
    with_typo = clock.now()
    clock.advance(timedelta(days=1))
    path = f"{API}/entries/{last['id']}/retraction"
    answer = client.post(path, json={"reason": "Typed wrong"}, headers=analyst.headers)
    assert answer.get_json()["interviews"] == 12
    again = client.post(path, json={"reason": "Typed wrong"}, headers=analyst.headers)
    assert (again.status_code, again.get_json()["code"]) == (409, "already_retracted")
    known = entries(client, analyst, reported["id"], as_of=with_typo.isoformat())["known"]
    assert known["interviews"]["value"] == 21


def test_what_was_verified_is_disputed_and_not_overturned_by_a_self_report(
    client, clock, trainee, analyst, reported
):
    path = f"{API}/{reported['id']}/entries"
    sent = {
        "values": {"main_result": "matched_pgy1"},
        "source": "document_verified",
        "evidence": "NRMP letter",
    }
    client.post(path, json=sent, headers=analyst.headers)
    clock.advance(timedelta(days=1))
    said = {"main_result": "unmatched"}
    answer = client.put(f"{API}/2027", json=said, headers=trainee.headers).get_json()
    assert (answer["main_result"], answer["provenance"]["main_result"]) == (
        "matched_pgy1",
        "disputed",
    )
    queue = client.get(
        f"{API}/records",
        query_string={"match_year": 2027, "source": "disputed"},
        headers=analyst.headers,
    ).get_json()
    assert [row["id"] for row in queue["items"]] == [reported["id"]]


@pytest.mark.parametrize(
    "values",
    [
        {"registered": False},
        {"certified_rol": False},
        {"soap_result": "placed_pgy1"},
    ],
)
def test_contradictions_are_refused_whole(client, analyst, reported, session, values):
    sent = {"values": {**values, "interviews": 3}, "source": "roster_verified", "evidence": "x"}
    answer = client.post(f"{API}/{reported['id']}/entries", json=sent, headers=analyst.headers)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "outcome_inconsistent")
    assert session.execute(text("SELECT interviews FROM match_outcome")).scalar_one() is None


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"main_result": "matched"},
        {"interviews": -1},
        {"interviews": "many"},
        {"colour": "blue"},
        {"program": "a\x00b"},
    ],
)
def test_what_is_no_outcome_is_refused(client, trainee, values):
    answer = client.put(f"{API}/2027", json=values, headers=trainee.headers)
    assert answer.status_code == 422, answer.get_data()


def test_a_year_without_a_match_is_refused(client, trainee):
    for year in (1951, 2101, 10**12):
        answer = client.put(f"{API}/{year}", json=MATCHED, headers=trainee.headers)
        assert answer.status_code in {404, 422}


@pytest.mark.parametrize(
    "statement",
    ["UPDATE match_outcome_event SET new_value = '0'", "DELETE FROM match_outcome_event"],
)
def test_events_are_history(reported, session, statement):
    with pytest.raises(IntegrityError, match="history"):
        session.execute(text(statement))


def test_a_person_has_one_record_a_year(reported, session):
    with pytest.raises(IntegrityError, match="uq_match_outcome_person_id_match_year"):
        session.execute(
            text(
                "INSERT INTO match_outcome (id, person_id, match_year, provenance, changed_at)"
                " SELECT gen_random_uuid(), person_id, match_year, '{}', now() FROM match_outcome"
            )
        )


def test_the_record_is_what_its_events_say(client, clock, trainee, analyst, reported, session):
    """The row is derived: after any sequence of actions it equals the fold of its events."""
    for values in ({"program": "Alpha"}, {"program": "Beta", "interviews": 3}, {"interviews": 4}):
        clock.advance(timedelta(hours=1))
        client.put(f"{API}/2027", json=values, headers=trainee.headers)
    session.expire_all()
    outcome = queries.outcome(session, reported["id"])
    known = queries.outcome_as_of(session, outcome.id, outcome.changed_at)
    assert known == {
        name: (getattr(outcome, name), outcome.provenance[name])
        for name in FIELDS
        if name in outcome.provenance
    }


@pytest.mark.fault(39)
def test_a_clock_that_is_set_back_does_not_reorder_history(
    client, clock, trainee, reported, session
):
    clock.advance(-timedelta(hours=1))
    client.put(f"{API}/2027", json={"program": "Late"}, headers=trainee.headers)
    times = [row.recorded_at for row in queries.events(session, reported["id"])]
    assert times == sorted(times)
    assert min(times) == NOW


def test_a_refused_record_leaves_nothing(session, trainee):
    with pytest.raises(OutcomeInconsistent), edge(session):
        match.record(
            session,
            person_id=match.person_of_trainee(session, trainee.id).id,
            match_year=2027,
            claims={"registered": False, "certified_rol": True},
            source=Provenance.SELF_REPORTED,
            actor_id=None,
            evidence="",
            now=NOW,
        )
    assert session.execute(text("SELECT count(*) FROM match_outcome")).scalar_one() == 0
