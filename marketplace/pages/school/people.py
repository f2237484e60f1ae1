"""Who acts for the school, invited and asked to go; one's own API keys."""

from uuid import UUID

from flask import Response, redirect
from werkzeug.wrappers import Response as Answer

from marketplace.identity.access import check_school, current_account, in_person, school_member
from marketplace.identity.gateway import LinkSigner
from marketplace.identity.queries import schools
from marketplace.identity.routes.limited import inviting
from marketplace.identity.schemas.coordinators import CoordinatorInviteArgs
from marketplace.identity.service import coordinators
from marketplace.pages import forms, keys
from marketplace.pages.school.frame import NOT_PROCESSABLE, asked_for, back, panel
from marketplace.pages.view import Pages
from marketplace.web import context

TAB = "/people"
BASE = f"/schools/<uuid:school_id>{TAB}"

blueprint = Pages("school_people")


@blueprint.get(BASE)
@school_member(operators=False)
def show(school_id: UUID) -> Response:
    """Show who acts for the school and who is asked to, and one's own keys."""
    return _shown(school_id)


@blueprint.post(BASE)
@in_person
@inviting
def invite(school_id: UUID) -> Answer:
    """Invite a colleague by their address to act for the school; again: another link."""
    check_school(school_id, operators=False)
    given = forms.typed()
    values, errors = forms.read(CoordinatorInviteArgs(), {"email": given.get("email", "")})
    if not errors:
        session = context.session()
        _, errors = forms.tried(
            lambda: coordinators.invite(
                session,
                schools.find(session, school_id),
                values["email"],
                actor=current_account(),
                signer=context.parts().get(LinkSigner),
                now=context.now(),
            ),
            "email",
        )
    return _shown(school_id, given, errors) if errors else back(school_id, TAB, "colleague")


@blueprint.post(f"{BASE}/invitations/<uuid:invitation_id>/withdraw")
@in_person
def withdraw(school_id: UUID, invitation_id: UUID) -> Answer:
    """Take an invitation of a colleague back."""
    check_school(school_id, operators=False)
    session, own = context.session(), current_account().id
    coordinators.withdraw(session, school_id, invitation_id, actor_id=own, now=context.now())
    return back(school_id, TAB, "withdrawn")


@blueprint.post(f"{BASE}/<uuid:membership_id>/end")
@in_person
def remove(school_id: UUID, membership_id: UUID) -> Answer:
    """End a colleague's role, or one's own; never the last one's."""
    check_school(school_id, operators=False)
    session, own = context.session(), current_account()
    own_id = own.id
    _, errors = forms.tried(
        lambda: coordinators.remove(
            session, school_id, membership_id, actor=own, now=context.now()
        ),
        "members",
    )
    if errors:
        return _shown(school_id, errors=errors)
    # Whoever has ended their own role may see the school no more.
    mine = schools.acts_for(session, school_id, own_id)
    return back(school_id, TAB, "removed") if mine else redirect("/schools", 303)


@blueprint.post(f"{BASE}/keys")
@in_person
def create_key(school_id: UUID) -> Response:
    """Make a key; it is shown this once, so the answer is the page itself."""
    check_school(school_id, operators=False)
    key, typed, errors = keys.make()
    if key is None:
        return _shown(school_id, typed, errors)
    response = _shown(school_id, key=key)
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post(f"{BASE}/keys/<uuid:key_id>/revoke")
@in_person
def revoke_key(school_id: UUID, key_id: UUID) -> Answer:
    """Revoke a key, at once and for good."""
    check_school(school_id, operators=False)
    keys.revoke(key_id)
    return back(school_id, TAB, "revoked")


def _shown(
    school_id: UUID,
    typed: dict[str, str] | None = None,
    errors: forms.Errors | None = None,
    key: str | None = None,
) -> Response:
    session = context.session()
    return panel(
        "school/people.html",
        school_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        members=schools.members(session, school_id),
        invitations=schools.invitations(session, school_id, **asked_for()),
        own_id=current_account().id,
        typed=typed or {},
        errors=errors or {},
        **keys.shown(key),
    )
