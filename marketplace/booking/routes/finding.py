"""Finding the booking that a view is about, for those who may know of it."""

from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.models import Booking
from marketplace.booking.queries import cohorts
from marketplace.booking.rules.terms import Terms
from marketplace.core.errors import NotFound
from marketplace.core.settings import Settings
from marketplace.identity.access import caller, check_site, current_id
from marketplace.web import context
from marketplace.web.etags import etag

# Who decides and marks for a site.
DECIDERS = ("coordinator", "site_owner")


def own(booking_id: UUID) -> Booking:
    """Return the caller's own booking; for everybody else there is nothing here."""
    booking = queries.find(context.session(), booking_id)
    if booking.trainee_id != current_id():
        raise NotFound
    return booking


def own_to_pay(booking_id: UUID) -> Booking:
    """Return the caller's own booking, with the lock under which its payments change."""
    return queries.own_to_pay(context.session(), booking_id, current_id())


def hosted(booking_id: UUID, *, operators: bool = False) -> Booking:
    """Return a booking at a site that the caller decides for."""
    booking = queries.find(context.session(), booking_id)
    check_site(booking.site_id, *DECIDERS, operators=operators)
    return booking


def visible(booking_id: UUID) -> Booking:
    """Return a booking that the caller takes, hosts or oversees."""
    booking = queries.find(context.session(), booking_id)
    if booking.trainee_id != current_id():
        check_site(booking.site_id)
    return booking


def concerning(booking_id: UUID) -> Booking:
    """Return a booking that the caller takes, hosts or oversees, or that goes through their school."""
    booking = queries.find(context.session(), booking_id)
    if booking.school_id is not None and booking.school_id in caller().school_ids:
        return booking
    return visible(booking_id)


def place(school_id: UUID, booking_id: UUID) -> Booking:
    """Return a place of a cohort of this school; for any other there is nothing here."""
    return cohorts.of_school(context.session(), school_id, booking_id)


def terms() -> Terms:
    return Terms.of(context.parts().get(Settings))


def version_of(booking: Booking) -> dict[str, str]:
    """Headers that name the booking's version."""
    return {"ETag": f'"{etag(booking.id, booking.version)}"'}
