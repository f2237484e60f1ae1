"""One's own API keys, on the pages of a site's people and of a school's coordinators."""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from flask import request

from marketplace.identity import queries
from marketplace.identity.access import current_account
from marketplace.identity.rules import Scope
from marketplace.identity.schemas.people import ApiKeySchema
from marketplace.identity.service import api_keys
from marketplace.pages import forms
from marketplace.pages.view import reader
from marketplace.pages.words import noted
from marketplace.web import context

SCOPES = {
    Scope.READ: noted("read what you may read"),
    Scope.WRITE: noted("change what you may change"),
}


def make() -> tuple[str | None, dict[str, str], forms.Errors]:
    """Make the key that a form asks for: the key itself, or what was typed and is wrong with it."""
    given = forms.typed()
    sent: dict[str, Any] = {"name": given.get("name"), "scopes": request.form.getlist("scopes")}
    if "expires_on" in given:
        sent["expires_at"] = _midnight(given["expires_on"])
    values, errors = forms.read(ApiKeySchema(), {k: v for k, v in sent.items() if v is not None})
    if errors:
        plain = {{"expires_at": "expires_on"}.get(one, one): texts for one, texts in errors.items()}
        return None, given, plain
    _, key = api_keys.create(context.session(), current_account().id, now=context.now(), **values)
    return key, {}, {}


def revoke(key_id: UUID) -> None:
    """End one of one's own keys, at once and for good."""
    api_keys.revoke(context.session(), current_account().id, key_id, context.now())


def shown(key: str | None = None) -> dict[str, Any]:
    """What a page needs to list one's keys and to ask for another; `key` is one just made."""
    own: Sequence[Any] = queries.api_keys(context.session(), current_account().id)
    return {
        "keys": list(own),
        "key": key,
        "scopes": SCOPES,
        "chosen": request.form.getlist("scopes") or [Scope.READ.value],
        "now": context.now(),
    }


def _midnight(text: str) -> str:
    """The beginning of a day where the reader is; anything else as it is, to be refused."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return datetime.combine(day, time(), reader().zone).isoformat()
