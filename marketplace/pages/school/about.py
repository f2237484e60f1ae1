"""The school itself: made by who is to act for it, shown to be real, and what it asks of its students."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response
from werkzeug.wrappers import Response as Answer

from marketplace.identity.access import current_account, in_person, school_member
from marketplace.identity.queries import school_checks as kept
from marketplace.identity.queries import schools as queries
from marketplace.identity.rules import COUNTRIES, SchoolEvidence
from marketplace.identity.schemas.schools import (
    SchoolChangeArgs,
    SchoolEvidenceArgs,
    SchoolRegisterArgs,
)
from marketplace.identity.service import schools
from marketplace.identity.service.schools import Evidence
from marketplace.pages import forms
from marketplace.pages.school.frame import NOT_PROCESSABLE, back, panel
from marketplace.pages.view import Pages, form_page, reader
from marketplace.web import context
from marketplace.web.etags import etag

TAB = "/about"
BASE = f"/schools/<uuid:school_id>{TAB}"
PROOF = ("kind", "reference", "note")

blueprint = Pages("school_about")


@blueprint.get("/schools/new")
@in_person
def ask() -> Response:
    """Ask for a new school's name and place, and by what it is known."""
    return _new({}, {})


@blueprint.post("/schools/new")
@in_person
def register() -> Answer:
    """Make a school; whoever makes it acts for it, once our staff has verified it."""
    typed = forms.typed()
    given = _given(typed, "name", "country", "city", *PROOF)
    values, errors = forms.read(SchoolRegisterArgs(), given)
    made = None
    if not errors:
        evidence = Evidence(values.pop("kind"), values.pop("reference"))
        own, now = current_account().id, context.now()
        made, errors = forms.tried(
            lambda: (
                schools.register(
                    context.session(), evidence=evidence, account_id=own, now=now, **values
                ).id
            ),
            "name",
        )
    return back(made, TAB, "school_made") if made else _new(typed, errors)


@blueprint.get(BASE)
@school_member(operators=False)
def show(school_id: UUID) -> Response:
    """Show the school's facts, how far its verification is, and what it asks of its students."""
    return _shown(school_id, {}, {})


@blueprint.post(BASE)
@school_member(operators=False)
def change(school_id: UUID) -> Answer:
    """Say where the school is, and whether each booking of its students needs its word."""
    typed, session = forms.typed(), context.session()
    given = {"city": typed.get("city"), "approves": typed.get("approves") == "yes"}
    values, errors = forms.read(SchoolChangeArgs(), given)
    if not errors:
        school = queries.find(session, school_id, lock=True)
        if typed.get("version") == etag(school.id, school.version):
            schools.change(session, school, values)
        else:
            said = "Somebody has changed it in the meantime. Look at it as it is now."
            typed, errors = {}, {"city": [reader().say(said)]}
    return _shown(school_id, typed, errors) if errors else back(school_id, TAB, "saved")


@blueprint.post(f"{BASE}/evidence")
@school_member(operators=False)
def submit(school_id: UUID) -> Answer:
    """Show by what the school is known; an operator looks at it."""
    typed = forms.typed()
    by, now = current_account().id, context.now()

    def go(values: dict[str, Any]) -> object:
        evidence = Evidence(values["kind"], values["reference"])
        return schools.submit(
            context.session(), school_id, evidence, note=values["note"], account_id=by, now=now
        )

    errors = forms.carried_out(SchoolEvidenceArgs(), _given(typed, *PROOF), go, "kind")
    return _shown(school_id, typed, errors) if errors else back(school_id, TAB, "evidence_sent")


def _given(typed: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: typed[name] for name in names if name in typed}


def _kinds() -> list[tuple[str, str]]:
    who = reader()
    return [(one.value, who.label(f"evidence_{one.value}")) for one in SchoolEvidence]


def _new(typed: Mapping[str, str], errors: forms.Errors) -> Response:
    who = reader()
    countries = sorted(((code, who.country(code)) for code in COUNTRIES), key=lambda one: one[1])
    return form_page(
        "school/new_school.html",
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        countries=countries,
        kinds=_kinds(),
        typed=typed,
        errors=errors,
    )


def _shown(school_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session = context.session()
    school = queries.find(session, school_id)
    return panel(
        "school/about.html",
        school_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        version=etag(school.id, school.version),
        checks=kept.checks(session, school_id),
        kinds=_kinds(),
        changing="version" in typed,
        typed=typed,
        errors=errors,
    )
