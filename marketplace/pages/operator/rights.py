"""Rights to exports with names: given to an analyst for a reason and a time, listed, revoked."""

from collections.abc import Mapping
from uuid import UUID

from flask import redirect
from werkzeug.wrappers import Response

from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, require
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page, reader
from marketplace.reporting.queries import exports as queries
from marketplace.reporting.schemas.exports import RightArgs
from marketplace.reporting.service import export_rights
from marketplace.web import context

BASE = "/desk/rights"
A_PAGE = 50
NOT_PROCESSABLE = 422

blueprint = Pages("desk_rights")


@blueprint.get(BASE)
@require("operator")
def list_rights() -> Response:
    """List who may have exports with names, or might, and give the right."""
    return _rights({}, {})


@blueprint.post(BASE)
@require("operator")
def give() -> Response:
    """Give an analyst the right, for a reason and until a moment."""
    typed = forms.typed()
    person = identity.account_by_email(context.session(), typed.get("email", "").strip().lower())
    if person is None:
        return _rights(typed, {"email": ["Nobody has this address here."]})
    given = {"account_id": str(person.id), "reason": typed.get("reason")}
    if "expires_at" in typed:
        given["expires_at"] = reader().day_ended(typed["expires_at"])
    errors = forms.carried_out(
        RightArgs(),
        {name: value for name, value in given.items() if value is not None},
        lambda values: export_rights.give(
            context.session(), granted_by=current_account().id, now=context.now(), **values
        ),
        "email",
    )
    # It is the address that was typed.
    errors = {"email" if name == "account_id" else name: said for name, said in errors.items()}
    return _rights(typed, errors) if errors else redirect(BASE, 303)


@blueprint.post(f"{BASE}/<uuid:right_id>/revoke")
@require("operator")
def revoke(right_id: UUID) -> Response:
    """End a right now; what was exported with it stays on record."""
    export_rights.revoke(context.session(), right_id, by=current_account().id, now=context.now())
    return redirect(BASE, 303)


def _rights(typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session = context.session()
    found = queries.rights(session, limit=A_PAGE, cursor=forms.cursor())
    people = {one.account_id for one in found.items} | {one.granted_by for one in found.items}
    people |= {one.revoked_by for one in found.items if one.revoked_by}
    return form_page(
        "desk/rights.html",
        NOT_PROCESSABLE if errors else 200,
        found=found,
        people=identity.contacts(session, sorted(people)),
        now=context.now(),
        typed=typed,
        errors=errors,
    )
