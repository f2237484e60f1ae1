"""A coordinator's day: what to decide, which places are kept, what is to be paid."""

from typing import Any
from uuid import UUID

from flask import redirect
from werkzeug.wrappers import Response

from marketplace.booking.queries import cohorts
from marketplace.booking.queries import schools as asked
from marketplace.identity.access import caller, school_member, signed_in
from marketplace.identity.queries import schools
from marketplace.pages.school.frame import panel
from marketplace.pages.school.words import COHORT_STATES, INVOICE_STATES
from marketplace.pages.view import Pages, page
from marketplace.payments.queries import invoices
from marketplace.payments.states import OPEN_INVOICE
from marketplace.web import context

A_FEW = 6
LOOKED_AT = 50
UNDER_WAY = frozenset({"held", "invoiced"})

blueprint = Pages("school_today")


@blueprint.get("/schools")
@signed_in
def choose() -> Response:
    """Lead to one's only school; let whoever has several choose."""
    own = caller().school_ids
    if len(own) == 1:
        return redirect(f"/schools/{next(iter(own))}", 303)
    names = schools.names(context.session(), own)
    return page("school/schools.html", schools=sorted(names.items(), key=lambda one: one[1]))


@blueprint.get("/schools/<uuid:school_id>")
@school_member(operators=False)
def today(school_id: UUID) -> Response:
    """Show what waits for the school; in a constant number of queries."""
    session = context.session()
    first: dict[str, Any] = {"limit": LOOKED_AT, "cursor": None}
    made = cohorts.page(session, school_id, **first).items
    owed = invoices.of_school(session, school_id, **first).items
    return panel(
        "school/today.html",
        school_id,
        "",
        requests=asked.requests(session, school_id, waiting=True, limit=A_FEW, cursor=None),
        cohorts=[one for one in made if one.state in UNDER_WAY][:A_FEW],
        invoices=[one for one in owed if one.state in OPEN_INVOICE][:A_FEW],
        cohort_states=COHORT_STATES,
        invoice_states=INVOICE_STATES,
    )
