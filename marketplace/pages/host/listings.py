"""Listings: written and changed with the tier explained, published, paused, retired; their versions.

The tier is explained by the classifier of the API, for what is typed at the moment: by a button, and
live where scripts run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from flask import Response, request
from marshmallow import Schema, fields
from werkzeug.wrappers import Response as Answer

from marketplace.booking.queries import hosts
from marketplace.catalog.errors import ListingNotFound
from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.queries import browsing, sites, versions
from marketplace.catalog.queries import listings as queries
from marketplace.catalog.rules import specialties
from marketplace.catalog.rules.classifiers import Classifiers
from marketplace.catalog.rules.policies import POLICIES, SELECTABLE
from marketplace.catalog.rules.terms import difference
from marketplace.catalog.rules.whatif import what_if
from marketplace.catalog.schemas.editing import ListingArgs, ListingChangeArgs, cells_of
from marketplace.catalog.schemas.hosting import WhySchema
from marketplace.catalog.schemas.tiers import ClassifySchema
from marketplace.catalog.service import editing, publishing, waiting
from marketplace.catalog.states import LISTING, ListingState
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, site_member
from marketplace.identity.rules import Role
from marketplace.pages import forms
from marketplace.pages.host import listing_forms
from marketplace.pages.host.frame import (
    DECIDERS,
    NOT_PROCESSABLE,
    PEOPLE,
    back,
    decides_at,
    panel,
    refusal,
)
from marketplace.pages.host.listing_words import DEPOSITS, changes
from marketplace.pages.view import Pages, Reader, reader
from marketplace.pages.words import noted
from marketplace.web import context

TAB = "/listings"
BASE = "/host/sites/<uuid:site_id>/listings"
ONE = f"{BASE}/<uuid:listing_id>"
A_PAGE = 25
# So many are published by one form.
DRAFTS = 50
LONGEST = 100
CONFLICT = 409
PRECEPTORS = 100
STATES = {
    "draft": noted("Draft"),
    "in_review": noted("In review"),
    "published": noted("On show"),
    "paused": noted("Paused"),
    "retired": noted("Retired"),
}
AUDIENCES = {
    "students": noted("Students"),
    "graduates": noted("Graduates"),
    "both": noted("Students and graduates"),
}
NEW = {
    "currency": "USD",
    "approval": "request",
    "letter_policy": "on_merit",
    "lead_days": 14,
    "duties": [],
    "visa_types": [],
    "documents": [],
    "setting": "inpatient",
    "audience": "both",
    "deposit_kind": "standard",
    "weeks_min": 4,
    "weeks_max": 12,
    "seats_per_week": 1,
    "cancellation_policy": "tiered_days",
}

blueprint = Pages("host_listings")


class TickedSchema(Schema):
    """Which listings were ticked."""

    listings = fields.List(fields.UUID())


@blueprint.get(BASE)
@site_member(*PEOPLE, operators=False)
def list_all(site_id: UUID) -> Response:
    """List the site's listings, in every state or in one; drafts to be published together."""
    return _list(site_id)


@blueprint.post(f"{BASE}/publish")
@site_member(*DECIDERS, operators=False)
def publish(site_id: UUID) -> Response:
    """Ask for publication of the drafts that were ticked; each goes its own way."""
    ticked = _ids(request.form.getlist("listings")[:DRAFTS])
    by, now = current_account().id, context.now()
    asked = publishing.request_some(context.session(), ticked, by, now, site_id=site_id)
    return _list(site_id, asked, {} if asked else {"listings": ["Tick at least one."]})


def _list(
    site_id: UUID, asked: Sequence[publishing.Asked] = (), errors: forms.Errors | None = None
) -> Response:
    state = request.values.get("state", "")
    state = state if state in STATES else ""
    words = request.values.get("words", "").strip()[:LONGEST]
    found = browsing.page_of_site(
        context.session(),
        site_id,
        limit=DRAFTS if state == ListingState.DRAFT else A_PAGE,
        cursor=request.args.get("cursor") or None,
        state=state,
        words=words,
    )
    return panel(
        "host/listings.html",
        site_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        found=found,
        states=STATES,
        shown=tone,
        states_said=[(code, reader().say(text)) for code, text in STATES.items()],
        state=state,
        words=words,
        asked=asked,
        errors=errors or {},
    )


@blueprint.get(f"{BASE}/new")
@site_member(*DECIDERS, operators=False)
def ask_for_new(site_id: UUID) -> Response:
    """Ask for a new listing's terms."""
    return _form(site_id, None, NEW)


@blueprint.post(f"{BASE}/new")
@site_member(*DECIDERS, operators=False)
def create(site_id: UUID) -> Answer:
    """Write a new listing, or explain its tier only; it is a draft until it is published."""
    given = listing_forms.typed()
    if "preview" in request.form:
        return _form(site_id, None, given)
    values, errors = _read(given, ListingArgs())
    if not errors:
        try:
            cells = cells_of(values)
            made = editing.create(context.session(), site_id, values["preceptor_id"], cells, _by())
        except forms.REFUSALS as error:
            refused = forms.meant(error)
            errors = listing_forms.by_field(forms.wrong(refused, "external_id"))
        else:
            return back(site_id, f"{TAB}/{made.id}", "saved")
    return _form(site_id, None, given, errors)


@blueprint.get(ONE)
@site_member(*PEOPLE, operators=False)
def show(site_id: UUID, listing_id: UUID) -> Response:
    """Show a listing's terms to be changed, its tier with the reasons, and its state."""
    listing = _listing(site_id, listing_id)
    return _form(site_id, listing, listing_forms.of_listing(listing))


@blueprint.post(ONE)
@site_member(*DECIDERS, operators=False)
def change(site_id: UUID, listing_id: UUID) -> Answer:
    """Change a listing's terms: a new version; or explain the tier only, and change nothing."""
    session, given = context.session(), listing_forms.typed()
    if "preview" in request.form:
        return _form(site_id, _listing(site_id, listing_id), given)
    values, errors = _read(given, ListingChangeArgs())
    told, status = None, NOT_PROCESSABLE
    if not errors:
        try:
            found = editing.held(session, site_id, listing_id, values.get("preceptor_id"))
            if given.get("version") == str(found.listing.version):
                editing.change(session, found, cells_of(values), _by())
                return back(site_id, f"{TAB}/{listing_id}", "saved")
            typed = editing.as_typed(found, cells_of(values))
            told, status = _changed(found.listing, given, typed), CONFLICT
        except forms.REFUSALS as error:
            refused = forms.meant(error)
            errors = listing_forms.by_field(refused.fields or {})
            told, status = refusal(refused), refused.status
    return _form(site_id, _listing(site_id, listing_id), given, errors, told, status)


@blueprint.post(f"{ONE}/state")
@site_member(*DECIDERS, operators=False)
def move(site_id: UUID, listing_id: UUID) -> Answer:
    """Ask for publication, pause, take out of review, or retire (the owner alone)."""
    session, now, by = context.session(), context.now(), current_account().id
    to = request.form.get("to", "")
    values: Mapping[str, Any] = {}
    errors: forms.Errors = {}
    field = "why_retire" if to == ListingState.RETIRED else "why"
    if to != ListingState.PUBLISHED:
        values, errors = forms.read(WhySchema(), {"why": request.form.get(field, "")})
        errors = {field: errors["why"]} if errors else {}
    listing = _listing(site_id, listing_id)
    try:
        if to == ListingState.PUBLISHED:
            publishing.request(session, listing_id, by, now, site_id=site_id)
        elif to in _off(listing.state, _owns(site_id)) and not errors:
            state = ListingState(to)
            publishing.take_off(session, listing_id, state, by, values["why"], now, site_id=site_id)
        else:
            errors = errors or {field: ["This can't be done with it now."]}
    except forms.REFUSALS as error:
        refused = forms.meant(error)
        typed = listing_forms.of_listing(listing)
        return _form(site_id, listing, typed, {}, refusal(refused), refused.status)
    if errors:
        return _form(site_id, listing, listing_forms.of_listing(listing), errors)
    return back(site_id, f"{TAB}/{listing_id}", f"listing_{listing.state}")


@blueprint.get(f"{ONE}/versions")
@site_member(*DECIDERS, operators=False)
def list_versions(site_id: UUID, listing_id: UUID) -> Response:
    """Show every change of the listing's terms and state, the newest first."""
    session, who, listing = context.session(), reader(), _listing(site_id, listing_id)
    changed = list(reversed(versions.versions(session, listing_id)))
    steps = list(reversed(versions.history(session, listing_id)))
    authors = {one.account_id for one in changed} | {one.account_id for one in steps}
    known = [one for one in authors if one]
    return panel(
        "host/versions.html",
        site_id,
        TAB,
        reader=who,
        listing=listing,
        changed=[(one, changes(who, one.difference, one.terms)) for one in changed],
        steps=steps,
        states=STATES,
        people=identity.contacts(session, known) if known else {},
    )


def tone(state: str) -> str:
    """How a listing's state is coloured."""
    return {"published": "good", "in_review": "fair", "paused": "fair"}.get(state, "plain")


def explained(given: Mapping[str, Any]) -> dict[str, Any] | None:
    """The tier of what is typed, as the API would explain it; none while something is missing."""
    asked = {
        "duties": given["duties"],
        "setting": given.get("setting"),
        "title": given.get("title", ""),
        "audience": given.get("audience", "both"),
        "claimed": given.get("claimed_tier") or None,
    }
    data, errors = forms.read(ClassifySchema(), asked)
    if errors:
        return None
    classify = context.parts().get(Classifiers).current
    found = classify(
        data["duties"], data["setting"], data["title"], data["audience"], data["claimed"]
    )
    others = what_if(classify, data["duties"], data["setting"], data["audience"])
    return {**asdict(found), "what_if": others}


def _form(
    site_id: UUID,
    listing: Any,
    given: Mapping[str, Any],
    errors: Mapping[str, list[str]] | None = None,
    refused: str | None = None,
    status: int = NOT_PROCESSABLE,
) -> Response:
    session, who = context.session(), reader()
    if errors and "visa_types" in errors and not given["visa_types"]:
        errors = {**errors, "visa_types": ["Tick at least one."]}
    people = list(sites.preceptors(session, site_id, limit=PRECEPTORS, cursor=None).items)
    if listing and all(one.id != listing.preceptor_id for one in people):
        people.append(listing.preceptor)
    return panel(
        "host/listing.html",
        site_id,
        TAB,
        status if errors or refused else 200,
        reader=who,
        listing=listing,
        waits=waiting.reasons(listing) if listing else (),
        hanging=hosts.hanging(session, listing.id) if listing else None,
        off=_off(listing.state, _owns(site_id)) if listing else (),
        may_publish=listing is not None and _may_publish(listing.state),
        states=STATES,
        shown=tone,
        explanation=explained(given),
        typed=given,
        errors=errors or {},
        refused=refused,
        **_choices(who),
        preceptors=[(str(one.id), one.name) for one in people],
    )


def _ids(texts: Sequence[str]) -> list[UUID]:
    values, errors = forms.read(TickedSchema(), {"listings": texts})
    return [] if errors else values["listings"]


def _choices(who: Reader) -> dict[str, Any]:
    """The closed lists of the form, in the reader's words."""
    options = listing_forms.options
    names = sorted(((one, who.specialty(one)) for one in specialties.BY_CODE), key=_name)
    return {
        "specialties": names,
        "policies": [(key, who.told(POLICIES[key].summary)) for key in SELECTABLE],
        "deposits": [(kind.value, who.say(text)) for kind, text in DEPOSITS.items()],
        "choices": {
            name: [(code, who.label(code)) for code in options(words)]
            for name, words in {**listing_forms.CHOICES, **listing_forms.SEVERAL}.items()
            if words != "visa"
        }
        | {"audience": [(code, who.say(text)) for code, text in AUDIENCES.items()]},
        "visas": options("visa"),
    }


def _name(one: tuple[str, str]) -> str:
    return one[1]


def _read(given: Mapping[str, Any], schema: Schema) -> tuple[dict[str, Any], dict[str, list[str]]]:
    data, unsaid = listing_forms.as_json(given)
    values, errors = forms.read(schema, data)
    return values, {**listing_forms.by_field(errors), **listing_forms.by_field(unsaid)}


def _listing(site_id: UUID, listing_id: UUID) -> Any:
    session = context.session()
    queries.require_site(session, listing_id, site_id)
    return queries.listing(session, listing_id)


def _changed(listing: Any, given: dict[str, Any], typed: Mapping[str, str]) -> str:
    """Who was faster, and what they changed; what of it was not `typed` over is put into the form."""
    session, who = context.session(), reader()
    last = versions.last_version(session, listing.id)
    if last is None:
        raise ListingNotFound
    looked_at = forms.number(given.get("version", "")) or 0
    before = versions.terms_at(session, listing.id, min(max(looked_at, 1), last.version))
    now, theirs = listing_forms.of_listing(listing), difference(before, last.terms)
    for column in theirs:
        if typed[column] == before[column]:
            given |= {name: now[name] for name in listing_forms.fields_of(column) if name in now}
    given["version"] = listing.version
    person = identity.contact(session, last.account_id) if last.account_id else None
    return who.say(
        "%(name)s has changed this meanwhile: %(what)s. What you had not changed is as they left it;"
        " save again to have the rest as it is here.",
        name=person.name if person else who.say("Somebody"),
        what="; ".join(
            f"{who.label(name)}: {old} → {new}"
            for name, old, new in changes(who, theirs, last.terms)
        ),
    )


def _off(state: str, owner: bool) -> list[str]:  # noqa: FBT001 - private
    """The states that a host can take it to, besides the public one."""
    wanted = [ListingState.DRAFT, ListingState.PAUSED]
    if owner:
        wanted.append(ListingState.RETIRED)
    now = ListingState(state)
    return [one.value for one in wanted if LISTING.allows(now, one)]


def _may_publish(state: str) -> bool:
    return state in (ListingState.DRAFT, ListingState.PAUSED)


def _owns(site_id: UUID) -> bool:
    return decides_at(site_id, (Role.SITE_OWNER,))


def _by() -> editing.By:
    holders = context.parts().get(SeatHolders)
    return editing.By(current_account().id, context.now(), holders)
