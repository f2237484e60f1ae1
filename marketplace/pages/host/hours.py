"""The hours that a trainee has logged: read, signed for the site, a signature taken back."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response, request
from werkzeug.wrappers import Response as Answer

from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.identity.access import caller, current_account, site_member
from marketplace.outcomes.routes.days import LEADS, taught
from marketplace.outcomes.schemas.days import SignArgs, WithdrawArgs
from marketplace.outcomes.service import hours
from marketplace.outcomes.service.rotations import Rotation, rotation
from marketplace.pages import forms
from marketplace.pages.host.frame import (
    NOT_PROCESSABLE,
    PEOPLE,
    back,
    panel,
    refusal,
)
from marketplace.pages.view import Pages
from marketplace.web import context

TAB = "/roster"
BASE = "/host/sites/<uuid:site_id>/rotations/<uuid:booking_id>/hours"

blueprint = Pages("host_hours")


@blueprint.get(BASE)
@site_member(*PEOPLE, operators=False)
def show(site_id: UUID, booking_id: UUID) -> Response:
    """Show the hours that count, day by day."""
    return _shown(site_id, _about(site_id, booking_id))


@blueprint.post(BASE)
@site_member(*PEOPLE, operators=False)
def sign(site_id: UUID, booking_id: UUID) -> Answer:
    """Sign the very entries that were read."""
    about, by = _about(site_id, booking_id), current_account().id
    values, errors = forms.read(SignArgs(), {"entries": request.form.getlist("entries")})
    if errors:
        return _shown(site_id, about, errors={"entries": _texts(errors)})
    try:
        taught(booking_id)
        hours.sign(
            context.session(), booking_id, values["entries"], signer_id=by, now=context.now()
        )
    except forms.REFUSALS as error:
        refused = forms.meant(error)
        return _shown(site_id, about, refused=refusal(refused), status=refused.status)
    return back(site_id, f"/rotations/{booking_id}/hours", "signed")


@blueprint.post(f"{BASE}/withdrawal")
@site_member(*PEOPLE, operators=False)
def withdraw(site_id: UUID, booking_id: UUID) -> Answer:
    """Let signatures count no more: one's own, or as a coordinator a colleague's too."""
    about, by = _about(site_id, booking_id), current_account().id
    given = forms.typed()
    sent = {"entries": request.form.getlist("signed"), "reason": given.get("reason", "")}
    values, errors = forms.read(WithdrawArgs(), sent)
    if errors:
        named = {"reason" if "reason" in errors else "signed": _texts(errors)}
        return _shown(site_id, about, given, named)
    try:
        taught(booking_id)
        hours.withdraw(
            context.session(),
            booking_id,
            values["entries"],
            reason=values["reason"],
            by=by,
            any_signer=bool(caller().site_roles(site_id) & LEADS),
            now=context.now(),
        )
    except forms.REFUSALS as error:
        refused = forms.meant(error)
        return _shown(site_id, about, given, refused=refusal(refused), status=refused.status)
    return back(site_id, f"/rotations/{booking_id}/hours", "unsigned")


def _shown(
    site_id: UUID,
    about: Rotation,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, Any] | None = None,
    refused: str | None = None,
    status: int = NOT_PROCESSABLE,
) -> Response:
    session = context.session()
    log = hours.log(session, about.booking_id)
    people = {one.signed_by for one in log.days if one.signed_by} | {about.trainee_id}
    return panel(
        "host/hours.html",
        site_id,
        TAB,
        status if errors or refused else 200,
        about=about,
        log=log,
        people=identity.contacts(session, list(people)),
        typed=typed or {},
        errors=errors or {},
        refused=refused,
    )


def _about(site_id: UUID, booking_id: UUID) -> Rotation:
    found = rotation(context.session(), booking_id)
    if found.site_id != site_id:
        raise NotFound
    return found


def _texts(errors: Mapping[str, list[str]]) -> list[str]:
    return [text for texts in errors.values() for text in texts]
