"""The trainee's profile as a form: the facts that eligibility is judged by, asked one by one."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from babel import Locale
from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.core.errors import DomainError
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, signed_in
from marketplace.identity.rules import COUNTRIES, Citizenship, Step1Result, VisaType
from marketplace.identity.schemas.profile import ProfileSchema
from marketplace.identity.service import profiles
from marketplace.identity.service.profiles import ProfileData
from marketplace.pages import forms
from marketplace.pages.view import LOCALES, Pages, form_page, reader, safe_path
from marketplace.web import context

NOT_PROCESSABLE = 422
# Parts of each test of English; one that is not here has a single score.
PARTS = ("listening", "reading", "writing", "speaking")

FACTS = tuple(field.name for field in fields(ProfileData))

blueprint = Pages("profile_page")


@blueprint.get("/profile")
@signed_in
def ask() -> Response:
    """Show the profile as it stands, to be filled in or changed."""
    found = identity.profile(context.session(), current_account().id)
    if found is None:
        return _form({"onto": "0"}, {})
    facts = {name: getattr(found, name) for name in FACTS}
    return _form(_as_typed(found.version, facts), {})


@blueprint.post("/profile")
@signed_in
def save() -> Response:
    """Save the whole profile, unless somebody changed it since it was shown (412)."""
    given = forms.typed()
    values, errors = forms.read(ProfileSchema(exclude=("version",)), _as_json(given))
    if not errors:
        try:
            profiles.save(
                context.session(),
                current_account().id,
                ProfileData(**values),
                recorded_by=current_account().id,
                now=context.now(),
                onto=forms.number(given.get("onto")),
            )
        except DomainError as refused:
            errors = forms.wrong(refused, "school_country")
    if errors:
        return _form(given, errors)
    path = safe_path(request.form.get("next"))
    if path == "/":
        # Who has just registered looks for a rotation next; who mended a fact sees it mended.
        path = "/listings" if given.get("onto") == "0" else "/profile?saved=yes"
    return redirect(path, 303)


def _form(typed: dict[str, Any], errors: forms.Errors) -> Response:
    who = reader()
    names = Locale(LOCALES[who.language].language).territories
    return form_page(
        "account/profile.html",
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        typed=typed,
        errors=errors,
        next=safe_path(request.values.get("next")),
        countries=sorted(((code, names.get(code, code)) for code in COUNTRIES), key=lambda c: c[1]),
        citizenships=[(one.value, who.label(one.value)) for one in Citizenship],
        visas=[(one.value, who.label(one.value)) for one in VisaType],
        step1=[(one.value, who.label(f"step1_{one.value}")) for one in Step1Result],
        tests=[(one, who.label(one)) for one in ("native", "toefl_ibt", "ielts", "oet")],
        parts=[(one, who.label(one)) for one in PARTS],
    )


def _as_typed(version: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The saved facts as the form has them."""
    english = facts["english"] or {}
    scores = {f"english_{part}": score for part, score in english.get("scores", {}).items()}
    return {
        **facts,
        "onto": version,
        "needs_visa": "yes" if facts["needs_visa"] else "no",
        "ecfmg_certified": "yes" if facts["ecfmg_certified"] else "",
        "english_test": english.get("test"),
        "english_taken_on": english.get("taken_on"),
        **scores,
    }


def _as_json(given: dict[str, str]) -> dict[str, Any]:
    """What the form says, as the API would be told: numbers where they are numbers."""
    data: dict[str, Any] = {
        name: value
        for name, value in given.items()
        if name != "onto" and not name.startswith("english_")
    }
    if "needs_visa" in data:
        data["needs_visa"] = {"yes": True, "no": False}.get(data["needs_visa"], data["needs_visa"])
    data["ecfmg_certified"] = given.get("ecfmg_certified") == "yes"
    for name in ("step2_ck_score", "match_year"):
        if name in given:
            data[name] = forms.whole_number(given[name])
    if test := given.get("english_test"):
        scores = {
            part: given[f"english_{part}"]
            for part in ("overall", *PARTS)
            if f"english_{part}" in given
        }
        data["english"] = {
            "test": test,
            "taken_on": given.get("english_taken_on"),
            "scores": scores,
        }
    return data
