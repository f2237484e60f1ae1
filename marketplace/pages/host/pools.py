"""Seats that several listings share: pools made, and listings put on them and taken off."""

from typing import Any
from uuid import UUID

from flask import Response, request
from werkzeug.wrappers import Response as Answer

from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.queries import calendars as queries
from marketplace.catalog.queries import sites
from marketplace.catalog.routes import calendars as routes
from marketplace.catalog.rules.weeks import monday_of
from marketplace.catalog.schemas.calendars import NewPoolSchema, ShareSchema
from marketplace.catalog.service import overview, pools
from marketplace.identity.access import site_member
from marketplace.pages import forms
from marketplace.pages.host.frame import DECIDERS, NOT_PROCESSABLE, PEOPLE, back, panel
from marketplace.pages.view import Pages
from marketplace.web import context

TAB = "/calendar"
BASE = "/host/sites/<uuid:site_id>/calendar/pools"
HERE = "/calendar/pools"
A_PAGE = 25
# In the form of the one line that listings are put on.
MOST_CHOOSABLE = 100
LONGEST = 100

blueprint = Pages("host_pools")


@blueprint.get(BASE)
@site_member(*PEOPLE, operators=False)
def show(site_id: UUID) -> Response:
    """Show the site's pools with the listings that draw on them."""
    return _shown(site_id)


@blueprint.post(BASE)
@site_member(*DECIDERS, operators=False)
def create(site_id: UUID) -> Answer:
    """Make a pool without seats yet, of the site or of one of its preceptors."""
    typed = forms.typed()
    given = {"name": typed.get("name", ""), "preceptor_id": typed.get("preceptor_id") or None}
    values, errors = forms.read(NewPoolSchema(), given)
    if not errors:
        _, errors = forms.tried(lambda: pools.create(context.session(), site_id, **values), "name")
    return _shown(site_id, typed, errors) if errors else back(site_id, HERE, "pool_made")


@blueprint.post(f"{BASE}/<uuid:pool_id>/listings")
@site_member(*DECIDERS, operators=False)
def share(site_id: UUID, pool_id: UUID) -> Answer:
    """Have listings draw on a pool; their bookings' seats move along, or nothing is done."""
    typed = forms.typed()
    given: dict[str, Any] = {"listing_ids": request.form.getlist("listings")}
    given |= {"alone": typed.get("alone") == "yes", "why": typed.get("why", "")}
    field = f"pool-{pool_id}"
    values, errors = forms.read(ShareSchema(), given)
    if errors:
        told = [text for texts in errors.values() for text in texts]
        return _shown(site_id, typed, {field: told}, pool_id)
    _, errors = forms.tried(
        lambda: pools.share(
            context.session(),
            site_id,
            pool_id,
            values["listing_ids"],
            routes.author(values["why"]),
            _holders(),
            alone=values["alone"],
        ),
        field,
    )
    if errors:
        return _shown(site_id, typed, errors, pool_id)
    return back(site_id, HERE, "shared")


@blueprint.post(f"{BASE}/<uuid:pool_id>/listings/<uuid:listing_id>/leave")
@site_member(*DECIDERS, operators=False)
def leave(site_id: UUID, pool_id: UUID, listing_id: UUID) -> Answer:
    """Have a listing draw on a pool no more; it keeps one, or has its own again."""
    return _given_back(site_id, pool_id, listing_id)


@blueprint.post(f"{BASE}/<uuid:pool_id>/dissolve")
@site_member(*DECIDERS, operators=False)
def dissolve(site_id: UUID, pool_id: UUID) -> Answer:
    """Have no listing draw on a pool any more; each keeps one, or has its own again."""
    return _given_back(site_id, pool_id)


def _given_back(site_id: UUID, pool_id: UUID, listing_id: UUID | None = None) -> Answer:
    _, errors = forms.tried(
        lambda: pools.give_back(
            context.session(), site_id, pool_id, routes.author(""), _holders(), listing_id
        ),
        f"pool-{pool_id}",
    )
    done = "unshared" if listing_id else "dissolved"
    return _shown(site_id, {}, errors) if errors else back(site_id, HERE, done)


def _shown(
    site_id: UUID,
    typed: dict[str, str] | None = None,
    errors: forms.Errors | None = None,
    put: UUID | None = None,
) -> Response:
    session = context.session()
    cursor = request.args.get("cursor") or None
    found = queries.page_of_pools(session, site_id, limit=A_PAGE, cursor=cursor)
    chosen = str(put) if put else request.args.get("put", "")
    words = request.args.get("words", "").strip()[:LONGEST]
    offered = queries.choosable(session, site_id, MOST_CHOOSABLE + 1, words) if chosen else ()
    first = monday_of(context.now().date())
    shown = overview.pools(session, found.items, first, 0)
    idle = [one["name"] for one in shown if not one["listings"]]
    people = sites.preceptors(session, site_id, limit=MOST_CHOOSABLE, cursor=None)
    return panel(
        "host/pools.html",
        site_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        pools=shown,
        came_with=queries.came_with(session, site_id, idle) if idle else {},
        seated=queries.with_seats(session, [one.id for one in found.items], first),
        next_cursor=found.next_cursor,
        listings=[
            (one.id, one.title, one.preceptor_id, one.preceptor.name)
            for one in offered[:MOST_CHOOSABLE]
        ],
        put=chosen,
        words=words,
        cut=MOST_CHOOSABLE if len(offered) > MOST_CHOOSABLE else 0,
        cursor=cursor,
        preceptors=[(one.id, one.name) for one in people.items],
        typed=typed or {},
        errors=errors or {},
    )


def _holders() -> SeatHolders:
    return context.parts().get(SeatHolders)
