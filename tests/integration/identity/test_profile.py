from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from marketplace.core.db import edge
from marketplace.identity import queries

FACTS = {
    "school_name": "Grant Medical College",
    "school_country": "IN",
    "citizenship": "other",
    "needs_visa": True,
    "visa_type": "b1",
    "graduation_date": "2025-03-31",
    "step1_result": "passed",
    "step2_ck_score": 245,
    "english": {"test": "oet", "taken_on": "2026-01-15", "scores": {"reading": 380}},
    "ecfmg_certified": False,
    "target_specialty": "internal_medicine",
    "match_year": 2027,
}
ROUTE = "/api/v1/me/profile"


def put(client, person, facts, etag=None):
    headers = {**person.headers, **({"If-Match": etag} if etag else {})}
    return client.put(ROUTE, json=facts, headers=headers)


def test_it_is_filled_in_read_and_counted_as_the_nrmp_counts(client, people):
    trainee = people.make("trainee")
    assert client.get(ROUTE, headers=trainee.headers).status_code == 404
    saved = put(client, trainee, FACTS)
    assert saved.status_code == 200, saved.json
    assert saved.json["applicant_type"] == "non_us_img"
    read = client.get(ROUTE, headers=trainee.headers)
    assert read.json == saved.json
    assert read.headers["ETag"] == saved.headers["ETag"]
    assert {key: read.json[key] for key in FACTS} == FACTS
    unchanged = client.get(
        ROUTE, headers={**trainee.headers, "If-None-Match": read.headers["ETag"]}
    )
    assert unchanged.status_code == 304


def test_two_editors_are_told_of_each_other(client, people):
    trainee = people.make("trainee")
    first = put(client, trainee, FACTS).headers["ETag"]
    assert put(client, trainee, FACTS).status_code == 428
    second = put(client, trainee, {**FACTS, "step2_ck_score": 250}, first)
    assert second.status_code == 200
    late = put(client, trainee, {**FACTS, "step2_ck_score": 255}, first)
    assert (late.status_code, late.json["current_etag"]) == (412, second.headers["ETag"])
    assert client.get(ROUTE, headers=trainee.headers).json["step2_ck_score"] == 250


def test_every_version_is_kept_and_can_not_be_changed(client, people, session, clock):
    trainee = people.make("trainee")
    tag = put(client, trainee, FACTS).headers["ETag"]
    first_at = clock.now()
    clock.advance(timedelta(days=30))
    put(client, trainee, {**FACTS, "citizenship": "permanent_resident"}, tag)

    history = client.get(f"{ROUTE}/history?limit=1", headers=trainee.headers).json
    assert [item["version"] for item in history["items"]] == [2]
    assert history["items"][0]["data"]["citizenship"] == "permanent_resident"
    earlier = client.get(
        f"{ROUTE}/history?cursor={history['next_cursor']}", headers=trainee.headers
    ).json
    assert [item["data"]["citizenship"] for item in earlier["items"]] == ["other"]
    assert earlier["next_cursor"] is None

    then = queries.profile_as_of(session, trainee.id, first_at)
    assert then.data["citizenship"] == "other"
    assert queries.profile_as_of(session, trainee.id, first_at - timedelta(seconds=1)) is None
    for change in (
        "UPDATE trainee_profile_revision SET version = 9",
        "DELETE FROM trainee_profile_revision",
    ):
        with pytest.raises(DBAPIError, match="history"), edge(session):
            session.execute(text(change))


def test_saving_what_is_there_is_no_new_version(client, people):
    trainee = people.make("trainee")
    tag = put(client, trainee, FACTS).headers["ETag"]
    assert put(client, trainee, FACTS, tag).headers["ETag"] == tag
    assert len(client.get(f"{ROUTE}/history", headers=trainee.headers).json["items"]) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"school_country": "XX"}, "school_country"),
        ({"school_country": "in"}, "school_country"),
        ({"citizenship": "green_card"}, "citizenship"),
        ({"needs_visa": "perhaps"}, "needs_visa"),
        ({"needs_visa": False}, "visa_type"),
        ({"graduation_date": "31/03/2025"}, "graduation_date"),
        ({"graduation_date": "1900-01-01"}, "graduation_date"),
        ({"step2_ck_score": 301}, "step2_ck_score"),
        ({"step2_ck_score": 2**40}, "step2_ck_score"),
        ({"step1_result": "240"}, "step1_result"),
        ({"match_year": 1}, "match_year"),
        ({"english": {"test": "duolingo"}}, "english.test"),
        ({"english": {"test": "oet", "taken_on": "yesterday"}}, "english.taken_on"),
        ({"aplicant_type": "us_img"}, "aplicant_type"),
        ({"applicant_type": "us_img"}, "applicant_type"),
    ],
)
def test_what_is_wrong_is_said_by_field(client, people, changes, field):
    answer = put(client, people.make("trainee"), {**FACTS, **changes})
    assert answer.status_code == 422
    assert set(answer.json["fields"]) == {field}


def test_only_trainees_have_one(client, people):
    assert put(client, people.make("operator"), FACTS).status_code == 403


def test_others_ask_for_the_facts(session, people, count_queries):
    trainee = people.trainee(citizenship="us_citizen", needs_visa=False, time_zone="Asia/Kolkata")
    facts = queries.trainee_facts(session, trainee.id)
    assert facts.applicant_type == "us_img"
    assert facts.learner_status(date(2025, 3, 30)) == "student"
    assert facts.learner_status(date(2025, 3, 31)) == "graduate"
    assert facts.time_zone == "Asia/Kolkata"
    nobody = people.make("trainee")
    assert queries.trainee_facts(session, nobody.id) is None
    with count_queries() as seen:
        many = queries.many_trainee_facts(session, [trainee.id, nobody.id])
    assert (set(many), len(seen)) == ({trainee.id}, 1)


def test_times_are_utc(client, people, clock):
    saved = put(client, people.make("trainee"), FACTS).json["updated_at"]
    assert datetime.fromisoformat(saved) == clock.now().astimezone(UTC)
