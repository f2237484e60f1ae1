"""An account's roles, given and ended; and the account itself, closed and opened again."""

from uuid import UUID

from flask import redirect
from werkzeug.wrappers import Response

from marketplace.core.errors import NotFound
from marketplace.identity import queries
from marketplace.identity.access import current_account, require
from marketplace.identity.rules import SCHOOL_ROLES, SITE_ROLES
from marketplace.identity.schemas.people import (
    AccountStateSchema,
    RoleEndArgs,
    RoleGrantSchema,
)
from marketplace.identity.service import accounts, memberships
from marketplace.pages import forms
from marketplace.pages.operator import places
from marketplace.pages.operator.accounts import shown
from marketplace.pages.view import Pages
from marketplace.web import context

ONE = "/desk/accounts/<uuid:account_id>"

blueprint = Pages("desk_account_roles")


@blueprint.post(f"{ONE}/roles")
@require("operator")
def grant(account_id: UUID) -> Response:
    """Grant a role: at a site for a host's, at a school for its coordinator's."""
    typed = forms.typed()
    place, errors = _place(typed.get("role", ""), typed.get("place", "").strip())
    if not errors:
        errors = forms.carried_out(
            RoleGrantSchema(),
            {"role": typed.get("role", ""), "reason": typed.get("why_role", ""), **place},
            lambda values: memberships.give(
                context.session(),
                account_id,
                given_by=current_account().id,
                now=context.now(),
                **values,
            ),
            "role",
        )
    return _done(account_id, typed, _beside(errors, "why_role"))


@blueprint.post(f"{ONE}/roles/<uuid:membership_id>/end")
@require("operator")
def revoke(account_id: UUID, membership_id: UUID) -> Response:
    """End a role from now on; that it was held is kept."""
    session, by, now = context.session(), current_account().id, context.now()
    if membership_id not in {one.id for one in queries.all_memberships(session, account_id)}:
        raise NotFound
    typed, field = forms.typed(), f"why_{membership_id}"
    errors = forms.carried_out(
        RoleEndArgs(),
        {"reason": typed.get(field, "")},
        lambda values: memberships.end(session, membership_id, ended_by=by, now=now, **values),
        field,
    )
    return _done(account_id, typed, _beside(errors, field))


@blueprint.post(f"{ONE}/state")
@require("operator")
def close(account_id: UUID) -> Response:
    """Close the account, which ends its sessions and tokens at once; or open it again."""
    session, typed = context.session(), forms.typed()
    account = queries.account(session, account_id)
    if account is None:
        raise NotFound
    by, now = current_account().id, context.now()
    errors = forms.carried_out(
        AccountStateSchema(),
        {"active": typed.get("active") == "yes", "reason": typed.get("why_state", "")},
        lambda values: accounts.set_active(session, account, by=by, now=now, **values),
        "why_state",
    )
    return _done(account_id, typed, _beside(errors, "why_state"))


def _place(role: str, name: str) -> tuple[dict[str, str], forms.Errors]:
    """Which site or school is meant by what was typed of its name, where the role needs one."""
    if role in SITE_ROLES:
        field, meant = "site_id", places.site(name)
    elif role in SCHOOL_ROLES:
        field, meant = "school_id", places.school(name)
    else:
        return {}, {}
    return ({}, {"place": [meant]}) if isinstance(meant, str) else ({field: str(meant)}, {})


def _beside(errors: forms.Errors, field: str) -> forms.Errors:
    """What is wrong with a reason, beside the field of that form: the page has several."""
    return {field if name == "reason" else name: said for name, said in errors.items()}


def _done(account_id: UUID, typed: dict[str, str], errors: forms.Errors) -> Response:
    if errors:
        return shown(account_id, typed, errors)
    return redirect(f"/desk/accounts/{account_id}", 303)
