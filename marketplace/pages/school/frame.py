"""What all pages of a school's coordinators share: its name, the way to its other pages and schools."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response, redirect, request
from werkzeug.wrappers import Response as Answer

from marketplace.core.errors import DomainError
from marketplace.identity.access import caller
from marketplace.identity.queries import schools
from marketplace.pages.school.words import BOOKING_STATES, tone
from marketplace.pages.view import Reader, form_page, reader
from marketplace.pages.words import noted
from marketplace.web import context

NOT_PROCESSABLE = 422
A_PAGE = 30
TABS = (
    ("", noted("Today")),
    ("/requests", noted("Requests")),
    ("/students", noted("Students")),
    ("/bookings", noted("Bookings")),
    ("/cohorts", noted("Cohorts")),
    ("/invoices", noted("Invoices")),
    ("/agreements", noted("Agreements")),
    ("/people", noted("Coordinators")),
    ("/about", noted("The school")),
)
# What a form that went well comes back with, in its address.
DONE: Mapping[str, str] = {
    "joined": noted("You act for this school now. Your colleagues are told."),
    "approved": noted("Approved. The student is told, and has three days to go on."),
    "declined": noted("Declined. The student reads your reason."),
    "invited": noted("Invited. The link in the mail works for thirty days."),
    "colleague": noted("Invited. The link in the mail works for two weeks."),
    "ended": noted("Ended. You see nothing of them any more."),
    "removed": noted("Ended. All coordinators are told."),
    "revoked": noted("Revoked."),
    "withdrawn": noted("Taken back. The link opens nothing any more."),
    "kept": noted("The places are kept. Each student is asked whether they want theirs."),
    "submitted": noted("The applications are with the host."),
    "invoiced": noted("The invoice is made. It is mailed to all coordinators as PDF."),
    "given_up": noted("Given up. Nothing is owed."),
    "handed_on": noted("Handed on. The other student is asked whether they want it."),
    "proposed": noted("Proposed. The student has seven days to agree."),
    "proposal_withdrawn": noted("Taken back. The place stays as it is."),
    "cancelled": noted("Cancelled under the terms that you saw. The student is told."),
    "saved": noted("Saved."),
    "school_made": noted("Your school is registered. Our staff looks at it, and writes to you."),
    "evidence_sent": noted("Sent. Our staff looks at it, and writes to you."),
}


def panel(template: str, school_id: UUID, tab: str, status: int = 200, **values: Any) -> Response:
    """A page of a school: a form page with the school, its pages and one's other schools around it."""
    session, own = context.session(), caller().school_ids
    school = schools.find(session, school_id)
    names = schools.names(session, own) if len(own) > 1 else {school_id: school.name}
    seen: Reader = values.pop("reader", None) or reader()
    return form_page(
        template,
        status,
        reader=seen,
        school=school,
        base=f"/schools/{school_id}",
        tabs=TABS,
        tab=tab,
        schools=sorted(names.items(), key=lambda one: one[1]),
        done=DONE.get(request.args.get("done", "")),
        state_of=lambda state: state_of(seen, state),
        tone=tone,
        **values,
    )


def state_of(who: Reader, state: str) -> str:
    """What a booking's state is called to its school."""
    return who.say(BOOKING_STATES[state]) if state in BOOKING_STATES else who.label(state)


def back(school_id: UUID, path: str, done: str = "") -> Answer:
    """Go on to a page of the school, which says what was done."""
    mark = f"?done={done}" if done else ""
    return redirect(f"/schools/{school_id}{path}{mark}", 303)


def refusal(error: DomainError) -> str:
    """What a page says of a refusal that belongs to no field."""
    return reader().refused(" ".join(part for part in (error.title, error.detail) if part))


def asked_for(**given: Any) -> dict[str, Any]:
    """One page of a list, from where the address says."""
    return {"limit": A_PAGE, "cursor": request.args.get("cursor") or None, **given}
