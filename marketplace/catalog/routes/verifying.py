"""`/operator/sites`: which sites wait for a look, and what an operator decides."""

from typing import Any
from uuid import UUID

from marketplace.catalog.models import Site
from marketplace.catalog.queries import sites
from marketplace.catalog.schemas.sites import SiteDecisionArgs, SiteDetailSchema, WaitingSitePage
from marketplace.catalog.service import publishing, telling, verifying
from marketplace.identity.access import current_account, require
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.schemas import PageArgs

blueprint = Blueprint(
    "operator_sites",
    __name__,
    url_prefix="/operator/sites",
    description="Verification of sites, for operators",
)


@blueprint.route("", methods=["GET"])
@require("operator")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, WaitingSitePage)
def list_waiting_sites(data: dict[str, Any]) -> dict[str, Any]:
    """List the sites to look at, the longest-waiting first, each with its evidence so far.

    Sites that are to be verified, and verified ones that have changed since.
    """
    page = sites.queue(context.session(), **data)
    steps = sites.checks(context.session(), [site.id for site in page.items])
    items = [{"site": site, "checks": steps[site.id]} for site in page.items]
    return {"items": items, "next_cursor": page.next_cursor}


@blueprint.route("/<uuid:site_id>/verification", methods=["POST"])
@require("operator")
@blueprint.arguments(SiteDecisionArgs)
@blueprint.response(200, SiteDetailSchema)
def decide_site(data: dict[str, Any], site_id: UUID) -> Site:
    """Verify a site by evidence, or reject it and say why; its people are told.

    Verified, its listings that waited for this alone are published; rejected, its public listings
    go back to review. Whoever decides second is told who came first (409).
    """
    session, account_id, now = context.session(), current_account().id, context.now()
    if data["verified"]:
        evidence = verifying.Evidence(data["kind"], data["reference"])
        site = verifying.verify(
            session, site_id, evidence, note=data["note"], account_id=account_id, now=now
        )
        published = publishing.site_verified(session, site, account_id, now)
        telling.site_verified(session, site, published, now)
    else:
        site = verifying.reject(session, site_id, note=data["note"], account_id=account_id, now=now)
        taken_back = publishing.site_rejected(session, site, account_id, now)
        telling.site_rejected(session, site, taken_back, data["note"], now)
    return site
