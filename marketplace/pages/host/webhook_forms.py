"""Webhooks made and changed by forms: the address, what it is told, its secrets."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import redirect, request
from marshmallow import Schema
from werkzeug.wrappers import Response

from marketplace.catalog.queries import sites
from marketplace.identity.access import current_account
from marketplace.identity.queries import schools
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page, reader
from marketplace.pages.words import noted
from marketplace.web import context
from marketplace.webhooks import queries
from marketplace.webhooks.gateway import WebhookSender
from marketplace.webhooks.routes import SCHOOL, SITE
from marketplace.webhooks.routes.endpoints import Guards, owner_of
from marketplace.webhooks.rules import catalogue
from marketplace.webhooks.rules.owners import Owner, Side
from marketplace.webhooks.schemas import (
    WebhookEndpointArgs,
    WebhookEndpointChangeArgs,
    WebhookRotationArgs,
)
from marketplace.webhooks.service import endpoints

NOT_PROCESSABLE = 422
CHANGED = 412
HOURS = (24, 1, 0, 168)
NEWER = noted("Somebody has changed it meanwhile: this is how it is now.")

blueprint = Pages("webhook_forms")


def new(**where: UUID) -> Response:
    """Ask where to send, and what."""
    return _form(owner_of(where), {}, {}, [])


def create(**where: UUID) -> Response:
    """Make an endpoint; its secret is shown this once, so the answer is the page itself."""
    owner, typed, chosen = owner_of(where), forms.typed(), request.form.getlist("types")
    given = {"url": typed.get("url", ""), "types": chosen}
    given["description"] = typed.get("description", "")
    values, errors = _read(WebhookEndpointArgs(), given)
    made = None
    if not errors:
        made, errors = forms.tried(
            lambda: endpoints.create(context.session(), owner, **values, **_by()), "url"
        )
    if made is None:
        return _form(owner, typed, errors, chosen)
    row, secret = made
    return _secret(row, secret)


def edit(endpoint_id: UUID, **where: UUID) -> Response:
    """Show what can be changed of an endpoint, and the secrets that sign now."""
    return _edit(owner_of(where), endpoint_id, None, {})


def change(endpoint_id: UUID, **where: UUID) -> Response:
    """Change an endpoint, unless somebody else has since it was looked at."""
    owner, typed = owner_of(where), forms.typed()
    row = queries.endpoint(context.session(), owner, endpoint_id, lock=True)
    given: dict[str, Any] = {
        "url": typed.get("url", ""),
        "description": typed.get("description", ""),
        "types": request.form.getlist("types"),
        "enabled": typed.get("enabled") == "yes",
    }
    if typed.get("version") != str(row.version):
        return _edit(owner, endpoint_id, None, {"url": [reader().say(NEWER)]}, CHANGED)
    values, errors = _read(WebhookEndpointChangeArgs(), given)
    if not errors:
        _, errors = forms.tried(
            lambda: endpoints.change(context.session(), row, values, **_by()), "url"
        )
    return _edit(owner, endpoint_id, given, errors) if errors else _to(owner, endpoint_id)


def rotate(endpoint_id: UUID, **where: UUID) -> Response:
    """Make another secret; the one before still signs for as long as was chosen."""
    owner = owner_of(where)
    hours = forms.whole_number(forms.typed().get("overlap_hours", ""))
    values, errors = forms.read(WebhookRotationArgs(), {"overlap_hours": hours})
    if errors:
        return _edit(owner, endpoint_id, None, errors)
    session = context.session()
    row = queries.endpoint(session, owner, endpoint_id, lock=True)
    overlap = timedelta(hours=values["overlap_hours"])
    return _secret(row, endpoints.rotate(session, row, overlap, **_by()))


def end_secret(endpoint_id: UUID, secret_id: UUID, **where: UUID) -> Response:
    """Let a secret that was rotated out sign no more."""
    owner, session = owner_of(where), context.session()
    row = queries.endpoint(session, owner, endpoint_id, lock=True)
    _, errors = forms.tried(
        lambda: endpoints.revoke_secret(session, row, secret_id, **_by()), "secrets"
    )
    if errors:
        return _edit(owner, endpoint_id, None, errors)
    return redirect(f"{_base(owner)}/{endpoint_id}/edit#secrets", 303)


def delete(endpoint_id: UUID, **where: UUID) -> Response:
    """Delete an endpoint: nothing more is sent there."""
    session = context.session()
    row = queries.endpoint(session, owner_of(where), endpoint_id, lock=True)
    endpoints.delete(session, row, **_by())
    return redirect("/webhooks", 303)


def _read(schema: Schema, given: dict[str, Any]) -> tuple[dict[str, Any], forms.Errors]:
    """What the schema makes of the form; boxes of which none is ticked are told of as such."""
    values, errors = forms.read(schema, given)
    if "types" in errors and not given.get("types"):
        errors = {**errors, "types": ["Tick at least one."]}
    return values, errors


def _form(owner: Owner, typed: dict[str, str], errors: forms.Errors, chosen: list[str]) -> Response:
    return form_page(
        "webhooks/new.html",
        NOT_PROCESSABLE if errors else 200,
        base=_base(owner),
        owner_name=_name(owner),
        types=_types(owner),
        here_too=context.parts().get(WebhookSender).loopback,
        chosen=chosen,
        typed=typed,
        errors=errors,
    )


def _edit(
    owner: Owner,
    endpoint_id: UUID,
    given: dict[str, Any] | None,
    errors: forms.Errors,
    status: int = NOT_PROCESSABLE,
) -> Response:
    session = context.session()
    row = queries.endpoint(session, owner, endpoint_id)
    now = {
        "url": row.url,
        "description": row.description,
        "types": row.types,
        "enabled": row.state == "enabled",
    }
    return form_page(
        "webhooks/edit.html",
        status if errors else 200,
        base=_base(owner),
        row=row,
        types=_types(owner),
        here_too=context.parts().get(WebhookSender).loopback,
        secrets=queries.secrets(session, row.id, context.now()),
        hours=HOURS,
        typed=given or now,
        errors=errors,
    )


def _secret(row: Any, secret: str) -> Response:
    response = form_page(
        "webhooks/secret.html", row=row, base=f"{_base(row.owner)}/{row.id}", secret=secret
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _types(owner: Owner) -> list[tuple[str, str]]:
    """What can be told to this side: the name that programs know, and what it says in words."""
    known = catalogue.types()
    return [(name, known[name].says) for name in catalogue.chosen(owner.side)]


def _name(owner: Owner) -> str:
    session = context.session()
    if owner.side is Side.SITE:
        return sites.site(session, owner.id).name
    return schools.names(session, [owner.id])[owner.id]


def _to(owner: Owner, endpoint_id: UUID) -> Response:
    return redirect(f"{_base(owner)}/{endpoint_id}", 303)


def _base(owner: Owner) -> str:
    return f"/webhooks/{owner.side.value}s/{owner.id}"


def _by() -> dict[str, Any]:
    return {"actor_id": current_account().id, "now": context.now()}


def _add(side: Side, guards: Guards) -> None:
    """Add the forms of one owner's endpoints, for sites or for schools."""
    base = f"/webhooks/{side.value}s/<uuid:{side.value}_id>"
    for method, path, view in VIEWS:
        name = f"{side.value}_{view.__name__}"
        blueprint.add_url_rule(f"{base}{path}", name, guards.write(view), methods=[method])


ONE = "/<uuid:endpoint_id>"
VIEWS: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/new", new),
    ("POST", "/new", create),
    ("GET", f"{ONE}/edit", edit),
    ("POST", f"{ONE}/edit", change),
    ("POST", f"{ONE}/secrets", rotate),
    ("POST", f"{ONE}/secrets/<uuid:secret_id>/end", end_secret),
    ("POST", f"{ONE}/delete", delete),
)
_add(Side.SITE, SITE)
_add(Side.SCHOOL, SCHOOL)
