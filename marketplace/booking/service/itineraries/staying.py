"""The stays that an itinerary's rotations make in each country, as they are or would be."""

from collections.abc import Sequence

from marketplace.booking.models import Booking, Itinerary
from marketplace.booking.queries import itineraries as queries
from marketplace.booking.rules import stays
from marketplace.booking.service import stay_limits
from marketplace.booking.states import GIVES_UP_SEATS
from marketplace.catalog import queries as catalog
from marketplace.core.db import Session
from marketplace.identity import queries as identity


def of(
    session: Session,
    itinerary: Itinerary,
    bookings: Sequence[Booking],
    trainee: identity.TraineeFacts,
) -> tuple[stays.Stay, ...]:
    """Judge the stay in each country that these rotations are in."""
    countries = catalog.countries(session, {booking.site_id for booking in bookings})
    rotations = [
        (countries[booking.site_id], booking.first_day, booking.last_day) for booking in bookings
    ]
    traveller = stays.Traveller(
        needs_visa=trainee.needs_visa,
        visa_type=trainee.visa_type,
        arrive_on=itinerary.arrive_on,
        leave_on=itinerary.leave_on,
    )
    return stays.stays(rotations, traveller, stay_limits.current(session))


def with_change(
    session: Session, old: Booking, new: Booking, trainee: identity.TraineeFacts
) -> tuple[stays.Stay, ...]:
    """Judge the itinerary's stays as they would be with `new` in place of `old`.

    Nothing to judge for a booking that is of no itinerary.
    """
    if old.itinerary_id is None:
        return ()
    itinerary = queries.find(session, old.itinerary_id, old.trainee_id)
    others = [
        one
        for one in queries.bookings(session, itinerary.id)
        if one.id != old.id and one.state not in GIVES_UP_SEATS
    ]
    return of(session, itinerary, [*others, new], trainee)
