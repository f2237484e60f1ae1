"""Words: synonyms, typing errors, quotes and minus, relevance; places; helpful refusals."""

from datetime import date

import pytest
from sqlalchemy import text

from marketplace.catalog.queries.places import UnknownPlace, point_of
from marketplace.catalog.queries.search import Filters, Near, search
from marketplace.catalog.rules import words
from marketplace.catalog.schemas.search import HitSchema, written_out
from marketplace.catalog.service import upkeep
from marketplace.core.db import edge
from tests.conftest import NOW

API = "/api/v1/listings"


@pytest.fixture
def gathered(session, market):
    with edge(session):
        assert upkeep.gather_words(session) > 0
    return market


def find(client, headers=None, **query):
    answer = client.get(API, query_string={"limit": 100, **query}, headers=headers)
    assert answer.status_code == 200, answer.json
    return answer.json


def titles(found):
    return [item["title"] for item in found["items"]]


@pytest.mark.parametrize(
    ("typed", "specialty"),
    [
        ("heart", "cardiovascular_disease"),
        ("peds", "pediatrics"),
        ("kids", "pediatrics"),
        ("brain", "neurology"),
        ("mental health", "psychiatry"),
    ],
)
def test_what_people_say_is_found_as_what_listings_say(client, gathered, typed, specialty):
    found = {item["specialty"] for item in find(client, q=typed)["items"]}
    known = {listing.specialty for listing in gathered.values() if listing.state == "published"}
    assert (specialty in found) == (specialty in known)
    assert found <= {specialty, *(["neurological_surgery"] if typed == "brain" else [])}


def test_hands_on_and_usce_mean_tiers(client, gathered):
    hands_on = find(client, q="hands-on")["items"]
    assert hands_on
    for item in hands_on:
        assert {"elective", "externship"} & set(item["tiers"].values()), item["title"]
    assert len(find(client, q="USCE")["items"]) == 11


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("neurolgy", "neurology"), ("intenral medicine", "internal"), ("Chicgo", "chicago")],
)
def test_typing_errors_are_forgiven_and_told(client, gathered, typed, meant):
    found = find(client, q=typed)
    assert meant in found["corrected"].values(), found["corrected"]
    assert found["items"]
    assert titles(found) == titles(find(client, q=" ".join([meant, *typed.split()[1:]])))


def test_a_word_that_is_right_is_not_corrected(client, gathered):
    for typed in ("neurology", "psychiatry", "internists", "the", "heart"):
        assert find(client, q=typed)["corrected"] == {}


def test_a_title_before_a_name_is_left_out():
    assert words.read("Dr. Amara Okafor") == words.read("Amara Okafor")
    assert [unit.text for unit in words.read("doctor")[0]] == ["doctor"]


def test_quotes_minus_and_or(client, gathered):
    everything = find(client)["total"]
    neurology = find(client, q="neurology")["total"]
    assert find(client, q="-neurology")["total"] == everything - neurology
    both = find(client, q="neurology or psychiatry")["total"]
    assert both == neurology + find(client, q="psychiatry")["total"]
    assert find(client, q='"medicine internal"')["total"] < find(client, q="medicine")["total"]


def test_the_title_counts_for_more_than_the_rest(client, gathered):
    found = titles(find(client, q="elective"))
    in_title = ["elective" in title.lower() for title in found]
    assert in_title == sorted(in_title, reverse=True)
    assert any(in_title)


def test_words_are_taken_apart():
    (group,) = words.read('hands on "chart review" -research heart')
    assert [unit.text for unit in group] == ["hands on", "chart review", "research", "heart"]
    assert [unit.excluded for unit in group] == [False, False, True, False]
    assert "cardiology" in group[3].also
    assert [len(group) for group in words.read("a b or c")] == [2, 1]
    assert words.read(" - \" '") in ([], words.read(" - \" '"))


@pytest.mark.parametrize(
    ("written", "near"),
    [
        ("60601", (41.89, -87.62)),
        ("60601-1234", (41.89, -87.62)),
        ("Chicago, IL", (41.85, -87.67)),
        ("chicago il", (41.85, -87.67)),
        ("New York, New York", (40.75, -73.98)),
        ("41.9,-87.6", (41.9, -87.6)),
    ],
)
def test_a_place_is_a_code_a_city_or_a_point(session, written, near):
    point = point_of(session, written)
    assert (point.latitude, point.longitude) == pytest.approx(near, abs=0.1)


@pytest.mark.parametrize(
    "written", ["00000", "Chicago", "Atlantis, IL", "91,0", "0,181", "-", "x" * 90]
)
def test_a_place_that_is_not_known_says_what_would_be(session, client, written):
    with pytest.raises(UnknownPlace):
        point_of(session, written)
    answer = client.get(API, query_string={"near": written})
    assert answer.status_code == 422
    assert "ZIP" in str(answer.json["fields"]["near"]) or "latitude" in str(answer.json["fields"])


def test_distance_is_told_with_what_it_was_measured_to(client, session, gathered):
    chicago = gathered["CHI-IM-01"]
    found = find(client, near="60601", within=100, sort="distance")
    assert {item["city"] for item in found["items"]} == {"Chicago"}
    assert found["near"].startswith("60601")
    distance = found["items"][0]["distance"]
    assert distance["to"] == "city"
    assert 0 < distance["miles"] < 5
    assert distance["km"] == pytest.approx(distance["miles"] * 1.609, abs=0.2)
    with edge(session):
        session.execute(
            text("UPDATE site SET latitude = 41.8858, longitude = -87.6181 WHERE id = :id"),
            {"id": chicago.site_id},
        )
    moved = find(client, near="60601", within=1, unit="km")["items"][0]["distance"]
    assert (moved["to"], moved["km"]) == ("site", 0.0)
    with edge(session):
        session.execute(
            text(
                "UPDATE site SET latitude = NULL, longitude = NULL,"
                " address = '1 Main Street, Chicago, IL 60614' WHERE id = :id"
            ),
            {"id": chicago.site_id},
        )
    assert find(client, near="60614", within=1)["items"][0]["distance"]["to"] == "zip"


@pytest.mark.parametrize("near", [None, Near(41.9, -87.6, 500.0, "Chicago")])
def test_a_hit_is_written_out_as_its_schema_describes_it(session, gathered, near):
    hits = search(session, Filters(NOW.date(), near=near), limit=100).items
    assert {hit.soonest_start is None for hit in hits} >= {False}
    assert [written_out(hit) for hit in hits] == HitSchema(many=True).dump(hits)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"sort": "distance"}, "near"),
        ({"within": 5}, "within"),
        ({"near": "60601", "within": 9999}, "within"),
        ({"near": "60601", "unit": "mm"}, "unit"),
        ({"letter_policy": "always"}, "letter_policy"),
        ({"prerequisites": "met"}, "prerequisites"),
        ({"state": "XX"}, "state"),
    ],
)
def test_a_bad_filter_names_its_field_and_what_is_allowed(client, market, query, field):
    answer = client.get(API, query_string=query)
    assert answer.status_code == 422, answer.json
    assert answer.json["fields"][field], answer.json


def test_nothing_found_says_what_to_loosen(client, gathered):
    found = find(client, q="neurology", state="NY", price_max=1, near="60601")
    assert (found["items"], found["total"]) == ([], 0)
    assert found["loosen"] == {}
    found = find(client, q="neurology", state="NY", price_max=1)
    assert list(found["loosen"]) == ["price_max"]
    assert found["loosen"]["price_max"] == 1


def test_only_what_a_trainee_has_the_prerequisites_for(client, people, gathered):
    graduate = people.trainee(visa_type="b1_b2", step2_ck_score=245)
    met = find(client, headers=graduate.headers, prerequisites="met")
    alike = find(client, headers=graduate.headers)
    assert 0 < met["total"] <= alike["total"]
    for item in alike["items"]:
        route = f"{API}/{item['id']}/eligibility?first_day={item['first_start']}"
        results = client.get(route, headers=graduate.headers).json["results"]
        asked = [r for r in results if r["rule"] in ("step1", "step2_ck", "english", "visa")]
        passed = all(r["outcome"] == "pass" for r in asked)
        assert passed == (item["id"] in {hit["id"] for hit in met["items"]}), item["title"]


def test_no_search_asks_more_than_six_queries(client, people, gathered, count_queries):
    trainee = people.trainee()
    for query in (
        {"q": "neurolgy", "near": "60601", "prerequisites": "met", "price_max": 1, "limit": 100},
        {"q": "medicine", "near": "Chicago, IL", "weeks": 4, "start_from": "2027-03-01"},
        {"limit": 1},
        {"limit": 100},
    ):
        with count_queries() as seen:
            client.get(API, query_string=query, headers=trainee.headers)
        assert len(seen) <= 6, seen.texts


def test_the_first_day_is_the_first_with_seats_after_the_lead_time(client, gathered):
    found = find(client, sort="soonest")["items"]
    starts = [item["soonest_start"] for item in found]
    assert starts == sorted(starts)
    for item in found:
        assert date.fromisoformat(item["soonest_start"]).weekday() == 0
        assert item["soonest_start"] >= item["first_start"]
