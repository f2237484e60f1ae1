"""Schools: those that wait to be verified, any by its name, new ones, and who acts for each."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, require
from marketplace.identity.gateway import LinkSigner
from marketplace.identity.queries import school_checks as kept
from marketplace.identity.queries import schools as queries
from marketplace.identity.rules import COUNTRIES, SchoolEvidence, in_domain
from marketplace.identity.schemas.people import SchoolSchema
from marketplace.identity.schemas.schools import (
    SchoolCoordinatorArgs,
    SchoolDecisionArgs,
    SchoolOperatorChangeArgs,
)
from marketplace.identity.service import coordinators, memberships, schools
from marketplace.identity.states import InvitationState
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page, reader
from marketplace.web import context
from marketplace.web.etags import etag

MANY = 200
NOT_PROCESSABLE = 422
BASE = "/desk/schools"
ONE = f"{BASE}/<uuid:school_id>"
YES_OR_NO = {"yes": True, "no": False}

blueprint = Pages("desk_schools")


@blueprint.get(BASE)
@require("operator")
def list_schools() -> Response:
    """List the schools to look at, the longest-waiting first; and find any by its name."""
    return _schools({}, {})


@blueprint.post(BASE)
@require("operator")
def add() -> Response:
    """Make a school, or find the one of this name and country."""
    typed = forms.typed()
    given = {name: typed.get(name, "") for name in ("name", "country")}
    values, errors = forms.read(SchoolSchema(), given)
    if errors:
        return _schools(typed, errors)
    made = memberships.ensure_school(context.session(), **values)
    return redirect(f"{BASE}/{made.id}", 303)


@blueprint.get(ONE)
@require("operator")
def show(school_id: UUID) -> Response:
    """Show a school with who acts for it and what was decided, and ask for a decision."""
    return _school(school_id, {}, {})


@blueprint.post(ONE)
@require("operator")
def decide(school_id: UUID) -> Response:
    """Verify a school by evidence, or refuse it and say why; its coordinators are told."""
    typed = forms.typed()
    names = ("kind", "reference", "note")
    given: dict[str, Any] = {name: typed[name] for name in names if name in typed}
    if typed.get("verified") in YES_OR_NO:
        given["verified"] = YES_OR_NO[typed["verified"]]
    errors = forms.carried_out(
        SchoolDecisionArgs(),
        given,
        lambda values: schools.decide(
            context.session(), school_id, actor_id=current_account().id, now=context.now(), **values
        ),
        "verified",
    )
    return _done(school_id, typed, errors)


@blueprint.post(f"{ONE}/coordinators")
@require("operator")
def name(school_id: UUID) -> Response:
    """Make an address a coordinator: at once where it has an account, else by a mailed link."""
    typed = forms.typed()
    errors = forms.carried_out(
        SchoolCoordinatorArgs(),
        {"email": typed.get("email", "")},
        lambda values: coordinators.name(
            context.session(),
            queries.find(context.session(), school_id),
            values["email"],
            actor=current_account(),
            signer=context.parts().get(LinkSigner),
            now=context.now(),
        ),
        "email",
    )
    return _done(school_id, typed, errors)


@blueprint.post(f"{ONE}/coordinators/<uuid:membership_id>/end")
@require("operator")
def end(school_id: UUID, membership_id: UUID) -> Response:
    """End a coordinator's role; never the last one's."""
    _, errors = forms.tried(
        lambda: coordinators.remove(
            context.session(), school_id, membership_id, actor=current_account(), now=context.now()
        ),
        "members",
    )
    return _done(school_id, {}, errors)


@blueprint.post(f"{ONE}/invitations/<uuid:invitation_id>/withdraw")
@require("operator")
def withdraw(school_id: UUID, invitation_id: UUID) -> Response:
    """Take a coordinator's invitation back."""
    _, errors = forms.tried(
        lambda: coordinators.withdraw(
            context.session(),
            school_id,
            invitation_id,
            actor_id=current_account().id,
            now=context.now(),
        ),
        "members",
    )
    return _done(school_id, {}, errors)


@blueprint.post(f"{ONE}/details")
@require("operator")
def change(school_id: UUID) -> Response:
    """Set the town, and the domain that alone is invited; of two who do it at once one is told."""
    typed, session = forms.typed(), context.session()
    given = {part: typed.get(part) for part in ("city", "email_domain")}
    values, errors = forms.read(SchoolOperatorChangeArgs(), given)
    if not errors:
        school = queries.find(session, school_id, lock=True)
        if typed.get("version") == etag(school.id, school.version):
            schools.change(session, school, values)
        else:
            said = "Somebody has changed it in the meantime. Look at it as it is now."
            errors = {"city": [reader().say(said)]}
    return _done(school_id, typed, errors)


def _done(school_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    return _school(school_id, typed, errors) if errors else redirect(f"{BASE}/{school_id}", 303)


def _schools(typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session, who = context.session(), reader()
    text = request.args.get("text", "").strip()
    countries = sorted(((code, who.country(code)) for code in COUNTRIES), key=lambda one: one[1])
    return form_page(
        "desk/schools.html",
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        waiting=kept.waiting(session, MANY),
        text=text,
        found=kept.any_called(session, text, most=MANY) if text else None,
        countries=countries,
        typed=typed or {"name": text},
        errors=errors,
    )


def _school(school_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session, who = context.session(), reader()
    school = queries.find(session, school_id)
    checks = kept.checks(session, school_id)
    return form_page(
        "desk/school.html",
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        school=school,
        version=etag(school.id, school.version),
        members=[
            (role, person, in_domain(person.email, school.email_domain))
            for role, person in queries.members(session, school_id)
        ],
        invited=[
            one
            for one in queries.invitations(session, school_id, limit=MANY, cursor=None).items
            if one.state == InvitationState.OPEN
        ],
        checks=checks,
        people=identity.contacts(session, [one.account_id for one in checks]),
        kinds=[(one.value, who.label(f"evidence_{one.value}")) for one in SchoolEvidence],
        now=context.now(),
        typed=typed,
        errors=errors,
    )
