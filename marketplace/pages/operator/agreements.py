"""The texts from which agreements are drafted: read, and added to version by version."""

from collections.abc import Mapping
from typing import Any

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.compliance.queries import agreements as queries
from marketplace.compliance.rules.agreements import GIVEN
from marketplace.compliance.schemas.agreements import AgreementTemplateArgs
from marketplace.compliance.service import agreements
from marketplace.identity.access import current_account, require
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page
from marketplace.web import context

NOT_PROCESSABLE = 422
BASE = "/desk/agreements"

blueprint = Pages("desk_agreements")


@blueprint.get(BASE)
@require("operator")
def list_texts() -> Response:
    """Show each text in its newest version, and a form for another; `name` fills it with one."""
    return _shown({}, {})


@blueprint.post(BASE)
@require("operator")
def add_text() -> Response:
    """Add a version of a text; agreements drafted from earlier ones keep theirs."""
    typed = forms.typed()
    given: dict[str, Any] = {name: typed.get(name, "") for name in ("name", "title", "body")}
    given["fields"] = [
        _field(line) for line in typed.get("fields", "").splitlines() if line.strip()
    ]
    by, now = current_account().id, context.now()
    errors = forms.carried_out(
        AgreementTemplateArgs(),
        given,
        lambda values: agreements.make_template(context.session(), actor_id=by, now=now, **values),
        "body",
    )
    return _shown(typed, _beside(errors)) if errors else redirect(BASE, 303)


def _field(line: str) -> dict[str, str]:
    """A line of the form: the name that the text has, and after a colon what is asked for."""
    key, _, label = line.partition(":")
    return {"key": key.strip(), "label": label.strip()}


def _beside(errors: forms.Errors) -> forms.Errors:
    """Errors of lines stand beside their one field, with the number of the line."""
    found: dict[str, list[str]] = {}
    for name, texts in errors.items():
        field, _, rest = name.partition(".")
        line = rest.partition(".")[0]
        said = [f"{int(line) + 1}: {text}" for text in texts] if line.isdecimal() else list(texts)
        found.setdefault(field, []).extend(said)
    return found


def _shown(typed: Mapping[str, str], errors: forms.Errors) -> Response:
    texts = queries.templates(context.session())
    named = next((one for one in texts if one.name == request.args.get("name")), None)
    if named is not None and not typed:
        lines = "\n".join(f"{one['key']}: {one['label']}" for one in named.fields)
        typed = {"name": named.name, "title": named.title, "body": named.body, "fields": lines}
    return form_page(
        "desk/agreements.html",
        NOT_PROCESSABLE if errors else 200,
        texts=texts,
        given=GIVEN,
        typed=typed,
        errors=errors,
    )
