"""Accounts: found by name or address, with their roles; their pages seen as they see them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.catalog.queries import sites
from marketplace.core.errors import NotFound
from marketplace.identity import queries
from marketplace.identity.access import caller, current_account, impersonating, require, signed_in
from marketplace.identity.queries import schools
from marketplace.identity.rules import Role
from marketplace.identity.schemas.people import AccountsArgs, ImpersonationArgs
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page, page, reader
from marketplace.web import context

A_PAGE = 50
MINUTES = (10, 30, 60)
NOT_PROCESSABLE = 422
# Where somebody with one of these roles begins.
FIRST_PAGES = (
    (Role.SITE_OWNER, "/host"),
    (Role.COORDINATOR, "/host"),
    (Role.PRECEPTOR, "/host"),
    (Role.TRAINEE, "/rotations"),
)

blueprint = Pages("desk_accounts")


@blueprint.get("/desk/accounts")
@require("operator")
def find() -> Response:
    """Find accounts by a part of their name or address."""
    given: dict[str, Any] = {
        name: text for name, text in request.args.items() if name in ("text", "cursor") and text
    }
    values, errors = forms.read(AccountsArgs(), {**given, "limit": A_PAGE})
    found = None if errors or "text" not in given else queries.accounts(context.session(), **values)
    status = NOT_PROCESSABLE if errors else 200
    return page("desk/accounts.html", status, found=found, typed=given, errors=errors)


@blueprint.get("/desk/accounts/<uuid:account_id>")
@require("operator")
def show(account_id: UUID) -> Response:
    """Show an account with its roles, and ask why its pages are to be seen."""
    return shown(account_id, {}, {})


@blueprint.post("/desk/accounts/<uuid:account_id>/look")
@require("operator")
def look(account_id: UUID) -> Response:
    """See the pages as the account does; it is told at once."""
    typed = forms.typed()
    given: dict[str, Any] = {"reason": typed.get("reason", "")}
    given["minutes"] = forms.whole_number(typed.get("minutes", ""))
    values, errors = forms.read(ImpersonationArgs(), given)
    if not errors:
        operator = current_account()
        _, errors = forms.tried(
            lambda: impersonating.begin(operator, account_id, **values), "reason"
        )
    return shown(account_id, typed, errors) if errors else redirect(_first_page(account_id), 303)


@blueprint.post(impersonating.STOP)
@signed_in
def stop() -> Response:
    """See the pages as oneself again."""
    seen = caller().seen
    if seen is None:
        return redirect("/desk/accounts", 303)
    impersonating.end(seen)
    return redirect(f"/desk/accounts/{seen.account.id}", 303)


def _first_page(account_id: UUID) -> str:
    held = {one.role for one in queries.live_memberships(context.session(), account_id)}
    return next((path for role, path in FIRST_PAGES if role in held), "/")


def shown(account_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    """The page of an account, with what was typed into one of its forms and what is wrong with it."""
    session, who = context.session(), reader()
    person = queries.account(session, account_id)
    if person is None:
        raise NotFound
    roles = queries.all_memberships(session, person.id)
    at = sites.names(session, [one.site_id for one in roles if one.site_id])
    at |= schools.names(session, [one.school_id for one in roles if one.school_id])
    live = {one.role for one in roles if one.revoked_at is None}
    return form_page(
        "desk/account.html",
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        grants=[(one.value, who.label(f"role_{one.value}")) for one in Role],
        own=current_account().id == person.id,
        person=person,
        roles=roles,
        places=at,
        may_look=person.active and Role.OPERATOR not in live,
        minutes=MINUTES,
        typed=typed,
        errors=errors,
    )
