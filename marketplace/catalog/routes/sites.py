"""`/sites`: hosts make their sites and preceptors, change them, and show that they are real."""

from typing import Any
from uuid import UUID

from flask import Response, make_response

from marketplace.catalog.models import Preceptor, Site
from marketplace.catalog.queries import sites as queries
from marketplace.catalog.routes import editing
from marketplace.catalog.schemas.sites import (
    EvidenceArgs,
    PreceptorArgs,
    PreceptorChangeArgs,
    PreceptorDetailSchema,
    PreceptorPage,
    SiteArgs,
    SiteChangeArgs,
    SiteChangesSchema,
    SiteDetailSchema,
    SitePage,
    VerificationSchema,
)
from marketplace.catalog.service import reading, sites, verifying
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, signed_in, site_member
from marketplace.web import context, etags, openapi
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs

blueprint = Blueprint(
    "sites", __name__, url_prefix="/sites", description="Sites and preceptors, for hosts"
)


@blueprint.route("", methods=["POST"])
@signed_in
@blueprint.arguments(SiteArgs)
@blueprint.response(201, SiteDetailSchema)
def create_site(data: dict[str, Any]) -> tuple[Response, int]:
    """Make a site; whoever makes it owns it. Nothing of it is public before it is verified."""
    fields = reading.site_fields(data)
    made = sites.create(context.session(), fields, current_account().id, context.now())
    return _site(made), 201


@blueprint.route("", methods=["GET"])
@signed_in
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, SitePage)
def list_sites(data: dict[str, Any]) -> Page[Site]:
    """List the sites that you work for, by name."""
    mine = identity.sites_of(context.session(), current_account().id)
    return queries.some(context.session(), mine, **data)


@blueprint.route("/<uuid:site_id>", methods=["GET"])
@site_member("site_owner", "coordinator", "preceptor")
@blueprint.response(200, SiteDetailSchema)
def show_site(site_id: UUID) -> Response:
    """Read a site, with the ETag that an edit must send."""
    return _site(queries.site(context.session(), site_id))


@blueprint.route("/<uuid:site_id>", methods=["PATCH"])
@site_member("site_owner", "coordinator")
@blueprint.arguments(SiteChangeArgs)
@blueprint.response(200, SiteDetailSchema)
@blueprint.doc(**openapi.IF_MATCH)
def change_site(data: dict[str, Any], site_id: UUID) -> Response:
    """Change a site; its listings show the change, each as a new version.

    `If-Match` carries the ETag last read: whoever comes second is told who was first (412). The
    time zone can't change while seats are taken (409). Name and address of a verified site are
    looked at by an operator again.
    """
    session = context.session()
    site = queries.locked(session, site_id)
    editing.require_match(site.id, site.version, lambda: queries.last_change(session, site.id))
    columns = reading.site_fields({**reading.site_values(site), **data}).columns
    sites.change(session, site, columns, current_account().id, context.now())
    return _site(site)


@blueprint.route("/<uuid:site_id>/changes", methods=["GET"])
@site_member("site_owner", "coordinator")
@blueprint.response(200, SiteChangesSchema)
def list_site_changes(site_id: UUID) -> dict[str, Any]:
    """Read every change of a site, with author and difference."""
    return {"items": queries.changes(context.session(), site_id)}


@blueprint.route("/<uuid:site_id>/verification", methods=["GET"])
@site_member("site_owner", "coordinator")
@blueprint.response(200, VerificationSchema)
def show_verification(site_id: UUID) -> dict[str, Any]:
    """Read whether a site is verified, and every step towards it."""
    return _verification(queries.site(context.session(), site_id))


@blueprint.route("/<uuid:site_id>/verification", methods=["POST"])
@site_member("site_owner", "coordinator", operators=False)
@blueprint.arguments(EvidenceArgs)
@blueprint.response(200, VerificationSchema)
def submit_evidence(data: dict[str, Any], site_id: UUID) -> dict[str, Any]:
    """Show evidence that the site is what it says; an operator looks at it."""
    site = verifying.submit(
        context.session(),
        site_id,
        verifying.Evidence(data["kind"], data["reference"]),
        note=data["note"],
        account_id=current_account().id,
        now=context.now(),
    )
    return _verification(site)


@blueprint.route("/<uuid:site_id>/preceptors", methods=["GET"])
@site_member("site_owner", "coordinator", "preceptor")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, PreceptorPage)
def list_preceptors(data: dict[str, Any], site_id: UUID) -> Page[Preceptor]:
    """List a site's preceptors, by name."""
    return queries.preceptors(context.session(), site_id, **data)


@blueprint.route("/<uuid:site_id>/preceptors", methods=["POST"])
@site_member("site_owner", "coordinator")
@blueprint.arguments(PreceptorArgs)
@blueprint.response(201, PreceptorDetailSchema)
def create_preceptor(data: dict[str, Any], site_id: UUID) -> tuple[Response, int]:
    """Add a preceptor to a site; the NPI is one of a kind there (409)."""
    fields = reading.preceptor_fields(data)
    return _preceptor(sites.create_preceptor(context.session(), site_id, fields)), 201


@blueprint.route("/<uuid:site_id>/preceptors/<uuid:preceptor_id>", methods=["GET"])
@site_member("site_owner", "coordinator", "preceptor")
@blueprint.response(200, PreceptorDetailSchema)
def show_preceptor(site_id: UUID, preceptor_id: UUID) -> Response:
    """Read a preceptor, with the ETag that an edit must send."""
    return _preceptor(queries.preceptor(context.session(), site_id, preceptor_id))


@blueprint.route("/<uuid:site_id>/preceptors/<uuid:preceptor_id>", methods=["PATCH"])
@site_member("site_owner", "coordinator")
@blueprint.arguments(PreceptorChangeArgs)
@blueprint.response(200, PreceptorDetailSchema)
@blueprint.doc(**openapi.IF_MATCH)
def change_preceptor(data: dict[str, Any], site_id: UUID, preceptor_id: UUID) -> Response:
    """Change a preceptor; whoever comes second is told who was first (412)."""
    session = context.session()
    person = queries.preceptor(session, site_id, preceptor_id, lock=True)
    editing.require_match(
        person.id, person.version, lambda: queries.last_change(session, person.id)
    )
    columns = reading.preceptor_fields({**reading.preceptor_values(person), **data}).columns
    sites.change_preceptor(session, person, columns, current_account().id, context.now())
    return _preceptor(person)


@blueprint.route("/<uuid:site_id>/preceptors/<uuid:preceptor_id>/changes", methods=["GET"])
@site_member("site_owner", "coordinator")
@blueprint.response(200, SiteChangesSchema)
def list_preceptor_changes(site_id: UUID, preceptor_id: UUID) -> dict[str, Any]:
    """Read every change of a preceptor, with author and difference."""
    person = queries.preceptor(context.session(), site_id, preceptor_id)
    return {"items": queries.changes(context.session(), person.id)}


def _site(site: Site) -> Response:
    response = make_response(SiteDetailSchema().dump(site))
    response.set_etag(etags.etag(site.id, site.version))
    return response


def _preceptor(person: Preceptor) -> Response:
    response = make_response(PreceptorDetailSchema().dump(person))
    response.set_etag(etags.etag(person.id, person.version))
    return response


def _verification(site: Site) -> dict[str, Any]:
    return {
        "site_id": site.id,
        "verification": site.verification,
        "waiting_since": site.waiting_since,
        "items": queries.checks(context.session(), [site.id])[site.id],
    }
