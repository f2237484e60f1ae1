"""What all pages of a site's panel share: its name, the way to its other pages and to other sites.

The panel is for the site's own people; operators have a desk of their own.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from flask import Response, redirect, request
from werkzeug.wrappers import Response as Answer

from marketplace.catalog.queries import sites
from marketplace.core.errors import DomainError
from marketplace.identity.access import caller
from marketplace.identity.rules import Role
from marketplace.pages.view import Reader, form_page, reader
from marketplace.pages.words import noted
from marketplace.web import context

NOT_PROCESSABLE = 422
# As the API has them: who decides for a site, and who reads of it.
DECIDERS = (Role.SITE_OWNER, Role.COORDINATOR)
PEOPLE = (*DECIDERS, Role.PRECEPTOR)

TABS = (
    ("", noted("Today"), PEOPLE),
    ("/applications", noted("Applications"), DECIDERS),
    ("/roster", noted("Roster"), PEOPLE),
    ("/calendar", noted("Calendar"), PEOPLE),
    ("/documents", noted("Documents"), DECIDERS),
    ("/letters", noted("Letters"), PEOPLE),
    ("/listings", noted("Listings"), PEOPLE),
    ("/rounds", noted("Rounds"), DECIDERS),
    ("/agreements", noted("Agreements"), DECIDERS),
    ("/imports", noted("Import"), DECIDERS),
    ("/money", noted("Money"), DECIDERS),
    ("/people", noted("People"), DECIDERS),
    ("/site", noted("The site"), PEOPLE),
)
# What a form that went well comes back with, in its address.
DONE: Mapping[str, str] = {
    "approved": noted("Approved. The trainee is asked to pay."),
    "declined": noted("Declined. The trainee reads your reason."),
    "marked": noted("Saved."),
    "edited": noted("Done. It can be undone in the history of edits."),
    "undone": noted("Undone."),
    "taken_back": noted("Taken back. The ids of these listings are free for another sheet."),
    "saved": noted("Saved."),
    "moved": noted("Done."),
    "listing_published": noted("Published. Trainees can find it."),
    "listing_in_review": noted("Sent to review. Our staff decides, and you get a mail."),
    "listing_paused": noted("Paused. It takes no bookings until you publish it again."),
    "listing_retired": noted("Retired. What is booked goes on; it takes no bookings any more."),
    "listing_draft": noted("Taken out of review. It is a draft again."),
    "revoked": noted("Revoked."),
    "signed": noted("Signed."),
    "unsigned": noted("Taken back. The trainee is told."),
    "decided": noted("Decided. The trainee is told."),
    "answered": noted("Answered. The trainee is told."),
    "passed_on": noted("The author that you named has a link by mail. The trainee is told."),
    "linked": noted("Sent. The link before stops working."),
    "changed": noted("Agreed. This rotation takes over from the one before."),
    "change_declined": noted("Declined. The rotation stays as it was booked; the trainee is told."),
    "completed": noted("Closed. It can be evaluated now."),
    "no_show": noted("Noted. The trainee is told, and has a week to dispute it."),
    "called_off": noted("Called off. The trainee is told."),
    "written": noted("Sent."),
    "evaluated": noted("Saved."),
    "invited": noted("Invited. The link is in the mail, and good for two weeks."),
    "withdrawn": noted("Taken back. The link opens nothing any more."),
    "rights_changed": noted("Changed. They are told."),
    "removed": noted("Ended. They are told. If it was a mistake, invite them again."),
    "pool_made": noted("Made. Give it seats in the calendar, and put listings on it."),
    "shared": noted("Shared. Their bookings have their seats here now."),
    "unshared": noted("Taken off. It keeps its other seats, or has its own line again."),
    "dissolved": noted("Dissolved. Each listing has its own line again."),
    "site_made": noted("Added. Show that it is real, and add who teaches there."),
    "shown": noted("Sent. Our staff looks at it, and you get a mail."),
    "added": noted("Added. Listings can name them now."),
    "opened": noted("Opened. Its seats are kept; trainees can rank it now."),
    "round_off": noted("Called off. Its seats are free again."),
    "noted": noted("Noted."),
    "certified": noted("Issued. Its file is ready in a moment."),
    "paper_taken_back": noted("Taken back for good. Whoever checks it reads so."),
    "asked": noted("Asked. Your own time stands still until the answer comes."),
}
STATES: Mapping[str, str] = {
    "held": noted("Kept for a while, not booked yet"),
    "submitted": noted("Waits for your decision"),
    "more_asked": noted("Waits for the trainee's answer"),
    "awaiting_payment": noted("Approved, to be paid"),
    "declined": noted("Declined by you"),
    "cancelled_by_trainee": noted("Cancelled by the trainee"),
    "cancelled_by_host": noted("Called off by you"),
    "cancelled_by_operator": noted("Called off by the marketplace"),
    "no_show": noted("Did not come"),
    "expired": noted("Ran out of time"),
    "withdrawn": noted("Withdrawn by the trainee"),
}
PAPERS: Mapping[str, str] = {
    "missing": noted("Missing"),
    "uploaded": noted("To be reviewed"),
    "accepted": noted("Accepted"),
    "rejected": noted("Rejected"),
    "expiring": noted("Expires soon"),
    "expired": noted("Expired"),
    "not_needed": noted("Not needed"),
    "waived": noted("Waived by the marketplace"),
}
TONES = {
    "confirmed": "good",
    "in_progress": "good",
    "completed": "good",
    "submitted": "fair",
    "more_asked": "fair",
    "awaiting_payment": "fair",
}


def panel(template: str, site_id: UUID, tab: str, status: int = 200, **values: Any) -> Response:
    """A page of the panel: a form page with the site, its pages and one's other sites around it."""
    session, who = context.session(), caller()
    own = {grant.site_id for grant in who.grants if grant.site_id and grant.role in PEOPLE}
    site = values.pop("site", None) or sites.site(session, site_id)
    names = sites.names(session, own) if len(own) > 1 else {site_id: site.name}
    roles = who.site_roles(site_id)
    seen: Reader = values.pop("reader", None) or reader()
    return form_page(
        template,
        status,
        reader=seen,
        site=site,
        base=f"/host/sites/{site_id}",
        tabs=[(path, text) for path, text, people in TABS if roles & set(people)],
        tab=tab,
        sites=sorted(names.items(), key=lambda one: one[1]),
        decides=bool(roles & set(DECIDERS)),
        owns=Role.SITE_OWNER in roles,
        done=DONE.get(request.args.get("done", "")),
        state_of=lambda state: state_of(seen, state),
        paper_of=lambda state: seen.say(PAPERS[state]),
        tone=tone,
        **values,
    )


def state_of(who: Reader, state: str) -> str:
    """What a booking's state is called to its host."""
    return who.say(STATES[state]) if state in STATES else who.label(state)


def tone(state: str) -> str:
    """How a booking's state is coloured: good, fair or bad."""
    return TONES.get(state, "bad")


def back(site_id: UUID, path: str, done: str = "") -> Answer:
    """Go on to a page of the panel, which says what was done."""
    mark = f"{'&' if '?' in path else '?'}done={done}" if done else ""
    return redirect(f"/host/sites/{site_id}{path}{mark}", 303)


def refusal(error: DomainError) -> str:
    """What a page says of a refusal that belongs to no field."""
    return reader().refused(" ".join(part for part in (error.title, error.detail) if part))


def decides_at(site_id: UUID, roles: Collection[str] = DECIDERS) -> bool:
    """Whether who calls has one of these roles at the site."""
    return bool(caller().site_roles(site_id) & set(roles))
