"""A request commits once or not at all, and a repeated one takes effect once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from marketplace.core.db import EDGE, edge

KEY = {"Idempotency-Key": "a-key-of-the-clients"}


def post(live, answer="created", headers=None, body="body"):
    return live.app.test_client().post(f"/probe/effect?answer={answer}", data=body, headers=headers)


def test_a_success_commits(live, probe, effects):
    assert post(live).status_code == 201
    assert effects() == 1


@pytest.mark.parametrize(("answer", "status"), [("conflict", 409), ("bug", 500), ("refused", 422)])
def test_whatever_is_no_success_leaves_nothing(live, probe, effects, answer, status):
    live.app.testing = False
    assert post(live, answer).status_code == status
    assert effects() == 0


def test_a_constraint_that_fails_at_the_commit_is_an_answer_not_a_crash(live, probe):
    answer = live.app.test_client().post("/probe/deferred")
    assert answer.status_code == 409
    assert answer.get_json()["code"] == "conflict"


def test_a_bug_tells_its_request_id_and_nothing_else(live, probe):
    live.app.testing = False
    answer = post(live, "bug")
    problem = answer.get_json()
    assert answer.content_type == "application/problem+json"
    assert problem["code"] == "internal_error"
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert "RuntimeError" not in answer.get_data(as_text=True)


@pytest.mark.fault(2)
def test_the_same_request_again_gets_the_first_answer(live, probe, effects):
    first, again = post(live, headers=KEY), post(live, headers=KEY)
    assert (again.status_code, again.data) == (first.status_code, first.data)
    assert again.headers["Location"] == "/there"
    assert again.headers["Idempotent-Replayed"] == "true"
    assert effects() == 1


@pytest.mark.fault(3)
def test_the_same_key_with_another_body_is_refused(live, probe, effects):
    post(live, headers=KEY)
    answer = post(live, headers=KEY, body="another")
    assert answer.status_code == 422
    assert answer.get_json()["code"] == "idempotency_key_reused"
    assert effects() == 1


@pytest.mark.fault(4)
def test_the_same_key_in_flight_is_a_conflict(live, probe, effects):
    probe.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, live, headers=KEY)
        assert probe.inside.wait(10)
        second = post(live, headers=KEY)
        probe.gate.set()
        assert first.result().status_code == 201
    assert second.status_code == 409
    assert second.get_json()["code"] == "idempotency_in_flight"
    assert effects() == 1


@pytest.mark.fault(2)
def test_many_at_once_have_one_effect(live, probe, effects):
    start = threading.Barrier(12)

    def send(_):
        start.wait()
        return post(live, headers=KEY).status_code

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(send, range(12)))
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert effects() == 1


def test_a_refusal_is_not_remembered(live, probe, effects):
    assert post(live, "conflict", headers=KEY).status_code == 409
    assert post(live, "conflict", headers=KEY).status_code == 409
    assert effects() == 0


@pytest.mark.parametrize("key", ["", "x" * 256, "naïve"])
def test_a_key_that_is_none_is_refused(live, probe, key):
    answer = live.app.test_client().post("/probe/effect", headers={"Idempotency-Key": key})
    assert answer.status_code == 422
    assert answer.get_json()["code"] == "idempotency_key_invalid"


def test_the_database_gone_is_a_503_that_says_so(live, probe, servers):
    name = live.url.rpartition("/")[2]
    servers.postgres.drop_database(name)
    answer = post(live)
    assert answer.status_code == 503
    assert answer.get_json()["code"] == "unavailable"
    assert answer.headers["Retry-After"]
    assert live.app.test_client().get("/readyz").status_code == 503
    assert live.app.test_client().get("/healthz").status_code == 200


@pytest.mark.fault(4)
def test_a_request_that_slips_past_the_lock_takes_its_effect_back(live, probe, effects):
    """The first answer is there at the end of the second, though it was not at its beginning."""
    with live.sessions() as first, edge(first):
        first.execute(
            text(
                "INSERT INTO remembered_answer VALUES"
                " ('anonymous', :key, '', 201, '{}', 'the first', now())"
            ),
            {"key": KEY["Idempotency-Key"]},
        )
        with ThreadPoolExecutor(1) as pool:
            second = pool.submit(post, live, headers=KEY)
            assert probe.inside.wait(10)
            first.info[EDGE] = True
            first.commit()
            answer = second.result(10)
    assert answer.status_code == 409
    assert answer.get_json()["code"] == "idempotency_in_flight"
    assert effects() == 0
