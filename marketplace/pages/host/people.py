"""Who works for the site and with which rights; one's own API keys."""

from uuid import UUID

from flask import Response
from werkzeug.wrappers import Response as Answer

from marketplace.identity import queries
from marketplace.identity.access import check_site, current_account, in_person, site_member
from marketplace.identity.queries import site_people
from marketplace.identity.rules import Role
from marketplace.pages import forms, keys
from marketplace.pages.host.frame import DECIDERS, NOT_PROCESSABLE, PEOPLE, back, panel
from marketplace.pages.view import Pages
from marketplace.pages.words import noted
from marketplace.web import context

TAB = "/people"
BASE = "/host/sites/<uuid:site_id>/people"
ROLES = {
    Role.SITE_OWNER: noted("Owner: everything, and the money"),
    Role.COORDINATOR: noted("Coordinator: everything but retiring listings and setting up payouts"),
    Role.PRECEPTOR: noted("Preceptor: sees who comes, signs hours, evaluates"),
}

blueprint = Pages("host_people")


@blueprint.get(BASE)
@site_member(*DECIDERS, operators=False)
def show(site_id: UUID) -> Response:
    """Show the members of the site, and one's own keys."""
    return shown(site_id)


@blueprint.post(f"{BASE}/keys")
@in_person
def create_key(site_id: UUID) -> Response:
    """Make a key; it is shown this once, so the answer is the page itself."""
    check_site(site_id, *PEOPLE, operators=False)
    key, typed, errors = keys.make()
    if key is None:
        return shown(site_id, typed, errors)
    response = shown(site_id, key=key)
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post(f"{BASE}/keys/<uuid:key_id>/revoke")
@in_person
def revoke_key(site_id: UUID, key_id: UUID) -> Answer:
    """Revoke a key, at once and for good."""
    check_site(site_id, *PEOPLE, operators=False)
    keys.revoke(key_id)
    return back(site_id, TAB, "revoked")


def shown(
    site_id: UUID,
    typed: dict[str, str] | None = None,
    errors: forms.Errors | None = None,
    key: str | None = None,
) -> Response:
    """The page of people and keys, with what was typed into one of its forms."""
    session = context.session()
    rows = queries.members_of_site(session, site_id)
    return panel(
        "host/people.html",
        site_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        members=rows,
        invitations=site_people.open_invitations(session, site_id),
        own_id=current_account().id,
        roles=ROLES,
        typed=typed or {},
        errors=errors or {},
        **keys.shown(key),
    )
