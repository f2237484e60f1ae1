"""Who of our staff has seen one's pages as one does: when, why, and each page."""

from flask import Response, request

from marketplace.compliance.queries import records
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, signed_in
from marketplace.pages.view import Pages, page
from marketplace.pages.words import noted
from marketplace.web import context

A_PAGE = 50
SAID = {
    "impersonation.begun": noted("Began to see your pages"),
    "impersonation.seen": noted("Saw a page"),
    "impersonation.refused": noted("Was refused"),
    "impersonation.ended": noted("Stopped"),
}

blueprint = Pages("access_log")


@blueprint.get("/access-log")
@signed_in
def show() -> Response:
    """List what staff did as oneself or to one's account, the newest first."""
    session = context.session()
    found = records.audit_trail(
        session,
        subject_kind="account",
        subject_id=current_account().id,
        actor_id=None,
        limit=A_PAGE,
        cursor=request.args.get("cursor") or None,
    )
    actors = [one.actor_id for one in found.items if one.actor_id]
    people = identity.contacts(session, actors) if actors else {}
    return page("access_log.html", found=found, people=people, said=SAID)
