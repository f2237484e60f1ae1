"""Saved searches over HTTP: kept, edited, limited, and let go of."""

import threading

import pytest
from sqlalchemy import select, text

from marketplace.catalog.errors import TooManySaved
from marketplace.catalog.models import SavedSearch, SavedSearchHit
from marketplace.catalog.models.saved import MOST_SAVED
from marketplace.catalog.service import saving
from tests.conftest import NOW
from tests.factories.rotations import live_stage  # noqa: F401 - a fixture

API = "/api/v1"
URL = f"{API}/saved-searches"
WANTED = {"name": "Medicine", "filters": {"specialty": "IM", "weeks": 4}}


@pytest.fixture
def trainee(people, market):
    return people.trainee()


def save(client, person, **changes):
    return client.post(URL, json={**WANTED, **changes}, headers=person.headers)


def test_a_search_is_saved_with_the_filters_of_a_search_and_read_back(
    client, trainee, count_queries
):
    with count_queries() as seen:
        made = save(client, trainee)
    assert made.status_code == 201
    assert len(seen) <= 6
    assert made.json["filters"] == {"specialty": "internal_medicine", "weeks": 4}
    again = client.get(made.headers["Location"], headers=trainee.headers)
    assert again.json == made.json
    found = client.get(made.json["results"], headers=trainee.headers)
    assert found.status_code == 200
    listed = client.get(URL, headers=trainee.headers).json
    assert [row["name"] for row in listed["items"]] == ["Medicine"]
    assert listed["limit"] == MOST_SAVED


def test_words_and_a_place_cost_no_more_than_six_queries(client, trainee, count_queries):
    wanted = {"name": "Near", "filters": {"q": "medicine rotation", "near": "Chicago, IL"}}
    keyed = {**trainee.headers, "Idempotency-Key": "once-and-no-more"}
    with count_queries() as making:
        made = client.post(URL, json=wanted, headers=keyed)
    assert made.status_code == 201
    other = {"name": "Far", "filters": {"q": "neurology", "near": "60601"}}
    versioned = {**trainee.headers, "If-Match": made.headers["ETag"]}
    with count_queries() as changing:
        changed = client.put(made.headers["Location"], json=other, headers=versioned)
    assert changed.status_code == 200
    assert (changed.json["name"], changed.json["version"]) == ("Far", 2)
    assert changed.json["filters"] == {**other["filters"], "unit": "mi"}
    assert (len(making), len(changing)) == (6, 6)
    again = client.get(made.headers["Location"], headers=trainee.headers)
    assert again.json == changed.json


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"filters": {"specialty": "phrenology"}}, "filters"),
        ({"filters": {"price": 3}}, "filters"),
        ({"filters": {"limit": 3, "weeks": 4}}, "filters"),
        ({"filters": {}}, "filters"),
        ({"filters": {"currency": "USD"}}, "filters"),
        ({"filters": {"near": "Nowhere at all"}}, "near"),
        ({"filters": {"start_to": "2027-03-01"}}, "start_to"),
        ({"name": " "}, "name"),
        ({"name": "two\nlines"}, "name"),
    ],
)
def test_what_is_no_search_is_refused_by_name(client, trainee, changes, field):
    refused = save(client, trainee, **changes)
    assert refused.status_code == 422
    assert any(name.split(".")[0] == field for name in refused.json["fields"]), refused.json
    assert client.get(URL, headers=trainee.headers).json["items"] == []


def test_an_account_has_its_own_and_twenty_at_most(client, people, trainee):
    for number in range(MOST_SAVED):
        assert save(client, trainee, name=f"Search {number}").status_code == 201
    refused = save(client, trainee, name="One more")
    assert (refused.status_code, refused.json["code"]) == (409, "too_many_saved_searches")
    assert refused.json["limit"] == MOST_SAVED
    mine = client.get(URL, headers=trainee.headers).json["items"][3]["id"]
    stranger = people.trainee()
    for call in (client.get, client.delete):
        assert call(f"{URL}/{mine}", headers=stranger.headers).status_code == 404
    assert client.delete(f"{URL}/{mine}", headers=trainee.headers).status_code == 204
    assert save(client, trainee, name="One more").status_code == 201
    same = save(client, trainee, name="One more")
    assert same.status_code == 409


def test_a_name_is_used_once(client, trainee):
    assert save(client, trainee).status_code == 201
    again = save(client, trainee)
    assert (again.status_code, again.json["code"]) == (409, "saved_search_name_taken")


def test_editing_needs_the_version_that_was_read(client, trainee):
    made = save(client, trainee)
    url, tag = made.headers["Location"], made.headers["ETag"]
    body = {"name": "Illinois", "filters": {"state": "IL"}}
    assert client.put(url, json=body, headers=trainee.headers).status_code == 428
    changed = client.put(url, json=body, headers={**trainee.headers, "If-Match": tag})
    assert changed.status_code == 200
    assert (changed.json["name"], changed.json["filters"]["state"]) == ("Illinois", "IL")
    late = client.put(url, json=body, headers={**trainee.headers, "If-Match": tag})
    assert late.status_code == 412


def test_what_fits_already_is_known_and_pausing_drops_what_was_not_told(client, session, trainee):
    made = save(client, trainee)
    known = session.execute(select(SavedSearchHit.known)).scalars().all()
    assert known
    assert all(known)
    url = made.headers["Location"]
    for _ in range(2):
        paused = client.post(f"{url}/pause", headers=trainee.headers)
        assert (paused.json["paused"], paused.json["version"]) == (True, 2)
    resumed = client.post(f"{url}/resume", headers=trainee.headers)
    assert (resumed.json["paused"], resumed.json["version"]) == (False, 3)


def test_a_search_that_fits_too_much_is_told_of_new_ones_only(
    client, session, trainee, monkeypatch
):
    monkeypatch.setattr(saving, "MOST_KNOWN", 1)
    made = save(client, trainee, filters={"setting": "inpatient,outpatient,both"})
    assert made.json["newly_published_only"] is True
    assert session.execute(select(SavedSearchHit)).first() is None


def test_two_at_once_do_not_take_more_slots_than_there_are(live, live_stage):  # noqa: F811 - the fixture
    account = live_stage.trainee()
    refused, barrier = [], threading.Barrier(8)

    def work(number):
        barrier.wait()
        for turn in range(4):
            try:
                with live.transaction() as session:
                    saving.save(session, account, f"{number} {turn}", {"state": ["IL"]}, NOW)
            except TooManySaved:
                refused.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with live.transaction() as session:
        slots = session.execute(select(SavedSearch.slot).order_by(SavedSearch.slot)).scalars().all()
        assert slots == list(range(1, MOST_SAVED + 1))
    assert len(refused) == 32 - MOST_SAVED


def test_the_database_itself_refuses_a_slot_beyond_the_last(session, trainee):
    account = trainee.id
    with pytest.raises(Exception, match="ck_saved_search_slot"):
        session.execute(
            text(
                "INSERT INTO saved_search (id, account_id, slot, name, filters, anchors, since)"
                " VALUES (gen_random_uuid(), :account, 21, 'x', '{}', ARRAY['*'], now())"
            ),
            {"account": account},
        )
