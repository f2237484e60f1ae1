"""`/operator`: what the staff of the marketplace does with accounts, roles and e-mails."""

from typing import Any
from uuid import UUID

from marketplace.core.errors import NotFound
from marketplace.identity import queries
from marketplace.identity.access import current_account, require
from marketplace.identity.models import Account, Membership, Notice, School
from marketplace.identity.queries import notices as kept
from marketplace.identity.schemas.notices import NoticePage, NoticesArgs, NoticeSchema
from marketplace.identity.schemas.people import (
    AccountPage,
    AccountsArgs,
    AccountSchema,
    AccountStateSchema,
    MembershipSchema,
    MembershipsSchema,
    RoleEndArgs,
    RoleGrantSchema,
    SchoolSchema,
)
from marketplace.identity.service import accounts, memberships, notices
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page

blueprint = Blueprint(
    "operator_accounts", __name__, url_prefix="/operator", description="Accounts, for operators"
)


@blueprint.route("/accounts", methods=["GET"])
@require("operator")
@blueprint.arguments(AccountsArgs, location="query")
@blueprint.response(200, AccountPage)
def list_accounts(data: dict[str, Any]) -> Page[Account]:
    """List accounts by address."""
    return queries.accounts(context.session(), **data)


@blueprint.route("/accounts/<uuid:account_id>", methods=["GET"])
@require("operator")
@blueprint.response(200, AccountSchema)
def show_account(account_id: UUID) -> Account:
    """Read an account."""
    return _account(account_id)


@blueprint.route("/accounts/<uuid:account_id>", methods=["PATCH"])
@require("operator")
@blueprint.arguments(AccountStateSchema)
@blueprint.response(200, AccountSchema)
def set_active(data: dict[str, Any], account_id: UUID) -> Account:
    """Close or reopen an account; closing ends its tokens and sessions at once."""
    account = _account(account_id)
    return accounts.set_active(
        context.session(), account, by=current_account().id, now=context.now(), **data
    )


@blueprint.route("/accounts/<uuid:account_id>/memberships", methods=["GET"])
@require("operator")
@blueprint.response(200, MembershipsSchema)
def list_memberships(account_id: UUID) -> dict[str, Any]:
    """Read every role that an account has or had."""
    account = _account(account_id)
    return {"items": queries.all_memberships(context.session(), account.id)}


@blueprint.route("/accounts/<uuid:account_id>/memberships", methods=["POST"])
@require("operator")
@blueprint.arguments(RoleGrantSchema)
@blueprint.response(201, MembershipSchema)
def grant(data: dict[str, Any], account_id: UUID) -> Membership:
    """Grant a role: at a site for a host's, at a school for its coordinator's."""
    return memberships.give(
        context.session(),
        account_id,
        given_by=current_account().id,
        now=context.now(),
        **data,
    )


@blueprint.route("/memberships/<uuid:membership_id>", methods=["DELETE"])
@require("operator")
@blueprint.arguments(RoleEndArgs, location="query")
@blueprint.response(200, MembershipSchema)
def revoke(args: dict[str, str], membership_id: UUID) -> Membership:
    """Revoke a role from now on; that it was held is kept."""
    return memberships.end(
        context.session(),
        membership_id,
        ended_by=current_account().id,
        now=context.now(),
        **args,
    )


@blueprint.route("/schools", methods=["POST"])
@require("operator")
@blueprint.arguments(SchoolSchema)
@blueprint.response(200, SchoolSchema)
def ensure_school(data: dict[str, str]) -> School:
    """Make a school, or find the one of this name and country."""
    return memberships.ensure_school(context.session(), **data)


@blueprint.route("/notices", methods=["GET"])
@require("operator")
@blueprint.arguments(NoticesArgs, location="query")
@blueprint.response(200, NoticePage)
def list_notices(data: dict[str, Any]) -> Page[Notice]:
    """List e-mails, newest first: what was sent, what waits, what could not be sent and why."""
    return kept.notices(context.session(), **data)


@blueprint.route("/notices/<uuid:notice_id>/send", methods=["POST"])
@require("operator")
@blueprint.response(202, NoticeSchema)
def send_again(notice_id: UUID) -> Notice:
    """Send a notice again that could not be sent."""
    return notices.send_again(context.session(), notice_id)


def _account(account_id: UUID) -> Account:
    found = queries.account(context.session(), account_id)
    if found is None:
        raise NotFound
    return found
