"""A search finds what a plain reading of its filters finds, over random catalogues."""

from collections import Counter
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.catalog.queries.search import (
    FACETS,
    Filters,
    Near,
    Qualifications,
    search,
    statement,
)
from marketplace.catalog.service import upkeep
from marketplace.core.money import Money
from marketplace.identity.rules import LearnerStatus
from tests.integration.catalog.catalogues import (
    SEASON,
    SPECIALTIES,
    TODAY,
    WEEK,
    WORDS,
    fill,
    make,
    specs,
)

FACTS = (
    Qualifications("passed", 245, True, "b1", {"test": "toefl_ibt", "scores": {"overall": 90}}),
    Qualifications("failed", None, False, None, {"test": "native"}),
    Qualifications(None, 251, None, None, None),
    Qualifications("passed", 230, True, "j1", {"test": "ielts", "scores": {"overall": 6.0}}),
    Qualifications("passed", 230, True, None, {"test": "oet", "scores": {"listening": 400}}),
)
seats = st.lists(
    st.lists(
        st.sampled_from([(1, 0), (2, 1), (1, 1), (0, 0)]),
        min_size=len(SEASON),
        max_size=len(SEASON),
    ),
    min_size=3,
    max_size=3,
)
# What restricts nothing is tried as often as what does.
maybe = lambda values: st.one_of(st.none(), values)
some = lambda *values: st.one_of(st.just(()), st.sets(st.sampled_from(values), min_size=1))


@st.composite
def searches(draw) -> Filters:
    start = draw(maybe(st.integers(-3, 80)))
    start_from = None if start is None else SEASON[0] + WEEK * (start // 7)
    length = draw(maybe(st.integers(0, 10)))
    near = draw(maybe(st.sampled_from([(41.9, -87.7), (40.0, -80.0)])))
    return Filters(
        today=TODAY,
        words=" ".join(draw(some(*WORDS))) or None,
        specialties=tuple(draw(some(*SPECIALTIES))),
        status=draw(maybe(st.sampled_from(LearnerStatus))),
        tiers=tuple(draw(some("elective", "externship", "observership"))),
        us_states=tuple(draw(some("IL", "NY"))),
        settings=tuple(draw(some("inpatient", "outpatient"))),
        visa=draw(maybe(st.sampled_from(["B1/B2", "J-1", "H-1B"]))),
        weeks=draw(maybe(st.integers(1, 4))),
        start_from=start_from,
        start_to=start_from + WEEK * length if start_from and length is not None else None,
        price_most=draw(maybe(st.sampled_from([60_000, 120_000]).map(lambda m: Money(m, "USD")))),
        letter_policies=tuple(draw(some("on_merit", "never"))),
        near=near and Near(*near, draw(st.sampled_from([50.0, 500.0, 1200.0])), "there"),
        met_by=draw(maybe(st.sampled_from(FACTS))),
    )


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(specs(), min_size=1, max_size=8),
    seats,
    st.lists(searches(), min_size=4, max_size=4),
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, len(SEASON) - 1)), max_size=2),
)
def test_every_search_finds_what_the_filters_say(
    session, imported, catalogue, seats, asked, refreshed, changes
):
    with session.begin_nested() as example:
        made = make(session, catalogue, seats)
        if refreshed:
            upkeep.refresh_free_weeks(session, TODAY)
        for pool, week in changes:
            made = fill(session, made, pool, week)
        for filters in asked:
            check(session, made, filters)
        example.rollback()
    session.expire_all()


def check(session, made, filters):
    found = search(session, filters, sort="soonest", limit=100)
    wanted = made.found(filters)
    assert {hit.id for hit in found.items} == wanted
    assert (found.total, found.total_is_exact) == (len(wanted), True)
    never = date.max
    starts = {key: made.starts(made.listings[key], filters) for key in wanted}
    soonest = [min(starts[hit.id], default=None) for hit in found.items]
    assert [hit.soonest_start for hit in found.items] == soonest
    assert soonest == sorted(soonest, key=lambda day: day or never)
    for facet, column in FACETS.items():
        assert found.facets[facet] == counted(made, filters, facet, column), facet
    if not wanted:
        loosened = {part: len(made.found(filters.without(part))) for part in filters.parts}
        assert found.loosen == {part: count for part, count in loosened.items() if count}


def counted(made, filters, facet, column):
    """A facet is counted without its own filter."""
    part = "tier" if facet.startswith("tier") else facet
    specs = [made.listings[key] for key in made.found(filters.without(part))]
    of = {"tier_student": lambda s: s.tiers[1], "tier_graduate": lambda s: s.tiers[2]}
    value = of.get(facet, lambda spec: getattr(spec, column))
    return dict(Counter(value(spec) for spec in specs if value(spec) is not None))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(specs(), min_size=3, max_size=9),
    seats,
    searches(),
    st.sampled_from(["relevance", "price", "soonest", "soonest", "distance", "tier"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([(600, 2_000), (2, 1), (3, 4)]),
)
def test_pages_together_are_the_whole_in_order(
    session, imported, catalogue, seats, asked, sort, refreshed, counting, walks
):
    """However far the walks for the earliest starts go, and whether the hits were counted."""
    filters = asked
    if sort == "distance" and asked.near is None:
        sort = "price"
    with session.begin_nested() as example, pytest.MonkeyPatch.context() as patch:
        made = make(session, catalogue, seats)
        if refreshed:
            upkeep.refresh_free_weeks(session, TODAY)
        whole = search(session, filters, sort=sort, limit=100)
        for name, far in zip(("WALK", "WALK_WEEK"), walks, strict=True):
            patch.setattr(statement, name, far)
        pages, cursor = [], None
        while True:
            page = search(session, filters, sort=sort, limit=2, cursor=cursor, facets=counting)
            pages += [hit.id for hit in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert pages == [hit.id for hit in whole.items]
        assert set(pages) == made.found(filters)
        example.rollback()
    session.expire_all()
