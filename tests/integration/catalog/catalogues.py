"""Random catalogues, written straight into the tables, and what a search of them should find."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from sqlalchemy import text

from marketplace.catalog.queries.search import Filters
from marketplace.catalog.rules.eligibility import NOTHING_TOLD, Asked, Outcome
from marketplace.catalog.rules.eligibility import facts as rules
from marketplace.catalog.rules.english import EnglishTerms
from marketplace.core.ids import new_id
from marketplace.identity.rules import LearnerStatus
from tests.conftest import NOW

TODAY = NOW.date()
WEEK = timedelta(days=7)
FIRST = date(2026, 11, 30)
SEASON = [FIRST + WEEK * number for number in range(14)]
WORDS = ("zebra", "maple", "quartz", "harbor")
SPECIALTIES = ("internal_medicine", "neurology", "pediatrics")
VISAS = (["B1/B2"], ["J-1", "F-1"], ["any"], ["none_needed"])
# native, TOEFL, IELTS, OET
ENGLISH = (
    (False, None, None, None),
    (True, 80, None, None),
    (False, None, Decimal("6.5"), 350),
)
TIERS = (
    ("students", "elective", None),
    ("students", "observership", None),
    ("graduates", None, "externship"),
    ("both", "elective", "externship"),
    ("both", "observership", "observership"),
)
# Degrees of the sites' own points, around Chicago, and one with none.
POINTS = ((41.88, -87.63), (42.33, -83.05), (40.71, -74.01), None)
EARTH_KM = 6371.0088


@dataclass(frozen=True)
class Spec:
    """One listing as it is to be, with the seats of its pools by week: (capacity, taken)."""

    words: tuple[str, ...]
    specialty: str
    us_state: str
    setting: str
    letter_policy: str
    tiers: tuple[str, str | None, str | None]
    price: int
    weeks_min: int
    weeks_max: int
    starts: tuple[int, int]
    blackout: frozenset[int]
    lead_days: int
    visas: int
    step1: bool
    step2: int | None
    english: int
    place: int
    pools: tuple[int, ...]

    @property
    def first_start(self) -> date:
        return SEASON[self.starts[0]]

    @property
    def last_start(self) -> date:
        return SEASON[self.starts[1]]


@st.composite
def specs(draw) -> Spec:
    first = draw(st.integers(0, 8))
    least = draw(st.integers(1, 3))
    return Spec(
        words=tuple(draw(st.sets(st.sampled_from(WORDS), max_size=3))),
        specialty=draw(st.sampled_from(SPECIALTIES)),
        us_state=draw(st.sampled_from(["IL", "NY"])),
        setting=draw(st.sampled_from(["inpatient", "outpatient"])),
        letter_policy=draw(st.sampled_from(["on_merit", "never"])),
        tiers=draw(st.sampled_from(TIERS)),
        price=draw(st.sampled_from([30_000, 40_000, 55_000])),
        weeks_min=least,
        weeks_max=draw(st.integers(least, 4)),
        starts=(first, draw(st.integers(first, 10))),
        blackout=frozenset(draw(st.sets(st.integers(0, 13), max_size=2))),
        lead_days=draw(st.sampled_from([0, 14, 30])),
        visas=draw(st.integers(0, len(VISAS) - 1)),
        step1=draw(st.booleans()),
        step2=draw(st.sampled_from([None, 230, 250])),
        english=draw(st.integers(0, len(ENGLISH) - 1)),
        place=draw(st.integers(0, len(POINTS) - 1)),
        pools=tuple(sorted(draw(st.sets(st.integers(0, 2), min_size=1, max_size=2)))),
    )


@dataclass(frozen=True)
class Catalogue:
    """Listings by id; `free` says in which weeks each of the three pools has a seat."""

    listings: dict[UUID, Spec]
    free: Sequence[Sequence[bool]]

    def starts(self, spec: Spec, filters: Filters) -> list[date]:
        """Every first day on which the rotation could begin, by the plain reading."""
        count = filters.weeks or spec.weeks_min
        lead = TODAY + timedelta(days=spec.lead_days)
        lead += timedelta(days=-lead.weekday() % 7)
        earliest = max(filters.start_from or TODAY, spec.first_start, lead)
        latest = min(filters.start_to or spec.last_start, spec.last_start)
        return [
            day
            for at, day in enumerate(SEASON)
            if earliest <= day <= latest and all(self._open(spec, at + n) for n in range(count))
        ]

    def _open(self, spec: Spec, week: int) -> bool:
        if week >= len(SEASON) or week in spec.blackout:
            return False
        return all(self.free[pool][week] for pool in spec.pools)

    def found(self, filters: Filters) -> set[UUID]:
        return {key for key, spec in self.listings.items() if self._fits(spec, filters)}

    def _fits(self, spec: Spec, filters: Filters) -> bool:
        tiers = {LearnerStatus.STUDENT: spec.tiers[1], LearnerStatus.GRADUATE: spec.tiers[2]}
        theirs = [tiers[filters.status]] if filters.status else list(tiers.values())
        count = filters.weeks or spec.weeks_min
        chosen = (
            (filters.specialties, spec.specialty),
            (filters.us_states, spec.us_state),
            (filters.settings, spec.setting),
            (filters.letter_policies, spec.letter_policy),
        )
        visas = VISAS[spec.visas]
        return (
            spec.last_start >= TODAY
            and all(not values or value in values for values, value in chosen)
            and any(tier is not None and tier in (filters.tiers or [tier]) for tier in theirs)
            and (filters.weeks is None or spec.weeks_min <= filters.weeks <= spec.weeks_max)
            and (filters.price_most is None or spec.price * count <= filters.price_most.minor)
            and (not filters.visa or bool({filters.visa, "any", "none_needed"} & set(visas)))
            and (filters.start_from is None or bool(self.starts(spec, filters)))
            and set((filters.words or "").split()) <= set(spec.words)
            and (filters.near is None or self._within(spec, filters))
            and (filters.met_by is None or _met(spec, filters.met_by))
        )

    def _within(self, spec: Spec, filters: Filters) -> bool:
        point = POINTS[spec.place]
        return point is not None and _km(point, filters.near) <= filters.near.km


def _met(spec: Spec, facts) -> bool:
    """By the very rules of eligibility."""
    profile = replace(NOTHING_TOLD, **vars(facts))
    asked = Asked(Terms(spec), profile, spec.first_start, TODAY, spec.weeks_min)
    answers = [rule(asked) for rule in (rules.step1, rules.step2, rules.english, rules.visa)]
    return all(answer.outcome is Outcome.PASS for answer in answers)


@dataclass(frozen=True)
class Terms:
    """A spec as the rules of eligibility ask it."""

    spec: Spec

    @property
    def step1_required(self) -> bool:
        return self.spec.step1

    @property
    def step2_min(self) -> int | None:
        return self.spec.step2

    @property
    def english(self) -> EnglishTerms:
        return EnglishTerms(*ENGLISH[self.spec.english])

    @property
    def visa_types(self) -> list[str]:
        return VISAS[self.spec.visas]


def _km(point: tuple[float, float], near) -> float:
    """The spherical law of cosines: another formula than the one that is tested."""
    one, other = map(math.radians, point), map(math.radians, (near.latitude, near.longitude))
    (north, east), (north_2, east_2) = one, other
    cosine = math.sin(north) * math.sin(north_2)
    cosine += math.cos(north) * math.cos(north_2) * math.cos(east - east_2)
    return EARTH_KM * math.acos(max(-1.0, min(1.0, cosine)))


_SITES = text(
    """
    INSERT INTO site (id, owner_account_id, name, address, city, state, country, time_zone,
                      latitude, longitude)
    SELECT :id, owner_account_id, :name, 'No street', 'Nowhere', state, country, time_zone,
           :latitude, :longitude FROM site LIMIT 1
    """
)
_PRECEPTORS = text(
    "INSERT INTO preceptor (id, site_id, npi, name)"
    " SELECT :id, :site, npi, 'Dr. Nobody' FROM preceptor LIMIT 1"
)
_LISTINGS = text(
    """
    INSERT INTO listing SELECT (made.filled).* FROM
      (SELECT jsonb_populate_record(l, CAST(:changes AS jsonb)) AS filled
         FROM listing l ORDER BY l.id LIMIT 1 OFFSET 0) AS made
    """
)


def make(
    session, catalogue: Sequence[Spec], seats: Sequence[Sequence[tuple[int, int]]]
) -> Catalogue:
    """Write the listings, published; `seats` are (capacity, taken) by pool and week.

    Needs the sample sheet imported: the rest of each row is copied from it.
    """
    session.execute(text("UPDATE listing SET state = 'retired'"))
    sites = {place: _site(session, place) for place in {spec.place for spec in catalogue}}
    pools = _pools(session, next(iter(sites.values()))[0], seats)
    made = {}
    for spec in catalogue:
        site, preceptor = sites[spec.place]
        listing_id = new_id()
        changes = {"id": listing_id, "site_id": site, "preceptor_id": preceptor, **_row(spec)}
        session.execute(_LISTINGS, {"changes": json.dumps(changes, default=str)})
        session.execute(
            text("INSERT INTO listing_pool (listing_id, pool_id) VALUES (:listing, :pool)"),
            [{"listing": listing_id, "pool": pools[pool]} for pool in spec.pools],
        )
        made[listing_id] = spec
    return Catalogue(made, [[taken < capacity for capacity, taken in weeks] for weeks in seats])


def fill(session, catalogue: Catalogue, pool: int, week: int) -> Catalogue:
    """The same where the seats of a pool's week have all been taken, or given back."""
    ids = session.execute(text("SELECT id FROM seat_pool ORDER BY id DESC LIMIT 3")).scalars()
    pool_id = sorted(ids)[pool]
    free = [list(weeks) for weeks in catalogue.free]
    free[pool][week] = not free[pool][week]
    session.execute(
        text(
            "UPDATE seat_week SET capacity = greatest(capacity, 1),"
            " taken = CASE WHEN taken < capacity THEN capacity ELSE 0 END"
            " WHERE pool_id = :pool AND week = :week"
        ),
        {"pool": pool_id, "week": SEASON[week]},
    )
    return replace(catalogue, free=free)


def _site(session, place: int) -> tuple[UUID, UUID]:
    site, preceptor = new_id(), new_id()
    latitude, longitude = POINTS[place] or (None, None)
    session.execute(
        _SITES,
        {"id": site, "name": f"Site {site}", "latitude": latitude, "longitude": longitude},
    )
    session.execute(_PRECEPTORS, {"id": preceptor, "site": site})
    return site, preceptor


def _pools(session, site: UUID, seats: Sequence[Sequence[tuple[int, int]]]) -> list[UUID]:
    ids = sorted(new_id() for _ in seats)
    for pool_id, weeks in zip(ids, seats, strict=True):
        session.execute(
            text("INSERT INTO seat_pool (id, site_id, name) VALUES (:id, :site, 'Seats')"),
            {"id": pool_id, "site": site},
        )
        session.execute(
            text("INSERT INTO seat_week VALUES (:pool, :week, :capacity, :taken)"),
            [
                {"pool": pool_id, "week": week, "capacity": capacity, "taken": taken}
                for week, (capacity, taken) in zip(SEASON, weeks, strict=True)
            ],
        )
    return ids


def _row(spec: Spec) -> dict[str, Any]:
    native, toefl, ielts, oet = ENGLISH[spec.english]
    audience, student, graduate = spec.tiers
    return {
        "external_id": f"R-{new_id()}",
        "state": "published",
        "title": " ".join(spec.words[:1]) or "Rotation",
        "search_text": " ".join(spec.words),
        "specialty": spec.specialty,
        "us_state": spec.us_state,
        "setting": spec.setting,
        "letter_policy": spec.letter_policy,
        "audience": audience,
        "tier_student": student,
        "tier_graduate": graduate,
        "price_minor": spec.price,
        "price_currency": "USD",
        "weeks_min": spec.weeks_min,
        "weeks_max": spec.weeks_max,
        "first_start": spec.first_start,
        "last_start": spec.last_start,
        "blackout_weeks": [SEASON[week] for week in sorted(spec.blackout)],
        "lead_days": spec.lead_days,
        "visa_types": VISAS[spec.visas],
        "step1_required": spec.step1,
        "step2_min": spec.step2,
        "english_native": native,
        "toefl_ibt_min": toefl,
        "ielts_min": ielts,
        "oet_min": oet,
    }
