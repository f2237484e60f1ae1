"""Webhooks of one's sites and schools: the endpoints, what went out, and sending it again."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.catalog.queries import sites
from marketplace.identity.access import caller, current_account, signed_in
from marketplace.identity.queries import schools
from marketplace.identity.rules import Role
from marketplace.pages.view import Pages, form_page, page
from marketplace.web import context
from marketplace.webhooks import queries
from marketplace.webhooks.routes import SCHOOL, SITE
from marketplace.webhooks.routes.endpoints import Guards, owner_of
from marketplace.webhooks.rules.owners import Owner, Side
from marketplace.webhooks.service import replaying
from marketplace.webhooks.states import DeliveryState

A_PAGE = 20
READERS = frozenset({Role.SITE_OWNER, Role.COORDINATOR})
PENDING = DeliveryState.PENDING.value
STATES = tuple(one.value for one in DeliveryState)

blueprint = Pages("webhook_pages")


@blueprint.get("/webhooks")
@signed_in
def list_own() -> Response:
    """List the endpoints of the sites and schools that one acts for."""
    session, grants = context.session(), caller().grants
    site_ids = [one.site_id for one in grants if one.site_id and one.role in READERS]
    names = sites.names(session, site_ids) | schools.names(session, caller().school_ids)
    found = queries.of_owners(session, list(names))
    owners = [
        Owner(Side.SITE, one.site_id)
        for one in grants
        if one.site_id and one.role == Role.SITE_OWNER
    ]
    owners += [Owner(Side.SCHOOL, one) for one in caller().school_ids]
    return page("webhooks/list.html", names=names, found=found, owners=owners)


def _one(side: Side, guards: Guards) -> None:
    """Add the pages of one endpoint, for sites or for schools."""
    base = f"/webhooks/{side.value}s/<uuid:{side.value}_id>/<uuid:endpoint_id>"

    @guards.read
    def show(endpoint_id: UUID, **where: UUID) -> Response:
        """Show an endpoint and what went out to it, by state."""
        session = context.session()
        row = queries.endpoint(session, owner_of(where), endpoint_id)
        state = request.args.get("state")
        found = queries.deliveries(
            session,
            row.id,
            state=state if state in STATES else None,
            type=None,
            limit=A_PAGE,
            cursor=request.args.get("cursor") or None,
        )
        return form_page(
            "webhooks/endpoint.html",
            row=row,
            found=found,
            state=state,
            states=STATES,
            asked="asked" in request.args,
            waiting=any(_is_sent_now(one, context.now()) for one in found.items),
            may_change=_may_change(row.owner),
            tone=tone,
        )

    @guards.read
    def delivery(endpoint_id: UUID, delivery_id: UUID, **where: UUID) -> Response:
        """Show what a delivery carries, and every attempt at it."""
        session = context.session()
        row = queries.endpoint(session, owner_of(where), endpoint_id)
        found, message = queries.delivery(session, row.id, delivery_id)
        return form_page(
            "webhooks/delivery.html",
            row=row,
            found=found,
            message=message,
            attempts=queries.attempts(session, row.id, delivery_id),
            may_change=_may_change(row.owner),
            tone=tone,
        )

    @guards.write
    def ping(endpoint_id: UUID, **where: UUID) -> Response:
        """Have a message sent that says nothing but that it came."""
        session = context.session()
        row = queries.endpoint(session, owner_of(where), endpoint_id)
        replaying.ping(session, row, context.now())
        return _back(endpoint_id, where)

    @guards.write
    def replay(endpoint_id: UUID, delivery_id: UUID, **where: UUID) -> Response:
        """Send a delivery again."""
        session, now = context.session(), context.now()
        row = queries.endpoint(session, owner_of(where), endpoint_id)
        replaying.replay(session, row, delivery_id, actor_id=current_account().id, now=now)
        return _back(endpoint_id, where)

    @guards.write
    def replay_failed(endpoint_id: UUID, **where: UUID) -> Response:
        """Send again all that failed and is kept."""
        session, now = context.session(), context.now()
        row = queries.endpoint(session, owner_of(where), endpoint_id)
        since = now - replaying.KEPT_FOR
        replaying.replay_failed(session, row, since, actor_id=current_account().id, now=now)
        return _back(endpoint_id, where)

    def _back(endpoint_id: UUID, where: dict[str, UUID]) -> Response:
        where_to = f"/webhooks/{side.value}s/{owner_of(where).id}/{endpoint_id}"
        return redirect(f"{where_to}?asked=yes", 303)

    views: tuple[tuple[str, str, Any], ...] = (
        ("GET", "", show),
        ("POST", "/ping", ping),
        ("POST", "/replays", replay_failed),
        ("GET", "/deliveries/<uuid:delivery_id>", delivery),
        ("POST", "/deliveries/<uuid:delivery_id>/replay", replay),
    )
    for method, path, view in views:
        name = f"{side.value}_{view.__name__}"
        blueprint.add_url_rule(f"{base}{path}", name, view, methods=[method])


def _is_sent_now(one: Any, now: datetime) -> bool:
    """Whether a delivery is due or under way, and not put off."""
    return one.state == PENDING and (one.begun_at is not None or one.next_at <= now)


def _may_change(owner: Owner) -> bool:
    who = caller()
    if owner.side is Side.SCHOOL:
        return owner.id in who.school_ids
    return Role.SITE_OWNER in who.site_roles(owner.id)


def tone(state: str) -> str:
    """How a state is coloured: good, fair or bad."""
    return {"delivered": "good", "enabled": "good", "pending": "fair"}.get(state, "bad")


_one(Side.SITE, SITE)
_one(Side.SCHOOL, SCHOOL)
