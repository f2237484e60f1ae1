"""Holding all rotations of an itinerary in one transaction, or none."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from marketplace.booking import queries as bookings
from marketplace.booking.errors import CurrenciesMixed, ItineraryRefused, ProfileMissing
from marketplace.booking.models import Booking, Itinerary
from marketplace.booking.queries import itineraries as queries
from marketplace.booking.rules.itineraries import ItineraryState
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import transition
from marketplace.booking.service.itineraries import drafting, looking
from marketplace.booking.service.itineraries.looking import Part
from marketplace.catalog.rules.weeks import run_of_weeks
from marketplace.catalog.service import seats, taking
from marketplace.core.db import Session
from marketplace.identity import queries as identity


def hold(session: Session, itinerary: Itinerary, *, terms: Terms, now: datetime) -> None:
    """Hold a seat in each week of each rotation; the caller holds the itinerary's row.

    `ItineraryRefused` names every rotation that can't be held and what else is free,
    `CurrenciesMixed` the currencies. Where it raises, the caller's transaction is rolled back.
    """
    drafting.check_draft(itinerary)
    items = queries.items(session, itinerary.id)
    trainee = identity.trainee_facts(session, itinerary.trainee_id)
    if trainee is None:
        raise ProfileMissing
    if not items:
        raise ItineraryRefused("There is no rotation in it.", extra={"items": []})
    parts = looking.drafted(session, items, trainee, terms, now)
    _refuse_unless_open(parts)
    made = [part.booking for part in parts if part.booking is not None]
    currencies = sorted({booking.total.currency for booking in made})
    if len(currencies) > 1:
        raise CurrenciesMixed(
            f"The prices are in {' and '.join(currencies)}.", extra={"currencies": currencies}
        )
    # In the order of every taker, before the bookings' own keys hold them one by one.
    seats.hold_listings(session, [booking.listing_id for booking in made])
    for booking in made:
        booking.itinerary_id = itinerary.id
    if not transition.begin_all(session, made, reason="Seats held together.", now=now):
        raise _busy(session, itinerary, parts)
    lacking = taking.take_all(session, _wanted(made))
    if lacking:
        raise _lacking(session, itinerary, parts, lacking)
    for part in parts:
        part.item.booking_id = part.booking.id if part.booking else None
    itinerary.held_at = now
    drafting.to(session, itinerary, ItineraryState.HELD)


def _wanted(made: Sequence[Booking]) -> dict[tuple[UUID, date], int]:
    return {
        (booking.listing_id, week): 1
        for booking in made
        for week in run_of_weeks(booking.first_day, booking.weeks)
    }


def _refuse_unless_open(parts: Sequence[Part]) -> None:
    refused = [part for part in parts if part.problems]
    if refused:
        raise ItineraryRefused(
            " ".join(
                f"Rotation {part.item.place}: {part.problems[0].sentence}" for part in refused
            ),
            extra={"items": [_told(part) for part in refused]},
        )


def _busy(session: Session, itinerary: Itinerary, parts: Sequence[Part]) -> ItineraryRefused:
    """Name the trainee's other bookings in these weeks."""
    refused = []
    ours = {part.booking.id for part in parts if part.booking is not None}
    for part in parts:
        weeks = run_of_weeks(part.item.first_day, part.item.weeks)
        other = bookings.overlapping(session, itinerary.trainee_id, weeks, besides=_id(part))
        if other is None or other.booking_id in ours:
            continue
        shared = [week.isoformat() for week in other.weeks]
        named = looking.Problem(
            "already_booked_then",
            f"{other.title} has the week of {', '.join(shared)}.",
            {"booking_id": str(other.booking_id), "weeks": shared},
        )
        refused.append(Part(part.item, part.booking, (named,), listing=part.listing))
    return ItineraryRefused(
        " ".join(f"Rotation {part.item.place}: {part.problems[0].sentence}" for part in refused)
        or None,
        extra={"items": [_told(part) for part in refused]},
    )


def _lacking(
    session: Session,
    itinerary: Itinerary,
    parts: Sequence[Part],
    lacking: dict[UUID, list[date]],
) -> ItineraryRefused:
    """Say which rotations lack seats in which weeks, and when the same listing has them free."""
    around = looking.seats_around(session, [part.item for part in parts])
    ours = looking.busy_weeks([part.item for part in parts])
    own = set(bookings.weeks_of_trainee(session, itinerary.trainee_id, min(ours))) - ours
    refused = []
    for part in parts:
        item = part.item
        weeks = run_of_weeks(item.first_day, item.weeks)
        gone = [week for week in lacking.get(item.listing_id, ()) if week in weeks]
        if not gone:
            continue
        others = looking.busy_weeks([one.item for one in parts if one is not part])
        starts = looking.free_starts(
            item, part.listing, around.get(item.listing_id), others | frozenset(own)
        )
        named = ", ".join(week.isoformat() for week in gone)
        problem = looking.Problem(
            "seat_taken",
            f"No seat is left in the week of {named}.",
            {"weeks": [week.isoformat() for week in gone]},
        )
        refused.append(Part(item, part.booking, (problem,), starts, part.listing))
    return ItineraryRefused(
        " ".join(f"Rotation {part.item.place}: {part.problems[0].sentence}" for part in refused),
        extra={"items": [_told(part) for part in refused]},
    )


def _told(part: Part) -> dict[str, Any]:
    return {
        "place": part.item.place,
        "listing_id": str(part.item.listing_id),
        "problems": [
            {"code": one.code, "sentence": one.sentence, **one.extra} for one in part.problems
        ],
        "other_starts": [week.isoformat() for week in part.other_starts],
    }


def _id(part: Part) -> UUID:
    if part.booking is None:
        raise RuntimeError(f"rotation {part.item.place} was never drawn up")
    return part.booking.id
