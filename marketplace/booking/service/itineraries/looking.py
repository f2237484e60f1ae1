"""Looking an itinerary through: what stands against it, what it costs, where it is close.

A draft is judged by the listings as they are now, a held one by what was frozen on its bookings.
The number of queries does not grow with the rotations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from marketplace.booking import queries as bookings
from marketplace.booking.errors import ProfileMissing
from marketplace.booking.models import Booking, Itinerary, ItineraryItem
from marketplace.booking.queries import itineraries as queries
from marketplace.booking.rules import itineraries as rules
from marketplace.booking.rules import stays
from marketplace.booking.rules.itineraries import Experience, Gap
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import holds, payment
from marketplace.booking.service.itineraries import staying
from marketplace.booking.states import GIVES_UP_SEATS
from marketplace.catalog import queries as catalog
from marketplace.catalog.queries.seats import Availability, availabilities
from marketplace.catalog.rules.weeks import WEEK, last_day, run_of_weeks
from marketplace.core.db import Session
from marketplace.core.errors import DomainError
from marketplace.core.money import Money
from marketplace.identity import queries as identity

# How far around the wanted weeks other free ones are looked for, and how many are told.
LOOK_AROUND = 26
MOST_STARTS = 3
# Problems that other weeks would solve.
OF_WEEKS = frozenset({"overlap", "already_booked_then", "seat_taken"})


@dataclass(frozen=True)
class Problem:
    """What stands against a rotation, as the error that holding it would be."""

    code: str
    sentence: str
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """A rotation of the itinerary: as it would be booked, or is; none where it can't be."""

    item: ItineraryItem
    booking: Booking | None
    problems: tuple[Problem, ...]
    other_starts: tuple[date, ...] = ()
    listing: catalog.ListingForBooking | None = None

    @property
    def days(self) -> tuple[int, date, date]:
        return (
            self.item.place,
            self.item.first_day,
            last_day(self.item.first_day, self.item.weeks),
        )

    @property
    def over(self) -> bool:
        """Whether its booking has ended: it is no part of the journey any more."""
        return self.booking is not None and self.booking.state in GIVES_UP_SEATS


@dataclass(frozen=True)
class Look:
    """The whole of it; the sums are None where a price or one currency is lacking.

    `due_now` is what booking takes: the deposits, and all of a rotation whose balance is due as well.
    """

    itinerary: Itinerary
    parts: tuple[Part, ...]
    currencies: tuple[str, ...]
    total: Money | None
    deposit: Money | None
    due_now: Money | None
    gaps: tuple[Gap, ...]
    stays: tuple[stays.Stay, ...]
    experience: Experience

    @property
    def can_be_held(self) -> bool:
        fine = all(part.booking is not None and not part.problems for part in self.parts)
        return bool(self.parts) and fine and len(self.currencies) == 1

    @property
    def disclaimer(self) -> str:
        return stays.DISCLAIMER


def look(session: Session, itinerary: Itinerary, *, terms: Terms, now: datetime) -> Look:
    """Look an itinerary through; nothing is changed or held."""
    items = queries.items(session, itinerary.id)
    trainee = identity.trainee_facts(session, itinerary.trainee_id)
    if trainee is None:
        raise ProfileMissing
    if itinerary.held_at is None:
        parts = drafted(session, items, trainee, terms, now)
        parts = _with_seats(session, parts, itinerary.trainee_id)
    else:
        made = {one.id: one for one in queries.bookings(session, itinerary.id)}
        parts = [
            Part(item, made.get(item.booking_id) if item.booking_id else None, ()) for item in items
        ]
    return _summed(session, itinerary, parts, trainee, now)


def drafted(
    session: Session,
    items: Sequence[ItineraryItem],
    trainee: identity.TraineeFacts,
    terms: Terms,
    now: datetime,
) -> list[Part]:
    """Each rotation as it would be booked now, or why it can't be; seats are not looked at."""
    listings = catalog.listings_for_booking(session, [item.listing_id for item in items])
    met: dict[int, list[int]] = {}
    for one, other in rules.overlaps([Part(item, None, ()).days for item in items]):
        met.setdefault(one, []).append(other)
        met.setdefault(other, []).append(one)
    return [
        _part(item, listings.get(item.listing_id), trainee, met.get(item.place, []), terms, now)
        for item in items
    ]


def free_starts(
    wanted: ItineraryItem,
    listing: catalog.ListingForBooking | None,
    available: Availability | None,
    busy: frozenset[date],
) -> tuple[date, ...]:
    """The nearest Mondays on which as many weeks of the listing are free, and the trainee is too."""
    if available is None or listing is None:
        return ()
    free = {
        date.fromisoformat(week)
        for week, _, seats in available.weeks
        if seats > 0 and week not in available.blackout_weeks
    }
    starts = [
        week
        for week in free
        if week != wanted.first_day
        and listing.first_start <= week <= listing.last_start
        and all(one in free and one not in busy for one in run_of_weeks(week, wanted.weeks))
    ]
    starts.sort(key=lambda week: (abs(week - wanted.first_day), week))
    return tuple(sorted(starts[:MOST_STARTS]))


def seats_around(session: Session, items: Sequence[ItineraryItem]) -> dict[UUID, Availability]:
    """The weeks around what is wanted of each listing, in one query."""
    if not items:
        return {}
    first = min(item.first_day for item in items) - WEEK * LOOK_AROUND
    last = max(item.first_day + WEEK * item.weeks for item in items) + WEEK * LOOK_AROUND
    return availabilities(session, {item.listing_id for item in items}, first, last)


def _part(
    item: ItineraryItem,
    listing: catalog.ListingForBooking | None,
    trainee: identity.TraineeFacts,
    met: Sequence[int],
    terms: Terms,
    now: datetime,
) -> Part:
    problems = []
    if met:
        named = ", ".join(map(str, sorted(met)))
        problems.append(Problem("overlap", f"It meets rotation {named}.", {"places": sorted(met)}))
    booking = None
    if listing is None:
        problems.append(Problem("not_offered", "This listing is not open for booking now."))
    else:
        try:
            booking = holds.drawn_up(listing, trainee, item.first_day, item.weeks, terms, now)
        except DomainError as refused:
            sentence = str(refused) or refused.title
            problems.append(Problem(refused.code, sentence, dict(refused.extra or {})))
    return Part(item, booking, tuple(problems), listing=listing)


def _with_seats(session: Session, parts: Sequence[Part], trainee_id: UUID) -> list[Part]:
    """Add what the seats and the trainee's own weeks say; two queries."""
    if not parts:
        return []
    around = seats_around(session, [part.item for part in parts])
    since = min(part.item.first_day for part in parts)
    own = bookings.weeks_of_trainee(session, trainee_id, since - WEEK * LOOK_AROUND)
    return [_seated(part, parts, around.get(part.item.listing_id), own) for part in parts]


def _seated(
    part: Part,
    parts: Sequence[Part],
    available: Availability | None,
    own: Mapping[date, str],
) -> Part:
    item = part.item
    problems = list(part.problems)
    weeks = run_of_weeks(item.first_day, item.weeks)
    taken = [week for week in weeks if week in own]
    if taken:
        problems.append(
            Problem(
                "already_booked_then",
                f"{own[taken[0]]} has the week of {taken[0]}.",
                {"weeks": [week.isoformat() for week in taken]},
            )
        )
    lacking = _lacking(weeks, available)
    if lacking:
        named = ", ".join(week.isoformat() for week in lacking)
        problems.append(
            Problem(
                "seat_taken",
                f"No seat is left in the week of {named}.",
                {"weeks": [week.isoformat() for week in lacking]},
            )
        )
    others = busy_weeks([one.item for one in parts if one is not part])
    starts: tuple[date, ...] = ()
    if any(problem.code in OF_WEEKS for problem in problems):
        starts = free_starts(item, part.listing, available, others | frozenset(own))
    return Part(item, part.booking, tuple(problems), starts, part.listing)


def busy_weeks(items: Sequence[ItineraryItem]) -> frozenset[date]:
    """The weeks that these rotations are in."""
    return frozenset(week for item in items for week in run_of_weeks(item.first_day, item.weeks))


def _lacking(weeks: Sequence[date], available: Availability | None) -> list[date]:
    if available is None:
        return list(weeks)
    free = {
        week
        for week, _, seats in available.weeks
        if seats > 0 and week not in available.blackout_weeks
    }
    return [week for week in weeks if week.isoformat() not in free]


def _summed(
    session: Session,
    itinerary: Itinerary,
    parts: Sequence[Part],
    trainee: identity.TraineeFacts,
    now: datetime,
) -> Look:
    priced = [part.booking for part in parts if part.booking is not None and not part.over]
    currencies = tuple(sorted({booking.total.currency for booking in priced}))
    whole = len(currencies) == 1 and all(part.booking is not None for part in parts)
    made = [item.booking_id for item in (part.item for part in parts) if item.booking_id]
    return Look(
        itinerary=itinerary,
        parts=tuple(parts),
        currencies=currencies,
        total=_sum([booking.total for booking in priced]) if whole else None,
        deposit=_sum([booking.deposit for booking in priced]) if whole else None,
        due_now=_sum([_due_now(booking, now) for booking in priced]) if whole else None,
        gaps=tuple(rules.gaps([part.days for part in parts if not part.over])),
        stays=staying.of(session, itinerary, priced, trainee),
        experience=rules.experience(
            priced, queries.hands_on_weeks(session, itinerary.trainee_id, made)
        ),
    )


def _due_now(booking: Booking, now: datetime) -> Money:
    whole = payment.purpose_of(booking, now, whole=False) == "whole"
    return booking.total if whole else booking.deposit


def _sum(amounts: Sequence[Money]) -> Money:
    whole = amounts[0]
    for amount in amounts[1:]:
        whole += amount
    return whole
