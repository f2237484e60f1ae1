"""`/sites/…/members`: who works for a site, changed by its owners; the links that they mail."""

from typing import Any
from uuid import UUID

from marketplace.catalog.queries import sites
from marketplace.identity.access import (
    current_account,
    in_person,
    public,
    site_member,
)
from marketplace.identity.queries import site_people as queries
from marketplace.identity.routes.inviting import person, signer
from marketplace.identity.routes.limited import inviting
from marketplace.identity.rules import Role
from marketplace.identity.schemas.people import (
    MembershipSchema,
    SiteInvitationSchema,
    SiteInvitationsSchema,
    SiteInviteArgs,
    SiteLinkSchema,
    SiteRoleArgs,
)
from marketplace.identity.service import site_people
from marketplace.web import context
from marketplace.web.api import Blueprint

blueprint = Blueprint("site_people", __name__, description="Who works for a site.")
MEMBERS = "/sites/<uuid:site_id>/members"
INVITATIONS = f"{MEMBERS}/invitations"
LINK = "/site-invitations/<string:token>"
OWNERS = site_member("site_owner", operators=False)


@blueprint.route(INVITATIONS, methods=["POST"])
@OWNERS
@blueprint.arguments(SiteInviteArgs)
@blueprint.response(201, SiteInvitationSchema)
@inviting
def invite(data: dict[str, str], site_id: UUID) -> Any:
    """Invite somebody by their address to work for the site; again: another link, and that role."""
    return site_people.invite(
        context.session(),
        site_id,
        _name(site_id),
        data["email"],
        Role(data["role"]),
        actor=person(),
        signer=signer(),
        now=context.now(),
    )


@blueprint.route(INVITATIONS, methods=["GET"])
@OWNERS
@blueprint.response(200, SiteInvitationsSchema)
def list_invitations(site_id: UUID) -> dict[str, Any]:
    """List whom the site has invited and who has not answered yet."""
    return {"items": queries.open_invitations(context.session(), site_id)}


@blueprint.route(f"{INVITATIONS}/<uuid:invitation_id>/withdraw", methods=["POST"])
@OWNERS
@blueprint.response(204)
def withdraw(site_id: UUID, invitation_id: UUID) -> None:
    """Take an invitation back; its link opens nothing from then on."""
    actor_id = person().id
    site_people.withdraw(
        context.session(), site_id, invitation_id, actor_id=actor_id, now=context.now()
    )


@blueprint.route(f"{MEMBERS}/<uuid:membership_id>", methods=["PATCH"])
@OWNERS
@blueprint.arguments(SiteRoleArgs)
@blueprint.response(204)
def change(data: dict[str, str], site_id: UUID, membership_id: UUID) -> None:
    """Give a member another role. 409 `last_owner`: the site keeps one."""
    site_people.change(membership_id=membership_id, role=Role(data["role"]), **_at(site_id))


@blueprint.route(f"{MEMBERS}/<uuid:membership_id>", methods=["DELETE"])
@OWNERS
@blueprint.response(204)
def remove(site_id: UUID, membership_id: UUID) -> None:
    """End a member's role, or your own. 409 `last_owner`: the site keeps one."""
    site_people.remove(membership_id=membership_id, **_at(site_id))


@blueprint.route(LINK, methods=["GET"])
@public
@blueprint.response(200, SiteLinkSchema)
def look(token: str) -> dict[str, Any]:
    """See which site asks you to work for it, and as what. Opening the link changes nothing."""
    found = site_people.invitation(context.session(), signer(), token, context.now())
    return {
        "site_name": _name(found.site_id),
        "role": found.role,
        "email": found.email,
        "expires_at": found.expires_at,
    }


@blueprint.route(f"{LINK}/acceptance", methods=["POST"])
@in_person
@blueprint.response(201, MembershipSchema)
def accept(token: str) -> Any:
    """Work for the site from now on. 403 `other_address` unless your account has that address."""
    session, now = context.session(), context.now()
    found = site_people.invitation(session, signer(), token, now)
    return site_people.accept(
        session, signer(), token, _name(found.site_id), account=current_account(), now=now
    )


@blueprint.route(f"{LINK}/refusal", methods=["POST"])
@public
@blueprint.response(204)
def refuse(token: str) -> None:
    """Say no. No account is needed."""
    site_people.refuse(context.session(), signer(), token, context.now())


def _at(site_id: UUID) -> dict[str, Any]:
    return {
        "session": context.session(),
        "site_id": site_id,
        "site_name": _name(site_id),
        "actor": person(),
        "now": context.now(),
    }


def _name(site_id: UUID) -> str:
    return sites.site(context.session(), site_id).name
