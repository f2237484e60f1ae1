"""The operator's review queue over HTTP: narrowed, paged, and its history."""

import pytest

API = "/api/v1/operator/listings/reviews"


@pytest.fixture
def operator(people):
    return people.make("operator")


def read(client, operator, query=""):
    answer = client.get(f"{API}{query}", headers=operator.headers)
    assert answer.status_code == 200, answer.json
    return answer.json


def test_the_queue_is_paged_and_narrowed_by_conflict(client, market, operator, count_queries):
    with count_queries() as seen:
        whole = read(client, operator)["items"]
    assert len(seen) <= 6
    assert len(whole) == 2
    first = read(client, operator, "?limit=1")
    second = read(client, operator, f"?limit=1&cursor={first['next_cursor']}")
    assert [*first["items"], *second["items"]] == whole
    assert second["next_cursor"] is None
    code = whole[0]["conflicts"][0]["code"]
    narrowed = read(client, operator, f"?conflict={code}")["items"]
    assert whole[0]["id"] in {row["id"] for row in narrowed}
    assert all(code in {each["code"] for each in row["conflicts"]} for row in narrowed)
    for bad in ("?conflict=ugly", "?state=done"):
        assert client.get(f"{API}{bad}", headers=operator.headers).status_code == 422


def test_what_was_decided_is_its_history(client, market, operator):
    review = read(client, operator)["items"][0]
    body = {"approve": False, "reason": "No duty is direct contact."}
    url = f"{API}/{review['id']}/decision"
    assert client.post(url, json=body, headers=operator.headers).status_code == 200
    assert review["id"] not in {row["id"] for row in read(client, operator)["items"]}
    (past,) = read(client, operator, f"?state=rejected&listing_id={review['listing_id']}")["items"]
    assert past["reason"] == "No duty is direct contact."
    assert past["decided_by"] == str(operator.id)
    assert past["decided_at"]
    late = client.post(url, json={"approve": True}, headers=operator.headers)
    assert (late.status_code, late.json["code"]) == (409, "review_decided")
