"""`/sites/…/calendar`: edits over many weeks, their history, undoing, holidays as suggestions."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from marketplace.catalog.errors import ListingNotFound
from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.queries import listings
from marketplace.catalog.queries.calendars import Scope
from marketplace.catalog.rules import edits as rules
from marketplace.catalog.rules.holidays import holidays_in
from marketplace.catalog.rules.weeks import monday_of, run_of_weeks
from marketplace.catalog.schemas.calendars import (
    CalendarArgs,
    CalendarSchema,
    EditPlanSchema,
    EditsArgs,
    EditSchema,
    HolidaysSchema,
    PastEditPage,
    UndoSchema,
    WeeksArgs,
)
from marketplace.catalog.service import calendars, overview, undoing
from marketplace.catalog.service.calendars import Held, Wish
from marketplace.catalog.service.edit_plans import EditPlan
from marketplace.catalog.service.edit_records import Author
from marketplace.core.errors import Invalid, PreconditionFailed
from marketplace.identity.access import current_account, site_member
from marketplace.web import context, etags, openapi
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page

EDITORS = ("site_owner", "coordinator")
READERS = (*EDITORS, "preceptor")

blueprint = Blueprint(
    "site_calendar",
    __name__,
    url_prefix="/sites",
    description="A site's calendars: seats, closed weeks and their history, for hosts",
)


@blueprint.route("/<uuid:site_id>/calendar", methods=["GET"])
@site_member(*READERS)
@blueprint.arguments(CalendarArgs, location="query")
@blueprint.response(200, CalendarSchema)
def show(data: dict[str, Any], site_id: UUID) -> tuple[dict[str, Any], dict[str, str]]:
    """Read the calendars of a pool, a listing or the site as one, with the ETag for an edit."""
    scope = Scope(site_id, data["pool_id"], data["listing_id"])
    held = calendars.hold(context.session(), scope, keep=False)
    first = first_shown(data["first_week"])
    return overview.whole(context.session(), held, first, data["weeks"]), tagged(held)


@blueprint.route("/<uuid:site_id>/calendar/edits", methods=["POST"])
@site_member(*EDITORS)
@blueprint.arguments(EditSchema)
@blueprint.response(200, EditPlanSchema)
@blueprint.doc(**openapi.IF_MATCH)
def edit(data: dict[str, Any], site_id: UUID) -> EditPlan | tuple[EditPlan, dict[str, str]]:
    """Change weeks of a pool, a listing or the whole site: a dry run unless `commit` is true.

    All of it or nothing. To commit, `If-Match` carries the ETag of the calendar last read; 412
    tells who edited it meanwhile. 409 `capacity_below_taken` and `weeks_in_use` name the bookings
    that stand against it. Closing is for the pool's weeks, or for listings where no pool is named.
    """
    session, commit = context.session(), data["commit"]
    scope = Scope(site_id, data["pool_id"], data["listing_id"])
    wish = Wish(rules.Action(data["action"]), weeks_of(data), data["seats"] or 0)
    held = calendars.hold(session, scope, calendars.weeks_to_hold(scope, wish), keep=commit)
    refuse_past(data, wish.weeks, held)
    if commit:
        match(held)
    plan = calendars.plan(session, held, wish, context.parts().get(SeatHolders))
    if not commit:
        return plan
    done = calendars.carry_out(session, held, wish, plan, author(data["why"]))
    return done, tagged(held)


@blueprint.route("/<uuid:site_id>/calendar/edits", methods=["GET"])
@site_member(*READERS)
@blueprint.arguments(EditsArgs, location="query")
@blueprint.response(200, PastEditPage)
def list_edits(data: dict[str, Any], site_id: UUID) -> Page[dict[str, Any]]:
    """Read who edited what, when and why, newest first."""
    scope = Scope(site_id, data.pop("pool_id"), data.pop("listing_id"))
    return overview.history(context.session(), scope, **data)


@blueprint.route("/<uuid:site_id>/calendar/edits/<uuid:edit_id>/undo", methods=["POST"])
@site_member(*EDITORS)
@blueprint.arguments(UndoSchema)
@blueprint.response(200, EditPlanSchema)
def undo(data: dict[str, Any], site_id: UUID, edit_id: UUID) -> EditPlan:
    """Give the weeks of an edit back what they had: a dry run unless `commit` is true.

    409 `edited_since` names weeks that are no longer as the edit left them, `edit_undone` the edit
    that has undone it already.
    """
    return undoing.undo(
        context.session(),
        site_id,
        edit_id,
        author(data["why"]),
        context.parts().get(SeatHolders),
        commit=data["commit"],
    )


@blueprint.route("/<uuid:site_id>/calendar/holidays", methods=["GET"])
@site_member(*READERS)
@blueprint.arguments(WeeksArgs, location="query")
@blueprint.response(200, HolidaysSchema)
def list_holidays(data: dict[str, Any], site_id: UUID) -> dict[str, Any]:
    """See which weeks have holidays of the country or the site's state: suggestions, no more."""
    site = listings.site(context.session(), site_id)
    if site is None:
        raise ListingNotFound
    first = first_shown(data["first_week"])
    weeks = run_of_weeks(first, data["weeks"]) if data["weeks"] else []
    found = holidays_in(site.country, site.state, first, weeks[-1]) if weeks else {}
    held = calendars.hold(context.session(), Scope(site_id), keep=False)
    closed = Counter(week for one in held.listings for week in one.blackout_weeks)
    return {
        "country": site.country,
        "state": site.state,
        "listings": len(held.listings),
        "weeks": [
            {"week": week, "holidays": days, "closed_listings": closed[week]}
            for week, days in found.items()
        ],
    }


def author(why: str) -> Author:
    """The caller, now."""
    return Author(current_account().id, context.now(), why)


def first_shown(asked: date | None) -> date:
    """The Monday of the week that was asked for, or of this one."""
    return monday_of(asked or context.now().date())


def tagged(held: Held) -> dict[str, str]:
    """The ETag of calendars as they are."""
    return {"ETag": f'"{etags.etag(held.owner_id, held.version)}"'}


def require_match(
    owner_id: UUID, version: int, pool_ids: Collection[UUID], listing_ids: Collection[UUID]
) -> None:
    """Refuse an edit of calendars that somebody has edited since, saying who and when."""
    try:
        etags.require_match(owner_id, version)
    except PreconditionFailed as error:
        who = overview.editor(context.session(), pool_ids, listing_ids)
        by = f"{who['edited_by']} edited this" if who["edited_by"] else "This was edited"
        at = f" at {who['edited_at']}" if who["edited_at"] else ""
        raise PreconditionFailed(f"{by}{at}.", extra={**error.extra, **who}) from error


def match(held: Held) -> None:
    """Refuse an edit of these calendars that was not made from what they are."""
    require_match(
        held.owner_id,
        held.version,
        [pool.id for pool in held.pools],
        [one.id for one in held.listings],
    )


def weeks_of(data: dict[str, Any]) -> Sequence[date]:
    """The Mondays that an edit is about; what is wrong is named at the field that it is wrong with."""
    if not data["weeks"]:
        found = {name: rules.not_monday(data[name]) for name in ("first_week", "last_week")}
        if any(found.values()):
            raise Invalid(fields={name: [f"{fault}."] for name, fault in found.items() if fault})
    try:
        weeks: Sequence[date] = (
            [day for one in data["weeks"] for day in rules.chosen(one, one)]
            if data["weeks"]
            else rules.chosen(data["first_week"], data["last_week"], data["every"])
        )
    except ValueError as error:
        raise Invalid(fields={"weeks" if data["weeks"] else "last_week": [f"{error}."]}) from error
    return sorted(set(weeks))


def refuse_past(data: dict[str, Any], weeks: Sequence[date], held: Held) -> None:
    """Refuse weeks that are over at the site."""
    site = held.listings[0].site if held.listings else None
    site = site or listings.site(context.session(), held.scope.site_id)
    if site is None:
        raise ListingNotFound
    this_week = monday_of(context.now().astimezone(ZoneInfo(site.time_zone)).date())
    if weeks[0] < this_week:
        where = _named_by(data)
        raise Invalid(fields={where: [f"From {this_week} on: earlier weeks are over."]})


def _named_by(data: dict[str, Any]) -> str:
    return "weeks" if data["weeks"] else "first_week"
