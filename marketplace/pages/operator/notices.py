"""E-mails that were sent, wait, or could not be sent and why; those can be sent again."""

from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.identity import queries as identity
from marketplace.identity.access import require
from marketplace.identity.queries import notices as queries
from marketplace.identity.schemas.notices import NoticesArgs
from marketplace.identity.service import notices, templating
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page, reader
from marketplace.web import context

A_PAGE = 50
NOT_PROCESSABLE = 422
BASE = "/desk/notices"

blueprint = Pages("desk_notices")


@blueprint.get(BASE)
@require("operator")
def list_notices() -> Response:
    """List e-mails, the newest first: all, of one state, or to one account."""
    return _shown({})


@blueprint.post(f"{BASE}/<uuid:notice_id>/again")
@require("operator")
def send_again(notice_id: UUID) -> Response:
    """Send a notice again that could not be sent."""
    _, errors = forms.tried(lambda: notices.send_again(context.session(), notice_id), "notices")
    return (
        _shown(errors)
        if errors
        else redirect(request.full_path.replace(f"/{notice_id}/again", ""), 303)
    )


def _shown(refused: forms.Errors) -> Response:
    session, who = context.session(), reader()
    typed = {name: text.strip() for name, text in request.args.items() if text.strip()}
    given: dict[str, object] = {name: typed[name] for name in ("state", "cursor") if name in typed}
    errors: forms.Errors = {}
    if "email" in typed:
        person = identity.account_by_email(session, typed["email"].lower())
        if person is None:
            errors = {"email": ["Nobody has this address here."]}
        else:
            given["account_id"] = str(person.id)
    values, wrong = forms.read(NoticesArgs(), {**given, "limit": A_PAGE})
    errors = {**wrong, **errors, **refused}
    found = None if not values or "email" in errors else queries.notices(session, **values)
    # In the desk's language and by its clock: what was sent is in its recipient's.
    by = templating.Reader(who.language, str(who.zone))
    subjects = {
        one.id: templating.subject_of(one.template, by, one.data) or who.label(one.template)
        for one in (found.items if found else ())
    }
    return form_page(
        "desk/notices.html",
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        found=found,
        subjects=subjects,
        states=[(one, who.label(f"notice_{one}")) for one in queries.STATES],
        again=queries.FAILED,
        typed=typed,
        errors=errors,
    )
