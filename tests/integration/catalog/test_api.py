"""The catalogue through HTTP: what everybody, hosts and operators may see and do."""

from datetime import date, datetime
from uuid import uuid4

import pytest

from marketplace.catalog.service import seats
from marketplace.core.db import edge
from marketplace.web.pagination import encode

API = "/api/v1"


def ids(answer):
    return [item["title"] for item in answer.json["items"]]


def find(client, **query):
    answer = client.get(f"{API}/listings", query_string=query)
    assert answer.status_code == 200, answer.json
    return answer


def test_everybody_sees_what_is_published_with_facets(client, market):
    answer = find(client, limit=100)
    assert answer.json["total"] == len(answer.json["items"]) == 11
    assert answer.json["total_is_exact"] is True
    assert answer.json["facets"]["specialty"]["internal_medicine"] == 4
    assert answer.json["facets"]["state"]["IL"] == 2
    assert answer.json["facets"]["tier_graduate"]["externship"] == 4
    prices = [item["price_per_week"]["amount"] for item in answer.json["items"]]
    assert prices == sorted(prices)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"q": "chicago"}, 2),
        ({"q": "cardiology"}, 1),
        ({"q": "okafor"}, 2),
        ({"q": "IM Illinois"}, 2),
        ({"q": "nothing of the kind"}, 0),
        ({"specialty": "IM"}, 4),
        ({"specialty": "IM,neuro"}, 5),
        ({"state": "NY,MI"}, 3),
        ({"setting": "remote"}, 1),
        ({"learner_status": "student", "tier": "elective"}, 3),
        ({"learner_status": "graduate", "tier": "externship"}, 4),
        ({"learner_status": "graduate"}, 8),
        ({"tier": "observership"}, 4),
        ({"visa": "J-1"}, 7),
        ({"weeks": 12}, 3),
        ({"weeks": 4, "price_max": 100000}, 2),
        ({"start_from": "2027-01-04", "start_to": "2027-01-04", "weeks": 4}, 7),
        ({"start_from": "2027-01-04", "weeks": 4}, 11),
        ({"start_from": "2027-01-04", "start_to": "2027-05-03", "weeks": 4}, 11),
    ],
)
def test_filters(client, market, query, count):
    assert len(find(client, limit=100, **query).json["items"]) == count


def test_a_closed_week_is_not_free(client, market):
    around = {"specialty": "IM", "state": "IL", "start_from": "2027-11-15", "weeks": 4}
    assert ids(find(client, **around)) == ["Internal Medicine Externship"]


def test_a_full_week_is_not_free(client, session, market):
    neurology = market["NYC-NEU-01"]
    day = "2027-03-01"
    query = {"specialty": "neurology", "start_from": day, "start_to": day, "weeks": 4}
    assert len(ids(find(client, **query))) == 1
    with edge(session):
        seats.take(session, neurology.id, [date(2027, 3, 22)])
    assert ids(find(client, **query)) == []
    assert len(ids(find(client, **{**query, "start_to": "2027-03-29"}))) == 1


@pytest.mark.parametrize("sort", ["price", "soonest", "tier", "relevance"])
def test_pages_of_every_order_are_the_whole_once(client, market, sort):
    words = {"q": "medicine"} if sort == "relevance" else {}
    whole = [item["id"] for item in find(client, sort=sort, limit=100, **words).json["items"]]
    paged, cursor = [], None
    while True:
        query = {"cursor": cursor} if cursor else {}
        answer = find(client, sort=sort, limit=2, **words, **query)
        paged += [item["id"] for item in answer.json["items"]]
        cursor = answer.json["next_cursor"]
        if cursor is None:
            break
    assert paged == whole
    assert len(set(paged)) == len(paged) > 2


def test_a_cursor_of_another_order_is_refused(client, market):
    cursor = find(client, sort="price", limit=2).json["next_cursor"]
    answer = client.get(f"{API}/listings", query_string={"sort": "soonest", "cursor": cursor})
    assert (answer.status_code, answer.json["code"]) == (422, "bad_cursor")


@pytest.mark.parametrize(
    "values",
    [
        ["price", "abc", uuid4()],
        ["price", 10**30, uuid4()],
        ["price", True, uuid4()],
        ["price", None, uuid4()],
        ["price", 1, "no id"],
        ["price", date(2027, 1, 4), uuid4()],
        ["price", [1], uuid4()],
        [1, 1, uuid4()],
        ["price", 1],
    ],
)
def test_a_cursor_that_was_tampered_with_is_refused(client, market, values):
    answer = client.get(f"{API}/listings", query_string={"cursor": encode(values)})
    assert (answer.status_code, answer.json["code"]) == (422, "bad_cursor")


@pytest.mark.parametrize(
    "values",
    [[5, uuid4()], ["a", "b"], [None, uuid4()], [{}, uuid4()], [datetime(2026, 1, 1), uuid4()]],
)
def test_other_cursors_that_were_tampered_with_make_no_500(client, people, host, market, values):
    base = f"{API}/sites/{market['CHI-IM-01'].site_id}/listings"
    query = {"cursor": encode(values)}
    assert client.get(base, query_string=query, headers=host.headers).status_code in (200, 422)
    queue = f"{API}/operator/listings/reviews"
    operator = people.make("operator").headers
    assert client.get(queue, query_string=query, headers=operator).status_code in (200, 422)


def test_a_search_makes_few_queries_whatever_its_page(client, people, market, count_queries):
    trainee = people.trainee()
    for limit in (1, 100):
        with count_queries() as seen:
            client.get(
                f"{API}/listings",
                query_string={"q": "medicine", "start_from": "2027-03-01", "limit": limit},
                headers=trainee.headers,
            )
        assert len(seen) <= 6, seen.texts


def test_a_signed_in_trainee_is_shown_what_admits_them(client, people, market):
    student = people.trainee(graduation_date=date(2028, 6, 1))
    answer = client.get(f"{API}/listings?limit=100", headers=student.headers)
    assert answer.json["total"] == 8
    assert all(item["tiers"]["student"] for item in answer.json["items"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"specialty": "Dermatolgy"}, "specialty"),
        ({"tier": "gold"}, "tier"),
        ({"state": "ZZ"}, "state"),
        ({"weeks": 0}, "weeks"),
        ({"weeks": 99}, "weeks"),
        ({"start_to": "2027-01-04"}, "start_to"),
        ({"start_from": "2027-01-04", "start_to": "2029-01-04"}, "start_to"),
        ({"start_from": "9999-12-31"}, "start_from"),
        ({"start_from": "soon"}, "start_from"),
        ({"limit": 1000}, "limit"),
        ({"sort": "luck"}, "sort"),
    ],
)
def test_a_search_that_can_not_be_answered_says_where(client, market, query, field):
    answer = client.get(f"{API}/listings", query_string=query)
    assert answer.status_code == 422, answer.json
    assert field in str(answer.json["fields"])


def test_states_and_visas_are_known_in_any_case(client, market):
    said = find(client, state="il,New York", visa="j-1", setting="Inpatient").json["items"]
    usual = find(client, state="IL,NY", visa="J-1", setting="inpatient").json["items"]
    assert said == usual != []


def test_words_are_never_a_query_language_of_the_database(client, market):
    for words in ("'; DROP TABLE listing; --", "a & | !", '"', "\\", "the", "-" * 100, "🩺"):
        find(client, q=words)


def test_one_listing_with_reasons_and_policy(client, market):
    listing = market["CHI-IM-01"]
    answer = client.get(f"{API}/listings/{listing.id}")
    assert answer.status_code == 200
    assert answer.json["tiers"] == {"student": "elective", "graduate": None}
    assert answer.json["reasons"]["student"][0]["code"] == "direct_contact"
    assert answer.json["cancellation_policy"]["key"] == "tiered_days"
    assert answer.json["site"]["time_zone"] == "America/Chicago"
    assert answer.json["preceptor"]["npi"] == "2000871097"
    again = client.get(
        f"{API}/listings/{listing.id}", headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304


def test_a_paused_listing_is_not_answered_from_a_cache(client, host, market):
    listing = market["CHI-IM-01"]
    route = f"{API}/listings/{listing.id}"
    seen = {"If-None-Match": client.get(route).headers["ETag"]}
    pause = f"{API}/sites/{listing.site_id}/listings/{listing.id}/pause"
    client.post(pause, json={"why": "Summer."}, headers=host.headers)
    assert client.get(route, headers=seen).json["listing_state"] == "paused"


def test_a_listing_in_review_is_seen_by_its_host_only(client, people, host, market):
    route = f"{API}/listings/{market['HOU-FM-01'].id}"
    assert client.get(route).status_code == 404
    assert client.get(route, headers=people.trainee().headers).status_code == 404
    assert client.get(f"{route}/availability").status_code == 404
    seen = client.get(route, headers=host.headers)
    assert seen.json["listing_state"] == "in_review"
    assert seen.json["conflicts"][0]["code"] == "hands_on_title_without_contact"
    assert client.get(route, headers=people.make("operator").headers).status_code == 200


def test_a_year_of_weeks_in_one_query(client, session, market, count_queries):
    listing = market["CHI-IM-01"]
    with edge(session):
        seats.take(session, listing.id, [date(2027, 1, 11)])
    with count_queries() as seen:
        answer = client.get(f"{API}/listings/{listing.id}/availability?from=2027-01-06&weeks=53")
    assert len(seen) == 1
    weeks = {week["week"]: week for week in answer.json["weeks"]}
    assert len(weeks) == 53
    assert weeks["2027-01-04"] == {
        "week": "2027-01-04",
        "capacity": 3,
        "free": 3,
        "closed": False,
    }
    assert weeks["2027-01-11"]["free"] == 2
    assert weeks["2027-11-22"]["closed"] is True
    assert weeks["2027-11-22"]["free"] == 0


@pytest.mark.parametrize("query", ["from=9999-12-31", "weeks=0", "weeks=1000", "from=x"])
def test_weeks_that_can_not_be_shown(client, market, query):
    route = f"{API}/listings/{market['CHI-IM-01'].id}/availability?{query}"
    assert client.get(route).status_code in (200, 422)
    assert client.get(f"{API}/listings/{uuid4()}/availability").status_code == 404


def test_eligibility_is_explained_rule_by_rule(client, people, market):
    graduate = people.trainee(visa_type="b1_b2")
    route = f"{API}/listings/{market['CHI-IM-02'].id}/eligibility"
    answer = client.get(f"{route}?first_day=2027-03-01&weeks=4", headers=graduate.headers)
    assert answer.json["may_book"] is True, answer.json
    assert answer.json["tier"] == "externship"
    student = people.trainee(graduation_date=date(2027, 5, 5))
    refused = client.get(f"{route}?first_day=2027-03-01", headers=student.headers)
    results = {result["rule"]: result for result in refused.json["results"]}
    assert refused.json["may_book"] is False
    assert results["audience"]["outcome"] == "fail"
    assert results["audience"]["earliest"] == "2027-05-10"
    assert results["visa"]["outcome"] == "unknown"
    assert results["visa"]["action"]
    assert client.get(route).status_code == 401


def test_eligibility_without_a_profile_says_what_to_tell(client, people, market):
    answer = client.get(
        f"{API}/listings/{market['NYC-NEU-01'].id}/eligibility", headers=people.make().headers
    )
    outcomes = {result["rule"]: result["outcome"] for result in answer.json["results"]}
    assert outcomes["audience"] == outcomes["step2_ck"] == outcomes["visa"] == "unknown"
    assert answer.json["first_day"] == "2027-03-01"


def test_eligibility_names_full_weeks_and_the_next_free_start(client, session, people, market):
    neurology = market["NYC-NEU-01"]
    with edge(session):
        seats.take(session, neurology.id, [date(2027, 3, 15)])
    answer = client.get(
        f"{API}/listings/{neurology.id}/eligibility?first_day=2027-03-01&weeks=4",
        headers=people.trainee().headers,
    )
    results = {result["rule"]: result for result in answer.json["results"]}
    assert results["seats"]["outcome"] == "fail"
    assert "2027-03-15" in results["seats"]["sentence"]
    assert results["seats"]["earliest"] == "2027-03-22"
    for page, days in (
        (f"{API}/listings/{neurology.id}/eligibility", "2000-01-01 to 2100-01-01"),
        (f"/listings/{neurology.id}", "Jan 1, 2000 to Jan 1, 2100"),
    ):
        far = client.get(f"{page}?first_day=9999-12-27&weeks=52", headers=people.trainee().headers)
        assert far.status_code == 422
        assert f"Expected a day from {days}." in far.get_data(as_text=True)


def test_the_classifier_explains_itself_to_everybody(client, market):
    body = {
        "duties": ["history_taking", "physical_examination", "case_presentation"],
        "setting": "inpatient",
        "title": "Elective",
    }
    answer = client.post(f"{API}/tiers/classify", json=body)
    assert answer.json["version"] == "usce-1"
    assert answer.json["student"]["tier"] == "elective"
    assert answer.json["graduate"]["tier"] == "externship"
    assert [c["code"] for c in answer.json["conflicts"]] == ["elective_open_to_graduates"]
    lower = [each["text"] for each in answer.json["what_if"] if each["status"] == "student"]
    assert "Without case presentation it would be an externship for students." in lower
    described = client.get(f"{API}/tiers").json
    assert described["version"] == "usce-1"
    assert {duty["kind"] for duty in described["duties"]} == {"contact", "hands_on", "passive"}
    refused = client.post(f"{API}/tiers/classify", json={**body, "duties": ["surgery"]})
    assert refused.status_code == 422
