"""What trainees reported as not safe, and what a site's people noted: read here, and on record."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from flask import Response

from marketplace.booking import queries as booking
from marketplace.catalog.queries import sites
from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.identity.access import require
from marketplace.outcomes.queries import days as queries
from marketplace.outcomes.routes.days import every_report, reports_of
from marketplace.outcomes.service.rotations import rotation
from marketplace.pages import forms
from marketplace.pages.view import Pages, page
from marketplace.web import context

A_PAGE = 50

blueprint = Pages("desk_safety")


@blueprint.get("/desk/safety")
@require("operator")
def list_reports() -> Response:
    """List what trainees reported, the newest first, but for sites that one has a part in."""
    session = context.session()
    found = every_report(limit=A_PAGE, cursor=forms.cursor())
    return page(
        "desk/safety.html",
        found=found,
        people=identity.contacts(session, sorted({one.trainee_id for one in found.items})),
        sites=sites.names(session, {one.site_id for one in found.items}),
        titles=booking.titles(session, [one.booking_id for one in found.items]),
    )


@blueprint.get("/desk/bookings/<uuid:booking_id>/incidents")
@require("operator")
def of_booking(booking_id: UUID) -> Response:
    """Show what was reported and noted about one booking."""
    session = context.session()
    about = rotation(session, booking_id)
    reports: Sequence[Any] | None = None
    # Who has a part in the site reads no report about it.
    with suppress(NotFound):
        reports = reports_of(booking_id)
    notes = queries.incident_notes(session, booking_id)
    return page(
        "desk/incidents.html",
        about=about,
        reports=reports,
        notes=notes,
        people=identity.contacts(
            session, sorted({about.trainee_id, *(n.author_id for n in notes)})
        ),
    )
