"""Filters as conditions on `listing_search s`: SQL by part, so that a part can be left out.

Weeks are numbered from Monday, 3 January 2000. Whether weeks are free is read from the bits of the
row, or from the seats themselves where `stale` names the listing: see `models.search`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from marketplace.catalog.queries.search.filters import Filters, Near, Qualifications
from marketplace.catalog.rules.eligibility import STEP1_PASSED
from marketplace.catalog.rules.eligibility.facts import OET_PARTS
from marketplace.catalog.rules.vocabulary import ANY_VISA, NO_VISA, accepted_as
from marketplace.catalog.rules.weeks import monday_from
from marketplace.identity.rules import LearnerStatus

FIRST_MONDAY = date(2000, 1, 3)
EARTH_KM = 6371.0088
KM_PER_DEGREE = EARTH_KM * math.pi / 180
# Beyond any listing's last start, and within a database's whole number.
NEVER = 2**31 - 1
LONGEST = 52
HALF_ROUND = 180.0
NEAR_POLE = 89.9
# Words that more listings have are too common to expect few hits of.
COMMON = 10_000
# `search_marks` tells apart so many equal parts of all listings, by the highest bits of `sample`.
BANDS = 64
BAND_BITS = 26

STALE = """
stale AS MATERIALIZED (
    SELECT listing_id FROM stale_weeks WHERE listing_id IS NOT NULL
     UNION
    SELECT lp.listing_id FROM stale_weeks sw JOIN listing_pool lp ON lp.pool_id = sw.pool_id
)"""
MARKS = "search_marks(s.specialty, s.us_state, s.sample)"
_FREE = """CASE WHEN s.listing_id IN (SELECT listing_id FROM stale)
            THEN listing_free_weeks(s.listing_id) ELSE s.free END"""
# Great-circle distance in km by the haversine formula.
_DISTANCE = """(12742.0176 * asin(sqrt(least(1.0,
    power(sin(radians(s.latitude - :near_latitude) / 2), 2)
    + cos(radians(:near_latitude)) * cos(radians(s.latitude))
      * power(sin(radians(s.longitude - :near_longitude) / 2), 2)))))"""
RANKS = {None: "rank_any", LearnerStatus.STUDENT: "rank_student"} | {
    LearnerStatus.GRADUATE: "rank_graduate"
}
_ENGLISH = {"toefl_ibt": "toefl_ibt_min", "ielts": "ielts_min", "oet": "oet_min"}
_TIERS = {LearnerStatus.STUDENT: "tier_student", LearnerStatus.GRADUATE: "tier_graduate"}


@dataclass
class Conditions:
    """SQL conditions by the part that they belong to, and the values of their places."""

    filters: Filters
    query: str | None = None
    # At most so many listings have the words; none where that is not known.
    with_words: int | None = None
    # As many would have all the words, were these independent of each other; none likewise.
    expected: int | None = None
    # What `query` consists of, if all of it must be met.
    every: Sequence[str] = ()
    # Whether most listings are expected to have the words.
    everywhere: bool = False
    sql: list[tuple[str, str]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    # What of `sql` the index of words knows too, by its part.
    marks: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for part, condition, values in (*_all(self.filters), *self._words()):
            self.sql.append((part, condition))
            self.values |= values
        for part, chosen in _marked(self.filters):
            self.marks[part] = f"{MARKS} && CAST(:{part}_marks AS text[])"
            self.values[f"{part}_marks"] = [f"{part}:{each}" for each in chosen]

    @property
    def rare(self) -> bool:
        """Whether there are words, and few listings that have them."""
        return self.query is not None and self.with_words is not None and self.with_words < COMMON

    def _words(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """The words come last, for they cost most to look at.

        Apart from each other where an index finds them: it then goes on from one to the next place
        that the other has, and does not look at all that one of them has. By the operator's
        function, which no index knows, where these would be most listings.
        """
        if self.query is None:
            return
        if self.everywhere:
            yield "q", "ts_match_vq(s.words, CAST(:words AS tsquery))", {"words": self.query}
            return
        for number, query in enumerate(self.every if self.rare and self.every else [self.query]):
            name = f"query_{number}"
            yield "q", f"s.words @@ CAST(:{name} AS tsquery)", {name: query}

    def where(self, without: str | None = None, *, marked: bool = False) -> str:
        """All conditions, but those of one part; `marked`, as the index of words has them."""
        marks = self.marks if marked else {}
        return " AND ".join(
            f"({marks.get(part, condition)})" for part, condition in self.sql if part != without
        )


def week_number(day: date) -> int:
    """The number of the week that begins on `day`, a Monday."""
    return (day - FIRST_MONDAY).days // 7


def monday_of_number(number: int) -> date:
    """The Monday that a week's number means."""
    return FIRST_MONDAY + timedelta(days=7 * number)


def soonest_start(filters: Filters) -> tuple[str, dict[str, Any]]:
    """SQL for the number of the first week that the rotation can begin in, null if there is none.

    No earlier than the site's lead time allows.
    """
    first, last, count, values = _window(filters)
    place = f"position({_ones(count)} IN {_slice(first, last, count)})"
    return f"CASE WHEN {first} <= {last} THEN nullif({place}, 0) + {first} - 1 END", values


def distance_km(near: Near) -> tuple[str, dict[str, Any]]:
    """SQL for the distance of a listing's point from `near`, null where it has none."""
    return _DISTANCE, {"near_latitude": near.latitude, "near_longitude": near.longitude}


def _all(filters: Filters) -> Iterator[tuple[str, str, dict[str, Any]]]:
    yield "", "s.last_week >= :today_week", {"today_week": _coming_week(filters.today)}
    if filters.site_id is not None:
        yield "", "s.site_id = :site_id", {"site_id": filters.site_id}
    yield from _chosen(filters)
    yield from _tiers(filters)
    yield from _weeks(filters)
    if filters.near is not None:
        yield "near", *_within(filters.near)
    if filters.met_by is not None:
        for condition, values in _met(filters.met_by):
            yield "prerequisites", condition, values


def _chosen(filters: Filters) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for part, column, chosen in (
        ("specialty", "specialty", filters.specialties),
        ("state", "us_state", filters.us_states),
        ("setting", "setting", filters.settings),
        ("letter_policy", "letter_policy", filters.letter_policies),
    ):
        if chosen:
            yield part, *_among(column, part, chosen)
    if filters.visa:
        accepted = [filters.visa, ANY_VISA, NO_VISA]
        yield "visa", "s.visa_types && CAST(:visas AS text[])", {"visas": accepted}


def _marked(filters: Filters) -> Iterator[tuple[str, Sequence[str]]]:
    for part, chosen in (("specialty", filters.specialties), ("state", filters.us_states)):
        if chosen:
            yield part, chosen


def in_bands(count: int) -> str:
    """SQL for the first so many of `BANDS` parts of the listings, as the index of words has it."""
    first = -BANDS // 2
    bands = ", ".join(f"'sample:{band}'" for band in range(first, first + count))
    return f"{MARKS} && ARRAY[{bands}]"


def _among(column: str, name: str, chosen: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """One value is an equality: an index that goes on with the order of the result serves it."""
    if len(chosen) == 1:
        return f"s.{column} = :{name}", {name: chosen[0]}
    return f"s.{column} = ANY(:{name})", {name: list(chosen)}


def _tiers(filters: Filters) -> Iterator[tuple[str, str, dict[str, Any]]]:
    if filters.status is not None:
        column = _TIERS[LearnerStatus(filters.status)]
        yield "learner_status", f"s.{column} IS NOT NULL", {}
        if filters.tiers:
            yield "tier", *_among(column, "tier", filters.tiers)
    elif filters.tiers:
        either = " OR ".join(f"s.{column} = ANY(:tiers)" for column in _TIERS.values())
        yield "tier", either, {"tiers": list(filters.tiers)}


def _weeks(filters: Filters) -> Iterator[tuple[str, str, dict[str, Any]]]:
    first, last, count, values = _window(filters)
    if filters.weeks is not None:
        yield "weeks", "s.weeks_min <= :weeks AND s.weeks_max >= :weeks", {"weeks": filters.weeks}
    if filters.price_most is not None:
        most = {"price_most": filters.price_most.minor, "currency": filters.price_most.currency}
        each = (
            f"s.price_minor <= :price_most AND s.price_minor * {count} <= :price_most"
            if filters.weeks is None
            else f"s.price_minor <= CAST(:price_most AS bigint) / {int(filters.weeks)}"
        )
        yield "price_max", f"s.price_currency = :currency AND {each}", most
    if filters.start_from is not None:
        # In this order: a slice of negative length is an error.
        free = f"position({_ones(count)} IN {_slice(first, last, count)}) > 0"
        yield "start_from", f"CASE WHEN {first} <= {last} THEN {free} ELSE false END", values


def _window(filters: Filters) -> tuple[str, str, str, dict[str, Any]]:
    """SQL for the first and last week to begin in and the number of weeks, with their values."""
    since = filters.start_from or filters.today
    values = {
        "window_from": _coming_week(since),
        "today_number": (filters.today - FIRST_MONDAY).days,
    }
    # The first Monday after the lead time.
    first = (
        "greatest(:window_from, s.first_week, (CAST(:today_number AS int) + s.lead_days + 6) / 7)"
    )
    last = "s.last_week"
    if filters.start_from is not None and filters.start_to is not None:
        last = "least(:window_to, s.last_week)"
        values["window_to"] = (filters.start_to - FIRST_MONDAY).days // 7
    count = "s.weeks_min" if filters.weeks is None else str(int(filters.weeks))
    return first, last, count, values


def _ones(count: str) -> str:
    if count.isdigit():
        return f"B'{'1' * int(count)}'"
    return f"substring(B'{'1' * LONGEST}' FROM 1 FOR {count})"


def _slice(first: str, last: str, count: str) -> str:
    return (
        f"substring({_FREE} FROM {first} - s.first_week + 1 FOR greatest(0, {last} - {first}"
        f" + {count}))"
    )


def _within(near: Near) -> tuple[str, dict[str, Any]]:
    """A box that an index finds, then the distance itself."""
    height = near.km / KM_PER_DEGREE
    south, north = near.latitude - height, near.latitude + height
    values = {"south": south, "north": north, "near_km": near.km}
    box = "s.latitude BETWEEN :south AND :north"
    width = _half_width(near, height)
    if width is not None:
        west, east = near.longitude - width, near.longitude + width
        values |= {"west": west, "east": east}
        box += " AND (s.longitude BETWEEN :west AND :east"
        if east > HALF_ROUND or west < -HALF_ROUND:  # over the date line
            box += " OR s.longitude BETWEEN :west + 360 AND :east + 360"
            box += " OR s.longitude BETWEEN :west - 360 AND :east - 360"
        box += ")"
    distance, places = distance_km(near)
    return f"{box} AND {distance} <= :near_km", values | places


def _half_width(near: Near, height: float) -> float | None:
    """Degrees of longitude to either side; none where the circle reaches round a pole."""
    if abs(near.latitude) + height >= NEAR_POLE:
        return None
    angle = math.sin(math.radians(height)) / math.cos(math.radians(near.latitude))
    return math.degrees(math.asin(min(1.0, angle)))


def _met(facts: Qualifications) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rules `step1`, `step2_ck`, `english` and `visa` of `rules.eligibility`, as far as they pass."""
    if facts.step1_result != STEP1_PASSED:
        yield "NOT s.step1_required", {}
    if facts.step2_ck_score is None:
        yield "s.step2_min IS NULL", {}
    else:
        score = {"step2_score": facts.step2_ck_score}
        yield "s.step2_min IS NULL OR s.step2_min <= :step2_score", score
    yield _english(facts.english or {})
    if facts.needs_visa is not False:
        accepted = [NO_VISA]
        if facts.needs_visa:
            held = accepted_as(facts.visa_type) if facts.visa_type else None
            accepted += [ANY_VISA, *([held] if held else [])]
        yield "s.visa_types && CAST(:met_visas AS text[])", {"met_visas": accepted}


def _english(told: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    asked = "s.english_native OR num_nonnulls(s.toefl_ibt_min, s.ielts_min, s.oet_min) > 0"
    passed = f"NOT ({asked})"
    test = str(told.get("test"))
    if test == "native":
        return f"{passed} OR s.english_native", {}
    given = told.get("scores") or {}
    parts = OET_PARTS if test == "oet" else ("overall",)
    scores = [given.get(part) for part in parts]
    if test not in _ENGLISH or None in scores:
        return passed, {}
    # Each part must reach the least score, so the lowest does.
    lowest = min(Decimal(str(score)) for score in scores)
    return f"{passed} OR s.{_ENGLISH[test]} <= :english_score", {"english_score": lowest}


def _coming_week(day: date) -> int:
    return week_number(monday_from(day))
