"""`/sites/…/pools`: seats that listings of a site share."""

from typing import Any
from uuid import UUID

from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.queries import calendars as queries
from marketplace.catalog.queries.calendars import Scope
from marketplace.catalog.routes.calendars import (
    EDITORS,
    READERS,
    author,
    first_shown,
    match,
    tagged,
)
from marketplace.catalog.schemas.calendars import (
    NewPoolSchema,
    PoolNameSchema,
    PoolPage,
    PoolsArgs,
    PoolSchema,
    ShareSchema,
    WeeksArgs,
)
from marketplace.catalog.service import calendars, overview, pools
from marketplace.catalog.service.calendars import Held
from marketplace.identity.access import site_member
from marketplace.web import context, etags, openapi
from marketplace.web.api import PREFIX, Blueprint
from marketplace.web.pagination import Page

Shown = tuple[dict[str, Any], dict[str, str]]

blueprint = Blueprint(
    "site_pools",
    __name__,
    url_prefix="/sites",
    description="Pools of seats that a site's listings share, for hosts",
)


@blueprint.route("/<uuid:site_id>/pools", methods=["GET"])
@site_member(*READERS)
@blueprint.arguments(PoolsArgs, location="query")
@blueprint.response(200, PoolPage)
def list_pools(data: dict[str, Any], site_id: UUID) -> Page[dict[str, Any]]:
    """List a site's pools with their listings and weeks; every listing has at least one."""
    session = context.session()
    page = queries.page_of_pools(session, site_id, limit=data["limit"], cursor=data["cursor"])
    first = first_shown(data["first_week"])
    return Page(overview.pools(session, page.items, first, data["weeks"]), page.next_cursor)


@blueprint.route("/<uuid:site_id>/pools", methods=["POST"])
@site_member(*EDITORS)
@blueprint.arguments(NewPoolSchema)
@blueprint.response(201, PoolSchema)
def create(data: dict[str, Any], site_id: UUID) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Make a pool without seats yet, of the site or of one of its preceptors."""
    pool = pools.create(context.session(), site_id, data["name"], data["preceptor_id"])
    body, headers = _of(Held(Scope(site_id, pool.id), [pool]))
    return body, 201, {**headers, "Location": f"{PREFIX}/sites/{site_id}/pools/{pool.id}"}


@blueprint.route("/<uuid:site_id>/pools/<uuid:pool_id>", methods=["GET"])
@site_member(*READERS)
@blueprint.arguments(WeeksArgs, location="query")
@blueprint.response(200, PoolSchema)
def show(data: dict[str, Any], site_id: UUID, pool_id: UUID) -> Shown:
    """Read a pool with its listings and weeks, and the ETag that an edit must send."""
    held = calendars.hold(context.session(), Scope(site_id, pool_id), keep=False)
    first = first_shown(data["first_week"])
    (body,) = overview.pools(context.session(), held.pools, first, data["weeks"])
    return body, tagged(held)


@blueprint.route("/<uuid:site_id>/pools/<uuid:pool_id>", methods=["PATCH"])
@site_member(*EDITORS)
@blueprint.arguments(PoolNameSchema)
@blueprint.response(200, PoolSchema)
@blueprint.doc(**openapi.IF_MATCH)
def rename(data: dict[str, Any], site_id: UUID, pool_id: UUID) -> Shown:
    """Give a pool another name."""
    held = calendars.hold(context.session(), Scope(site_id, pool_id))
    match(held)
    pools.rename(context.session(), held.pools[0], data["name"])
    return _of(held)


@blueprint.route("/<uuid:site_id>/pools/<uuid:pool_id>/listings", methods=["POST"])
@site_member(*EDITORS)
@blueprint.arguments(ShareSchema)
@blueprint.response(200, PoolSchema)
def share(data: dict[str, Any], site_id: UUID, pool_id: UUID) -> Shown:
    """Have listings draw on a pool, besides those that they have or alone; bookings move along.

    409 `capacity_below_taken` names the bookings for which the pool has no free seat,
    `other_preceptor` refuses listings that the pool's preceptor does not teach.
    """
    body = pools.share(
        context.session(),
        site_id,
        pool_id,
        data["listing_ids"],
        author(data["why"]),
        context.parts().get(SeatHolders),
        alone=data["alone"],
    )
    return body, _tag(body)


@blueprint.route(
    "/<uuid:site_id>/pools/<uuid:pool_id>/listings/<uuid:listing_id>", methods=["DELETE"]
)
@site_member(*EDITORS)
@blueprint.response(200, PoolSchema)
def unshare(site_id: UUID, pool_id: UUID, listing_id: UUID) -> Shown:
    """Have a listing draw on a pool no more; 409 `last_pool` if it has no other."""
    body = pools.unshare(
        context.session(),
        site_id,
        pool_id,
        listing_id,
        author(""),
        context.parts().get(SeatHolders),
    )
    return body, _tag(body)


def _tag(body: dict[str, Any]) -> dict[str, str]:
    return {"ETag": f'"{etags.etag(body["id"], body["version"])}"'}


def _of(held: Held) -> Shown:
    (body,) = overview.pools(context.session(), held.pools, first_shown(None), overview.WEEKS_SHOWN)
    return body, tagged(held)
