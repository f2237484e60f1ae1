"""Drafts: what a trainee puts together before anything is held."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import delete

from marketplace.booking.errors import ItineraryNotDraft, TooManyDrafts
from marketplace.booking.models import Itinerary, ItineraryItem
from marketplace.booking.queries import itineraries as queries
from marketplace.booking.rules.itineraries import TRANSITIONS, ItineraryState
from marketplace.core.db import Session
from marketplace.core.ids import new_id

MOST_DRAFTS = 20


@dataclass(frozen=True)
class Wanted:
    """A rotation that is wanted: whole weeks from a Monday."""

    listing_id: UUID
    first_day: date
    weeks: int


@dataclass(frozen=True)
class Draft:
    """What a trainee says of an itinerary."""

    name: str
    items: Sequence[Wanted]
    arrive_on: date | None = None
    leave_on: date | None = None


def draw_up(session: Session, trainee_id: UUID, draft: Draft, now: datetime) -> Itinerary:
    """Keep a draft; nothing is held by it. `TooManyDrafts` where there are twenty."""
    if queries.drafts(session, trainee_id) >= MOST_DRAFTS:
        raise TooManyDrafts(f"At most {MOST_DRAFTS} drafts are kept.")
    itinerary = Itinerary(
        id=new_id(),
        trainee_id=trainee_id,
        name=draft.name,
        state=ItineraryState.DRAFT.value,
        version=1,
        arrive_on=draft.arrive_on,
        leave_on=draft.leave_on,
        payment_id=None,
        pay_by=None,
        created_at=now,
        held_at=None,
    )
    session.add(itinerary)
    session.flush()
    _put(session, itinerary, draft.items)
    return itinerary


def redraw(session: Session, itinerary: Itinerary, draft: Draft) -> None:
    """Put another draft in its place; the caller holds the row. `ItineraryNotDraft` once held."""
    check_draft(itinerary)
    itinerary.name = draft.name
    itinerary.arrive_on = draft.arrive_on
    itinerary.leave_on = draft.leave_on
    itinerary.version += 1
    session.execute(delete(ItineraryItem).where(ItineraryItem.itinerary_id == itinerary.id))
    _put(session, itinerary, draft.items)


def throw_away(session: Session, itinerary: Itinerary) -> None:
    """End a draft; the caller holds the row."""
    check_draft(itinerary)
    to(session, itinerary, ItineraryState.ENDED)


def check_draft(itinerary: Itinerary) -> None:
    if itinerary.state != ItineraryState.DRAFT:
        raise ItineraryNotDraft(
            f"The itinerary is {itinerary.state}.", extra={"state": itinerary.state}
        )


def to(session: Session, itinerary: Itinerary, state: ItineraryState) -> None:
    """Take a locked itinerary to another state."""
    TRANSITIONS.check(ItineraryState(itinerary.state), state)
    itinerary.state = state.value
    itinerary.version += 1
    session.flush()


def _put(session: Session, itinerary: Itinerary, items: Sequence[Wanted]) -> None:
    session.add_all(
        ItineraryItem(
            itinerary_id=itinerary.id,
            place=place,
            listing_id=item.listing_id,
            first_day=item.first_day,
            weeks=item.weeks,
            booking_id=None,
        )
        for place, item in enumerate(items, start=1)
    )
    session.flush()
