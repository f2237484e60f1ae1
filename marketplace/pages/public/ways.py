"""One address for a booking or a letter, as mails name it: it leads each reader to their own page."""

from collections.abc import Collection
from datetime import date
from typing import Protocol
from uuid import UUID

from flask import redirect
from werkzeug.wrappers import Response

from marketplace.booking.queries import schools
from marketplace.booking.routes import finding
from marketplace.booking.states import UNDECIDED, BookingState
from marketplace.core.errors import NotFound
from marketplace.identity.access import caller, check_site, current_id, signed_in
from marketplace.outcomes.queries import letters
from marketplace.pages.host.frame import DECIDERS, PEOPLE
from marketplace.pages.view import Pages
from marketplace.web import context

blueprint = Pages("ways")


class Booked(Protocol):
    """What is read of a booking here."""

    @property
    def id(self) -> UUID: ...
    @property
    def state(self) -> str: ...
    @property
    def first_day(self) -> date: ...
    @property
    def cohort_id(self) -> UUID | None: ...


@blueprint.get("/bookings")
@signed_in
def bookings() -> Response:
    """Go on to one's rotations."""
    return redirect("/rotations", 303)


@blueprint.get("/bookings/<uuid:booking_id>")
@signed_in
def booking(booking_id: UUID) -> Response:
    """Go on to the trainee's, the host's, the school's or the desk's page of a booking."""
    found = finding.concerning(booking_id)
    if found.trainee_id == current_id():
        return redirect(f"/rotations/{found.id}", 303)
    roles = caller().site_roles(found.site_id)
    if roles & set(PEOPLE):
        return redirect(f"/host/sites/{found.site_id}/{_at_site(found, roles)}", 303)
    if found.school_id in caller().school_ids:
        return redirect(f"/schools/{found.school_id}/{_at_school(found)}", 303)
    return redirect(f"/desk/bookings/{found.id}", 303)


@blueprint.get("/host/letters/<uuid:letter_id>")
@signed_in
def letter(letter_id: UUID) -> Response:
    """Go on to the page of a letter that a site's people were asked for."""
    found = letters.letter(context.session(), letter_id)
    if found is None:
        raise NotFound
    check_site(found.site_id, *PEOPLE, operators=False)
    return redirect(f"/host/sites/{found.site_id}/letters/{found.id}", 303)


def _at_site(found: Booked, roles: Collection[str]) -> str:
    """Where a site's people see it; what nobody has decided on yet is the deciders' to read."""
    if BookingState(found.state) not in UNDECIDED:
        return f"rotations/{found.id}"
    if set(roles) & set(DECIDERS):
        return f"applications/{found.id}"
    return f"roster?day={found.first_day}"


def _at_school(found: Booked) -> str:
    """Where a coordinator sees it: as a place, as what was asked of the school, or in its list."""
    if found.cohort_id is not None:
        return f"cohorts/{found.cohort_id}/places/{found.id}"
    if schools.request(context.session(), found.id) is not None:
        return f"requests/{found.id}"
    return "bookings"
