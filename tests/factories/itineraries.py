"""Itineraries made on a stage, through the product's own services."""

from datetime import date
from uuid import UUID

from marketplace.booking import queries as booking_queries
from marketplace.booking.models import Booking, Itinerary
from marketplace.booking.queries import itineraries as queries
from marketplace.booking.service import applications, payment
from marketplace.booking.service.itineraries import deciding, drafting, holding, looking, paying
from marketplace.booking.service.itineraries.drafting import Draft, Wanted
from marketplace.booking.service.itineraries.looking import Look
from tests.factories.rotations import Place, Stage

Rotation = tuple[Place, date, int]


def draw_up(
    stage: Stage, trainee_id: UUID, *rotations: Rotation, name: str = "Three months", **stay: date
) -> UUID:
    """Keep a draft of (place, first day, weeks); its id."""
    wanted = [Wanted(place.listing_id, first, weeks) for place, first, weeks in rotations]
    with stage.transaction() as session:
        draft = Draft(name, wanted, **stay)
        return drafting.draw_up(session, trainee_id, draft, stage.now).id


def hold(stage: Stage, itinerary_id: UUID) -> list[UUID]:
    """Hold all of it; the bookings by first day."""
    with stage.transaction() as session:
        holding.hold(session, queries.lock(session, itinerary_id), terms=stage.terms, now=stage.now)
    return [booking.id for booking in bookings(stage, itinerary_id)]


def held(stage: Stage, trainee_id: UUID, *rotations: Rotation) -> tuple[UUID, list[UUID]]:
    itinerary_id = draw_up(stage, trainee_id, *rotations)
    return itinerary_id, hold(stage, itinerary_id)


def submit(stage: Stage, itinerary_id: UUID) -> None:
    with stage.transaction() as session:
        deciding.submit(session, queries.lock(session, itinerary_id), {}, stage.now)


def pay(stage: Stage, itinerary_id: UUID, *, whole: bool = False, without: tuple = ()) -> UUID:
    with stage.transaction() as session:
        payment.lock_itinerary(session, itinerary_id)
        itinerary = queries.lock(session, itinerary_id)
        return paying.pay(
            session, itinerary, whole=whole, without=without, terms=stage.terms, now=stage.now
        )


def withdraw(stage: Stage, itinerary_id: UUID) -> None:
    with stage.transaction() as session:
        itinerary = queries.lock(session, itinerary_id)
        deciding.withdraw(session, itinerary, reason="", now=stage.now)


def follow(stage: Stage, itinerary_id: UUID) -> None:
    """Do what the job does after a step of one booking."""
    with stage.transaction() as session:
        deciding.follow(session, itinerary_id, stage.now)


def approve(stage: Stage, booking_id: UUID, host: UUID) -> None:
    with stage.transaction() as session:
        found = booking_queries.find(session, booking_id)
        applications.approve(session, found, actor_id=host, now=stage.now)


def decline(stage: Stage, booking_id: UUID, host: UUID) -> None:
    with stage.transaction() as session:
        found = booking_queries.find(session, booking_id)
        applications.decline(session, found, actor_id=host, reason="Full.", now=stage.now)


def read(stage: Stage, itinerary_id: UUID) -> Itinerary:
    with stage.transaction() as session:
        return session.get_one(Itinerary, itinerary_id)


def bookings(stage: Stage, itinerary_id: UUID) -> list[Booking]:
    with stage.transaction() as session:
        found = queries.bookings(session, itinerary_id)
    return sorted(found, key=lambda booking: booking.first_day)


def states(stage: Stage, itinerary_id: UUID) -> list[str]:
    return [booking.state for booking in bookings(stage, itinerary_id)]


def look(stage: Stage, itinerary_id: UUID) -> Look:
    with stage.transaction() as session:
        itinerary = session.get_one(Itinerary, itinerary_id)
        return looking.look(session, itinerary, terms=stage.terms, now=stage.now)
