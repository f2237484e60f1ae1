"""The site itself: made, described, shown to be real; who teaches there."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response
from werkzeug.wrappers import Response as Answer

from marketplace.catalog.queries import sites as queries
from marketplace.catalog.rules import specialties
from marketplace.catalog.rules.places import STATES, zones_of
from marketplace.catalog.rules.vocabulary import EvidenceKind
from marketplace.catalog.schemas.sites import EvidenceArgs, PreceptorArgs, SiteArgs
from marketplace.catalog.service import reading, sites, verifying
from marketplace.core.errors import Conflict
from marketplace.identity.access import current_account, signed_in, site_member
from marketplace.pages import forms
from marketplace.pages.host.frame import DECIDERS, NOT_PROCESSABLE, PEOPLE, back, panel
from marketplace.pages.view import Pages, Reader, form_page, reader
from marketplace.web import context

TAB = "/site"
BASE = "/host/sites/<uuid:site_id>/site"
FACTS = ("name", "address", "city", "state", "time_zone")
MOST_PRECEPTORS = 100

blueprint = Pages("host_site")


class ChangedMeanwhile(Conflict):
    """Somebody else has changed the site since its form was read."""

    code = "site_changed"
    title = "Somebody else has just changed this. Look at what is there now, then change it."


@blueprint.get("/host/sites/new")
@signed_in
def ask() -> Response:
    """Ask for a new site's name and place."""
    return _new({}, {})


@blueprint.post("/host/sites/new")
@signed_in
def create() -> Answer:
    """Make a site; whoever makes it owns it. Nothing of it is public before it is verified."""
    typed = forms.typed()
    values, errors = forms.read(SiteArgs(), _facts(typed))
    made = None
    if not errors:
        own, now = current_account().id, context.now()
        made, errors = forms.tried(
            lambda: sites.create(context.session(), reading.site_fields(values), own, now).id,
            "name",
        )
    return back(made, TAB, "site_made") if made else _new(typed, errors)


@blueprint.get(BASE)
@site_member(*PEOPLE, operators=False)
def show(site_id: UUID) -> Response:
    """Show the site's facts, how far its verification is, and its preceptors."""
    return _shown(site_id, "", {}, {})


@blueprint.post(BASE)
@site_member(*DECIDERS, operators=False)
def change(site_id: UUID) -> Answer:
    """Change the site's facts; of a verified one an operator looks at name and address again."""
    typed = forms.typed()
    values, errors = forms.read(SiteArgs(), _facts(typed))

    def go() -> None:
        site = queries.locked(context.session(), site_id)
        if str(site.version) != typed.get("version"):
            raise ChangedMeanwhile
        columns = reading.site_fields({**reading.site_values(site), **values}).columns
        sites.change(context.session(), site, columns, current_account().id, context.now())

    if not errors:
        _, errors = forms.tried(go, "name")
    return _shown(site_id, "facts", typed, errors) if errors else back(site_id, TAB, "saved")


@blueprint.post(f"{BASE}/evidence")
@site_member(*DECIDERS, operators=False)
def submit_evidence(site_id: UUID) -> Answer:
    """Show evidence that the site is what it says; an operator looks at it."""
    typed = forms.typed()
    names = ("kind", "reference", "note")
    given: dict[str, Any] = {name: typed[name] for name in names if name in typed}
    by, now = current_account().id, context.now()

    def go(values: dict[str, Any]) -> object:
        evidence = verifying.Evidence(values["kind"], values["reference"])
        return verifying.submit(
            context.session(), site_id, evidence, note=values["note"], account_id=by, now=now
        )

    errors = forms.carried_out(EvidenceArgs(), given, go, "kind")
    return _shown(site_id, "evidence", typed, errors) if errors else back(site_id, TAB, "shown")


@blueprint.post(f"{BASE}/preceptors")
@site_member(*DECIDERS, operators=False)
def add_preceptor(site_id: UUID) -> Answer:
    """Add a preceptor; the NPI is one of a kind at the site."""
    typed = forms.typed()
    errors = forms.carried_out(
        PreceptorArgs(),
        preceptor_given(typed),
        lambda values: sites.create_preceptor(
            context.session(), site_id, reading.preceptor_fields(values)
        ),
        "npi",
    )
    beside = preceptor_errors(errors)
    return _shown(site_id, "preceptor", typed, beside) if errors else back(site_id, TAB, "added")


def preceptor_given(typed: Mapping[str, str]) -> dict[str, Any]:
    """A preceptor of a form, as the API would be told."""
    names = [one.strip() for one in typed.get("credentials", "").split(",") if one.strip()]
    given: dict[str, Any] = {"name": typed.get("preceptor", ""), "npi": typed.get("npi", "")}
    return given | {"specialty": typed.get("specialty"), "credentials": names}


def preceptor_errors(errors: forms.Errors) -> dict[str, list[str]]:
    """What is wrong with a preceptor, by the fields of the form."""
    found: dict[str, list[str]] = {}
    for name, texts in errors.items():
        field = name.partition(".")[0]
        found.setdefault("preceptor" if field == "name" else field, []).extend(texts)
    return found


def _facts(typed: Mapping[str, str]) -> dict[str, str]:
    return {name: typed.get(name, "") for name in FACTS}


def _new(typed: Mapping[str, str], errors: forms.Errors) -> Response:
    who = reader()
    return form_page(
        "host/new_site.html",
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        typed=typed,
        errors=errors,
        **_choices(who),
    )


def _choices(who: Reader) -> dict[str, Any]:
    zones = sorted({zone for state in STATES for zone in zones_of(state)})
    return {
        "states": sorted(STATES.items(), key=_name),
        "zones": [(zone, who.place_time(zone)) for zone in zones],
    }


def _shown(site_id: UUID, form: str, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session, who = context.session(), reader()
    site = queries.site(session, site_id)
    known = {**{name: getattr(site, name) for name in FACTS}, "version": site.version}
    people = queries.preceptors(session, site_id, limit=MOST_PRECEPTORS, cursor=None)
    return panel(
        "host/site.html",
        site_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        # Whoever was told of another's change, and sends theirs again, means it.
        facts={**typed, "version": site.version} if form == "facts" else known,
        checks=queries.checks(session, [site_id]).get(site_id, []),
        kinds=[(one.value, who.label(f"evidence_{one.value}")) for one in EvidenceKind],
        preceptors=people.items,
        specialties=sorted(((one, who.specialty(one)) for one in specialties.BY_CODE), key=_name),
        typed={} if form == "facts" else typed,
        errors=errors,
        **_choices(who),
    )


def _name(one: tuple[str, str]) -> str:
    return one[1]
