"""Allocation rounds as they are opened, ranked and called off; `service.allocating` runs them.

Opening takes the quota of each place from the pools, all or none, so that the places of a round are
independent of each other and of every other booking: pools that are shared can't be oversold.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from marketplace.booking.errors import (
    NotEligible,
    NotOpenForThis,
    ProfileMissing,
    RankingUnfit,
    RoundUnfit,
)
from marketplace.booking.models import (
    AllocationRound,
    RoundOrder,
    RoundPlace,
    RoundRanking,
    RoundStep,
)
from marketplace.booking.queries import rounds as queries
from marketplace.booking.rules.deadlines import day_begins
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.service import holds
from marketplace.booking.states import RoundState
from marketplace.catalog import queries as catalog
from marketplace.catalog.queries import seats as catalog_seats
from marketplace.catalog.rules.weeks import is_monday
from marketplace.catalog.service import seats
from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.identity import queries as identity

CLOSED = "This listing takes no bookings at present."

SEED_BYTES = 32


@dataclass(frozen=True)
class Wanted:
    """A place that a round is to give; no quota: all seats that are free in each of its weeks."""

    listing_id: UUID
    first_day: date
    weeks: int
    quota: int | None = None


@dataclass(frozen=True)
class Times:
    """Until when trainees rank, when it is run, and until when offers are answered."""

    rank_by: datetime
    run_at: datetime
    decide_by: datetime


def open_round(
    session: Session,
    *,
    title: str,
    site_id: UUID | None,
    wanted: Sequence[Wanted],
    times: Times,
    actor_id: UUID,
    now: datetime,
) -> queries.Whole:
    """Open a round and keep its seats, all or none; `SeatTaken` where somebody was faster.

    A host's round has places of the host's site only. Raises `RoundUnfit` for times out of order
    or a place that can't be: not from a Monday on, or with fewer free seats than its quota.
    """
    if not now < times.rank_by <= times.run_at < times.decide_by:
        raise RoundUnfit(
            "A round is ranked from now on, then run, then decided on: in this order.",
            fields=_out_of_order(times, now),
        )
    seed = secrets.token_hex(SEED_BYTES)
    made = AllocationRound(
        id=new_id(),
        title=title,
        site_id=site_id,
        opened_by=actor_id,
        opened_at=now,
        state=RoundState.OPEN.value,
        rank_by=times.rank_by,
        run_at=times.run_at,
        decide_by=times.decide_by,
        seed=seed,
        seed_hash=hashlib.sha256(seed.encode()).hexdigest(),
    )
    session.add(made)
    session.flush()
    places = [_place(session, made, one) for one in _in_order(wanted)]
    session.add_all(places)
    note(session, made, actor_id, "Opened.", now)
    return queries.Whole(made, places)


def _out_of_order(times: Times, now: datetime) -> dict[str, list[str]]:
    """Which of the times is not where it must be, and where that is."""
    wrong = {}
    if times.rank_by <= now:
        wrong["rank_by"] = ["Expected a time that is still to come."]
    if times.run_at < times.rank_by:
        wrong["run_at"] = ["Expected a time not before the end of ranking."]
    if times.decide_by <= times.run_at:
        wrong["decide_by"] = ["Expected a time after the run."]
    return wrong


def _in_order(wanted: Sequence[Wanted]) -> list[Wanted]:
    """Each once, by listing: seats are taken in one order whoever opens."""
    keys = [(one.listing_id, one.first_day, one.weeks) for one in wanted]
    if len(set(keys)) != len(keys):
        raise RoundUnfit("A run of weeks of a listing is a place once.")
    return sorted(wanted, key=lambda one: (one.listing_id, one.first_day, one.weeks))


def _place(session: Session, made: AllocationRound, one: Wanted) -> RoundPlace:
    listing = catalog.listing_for_booking(session, one.listing_id)
    if made.site_id is not None and listing.site_id != made.site_id:
        raise RoundUnfit("A site's round has places of its own listings.")
    if not is_monday(one.first_day):
        raise RoundUnfit(f"{one.first_day} is no Monday: a place begins on one.")
    rotation = Rotation(one.first_day, one.weeks)
    if day_begins(one.first_day, listing.time_zone) <= made.decide_by:
        raise RoundUnfit(f"The place from {one.first_day} begins before all is decided.")
    if not listing.weeks_min <= one.weeks <= listing.weeks_max:
        raise RoundUnfit(f"{listing.title} takes {listing.weeks_min} to {listing.weeks_max} weeks.")
    free = _free(session, one.listing_id, rotation)
    quota = free if one.quota is None else one.quota
    if not 1 <= quota <= free:
        raise RoundUnfit(
            f"{listing.title} has {free or 'no'} free seats in each of the {one.weeks} weeks from"
            f" {one.first_day}."
        )
    seats.take(session, one.listing_id, rotation.mondays, seats=quota)
    return RoundPlace(
        id=new_id(),
        round_id=made.id,
        listing_id=listing.id,
        listing_title=listing.title,
        site_id=listing.site_id,
        site_name=listing.site_name,
        first_day=one.first_day,
        weeks=one.weeks,
        quota=quota,
        kept=quota,
    )


def _free(session: Session, listing_id: UUID, rotation: Rotation) -> int:
    found = catalog_seats.availability(
        session, listing_id, rotation.first_day, rotation.mondays[-1]
    )
    free = {week: number for week, _, number in found.weeks}
    return min(free.get(week.isoformat(), 0) for week in rotation.mondays)


def rank(
    session: Session,
    round_id: UUID,
    *,
    trainee_id: UUID,
    choices: Sequence[UUID],
    wait_if_unmatched: bool,
    now: datetime,
) -> RoundRanking:
    """Note what a trainee wants, the best first; the last word before `rank_by` counts.

    Raises `RankingUnfit` for a place that is not of the round or named twice, `NotEligible` with
    the rules that are not met, and `NotOpenForThis` after the time.
    """
    found = queries.hold_open(session, round_id)
    _check_until(found, found.rank_by, now)
    places = {one.id: one for one in queries.places(session, [round_id]).get(round_id, [])}
    if len(set(choices)) != len(choices) or not places.keys() >= set(choices):
        raise RankingUnfit("Rank places of this round, each once.")
    trainee = identity.trainee_facts(session, trainee_id)
    if trainee is None:
        raise ProfileMissing
    listings = {
        key: catalog.listing_for_booking(session, key)
        for key in {places[choice].listing_id for choice in choices}
    }
    for choice in choices:
        one = places[choice]
        holds.check_eligible(listings[one.listing_id], trainee, one.first_day, one.weeks, now)
    before = queries.ranking(session, round_id, trainee_id)
    made = RoundRanking(
        round_id=round_id,
        trainee_id=trainee_id,
        revision=1 if before is None else before.revision + 1,
        choices=[str(choice) for choice in choices],
        wait_if_unmatched=wait_if_unmatched,
        ranked_at=now,
    )
    session.add(made)
    session.flush()
    return made


def barred(
    session: Session, places: Sequence[RoundPlace], trainee: identity.TraineeFacts, now: datetime
) -> dict[UUID, list[str]]:
    """Why a trainee could not rank some of these places, as `rank` judges: sentences by place."""
    listings = catalog.listings_for_booking(session, {one.listing_id for one in places})
    found: dict[UUID, list[str]] = {}
    for one in places:
        listing = listings.get(one.listing_id)
        if listing is None:
            found[one.id] = [CLOSED]
            continue
        try:
            holds.check_eligible(listing, trainee, one.first_day, one.weeks, now)
        except NotEligible as refused:
            found[one.id] = [reason["sentence"] for reason in refused.extra["reasons"]]
    return found


def order(
    session: Session,
    place: RoundPlace,
    *,
    tiers: Sequence[Sequence[UUID]],
    refused: Sequence[UUID],
    actor_id: UUID,
    now: datetime,
) -> RoundOrder:
    """Note whom a host wants for a place, equals in one tier; the last word before the run counts.

    Raises `RankingUnfit` for who has not ranked the place or is named twice.
    """
    found = queries.hold_open(session, place.round_id)
    _check_until(found, found.run_at, now)
    named = [one for tier in tiers for one in tier] + list(refused)
    wanting = {one.trainee_id for one in wanting_of(session, place)}
    if len(set(named)) != len(named) or not wanting >= set(named):
        raise RankingUnfit("Name trainees who have ranked this place, each once.")
    before = queries.orders(session, [place.id]).get(place.id)
    made = RoundOrder(
        place_id=place.id,
        revision=1 if before is None else before.revision + 1,
        tiers=[[str(one) for one in tier] for tier in tiers if tier],
        refused=[str(one) for one in refused],
        ordered_by=actor_id,
        ordered_at=now,
    )
    session.add(made)
    session.flush()
    return made


def wanting_of(session: Session, place: RoundPlace) -> list[RoundRanking]:
    """The rankings that name a place."""
    key = str(place.id)
    return [one for one in queries.rankings(session, place.round_id) if key in one.choices]


def tiers_of_scores(scores: dict[UUID, int]) -> list[list[UUID]]:
    """Scores as tiers: the highest first, the same score in one."""
    return [
        sorted(one for one, score in scores.items() if score == level)
        for level in sorted(set(scores.values()), reverse=True)
    ]


def call_off(
    session: Session, round_id: UUID, *, actor_id: UUID, reason: str, now: datetime
) -> None:
    """End a round that has not been run; its seats are free for who waits, then for everybody."""
    found = queries.find(session, round_id, lock=True)
    if found.state != RoundState.OPEN:
        raise NotOpenForThis(f"The round is {found.state}.", extra={"state": found.state})
    found.state, found.ended_at = RoundState.CANCELLED.value, now
    note(session, found, actor_id, reason, now)
    give_back(session, queries.places(session, [round_id]).get(round_id, []))


def give_back(session: Session, places: Sequence[RoundPlace]) -> None:
    """Give up the seats that are still kept for places."""
    given: dict[tuple[UUID, date], int] = {}
    for place in places:
        for week in Rotation(place.first_day, place.weeks).mondays if place.kept else ():
            key = (place.listing_id, week)
            given[key] = given.get(key, 0) + place.kept
        place.kept = 0
    session.flush()
    seats.release_many(session, given)


def note(
    session: Session, made: AllocationRound, actor_id: UUID | None, reason: str, now: datetime
) -> None:
    """Add the round's present state to its history."""
    session.add(
        RoundStep(round_id=made.id, to_state=made.state, at=now, actor_id=actor_id, reason=reason)
    )
    session.flush()


def _check_until(found: AllocationRound, until: datetime, now: datetime) -> None:
    if found.state != RoundState.OPEN or now >= until:
        raise NotOpenForThis(
            f"That could be done until {until:%Y-%m-%d %H:%M} UTC.",
            extra={"state": found.state, "until": until.isoformat()},
        )
