"""`/schools/…/coordinators`: who acts for a school, changed by those who do."""

from typing import Any
from uuid import UUID

from marketplace.identity.access import (
    current_account,
    in_person,
    public,
    school_member,
)
from marketplace.identity.models import CoordinatorInvitation, Membership
from marketplace.identity.queries import schools as queries
from marketplace.identity.routes.inviting import person, signer
from marketplace.identity.routes.limited import inviting
from marketplace.identity.schemas.coordinators import (
    CoordinatorInvitationPage,
    CoordinatorInvitationSchema,
    CoordinatorInviteArgs,
    CoordinatorLinkSchema,
)
from marketplace.identity.schemas.people import MembershipSchema
from marketplace.identity.service import coordinators
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs

blueprint = Blueprint(
    "school_coordinators", __name__, url_prefix="/schools", description="Who acts for a school."
)
OF_SCHOOL = "/<uuid:school_id>/coordinators"
LINK = "/coordinator-invitations/<string:token>"


@blueprint.route(f"{OF_SCHOOL}/invitations", methods=["POST"])
@school_member(operators=False)
@blueprint.arguments(CoordinatorInviteArgs)
@blueprint.response(201, CoordinatorInvitationSchema)
@inviting
def invite(data: dict[str, str], school_id: UUID) -> CoordinatorInvitation:
    """Invite a colleague by their address to act for the school as you do; again: another link."""
    session = context.session()
    return coordinators.invite(
        session,
        queries.find(session, school_id),
        data["email"],
        actor=person(),
        signer=signer(),
        now=context.now(),
    )


@blueprint.route(f"{OF_SCHOOL}/invitations", methods=["GET"])
@school_member()
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, CoordinatorInvitationPage)
def list_invitations(data: dict[str, Any], school_id: UUID) -> Page[CoordinatorInvitation]:
    """List whom the school has invited to act for it, the newest first, whatever became of it."""
    return queries.invitations(context.session(), school_id, **data)


@blueprint.route(f"{OF_SCHOOL}/invitations/<uuid:invitation_id>/withdraw", methods=["POST"])
@school_member(operators=False)
@blueprint.response(204)
def withdraw(school_id: UUID, invitation_id: UUID) -> None:
    """Take an invitation back; its link opens nothing from then on."""
    coordinators.withdraw(
        context.session(),
        school_id,
        invitation_id,
        actor_id=person().id,
        now=context.now(),
    )


@blueprint.route(f"{OF_SCHOOL}/<uuid:membership_id>", methods=["DELETE"])
@school_member(operators=False)
@blueprint.response(204)
def remove(school_id: UUID, membership_id: UUID) -> None:
    """End a colleague's role, or your own. 409 `last_coordinator`: the school keeps one."""
    coordinators.remove(
        context.session(), school_id, membership_id, actor=person(), now=context.now()
    )


@blueprint.route(LINK, methods=["GET"])
@public
@blueprint.response(200, CoordinatorLinkSchema)
def look(token: str) -> dict[str, Any]:
    """See which school asks you to act for it. Opening the link changes nothing."""
    session = context.session()
    found = coordinators.invitation(session, signer(), token, context.now())
    school = queries.find(session, found.school_id)
    return {
        "school_name": school.name,
        "country": school.country,
        "city": school.city,
        "email": found.email,
        "state": found.state,
        "expires_at": found.expires_at,
    }


@blueprint.route(f"{LINK}/acceptance", methods=["POST"])
@in_person
@blueprint.response(201, MembershipSchema)
def accept(token: str) -> Membership:
    """Act for the school from now on. 403 `other_address` unless your account has that address."""
    return coordinators.accept(
        context.session(), signer(), token, account=current_account(), now=context.now()
    )


@blueprint.route(f"{LINK}/refusal", methods=["POST"])
@public
@blueprint.response(204)
def refuse(token: str) -> None:
    """Say no. No account is needed."""
    coordinators.refuse(context.session(), signer(), token, context.now())
