"""One's own school: what it may see, chosen anew at any time, and leaving it."""

from flask import Response, redirect, request
from werkzeug.wrappers import Response as Answer

from marketplace.identity.access import current_account, in_person, signed_in
from marketplace.identity.queries import schools
from marketplace.identity.rules import SEEN_WORDING
from marketplace.identity.schemas.schools import LeaveSchoolArgs, SeenArgs
from marketplace.identity.service import students
from marketplace.pages import forms
from marketplace.pages.school.words import SEEN, SHOWN
from marketplace.pages.view import Pages, form_page
from marketplace.pages.words import noted
from marketplace.web import context

NOT_PROCESSABLE = 422
DONE = {
    "linked": noted("You are linked. Your school sees what you ticked, and no more."),
    "chosen": noted("Saved. Your school sees this from now on, and no more."),
    "left": noted("You have left. The school sees nothing of you any more."),
}

blueprint = Pages("own_school")


@blueprint.get("/my-school")
@signed_in
def show() -> Response:
    """Show which school one is linked to, what it sees, and every choice that one has made."""
    return _shown()


@blueprint.post("/my-school")
@in_person
def choose() -> Answer:
    """Let the school see what is ticked from now on, and no more."""
    given = {"sees": request.form.getlist("sees"), "wording": request.form.get("wording", "")}
    values, errors = forms.read(SeenArgs(), given)
    if not errors:
        session, own, now = context.session(), current_account().id, context.now()
        _, errors = forms.tried(lambda: students.choose(session, own, now=now, **values), "sees")
    return _shown(errors) if errors else redirect("/my-school?done=chosen", 303)


@blueprint.post("/my-school/leave")
@in_person
def leave() -> Answer:
    """Leave the school: it sees nothing from now on."""
    given = forms.typed()
    values, errors = forms.read(LeaveSchoolArgs(), given)
    if errors:
        return _shown(errors, given)
    students.leave(context.session(), current_account().id, now=context.now(), **values)
    return redirect("/my-school?done=left", 303)


def _shown(errors: forms.Errors | None = None, typed: dict[str, str] | None = None) -> Response:
    session = context.session()
    link = schools.own_link(session, current_account().id)
    return form_page(
        "by_link/own.html",
        NOT_PROCESSABLE if errors else 200,
        link=link,
        school=schools.find(session, link.school_id) if link else None,
        ticked=request.form.getlist("sees") if errors else list(link.sees) if link else [],
        history=schools.consents(session, link.id) if link else [],
        purposes=SEEN,
        shown=SHOWN,
        wording=SEEN_WORDING,
        done=DONE.get(request.args.get("done", "")),
        typed=typed or {},
        errors=errors or {},
    )
