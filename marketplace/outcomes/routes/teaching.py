"""Teaching certificates, for those who signed trainees' hours."""

from typing import Any
from uuid import UUID

from marketplace.catalog.queries import listings as catalog
from marketplace.identity.access import caller, current_account, site_member
from marketplace.outcomes.queries import papers as queries
from marketplace.outcomes.routes.days import LEADS
from marketplace.outcomes.routes.papers import shown
from marketplace.outcomes.schemas.papers import PaperRevocationArgs, PaperSchema, TeachingArgs
from marketplace.outcomes.service import hours
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs, page_of

blueprint = Blueprint(
    "teaching", __name__, description="Certificates of what a preceptor taught, without names."
)
CERTIFICATES = "/sites/<uuid:site_id>/teaching-certificates"
TEACHERS = ("preceptor", "coordinator", "site_owner")


@blueprint.route(CERTIFICATES, methods=["POST"])
@site_member(*TEACHERS, operators=False)
@blueprint.arguments(TeachingArgs)
@blueprint.response(200, PaperSchema)
def certify(data: dict[str, Any], site_id: UUID) -> dict[str, Any]:
    """Have a certificate of your own teaching issued: hours that you signed, trainees, no names."""
    session = context.session()
    site = catalog.site_facts(session, [site_id])[site_id]
    paper = hours.certify(
        session,
        account_id=current_account().id,
        site_id=site_id,
        site_name=site.name,
        now=context.now(),
        **data,
    )
    return shown(paper, newer=False)


@blueprint.route(CERTIFICATES, methods=["GET"])
@site_member(*TEACHERS, operators=False)
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(PaperSchema))
def list_own(args: dict[str, Any], site_id: UUID) -> Page[dict[str, Any]]:
    """List your teaching certificates at a site, the newest first."""
    session = context.session()
    page = queries.of_teacher(session, current_account().id, site_id, **args)
    gone = queries.replaced(session, [one.id for one in page.items])
    return Page([shown(one, newer=one.id in gone) for one in page.items], page.next_cursor)


@blueprint.route(f"{CERTIFICATES}/<uuid:paper_id>/revocation", methods=["POST"])
@site_member(*TEACHERS, operators=False)
@blueprint.arguments(PaperRevocationArgs)
@blueprint.response(200, PaperSchema)
def take_back(data: dict[str, Any], site_id: UUID, paper_id: UUID) -> dict[str, Any]:
    """Take a teaching certificate back for good, saying why: yours; owner and coordinator, any."""
    paper = hours.take_back(
        context.session(),
        paper_id,
        site_id=site_id,
        by=current_account().id,
        anybodys=bool(caller().site_roles(site_id) & LEADS),
        now=context.now(),
        **data,
    )
    return shown(paper, newer=False)
