"""Agreements as they are drafted, by either side: with whom, from which text, signed by whom.

And for what of a site a trainee's school needs one.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Response, redirect, request
from werkzeug.wrappers import Response as Answer

from marketplace.catalog import queries as catalog
from marketplace.compliance.queries import agreements as queries
from marketplace.compliance.schemas.agreements import AgreementArgs
from marketplace.compliance.service import agreement_upkeep, drafting
from marketplace.identity.access import (
    caller,
    current_account,
    school_member,
    signed_in,
    site_member,
)
from marketplace.identity.queries import schools
from marketplace.pages import forms
from marketplace.pages.host import frame as host
from marketplace.pages.host import picking
from marketplace.pages.school import frame as school
from marketplace.pages.school.cohorts import LISTING
from marketplace.pages.school.words import AGREEMENT_STATES, tone
from marketplace.pages.view import Pages, reader
from marketplace.web import context

TAB = "/agreements"
OF_SCHOOL = "/schools/<uuid:school_id>/agreements"
OF_SITE = "/host/sites/<uuid:site_id>/agreements"
SIGNERS = 4
OF_SIGNER = ("side", "name", "email", "role")
VALUE = "values."
# A part of a school's name that is worth looking for, and how many schools it may find.
SHORTEST, MOST_SCHOOLS = 3, 20

blueprint = Pages("agreement_drafts")


@blueprint.get("/schools/agreements/new")
@signed_in
def choose() -> Answer:
    """Lead from a rotation's page to the form of one's school; whoever has several chooses first."""
    own = caller().school_ids
    if len(own) != 1:
        return redirect("/schools", 303)
    named = LISTING.search(request.args.get("listing_id", ""))
    at = f"?listing={named[0]}" if named else ""
    return redirect(f"/schools/{next(iter(own))}/agreements/new{at}", 303)


@blueprint.get(f"{OF_SCHOOL}/new")
@school_member(operators=False)
def ask_as_school(school_id: UUID) -> Response:
    """Ask for the site, by one of its rotations, and the text; then for what the text leaves open."""
    return _of_school(school_id, dict(request.args.items()), {})


@blueprint.post(f"{OF_SCHOOL}/new")
@school_member(operators=False)
def draft_as_school(school_id: UUID) -> Answer:
    """Draft it; nobody is written to yet."""
    typed = forms.typed()
    site_id = _id(typed.get("site_id"))
    made, errors = _drafted(school_id, site_id, typed)
    return _of_school(school_id, typed, errors) if errors else redirect(f"{TAB}/{made}", 303)


@blueprint.get(OF_SITE)
@site_member(*host.DECIDERS, operators=False)
def list_of_site(site_id: UUID) -> Response:
    """List the site's agreements, and for what of it a trainee's school needs one."""
    return _listed(site_id)


@blueprint.post(f"{OF_SITE}/rules")
@site_member(*host.DECIDERS, operators=False)
def change_rules(site_id: UUID) -> Answer:
    """Have what is ticked need an agreement from now on, and nothing else of the site."""
    session, wanted = context.session(), set(request.form.getlist("needs"))
    by: dict[str, Any] = {"actor_id": current_account().id, "now": context.now()}
    before = {one.listing_id for one in queries.live_rules(session, site_id)}
    known = [None, *(one.id for one in picking.listings(site_id).items)]
    for listing_id in known:
        needs = str(listing_id or "site") in wanted
        if needs and listing_id not in before:
            agreement_upkeep.require(session, site_id, listing_id, **by)
        elif listing_id in before and not needs:
            agreement_upkeep.require_no_more(session, site_id, listing_id, **by)
    return host.back(site_id, TAB, "saved")


@blueprint.get(f"{OF_SITE}/new")
@site_member(*host.DECIDERS, operators=False)
def ask_as_site(site_id: UUID) -> Response:
    """Ask for the school, by a part of its name, and the text; then for what the text leaves open."""
    return _of_site(site_id, dict(request.args.items()), {})


@blueprint.post(f"{OF_SITE}/new")
@site_member(*host.DECIDERS, operators=False)
def draft_as_site(site_id: UUID) -> Answer:
    """Draft it; nobody is written to yet."""
    typed = forms.typed()
    school_id = _id(typed.get("school_id"))
    made, errors = _drafted(school_id, site_id, typed)
    return _of_site(site_id, typed, errors) if errors else redirect(f"{TAB}/{made}", 303)


def _drafted(
    school_id: UUID | None, site_id: UUID | None, typed: Mapping[str, str]
) -> tuple[UUID | None, forms.Errors]:
    """Draft what was typed; the draft's id, or what is wrong by field."""
    sent = {
        "school_id": str(school_id or ""),
        "site_id": str(site_id or ""),
        "template_id": typed.get("template_id", ""),
        "values": {
            name.removeprefix(VALUE): text for name, text in typed.items() if name.startswith(VALUE)
        },
        "signers": [one for _, one in _signers(typed)],
        "starts_on": typed.get("starts_on", ""),
        "ends_on": typed.get("ends_on", ""),
    }
    values, errors = forms.read(AgreementArgs(), sent)
    if errors:
        return None, _beside(errors, [row for row, _ in _signers(typed)])
    made, errors = forms.tried(lambda: _draft(values), "signers")
    return made, errors


def _draft(values: Mapping[str, Any]) -> UUID:
    by, now = current_account().id, context.now()
    return drafting.draft(context.session(), values, actor_id=by, now=now).id


def _signers(typed: Mapping[str, str]) -> list[tuple[int, dict[str, str]]]:
    """The lines of signers in which something was typed, each with its number."""
    found = []
    for row in range(SIGNERS):
        line = {name: typed.get(f"signers.{row}.{name}", "") for name in OF_SIGNER}
        if any(line[name] for name in OF_SIGNER[1:]):
            found.append((row, line))
    return found


def _beside(errors: forms.Errors, rows: Sequence[int]) -> forms.Errors:
    """Errors by the lines of the form: those that were left empty were not sent."""
    found: dict[str, list[str]] = {}
    for name, texts in errors.items():
        parts = name.split(".")
        if parts[0] == "signers" and len(parts) > 1 and parts[1].isdecimal():
            parts[1] = str(rows[int(parts[1])])
        found[".".join(parts)] = list(texts)
    return found


def _of_school(school_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session, found, wrong = context.session(), None, dict(errors)
    if "listing" in typed:
        named = LISTING.search(typed["listing"])
        listing = UUID(named[0]) if named else None
        facts = catalog.listing_facts(session, [listing] if listing else [])
        if listing in facts:
            found = catalog.site_facts(session, [facts[listing].site_id])[facts[listing].site_id]
        else:
            wrong["listing"] = [reader().say("Expected the address of a rotation of the site.")]
    elif site_id := _id(typed.get("site_id")):
        found = catalog.site_facts(session, [site_id]).get(site_id)
    return school.panel(
        "school/new_agreement.html",
        school_id,
        TAB,
        school.NOT_PROCESSABLE if wrong else 200,
        side="school",
        other=found,
        **_form(typed, wrong),
    )


def _of_site(site_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session, found, wrong = context.session(), None, dict(errors)
    matching: Sequence[Any] = ()
    if school_id := _id(typed.get("school_id")):
        found = schools.find(session, school_id)
    elif "school" in typed:
        name = typed["school"].strip()
        long_enough = len(name) >= SHORTEST
        matching = schools.called(session, name, most=MOST_SCHOOLS) if long_enough else ()
        if not matching:
            wrong["school"] = [
                reader().say(
                    "No verified school has this in its name. Give at least three letters of it."
                )
            ]
    return host.panel(
        "host/new_agreement.html",
        site_id,
        TAB,
        host.NOT_PROCESSABLE if wrong else 200,
        side="site",
        other=found,
        matching=matching,
        **_form(typed, wrong),
    )


def _form(typed: Mapping[str, str], errors: forms.Errors) -> dict[str, Any]:
    """What both sides' forms have: the texts to choose from, the one that is chosen, its fields."""
    texts = queries.templates(context.session())
    wanted = typed.get("template_id")
    chosen = next((one for one in texts if str(one.id) == wanted), None)
    return {
        "texts": texts,
        "text": chosen or (texts[0] if len(texts) == 1 else None),
        "rows": range(SIGNERS),
        "typed": typed,
        "errors": errors,
    }


def _listed(site_id: UUID) -> Response:
    session = context.session()
    found = queries.page(session, site_id=site_id, **school.asked_for())
    needs = {str(one.listing_id or "site") for one in queries.live_rules(session, site_id)}
    return host.panel(
        "host/agreements.html",
        site_id,
        TAB,
        found=found,
        needs=needs,
        own=picking.listings(site_id),
        states=AGREEMENT_STATES,
        agreement_tone=tone,
    )


def _id(text: str | None) -> UUID | None:
    """An id that was typed or chosen; None for anything else."""
    try:
        return UUID(text or "")
    except ValueError:
        return None
