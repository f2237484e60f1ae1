"""Running a round: the inputs as they stand, the assignment, its proof, and the offers.

The assignment is computed by a library and believed only after `rules.allocation.blocking_pairs`
has found nothing. Everything that it depends on is recorded with its hash, so that a run can be
replayed to the same result.
"""

import warnings
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from marketplace.booking.errors import NotBookable, NotEligible, NotOpenForThis, Superseded
from marketplace.booking.models import AllocationRound, RoundPlace, RoundRun, SeatOffer
from marketplace.booking.queries import rounds as queries
from marketplace.booking.queries import waiting as waiting_queries
from marketplace.booking.rules.allocation import (
    Answer,
    Instance,
    Order,
    blocking_pairs,
    digest,
    explain,
    ticket,
)
from marketplace.booking.service import holds, rounds, waiting, waiting_notices
from marketplace.booking.states import OfferState, RoundState
from marketplace.catalog import queries as catalog
from marketplace.catalog.errors import ListingNotFound, NotOffered
from marketplace.core.db import Session
from marketplace.core.errors import DomainError
from marketplace.core.ids import new_id
from marketplace.core.jobs import defer
from marketplace.identity import queries as identity

DRY_RUN = "booking.dry_run_round"
# A round is run within a minute; one that could not be for longer gives its offers their whole time.
LATE = timedelta(minutes=30)


def solve(instance: Instance) -> tuple[dict[str, str], str]:
    """The trainee-optimal stable assignment by trainee, and what computed it."""
    with warnings.catch_warnings():
        # It turns every warning of the process on when it is imported.
        import matching  # noqa: PLC0415 - only in workers
        from matching.algorithms import hospital_resident  # noqa: PLC0415 - as above
        from matching.players import Hospital, Player  # noqa: PLC0415 - as above
    trainees = {one: Player(one) for one in instance.choices if instance.acceptable(one)}
    wanted = {place: order for place, order in instance.strict.items() if order}
    places = {place: Hospital(place, instance.quotas[place]) for place in wanted}
    for one, player in trainees.items():
        player.set_prefs([places[place] for place in instance.acceptable(one)])
    for place, order in wanted.items():
        places[place].set_prefs([trainees[one] for one in order])
    given = hospital_resident(list(trainees.values()), list(places.values()), optimal="resident")
    matched = {one.name: place.name for place, some in given.items() for one in some}
    return matched, f"matching {matching.__version__}, resident-optimal"


def ask_dry_run(
    session: Session, round_id: UUID, *, actor_id: UUID, replays: UUID | None = None
) -> None:
    """Have the round run without effect by a job, or `replays` once more from what it recorded."""
    if replays is not None and queries.run(session, replays).round_id != round_id:
        raise NotOpenForThis("That run is of another round.")
    defer(
        session,
        DRY_RUN,
        round_id=str(round_id),
        actor_id=str(actor_id),
        replays=str(replays) if replays else None,
    )


def dry_run(
    session: Session,
    round_id: UUID,
    *,
    actor_id: UUID | None,
    replays: UUID | None = None,
    now: datetime,
) -> RoundRun:
    """Run without effect, and record what would have come out; or replay an earlier run."""
    found = queries.find(session, round_id)
    if replays is not None:
        inputs = queries.run(session, replays).inputs
    elif found.state == RoundState.OPEN:
        inputs = _inputs(session, found, now)
    else:
        raise NotOpenForThis(f"The round is {found.state}.", extra={"state": found.state})
    return _run(session, found, inputs, actor_id, now, dry=True, replays=replays)


def decide_due(session: Session, now: datetime) -> bool:
    """Run one round whose time has come, make its offers, give back the rest; False if none is."""
    found = queries.lock_due(session, now)
    if found is None:
        return False
    inputs = _inputs(session, found, now)
    run = _run(session, found, inputs, None, now, dry=False)
    found.state, found.ended_at = RoundState.DECIDED.value, now
    rounds.note(session, found, None, "Run.", now)
    places = {str(one.id): one for one in queries.places(session, [found.id])[found.id]}
    matched: Mapping[str, str] = run.result["matched"]
    zones = {key: one.time_zone for key, one in _contacts(session, found).items()}
    for trainee, key in sorted(matched.items()):
        trainee_id, place = UUID(trainee), places[key]
        offer = SeatOffer(
            id=new_id(),
            place_id=place.id,
            trainee_id=trainee_id,
            listing_id=place.listing_id,
            first_day=place.first_day,
            weeks=place.weeks,
            state=OfferState.OPEN.value,
            made_at=now,
            expires_at=_answer_by(found, place, now),
            time_zone=zones[trainee_id],
        )
        place.kept -= 1
        session.add(offer)
        waiting_notices.matched(session, place, offer, now)
    session.flush()
    given = Counter(UUID(key) for key in matched.values())
    waiting_notices.decided(session, found, list(places.values()), given, now)
    _unmatched(session, found, matched, places, now)
    rounds.give_back(session, list(places.values()))
    return True


def _answer_by(found: AllocationRound, place: RoundPlace, now: datetime) -> datetime:
    """When an offer ends: as was said, or as long after a run that was late, before the first day."""
    if now <= found.run_at + LATE:
        return found.decide_by
    begins = datetime.combine(place.first_day, time(), UTC)
    return max(found.decide_by, min(now + (found.decide_by - found.run_at), begins))


def explained(session: Session, found: AllocationRound, trainee_id: UUID) -> list[Answer]:
    """Why the trainee got each of their choices, or did not; `NotOpenForThis` before the run."""
    run = queries.decision(session, found.id)
    ranking = queries.ranking(session, found.id, trainee_id)
    if run is None or ranking is None:
        why = (
            "It has not been run yet." if found.state == RoundState.OPEN else "You ranked nothing."
        )
        raise NotOpenForThis(
            f"There is no result for you here. {why}", extra={"state": found.state}
        )
    instance = Instance.of_json(run.inputs)
    return explain(instance, run.result["matched"], str(trainee_id), ranking.choices)


def _inputs(session: Session, found: AllocationRound, now: datetime) -> dict[str, Any]:
    """All that the assignment depends on; who may not have a place any more is left out of it."""
    places = queries.places(session, [found.id])[found.id]
    listings = _listings(session, places)
    known = {str(one.id): one for one in places}
    choices: dict[str, tuple[str, ...]] = {}
    left_out = []
    for ranking in queries.rankings(session, found.id):
        trainee = identity.trainee_facts(session, ranking.trainee_id)
        open_to = []
        for key in ranking.choices:
            reason = _why_not(listings.get(known[key].listing_id), trainee, known[key], now)
            if reason is None:
                open_to.append(key)
            else:
                left_out.append(
                    {"trainee": str(ranking.trainee_id), "place": key, "reason": reason}
                )
        choices[str(ranking.trainee_id)] = tuple(open_to)
    orders = {
        str(key): Order(tuple(tuple(tier) for tier in one.tiers), frozenset(one.refused))
        for key, one in queries.orders(session, [one.id for one in places]).items()
    }
    quotas = {str(one.id): one.quota for one in places}
    instance = Instance(quotas, choices, orders, found.seed)
    return {**instance.as_json(), "left_out": left_out}


def _why_not(
    listing: catalog.ListingForBooking | None,
    trainee: identity.TraineeFacts | None,
    place: RoundPlace,
    now: datetime,
) -> str | None:
    if listing is None or trainee is None:
        return "The listing is not open, or there is no profile."
    try:
        holds.check_eligible(listing, trainee, place.first_day, place.weeks, now)
    except (NotEligible, NotBookable) as refused:
        return str(refused.detail)
    return None


def _listings(session: Session, places: list[RoundPlace]) -> dict[UUID, catalog.ListingForBooking]:
    found = {}
    for key in {place.listing_id for place in places}:
        try:
            found[key] = catalog.listing_for_booking(session, key)
        except (NotOffered, ListingNotFound):
            continue
    return found


def _run(
    session: Session,
    found: AllocationRound,
    inputs: dict[str, Any],
    actor_id: UUID | None,
    now: datetime,
    *,
    dry: bool,
    replays: UUID | None = None,
) -> RoundRun:
    instance = Instance.of_json(inputs)
    matched, method = solve(instance)
    blocking = blocking_pairs(instance, matched)
    if blocking:
        raise RuntimeError(f"the assignment of round {found.id} is blocked by {blocking[:5]}")
    result = {"matched": matched}
    if replays is not None and digest(result) != queries.run(session, replays).result_hash:
        raise Superseded("The replay came to another result: look at the two runs.")
    run = RoundRun(
        id=new_id(),
        round_id=found.id,
        dry=dry,
        replays=replays,
        inputs=inputs,
        inputs_hash=digest(inputs),
        method=method,
        result=result,
        result_hash=digest(result),
        blocking_pairs=len(blocking),
        ran_at=now,
        ran_by=actor_id,
    )
    session.add(run)
    session.flush()
    return run


def _contacts(session: Session, found: AllocationRound) -> Mapping[UUID, identity.Contact]:
    return identity.contacts(
        session, [one.trainee_id for one in queries.rankings(session, found.id)]
    )


def _unmatched(
    session: Session,
    found: AllocationRound,
    matched: Mapping[str, str],
    places: Mapping[str, RoundPlace],
    now: datetime,
) -> None:
    """Tell who got nothing, and put those who asked for it on the waiting lists, by their lots."""
    left = [
        one
        for one in queries.rankings(session, found.id)
        if str(one.trainee_id) not in matched and one.choices
    ]
    for ranking in sorted(left, key=lambda one: ticket(found.seed, str(one.trainee_id))):
        waits = False
        for key in ranking.choices if ranking.wait_if_unmatched else ():
            waits |= _wait(session, ranking.trainee_id, places[key], now)
        waiting_notices.unmatched(session, found, ranking.trainee_id, now, waits=waits)


def _wait(session: Session, trainee_id: UUID, place: RoundPlace, now: datetime) -> bool:
    """Whether the trainee waits for the place's weeks now; who may not, or does already, does not."""
    if waiting_queries.waits_already(
        session, trainee_id, place.listing_id, place.first_day, place.weeks
    ):
        return True
    try:
        waiting.join(
            session,
            trainee_id=trainee_id,
            listing_id=place.listing_id,
            first_day=place.first_day,
            weeks=place.weeks,
            now=now,
            full=True,
        )
    except DomainError:
        return False
    return True
