"""Sites to verify, listings whose words contradict their duties, and what trainees say of tiers."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.catalog.queries import desk, reviews, sites, tiers
from marketplace.catalog.rules.vocabulary import EvidenceKind
from marketplace.catalog.schemas.hosting import DecisionSchema
from marketplace.catalog.schemas.operating import DriftResolutionSchema
from marketplace.catalog.schemas.sites import SiteDecisionArgs
from marketplace.catalog.service import drifting, publishing, telling, verifying
from marketplace.identity.access import current_account, require
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page, page, reader
from marketplace.web import context

A_PAGE = 50
NOT_PROCESSABLE = 422
YES_OR_NO = {"yes": True, "no": False}

blueprint = Pages("desk_catalogue")


@blueprint.get("/desk/sites")
@require("operator")
def list_sites() -> Response:
    """List the sites to look at, the longest-waiting first."""
    found = sites.queue(context.session(), limit=A_PAGE, cursor=_cursor())
    return page("desk/sites.html", found=found)


@blueprint.get("/desk/sites/<uuid:site_id>")
@require("operator")
def show_site(site_id: UUID) -> Response:
    """Show a site with what was checked of it, and ask for a decision."""
    return _site(site_id, {}, {})


@blueprint.post("/desk/sites/<uuid:site_id>")
@require("operator")
def decide_site(site_id: UUID) -> Response:
    """Verify a site by evidence, or reject it and say why; its people are told."""
    typed = forms.typed()
    given: dict[str, Any] = {
        name: typed[name] for name in ("kind", "reference", "note") if name in typed
    }
    if typed.get("verified") in YES_OR_NO:
        given["verified"] = YES_OR_NO[typed["verified"]]
    errors = forms.carried_out(
        SiteDecisionArgs(),
        given,
        lambda values: (_verify if values["verified"] else _reject)(site_id, values),
        "verified",
    )
    return _site(site_id, typed, errors) if errors else redirect("/desk/sites", 303)


@blueprint.get("/desk/listings")
@require("operator")
def list_reviews() -> Response:
    """List reviews that wait, in the order of asking, each with its listing and conflicts."""
    session = context.session()
    found = reviews.queue(session, limit=A_PAGE, cursor=_cursor())
    return page("desk/reviews.html", found=found, listings=reviews.listings_of(session, found))


@blueprint.get("/desk/listings/<uuid:review_id>")
@require("operator")
def show_review(review_id: UUID) -> Response:
    """Show a listing's words beside its duties, and ask for a decision."""
    return _review(review_id, {}, {})


@blueprint.post("/desk/listings/<uuid:review_id>")
@require("operator")
def decide_review(review_id: UUID) -> Response:
    """Approve these very words and duties, or send them back with a reason."""
    typed = forms.typed()
    given: dict[str, Any] = {"reason": typed.get("reason", "")}
    if typed.get("approve") in YES_OR_NO:
        given["approve"] = YES_OR_NO[typed["approve"]]
    errors = forms.carried_out(
        DecisionSchema(),
        given,
        lambda values: publishing.decide(
            context.session(), review_id, account_id=_own(), now=context.now(), **values
        ),
        "reason",
    )
    return _review(review_id, typed, errors) if errors else redirect("/desk/listings", 303)


@blueprint.get("/desk/drifts")
@require("operator")
def list_drifts() -> Response:
    """List listings whose trainees mostly report no direct patient contact."""
    session = context.session()
    found = tiers.drifts(session, resolved=False, listing_id=None, limit=A_PAGE, cursor=_cursor())
    return page("desk/drifts.html", found=found, listings=reviews.listings_of(session, found))


@blueprint.get("/desk/drifts/<uuid:drift_id>")
@require("operator")
def show_drift(drift_id: UUID) -> Response:
    """Show what trainees have said, and ask what was found out."""
    return _drift(drift_id, {}, {})


@blueprint.post("/desk/drifts/<uuid:drift_id>")
@require("operator")
def resolve_drift(drift_id: UUID) -> Response:
    """Take the flag away with a reason."""
    typed = forms.typed()
    errors = forms.carried_out(
        DriftResolutionSchema(),
        {"reason": typed.get("reason", "")},
        lambda values: drifting.resolve(
            context.session(), drift_id, account_id=_own(), now=context.now(), **values
        ),
        "reason",
    )
    return _drift(drift_id, typed, errors) if errors else redirect("/desk/drifts", 303)


def _verify(site_id: UUID, values: Mapping[str, Any]) -> None:
    session, now = context.session(), context.now()
    evidence = verifying.Evidence(values["kind"], values["reference"])
    site = verifying.verify(
        session, site_id, evidence, note=values["note"], account_id=_own(), now=now
    )
    published = publishing.site_verified(session, site, _own(), now)
    telling.site_verified(session, site, published, now)


def _reject(site_id: UUID, values: Mapping[str, Any]) -> None:
    session, now, note = context.session(), context.now(), values["note"]
    site = verifying.reject(session, site_id, note=note, account_id=_own(), now=now)
    taken_back = publishing.site_rejected(session, site, _own(), now)
    telling.site_rejected(session, site, taken_back, note, now)


def _site(site_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session, who = context.session(), reader()
    return form_page(
        "desk/site.html",
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        site=sites.site(session, site_id),
        checks=sites.checks(session, [site_id])[site_id],
        kinds=[(one.value, who.label(f"evidence_{one.value}")) for one in EvidenceKind],
        typed=typed,
        errors=errors,
    )


def _review(review_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    found, listing = desk.review(context.session(), review_id)
    return _form("desk/review.html", typed, errors, review=found, listing=listing)


def _drift(drift_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    found, listing = desk.drift(context.session(), drift_id)
    return _form("desk/drift.html", typed, errors, drift=found, listing=listing)


def _form(template: str, typed: Mapping[str, str], errors: forms.Errors, **values: Any) -> Response:
    status = NOT_PROCESSABLE if errors else 200
    return form_page(template, status, typed=typed, errors=errors, **values)


def _own() -> UUID:
    return current_account().id


def _cursor() -> str | None:
    return request.args.get("cursor") or None
