"""What a filter on one's own eligibility hides, and why: the search's SQL against the rules."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.catalog.queries import listings
from marketplace.catalog.queries.hidden import hidden
from marketplace.catalog.queries.search import Filters, Qualifications, search, walking
from marketplace.catalog.rules.eligibility import Outcome, check
from marketplace.core.db import edge
from marketplace.identity.rules import learner_status
from tests.conftest import NOW
from tests.factories.rotations import stage  # noqa: F401 - a fixture

API = "/api/v1/listings"
MINE = {"audience", "step1", "step2_ck", "visa", "english"}
TODAY = NOW.date()
KINDS = (
    {"audience": "graduates", "step1_required": "yes"},
    {"audience": "students", "visa_types": "any"},
    {"audience": "both", "step2_min": "230", "visa_types": "J-1;F-1"},
    {"audience": "both", "english": "native;OET 350", "visa_types": "none_needed"},
    {"audience": "graduates", "english": "TOEFL 80;IELTS 6.5", "step2_min": "215"},
    {"audience": "both", "english": "IELTS 7.0", "visa_types": "B1/B2"},
)


@dataclass(frozen=True)
class Facts:
    """A profile as far as these rules ask."""

    graduation_date: date
    step1_result: str | None
    step2_ck_score: int | None
    needs_visa: bool | None
    visa_type: str | None
    english: dict[str, Any] | None = field(default=None)


def told(test, *parts, score):
    return {"test": test, "scores": dict.fromkeys(parts, score)}


OET = ("listening", "reading", "writing", "speaking")
some_facts = st.builds(
    Facts,
    graduation_date=st.dates(date(2025, 1, 1), date(2028, 1, 1)),
    step1_result=st.sampled_from([None, "passed", "failed", "not_taken"]),
    step2_ck_score=st.none() | st.integers(200, 250),
    needs_visa=st.none() | st.booleans(),
    visa_type=st.sampled_from([None, "b1", "b1_b2", "j1", "f1", "esta", "other"]),
    english=st.none()
    | st.just({"test": "native"})
    | st.builds(lambda score: told("oet", *OET, score=score), st.sampled_from([340, 350, 500]))
    | st.just(told("oet", *OET[:3], score=400))
    | st.builds(lambda score: told("toefl_ibt", "overall", score=score), st.integers(70, 90))
    | st.builds(
        lambda score: told("ielts", "overall", score=score), st.sampled_from([6.0, 6.5, 7.0])
    )
    | st.just({"test": "ielts", "scores": {}}),
)


@pytest.fixture
def kinds(stage):  # noqa: F811 - the fixture
    return [
        stage.place(duties="history_taking", title="Medicine", **kind).listing_id for kind in KINDS
    ]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(facts=some_facts)
def test_found_and_hidden_are_what_the_rules_say(session, kinds, facts):
    filters = Filters(
        today=TODAY,
        status=learner_status(facts.graduation_date, TODAY),
        met_by=Qualifications(
            facts.step1_result,
            facts.step2_ck_score,
            facts.needs_visa,
            facts.visa_type,
            facts.english,
        ),
    )
    met = set()
    for listing_id in kinds:
        listing = listings.listing(session, listing_id)
        answers = [each for each in check(listing, facts, TODAY, TODAY) if each.rule in MINE]
        if all(each.outcome is Outcome.PASS for each in answers):
            met.add(listing_id)
    found = {hit.id for hit in search(session, filters, limit=100).items}
    page = hidden(session, filters, limit=100, cursor=None)
    assert found & set(kinds) == met
    assert {row.id for row in page.items} & set(kinds) == set(kinds) - met


@pytest.fixture
def graduate(people):
    return people.trainee(step1_result="not_taken", step2_ck_score=220, visa_type="b1_b2")


def test_each_hidden_listing_has_every_rule_that_blocks_it(client, kinds, graduate):
    met = client.get(f"{API}?prerequisites=met", headers=graduate.headers).json
    answer = client.get(f"{API}/hidden", headers=graduate.headers).json
    why = {
        row["listing"]["id"]: {each["rule"]: each for each in row["results"]}
        for row in answer["items"]
    }
    assert not {row["id"] for row in met["items"]} & set(why)
    first, second, third, fourth, fifth, sixth = (why.get(str(each)) for each in kinds)
    assert set(first) == {"step1"}
    assert first["step1"]["outcome"] == "unknown"
    assert first["step1"]["needed"][0]["name"] == "step1_result"
    assert set(second) == {"audience"}
    assert set(third) == {"step2_ck", "visa"}
    assert set(fourth) == set(fifth) == set(sixth) == {"english"}
    evidence = third["step2_ck"]["evidence"]
    assert [(each["value"], each["source"]) for each in evidence] == [
        ("230", "listing"),
        ("220", "self_reported"),
    ]


def test_a_day_that_would_do_is_named(client, people, kinds):
    student = people.trainee(graduation_date=date(2027, 6, 2), needs_visa=False)
    rows = client.get(f"{API}/hidden?start_from=2027-03-01&weeks=4", headers=student.headers).json[
        "items"
    ]
    graduates_only = next(row for row in rows if row["listing"]["id"] == str(kinds[0]))
    assert graduates_only["first_day"] == "2027-03-01"
    assert graduates_only["earliest"] == "2027-06-07"
    assert graduates_only["results"][0]["earliest"] == "2027-06-07"


def test_it_is_paged_by_price_in_as_many_queries_whatever_the_page(
    client, session, market, kinds, graduate, count_queries
):
    whole = client.get(f"{API}/hidden?limit=100", headers=graduate.headers).json["items"]
    seen, cursor, counted = [], "", set()
    while cursor is not None:
        with count_queries() as asked:
            page = client.get(
                f"{API}/hidden?limit=3" + (f"&cursor={cursor}" if cursor else ""),
                headers=graduate.headers,
            ).json
        counted.add(len(asked))
        seen += page["items"]
        cursor = page["next_cursor"]
    with count_queries() as asked:
        client.get(f"{API}/hidden?limit=100&q=medicine", headers=graduate.headers)
    assert len(asked) <= 6
    assert max(counted) <= 5
    assert [row["listing"]["id"] for row in seen] == [row["listing"]["id"] for row in whole]
    assert len(whole) > 6
    prices = [row["listing"]["price_per_week"]["amount"] for row in whole]
    assert prices == sorted(prices)


@pytest.mark.parametrize("walk", [1, 2, 7])
def test_a_page_looks_through_so_many_and_the_next_goes_on_there(
    client, kinds, graduate, monkeypatch, walk
):
    for query in (
        "",
        "q=medicine&",
        "state=IL&",
        "visa=J-1&weeks=4&",
        "near=41.88,-87.63&within=500&",
    ):
        whole = client.get(f"{API}/hidden?{query}limit=100", headers=graduate.headers).json
        monkeypatch.setattr(walking, "WALK", walk)
        seen, cursor, pages = [], "", 0
        while cursor is not None:
            page = client.get(
                f"{API}/hidden?{query}limit=3&cursor={cursor}".removesuffix("&cursor="),
                headers=graduate.headers,
            ).json
            seen += page["items"]
            cursor, pages = page["next_cursor"], pages + 1
        monkeypatch.undo()
        assert seen == whole["items"]
        assert len(whole["items"]) > 1
        assert pages >= len(whole["items"]) / min(walk, 3)


def test_filters_narrow_what_is_hidden_and_a_tier_is_theirs_who_have_it(client, kinds, people):
    student = people.trainee(graduation_date=date(2028, 6, 2), needs_visa=False)

    def ids(query):
        rows = client.get(f"{API}/hidden?{query}", headers=student.headers).json["items"]
        return {row["listing"]["id"] for row in rows} & set(map(str, kinds))

    assert str(kinds[0]) in ids("tier=externship")
    assert ids("tier=elective") == set()
    assert ids("state=NY") == set()


def test_who_has_told_nothing_is_asked_to(client, people, kinds):
    nobody = client.get(f"{API}/hidden")
    assert nobody.status_code == 401
    refused = client.get(f"{API}/hidden", headers=people.make().headers)
    assert (refused.status_code, list(refused.json["fields"])) == (422, ["prerequisites"])
    trainee = people.trainee()
    for query in ("sort=price", "prerequisites=met", "cursor=x"):
        bad = client.get(f"{API}/hidden?{query}", headers=trainee.headers)
        assert bad.status_code == 422


def test_a_changed_listing_is_not_hidden_any_more(client, session, kinds, graduate):
    listing = listings.listing(session, kinds[0])
    with edge(session):
        listing.step1_required = False
    rows = client.get(f"{API}/hidden", headers=graduate.headers).json["items"]
    assert str(kinds[0]) not in {row["listing"]["id"] for row in rows}
