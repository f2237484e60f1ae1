"""Allocation rounds: what is open, who ranks whom, what was run, and the offers that came of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from marketplace.booking.models import (
    AllocationRound,
    RoundOrder,
    RoundPlace,
    RoundRanking,
    RoundRun,
    RoundStep,
    SeatOffer,
)
from marketplace.booking.states import OfferState, RoundState
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.web.pagination import Page, paginate


@dataclass(frozen=True)
class Whole:
    """A round and its places, by first day."""

    round: AllocationRound
    places: Sequence[RoundPlace]


def find(session: Session, round_id: UUID, *, lock: bool = False) -> AllocationRound:
    """Return the round, held against whoever else ranks or runs it if `lock`; `NotFound`."""
    query = select(AllocationRound).where(AllocationRound.id == round_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def hold_open(session: Session, round_id: UUID) -> AllocationRound:
    """Return the round, which is not run meanwhile; others may rank at the same time."""
    found = session.execute(
        select(AllocationRound).where(AllocationRound.id == round_id).with_for_update(read=True),
        execution_options={"populate_existing": True},
    ).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def page(
    session: Session,
    *,
    site_id: UUID | None = None,
    only_open: bool = False,
    limit: int,
    cursor: str | None,
) -> Page[Whole]:
    """Rounds with their places, newest first; two queries."""
    query = select(AllocationRound)
    if site_id is not None:
        query = query.where(AllocationRound.site_id == site_id)
    if only_open:
        query = query.where(AllocationRound.state == RoundState.OPEN)
    return _page(session, query, limit, cursor)


def concerning(
    session: Session, trainee_id: UUID, now: datetime, *, limit: int, cursor: str | None
) -> Page[Whole]:
    """Rounds that can be ranked now, and those that the trainee has ranked in; two queries."""
    return _page(session, select(AllocationRound).where(_concerns(trainee_id, now)), limit, cursor)


def concern(session: Session, trainee_id: UUID, now: datetime) -> bool:
    """Whether there is a round that the trainee can rank in, or has."""
    one = select(AllocationRound.id).where(_concerns(trainee_id, now))
    return bool(session.execute(select(one.exists())).scalar())


def at_site(session: Session, site_id: UUID, *, limit: int, cursor: str | None) -> Page[Whole]:
    """Rounds with a place at the site, whoever opened them, newest first; two queries."""
    own = select(RoundPlace.round_id).where(RoundPlace.site_id == site_id)
    query = select(AllocationRound).where(AllocationRound.id.in_(own))
    return _page(session, query, limit, cursor)


def ordered_at(site_id: UUID, now: datetime) -> Select[UUID]:
    """Ask for the places at the site of rounds that their hosts can still order."""
    return (
        select(RoundPlace.id)
        .join(AllocationRound, AllocationRound.id == RoundPlace.round_id)
        .where(
            RoundPlace.site_id == site_id,
            AllocationRound.state == RoundState.OPEN,
            AllocationRound.run_at > now,
        )
    )


def _concerns(trainee_id: UUID, now: datetime) -> ColumnElement[bool]:
    """Of the few rounds that are open, and of the trainee's own; not looked for among all others."""
    found = aliased(AllocationRound)
    rankable = select(found.id).where(found.state == RoundState.OPEN, found.rank_by > now)
    ranked = select(RoundRanking.round_id).where(RoundRanking.trainee_id == trainee_id)
    return AllocationRound.id.in_(rankable.union(ranked))


def _page(
    session: Session, query: Select[AllocationRound], limit: int, cursor: str | None
) -> Page[Whole]:
    found = paginate(
        session,
        query,
        key=[AllocationRound.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )
    own = places(session, [one.id for one in found.items])
    return Page([Whole(one, own.get(one.id, [])) for one in found.items], found.next_cursor)


def places(session: Session, round_ids: Collection[UUID]) -> dict[UUID, list[RoundPlace]]:
    """The places of rounds, by first day and title."""
    found: dict[UUID, list[RoundPlace]] = {}
    rows = session.execute(
        select(RoundPlace)
        .where(RoundPlace.round_id.in_(list(round_ids)))
        .order_by(RoundPlace.first_day, RoundPlace.listing_title, RoundPlace.id)
    ).scalars()
    for place in rows:
        found.setdefault(place.round_id, []).append(place)
    return found


def place(session: Session, round_id: UUID, place_id: UUID) -> RoundPlace:
    """One place of a round; `NotFound`."""
    found = session.get(RoundPlace, place_id)
    if found is None or found.round_id != round_id:
        raise NotFound
    return found


def rankings(session: Session, round_id: UUID) -> Sequence[RoundRanking]:
    """Everybody's ranking that counts, by trainee."""
    return (
        session.execute(
            select(RoundRanking)
            .where(RoundRanking.round_id == round_id)
            .ext(distinct_on(RoundRanking.trainee_id))
            .order_by(RoundRanking.trainee_id, RoundRanking.revision.desc())
        )
        .scalars()
        .all()
    )


def ranking(session: Session, round_id: UUID, trainee_id: UUID) -> RoundRanking | None:
    """The trainee's ranking that counts, if there is one."""
    return session.execute(
        select(RoundRanking)
        .where(RoundRanking.round_id == round_id, RoundRanking.trainee_id == trainee_id)
        .order_by(RoundRanking.revision.desc())
        .limit(1)
    ).scalar_one_or_none()


def orders(session: Session, place_ids: Collection[UUID]) -> dict[UUID, RoundOrder]:
    """The order that counts of each place that has one."""
    rows = session.execute(
        select(RoundOrder)
        .where(RoundOrder.place_id.in_(list(place_ids)))
        .ext(distinct_on(RoundOrder.place_id))
        .order_by(RoundOrder.place_id, RoundOrder.revision.desc())
    ).scalars()
    return {order.place_id: order for order in rows}


def lock_due(session: Session, now: datetime) -> AllocationRound | None:
    """An open round whose time to be run has come, held; one that another worker runs is skipped."""
    return session.execute(
        select(AllocationRound)
        .where(AllocationRound.state == RoundState.OPEN, AllocationRound.run_at <= now)
        .order_by(AllocationRound.run_at, AllocationRound.id)
        .limit(1)
        .with_for_update(skip_locked=True),
        execution_options={"populate_existing": True},
    ).scalar_one_or_none()


def runs(session: Session, round_id: UUID, *, limit: int, cursor: str | None) -> Page[RoundRun]:
    """The runs of a round, dry ones too, newest first."""
    return paginate(
        session,
        select(RoundRun).where(RoundRun.round_id == round_id),
        key=[RoundRun.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def decision(session: Session, round_id: UUID) -> RoundRun | None:
    """The run that counts, once there is one."""
    return session.execute(
        select(RoundRun).where(RoundRun.round_id == round_id, ~RoundRun.dry)
    ).scalar_one_or_none()


def run(session: Session, run_id: UUID) -> RoundRun:
    found = session.get(RoundRun, run_id)
    if found is None:
        raise NotFound
    return found


def offer_of(session: Session, round_id: UUID, trainee_id: UUID) -> SeatOffer | None:
    """What the round offered the trainee, whatever became of it."""
    return session.execute(
        select(SeatOffer)
        .join(RoundPlace, RoundPlace.id == SeatOffer.place_id)
        .where(RoundPlace.round_id == round_id, SeatOffer.trainee_id == trainee_id)
    ).scalar_one_or_none()


def offers(session: Session, round_id: UUID) -> Sequence[SeatOffer]:
    """All that the round has offered, whatever became of it."""
    return (
        session.execute(
            select(SeatOffer)
            .join(RoundPlace, RoundPlace.id == SeatOffer.place_id)
            .where(RoundPlace.round_id == round_id)
            .order_by(SeatOffer.id)
        )
        .scalars()
        .all()
    )


def answer_by(
    session: Session, round_ids: Collection[UUID], trainee_id: UUID
) -> dict[UUID, datetime]:
    """Until when the trainee's offers of these rounds are open, where one was made."""
    rows = session.execute(
        select(RoundPlace.round_id, SeatOffer.expires_at)
        .join(RoundPlace, RoundPlace.id == SeatOffer.place_id)
        .where(RoundPlace.round_id.in_(list(round_ids)), SeatOffer.trainee_id == trainee_id)
    )
    return {row.round_id: row.expires_at for row in rows}


def open_offer(session: Session, round_id: UUID, trainee_id: UUID) -> SeatOffer | None:
    """The open offer of a round to a trainee, held; whoever ends it at the same time goes first."""
    return session.execute(
        select(SeatOffer)
        .join(RoundPlace, RoundPlace.id == SeatOffer.place_id)
        .where(
            RoundPlace.round_id == round_id,
            SeatOffer.trainee_id == trainee_id,
            SeatOffer.state == OfferState.OPEN,
        )
        .with_for_update(of=SeatOffer),
        execution_options={"populate_existing": True},
    ).scalar_one_or_none()


def steps(session: Session, round_id: UUID) -> Sequence[RoundStep]:
    """What was done with a round, oldest first."""
    return (
        session.execute(
            select(RoundStep).where(RoundStep.round_id == round_id).order_by(RoundStep.at)
        )
        .scalars()
        .all()
    )
