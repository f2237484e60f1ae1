"""Allocation rounds over HTTP: who may open, rank, order and read what."""

from datetime import timedelta
from uuid import uuid4

import pytest

from marketplace.booking.service import allocating
from tests.factories.rotations import FIRST_DAY

API = "/api/v1"
VISA = {"visa_type": "b1_b2"}


@pytest.fixture
def call(client):
    def send(person, method, path, json=None):
        return client.open(API + path, method=method, json=json, headers=person.headers)

    return send


@pytest.fixture
def place(stage):
    return stage.place()


@pytest.fixture
def host(people, place):
    return people.make("coordinator", site_id=place.site_id)


def wish(stage, place):
    day = timedelta(days=1)
    return {
        "title": "Summer 2027",
        "rank_by": (stage.now + day).isoformat(),
        "run_at": (stage.now + 2 * day).isoformat(),
        "decide_by": (stage.now + 5 * day).isoformat(),
        "places": [
            {
                "listing_id": str(place.listing_id),
                "first_day": FIRST_DAY.isoformat(),
                "weeks": 4,
            }
        ],
    }


@pytest.fixture
def made(stage, call, place, host):
    answer = call(host, "POST", f"/sites/{place.site_id}/rounds", wish(stage, place))
    assert answer.status_code == 201, answer.json
    return answer.json


def decide(stage):
    stage.clock.advance(timedelta(days=2))
    with stage.transaction() as session:
        assert allocating.decide_due(session, stage.now)


def test_from_opening_to_an_accepted_place(stage, people, call, place, host, made):
    where, choice = f"/rounds/{made['id']}", made["places"][0]["id"]
    assert (made["seed"], made["places"][0]["quota"]) == (None, 1)
    ana, ben = people.trainee(**VISA), people.trainee(**VISA)
    for one in (ana, ben):
        ranked = call(one, "POST", f"{where}/ranking", {"choices": [choice]})
        assert ranked.status_code == 200, ranked.json
    assert call(ana, "GET", f"{where}/ranking").json["choices"] == [choice]
    seen = call(host, "GET", f"{where}/places/{choice}/applicants")
    assert {one["trainee_id"] for one in seen.json["applicants"]} == {str(ana.id), str(ben.id)}
    scores = [{"trainee_id": str(ana.id), "score": 3}, {"trainee_id": str(ben.id), "score": 8}]
    ordered = call(host, "POST", f"{where}/places/{choice}/order", {"scores": scores})
    assert ordered.json["tiers"] == [[str(ben.id)], [str(ana.id)]]
    assert call(ben, "GET", f"{where}/result").json["code"] == "not_open_for_this"
    decide(stage)
    mine = call(ben, "GET", f"{where}/result").json
    assert mine["choices"][0]["outcome"] == "given"
    assert mine["offer"]["state"] == "open"
    theirs = call(ana, "GET", f"{where}/result").json
    assert theirs["offer"] is None
    assert theirs["choices"][0]["sentence"] == "Its seats went to 1 ranked above you."
    assert str(ben.id) not in str(theirs)
    assert call(ana, "POST", f"{where}/accept").status_code == 409
    assert call(ben, "POST", f"{where}/accept").json["state"] == "held"
    assert call(ben, "POST", f"{where}/decline").status_code == 409
    assert len(call(ana, "GET", where).json["seed"]) == 64


def test_who_may_not_is_refused(stage, people, call, place, host, made):
    where, choice = f"/rounds/{made['id']}", made["places"][0]["id"]
    ana, operator = people.trainee(**VISA), people.make("operator")
    elsewhere = people.make("coordinator", site_id=stage.place().site_id)
    for one in (ana, elsewhere):
        assert call(one, "POST", f"/sites/{place.site_id}/rounds", {}).status_code in {403, 404}
        assert call(one, "GET", f"{where}/places/{choice}/applicants").status_code == 404
        assert call(one, "POST", f"{where}/dry-runs", {}).status_code == 404
        assert call(one, "GET", f"{where}/runs").status_code == 404
        assert call(one, "POST", f"{where}/cancel", {"reason": "x"}).status_code == 404
    assert call(ana, "POST", "/operator/rounds", {}).status_code == 403
    assert call(ana, "GET", f"{where}/ranking").status_code == 404
    assert call(ana, "GET", f"/rounds/{uuid4()}").status_code == 404
    other = wish(stage, stage.place())
    opened = call(operator, "POST", "/operator/rounds", other)
    assert opened.status_code == 201, opened.json
    assert call(host, "GET", f"/rounds/{opened.json['id']}/runs").status_code == 403
    both = call(host, "POST", f"{where}/places/{choice}/order", {"tiers": [], "scores": []})
    assert both.status_code == 422


def test_a_dry_run_and_its_replay_are_listed(people, call, host, made, run_jobs):
    where, choice = f"/rounds/{made['id']}", made["places"][0]["id"]
    call(people.trainee(**VISA), "POST", f"{where}/ranking", {"choices": [choice]})
    assert call(host, "POST", f"{where}/dry-runs", {}).status_code == 202
    run_jobs()
    (first,) = call(host, "GET", f"{where}/runs").json["items"]
    assert (first["dry"], first["matched"], first["blocking_pairs"]) == (True, 1, 0)
    call(host, "POST", f"{where}/dry-runs", {"replays": first["id"]})
    run_jobs()
    again = call(host, "GET", f"{where}/runs").json["items"][0]
    assert again["replays"] == first["id"]
    assert again["result_hash"] == first["result_hash"]
    cancelled = call(host, "POST", f"{where}/cancel", {"reason": "No preceptor."})
    assert cancelled.json["state"] == "cancelled"


def test_rounds_are_listed_in_the_same_queries_whatever_their_number(
    stage, people, call, place, host, made, count_queries
):
    ana = people.trainee(**VISA)
    counted = []
    for _ in range(2):
        with count_queries() as seen:
            listed = call(ana, "GET", "/rounds?open=true").json["items"]
        counted.append(len(seen))
        stage.set_seats(place, len(listed) + 1)
        call(host, "POST", f"/sites/{place.site_id}/rounds", wish(stage, place))
    assert len(set(counted)) == 1
    assert counted[0] <= 6
