"""The suspense account, line by line: what moved, when, how much, and what it turned out to be."""

from collections.abc import Mapping

from flask import redirect
from werkzeug.wrappers import Response

from marketplace.identity.access import current_account, require
from marketplace.pages import forms
from marketplace.pages.operator.recording import record
from marketplace.pages.view import Pages, form_page, reader
from marketplace.payments.queries import suspense as queries
from marketplace.payments.schemas import SuspenseArgs
from marketplace.payments.service import suspense
from marketplace.web import context

MANY = 200
NOT_PROCESSABLE = 422
BASE = "/desk/suspense"

blueprint = Pages("desk_suspense")


@blueprint.get(BASE)
@require("operator")
def show() -> Response:
    """List what nobody could explain yet, the oldest first."""
    return _shown({}, {})


@blueprint.post(BASE)
@require("operator")
def settle() -> Response:
    """Move a line to the account that it belongs to, saying what was found out."""
    typed, session = forms.typed(), context.session()

    def do(values: Mapping[str, str]) -> None:
        own, now = current_account().id, context.now()
        account, source = values["account"], values["source"]
        case = suspense.settle(session, source, account, why=values["reason"], by=own, now=now)
        about = {"source": source, "account": account, "reason": values["reason"]}
        record("suspense.settled", "quarantine", case, **about)

    given = {name: typed.get(name, "") for name in ("source", "account", "reason")}
    errors = forms.carried_out(SuspenseArgs(), given, do, "reason")
    return _shown(typed, errors) if errors else redirect(BASE, 303)


def _shown(typed: Mapping[str, str], errors: forms.Errors) -> Response:
    lines, who = queries.lines(context.session(), MANY), reader()
    chosen = next((one for one in lines if one.source == typed.get("source")), None)
    return form_page(
        "desk/suspense.html",
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        lines=lines,
        chosen=chosen,
        accounts=[(kind.value, who.label(f"suspense_{kind.value}")) for kind in suspense.MOVED],
        typed=typed,
        errors=errors,
    )
