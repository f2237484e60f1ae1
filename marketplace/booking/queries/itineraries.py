"""Itineraries with their items and bookings; who changes one holds its row first."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import func, select

from marketplace.booking.models import Booking, Itinerary, ItineraryItem
from marketplace.booking.rules.itineraries import HANDS_ON, ItineraryState
from marketplace.booking.states import OWNED
from marketplace.catalog.rules.weeks import run_of_weeks
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.web.pagination import Page, paginate

# As payments call what is paid for.
PAYABLE = "itinerary"


def find(session: Session, itinerary_id: UUID, trainee_id: UUID) -> Itinerary:
    """Return the trainee's own itinerary; `NotFound` for everybody else's."""
    found = session.get(Itinerary, itinerary_id)
    if found is None or found.trainee_id != trainee_id:
        raise NotFound
    return found


def lock(session: Session, itinerary_id: UUID, trainee_id: UUID | None = None) -> Itinerary:
    """Return the itinerary as it is now, and hold its row: before any of its bookings' rows."""
    query = select(Itinerary).where(Itinerary.id == itinerary_id)
    if trainee_id is not None:
        query = query.where(Itinerary.trainee_id == trainee_id)
    found = session.execute(
        query.with_for_update(key_share=True), execution_options={"populate_existing": True}
    ).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def items(session: Session, itinerary_id: UUID) -> Sequence[ItineraryItem]:
    """Return the itinerary's rotations in the order of their places."""
    return (
        session.execute(
            select(ItineraryItem)
            .where(ItineraryItem.itinerary_id == itinerary_id)
            .order_by(ItineraryItem.place),
            execution_options={"populate_existing": True},
        )
        .scalars()
        .all()
    )


def items_of(session: Session, itinerary_ids: Sequence[UUID]) -> dict[UUID, list[ItineraryItem]]:
    """Return the rotations of several itineraries in one query."""
    found: dict[UUID, list[ItineraryItem]] = {one: [] for one in itinerary_ids}
    rows = session.execute(
        select(ItineraryItem)
        .where(ItineraryItem.itinerary_id.in_(itinerary_ids))
        .order_by(ItineraryItem.itinerary_id, ItineraryItem.place)
    )
    for item in rows.scalars():
        found[item.itinerary_id].append(item)
    return found


def bookings(session: Session, itinerary_id: UUID, *, hold: bool = False) -> list[Booking]:
    """Return the itinerary's bookings by id; with `hold`, as they are now, their rows held."""
    query = (
        select(Booking)
        .join(ItineraryItem, ItineraryItem.booking_id == Booking.id)
        .where(ItineraryItem.itinerary_id == itinerary_id)
        .order_by(Booking.id)
    )
    if hold:
        query = query.with_for_update(of=Booking)
    rows = session.execute(query, execution_options={"populate_existing": True})
    return list(rows.scalars())


def many_locked(session: Session, booking_ids: Sequence[UUID]) -> list[Booking]:
    """Return these bookings as they are now, their rows held in the order of their ids."""
    rows = session.execute(
        select(Booking).where(Booking.id.in_(booking_ids)).order_by(Booking.id).with_for_update(),
        execution_options={"populate_existing": True},
    )
    return list(rows.scalars())


def of_trainee(
    session: Session, trainee_id: UUID, *, limit: int, cursor: str | None
) -> Page[Itinerary]:
    """Return the trainee's itineraries, newest first."""
    return paginate(
        session,
        select(Itinerary).where(Itinerary.trainee_id == trainee_id),
        key=[Itinerary.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def drafts(session: Session, trainee_id: UUID) -> int:
    """How many drafts a trainee has."""
    return session.execute(
        select(func.count()).where(
            Itinerary.trainee_id == trainee_id, Itinerary.state == ItineraryState.DRAFT
        )
    ).scalar_one()


def hands_on_weeks(session: Session, trainee_id: UUID, besides: Sequence[UUID]) -> set[date]:
    """The Mondays of the trainee's other hands-on rotations, confirmed, under way or done."""
    found = session.execute(
        select(Booking.first_day, Booking.weeks).where(
            Booking.trainee_id == trainee_id,
            Booking.state.in_(OWNED),
            Booking.tier.in_(HANDS_ON),
            Booking.id.not_in(besides),
        )
    )
    return {week for first, weeks in found for week in run_of_weeks(first, weeks)}
