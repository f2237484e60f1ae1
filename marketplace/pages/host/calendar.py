"""The calendar by week: a grid of weeks and seats, edits over a range, their history and undoing.

An edit is looked at before it is made: the look is a GET that changes nothing, and its form carries
the version that was looked at, so that two coordinators are told of each other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from flask import Response, request
from werkzeug.wrappers import Response as Answer

from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.queries import calendars as queries
from marketplace.catalog.queries import sites
from marketplace.catalog.queries.calendars import Scope
from marketplace.catalog.queries.listings import titles
from marketplace.catalog.routes import calendars as routes
from marketplace.catalog.rules.edits import Action
from marketplace.catalog.rules.holidays import holidays_in
from marketplace.catalog.rules.weeks import WEEK, monday_of, run_of_weeks
from marketplace.catalog.schemas.calendars import EditSchema, UndoSchema, WeeksArgs
from marketplace.catalog.service import calendars, overview, undoing
from marketplace.catalog.service.calendars import Held, Wish
from marketplace.catalog.service.edit_plans import EditPlan, ListingChange
from marketplace.catalog.service.import_writing import BY_HAND, WHY
from marketplace.catalog.states import ListingState
from marketplace.core.errors import DomainError
from marketplace.identity.access import site_member
from marketplace.pages import forms
from marketplace.pages.host.frame import (
    DECIDERS,
    NOT_PROCESSABLE,
    PEOPLE,
    back,
    panel,
    refusal,
)
from marketplace.pages.view import Pages, reader
from marketplace.pages.words import noted
from marketplace.web import context

TAB = "/calendar"
BASE = "/host/sites/<uuid:site_id>/calendar"
SHOWN = 13
A_PAGE = 25
# Of a site with thousands of lines: how many can be chosen, and how many a page tells of.
MOST_CHOOSABLE = 100
MOST_SHOWN = 50
SOME_POOLS = 5
CONFLICT = 409
# Whether seats or closed weeks are meant is said by what is done; whose they are, by the scope.
ACTIONS = {
    Action.SET: noted("Set the seats of each week to"),
    Action.ADD: noted("Add so many seats (or take off, with a minus)"),
    Action.CLOSE: noted("Close these weeks"),
    Action.OPEN: noted("Open these weeks again"),
}
KINDS = {
    "seats": noted("Seats were set"),
    "close": noted("Weeks were closed"),
    "open": noted("Weeks were opened"),
    "share": noted("Seats were shared"),
    "unshare": noted("Seats were no longer shared"),
    "import": noted("A sheet was imported"),
    "terms": noted("A listing was changed"),
    "undo": noted("An edit was undone"),
}
IDLE = noted("no listing draws on it")
RETIRED = noted("retired: not booked any more")
COUNTED = (Action.SET.value, Action.ADD.value)

# What a listing came to draw on, and what it left.
WAYS = ("joins", "leaves")
blueprint = Pages("host_calendar")


@dataclass(frozen=True)
class Cell:
    """A week of a row; no seats where nobody has given it any."""

    week: date
    seats: int
    taken: int
    closed: bool

    @property
    def kind(self) -> str:
        """How it is coloured."""
        if self.closed:
            return "closed"
        if self.taken >= self.seats:
            return "full" if self.seats else "none"
        return "some" if self.taken else "free"


@dataclass(frozen=True)
class Row:
    """A pool, or one of several listings that draw on it; `scope` is what an edit of it names."""

    scope: str
    name: str
    listings: Sequence[str]
    cells: Sequence[Cell]
    below: bool = False
    note: str = ""


@blueprint.get(BASE)
@site_member(*PEOPLE, operators=False)
def show(site_id: UUID) -> Response:
    """Show a quarter of the site's calendar, pool by pool."""
    session = context.session()
    values, _ = forms.read(WeeksArgs(unknown="exclude", only=["first_week"]), _asked())
    first = monday_of(values.get("first_week") or _day("from") or context.now().date())
    page = queries.page_of_pools(
        session, site_id, limit=A_PAGE, cursor=request.args.get("cursor") or None
    )
    found = overview.pools(session, page.items, first, SHOWN)
    drawn = [one["listing_id"] for pool in found for one in pool["listings"]]
    closed = queries.closed_weeks(session, drawn) if drawn else {}
    weeks = run_of_weeks(first, SHOWN)
    site = sites.site(session, site_id)
    asked = request.args.get("holidays") == "yes"
    return panel(
        "host/calendar.html",
        site_id,
        TAB,
        weeks=weeks,
        rows=[row for pool in found for row in _rows(pool, weeks, closed)],
        before=first - SHOWN * WEEK,
        after=first + SHOWN * WEEK,
        this_week=monday_of(context.now().date()),
        next_cursor=page.next_cursor,
        holidays=holidays_in(site.country, site.state, first, weeks[-1]) if asked else None,
        actions=_actions(),
        typed={"first_week": str(first), "last_week": str(weeks[-1]), **request.args.to_dict()},
    )


@blueprint.get(f"{BASE}/edit")
@site_member(*DECIDERS, operators=False)
def look(site_id: UUID) -> Response:
    """Show what an edit would change, and what stands against it; nothing is changed."""
    given = _asked()
    data, errors = forms.read(EditSchema(), _as_json(given))
    if errors:
        return _look(site_id, given, errors)
    try:
        held, wish = _held(site_id, data, keep=False)
        found = calendars.plan(context.session(), held, wish, _holders())
    except DomainError as refused:
        return _look(site_id, given, forms.wrong(refused, "first_week"))
    return _look(site_id, given, {}, found, held)


@blueprint.post(f"{BASE}/edit")
@site_member(*DECIDERS, operators=False)
def edit(site_id: UUID) -> Answer:
    """Make the edit that was looked at: all of it, or nothing where something stands against it."""
    given = forms.typed()
    version = given.pop("version", "")
    data, errors = forms.read(EditSchema(), _as_json(given))
    if errors:
        return _look(site_id, given, errors)
    try:
        held, wish = _held(site_id, data, keep=True)
        found = calendars.plan(context.session(), held, wish, _holders())
        if version != str(held.version):
            return _look(site_id, given, {}, found, held, _edited(held))
        by = routes.author(data["why"])
        calendars.carry_out(context.session(), held, wish, found, by)
    except DomainError as refused:
        if refused.status != CONFLICT:
            return _look(site_id, given, forms.wrong(refused, "first_week"))
        return _look(site_id, given, {}, found, held, refusal(refused))
    return back(site_id, f"{TAB}?first_week={wish.weeks[0]}", "edited")


@blueprint.get(f"{BASE}/edits")
@site_member(*PEOPLE, operators=False)
def list_edits(site_id: UUID) -> Response:
    """Show who edited what, when and why, the newest first."""
    return _edits(site_id)


@blueprint.post(f"{BASE}/edits/<uuid:edit_id>/undo")
@site_member(*DECIDERS, operators=False)
def undo(site_id: UUID, edit_id: UUID) -> Answer:
    """Give the weeks of an edit back what they had before it."""
    values, errors = forms.read(UndoSchema(exclude=["commit"]), forms.typed())
    by = routes.author(values.get("why", ""))
    try:
        if not errors:
            undoing.undo(context.session(), site_id, edit_id, by, _holders(), commit=True)
    except DomainError as refused:
        return _edits(site_id, refused.status, refusal(refused))
    return back(site_id, f"{TAB}/edits", "undone")


def _edits(site_id: UUID, status: int = 200, refused: str | None = None) -> Response:
    session = context.session()
    cursor = request.args.get("cursor") or None
    found = overview.history(session, Scope(site_id), limit=A_PAGE, cursor=cursor)
    meant = {pool["pool_id"] for one in found.items for pool in one["pools"][:SOME_POOLS]}
    moved = [link for one in found.items for way in WAYS for link in one["asked"].get(way, ())]
    shared = {UUID(link["listing_id"]) for link in moved}
    meant |= {UUID(link["pool_id"]) for link in moved}
    return panel(
        "host/edits.html",
        site_id,
        TAB,
        status,
        found=found,
        kinds=KINDS,
        by_hand=WHY[BY_HAND],
        day_of=date.fromisoformat,
        pools=_names(queries.some_pools(session, meant))[0] if meant else {},
        titles={str(key): title for key, title in titles(session, shared).items()} if moved else {},
        some=SOME_POOLS,
        refused=refused,
    )


def _look(
    site_id: UUID,
    given: Mapping[str, str],
    errors: forms.Errors,
    found: EditPlan | None = None,
    held: Held | None = None,
    refused: str | None = None,
) -> Response:
    session, who = context.session(), reader()
    first = queries.page_of_pools(session, site_id, limit=MOST_CHOOSABLE, cursor=None)
    listed = queries.choosable(session, site_id, MOST_CHOOSABLE)
    meant = _met(found) if found else set()
    pools = [one for one in (held.pools if held else ()) if one.id in meant]
    names, single = _names({one.id: one for one in (*pools, *first.items)}.values())
    # Whoever has a line for itself is that line already.
    sharing = [one for one in listed if one.id not in single]
    scopes = [
        ("", who.say("All of the site")),
        *((f"pool:{one.id}", names[one.id]) for one in first.items),
        *((f"listing:{one.id}", who.say("%(title)s alone", title=one.title)) for one in sharing),
    ]
    chosen = given.get("scope", "")
    if chosen not in dict(scopes):
        scopes.append((chosen, who.say("The one that you chose")))
    status = CONFLICT if refused else NOT_PROCESSABLE if errors else 200
    return panel(
        "host/edit.html",
        site_id,
        TAB,
        status,
        found=found,
        alike=_alike(found.listings) if found else [],
        most=MOST_SHOWN,
        version=held.version if held else "",
        scopes=scopes,
        titles={one.id: one.title for one in held.listings} if held else {},
        pools=names,
        actions=_actions(),
        counted=COUNTED,
        typed=given,
        errors={"weeks": errors.get("weeks", []), **errors} if errors else {},
        refused=refused,
    )


def _alike(changes: Sequence[ListingChange]) -> list[tuple[ListingChange, list[str]]]:
    """Changes of listings, those of the same weeks as one; each with the titles, by name."""
    by: dict[tuple[Any, Any], tuple[ListingChange, list[str]]] = {}
    for one in changes:
        by.setdefault((one.closed, one.opened), (one, []))[1].append(one.title)
    return [(one, sorted(titles)) for one, titles in by.values()]


def _met(found: EditPlan) -> set[UUID | None]:
    """The pools that the page tells of."""
    changed = {one.pool_id for one in found.pools[:MOST_SHOWN]}
    return changed | {one.pool_id for one in found.obstacles[:MOST_SHOWN]}


def _held(site_id: UUID, data: Mapping[str, Any], *, keep: bool) -> tuple[Held, Wish]:
    """What the edit may change, held with `keep`, and what it wishes of it."""
    scope = Scope(site_id, data["pool_id"], data["listing_id"])
    wish = Wish(Action(data["action"]), routes.weeks_of(dict(data)), data["seats"] or 0)
    weeks = calendars.weeks_to_hold(scope, wish)
    held = calendars.hold(context.session(), scope, weeks, keep=keep)
    routes.refuse_past(dict(data), wish.weeks, held)
    return held, wish


def _names(pools: Iterable[Any]) -> tuple[dict[UUID, str], set[UUID]]:
    """What pools are called: by the listing that draws on one alone, where one does; and these."""
    found = {pool.id: pool.name for pool in pools}
    drawing = queries.drawing(context.session(), list(found)) if found else {}
    alone = {key: listed[0] for key, listed in drawing.items() if len(listed) == 1}
    named = {
        key: f"{alone[key][2]} ({name})" if key in alone else name for key, name in found.items()
    }
    return named, {listed[0] for listed in alone.values()}


def _edited(held: Held) -> str:
    """Who was faster, for whoever looked at the calendar as it was before."""
    listings = [one.id for one in held.listings]
    who = overview.editor(context.session(), [pool.id for pool in held.pools], listings)
    seen = reader()
    return seen.say(
        "%(name)s has edited this meanwhile. This is what your edit would change now.",
        name=who["edited_by"] or seen.say("Somebody"),
    )


def _day(name: str) -> date | None:
    """A day of the address, whichever of its week; None for anything else."""
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


def _asked() -> dict[str, str]:
    return {name: text for name, text in request.args.items() if text.strip()}


def _as_json(given: Mapping[str, str]) -> dict[str, Any]:
    """What the form says, as the API would be told."""
    data: dict[str, Any] = {
        name: text
        for name, text in given.items()
        if name in ("action", "first_week", "last_week", "why", "every", "seats")
    }
    kind, _, key = given.get("scope", "").partition(":")
    if kind in ("pool", "listing"):
        data[f"{kind}_id"] = key
    if data.get("action") not in COUNTED:
        data.pop("seats", None)
    for name in ("seats", "every"):
        text = data.get(name, "")
        size = forms.number(text.removeprefix("-"))
        if size is not None:
            data[name] = -size if text.startswith("-") else size
    return data


def _actions() -> list[tuple[str, str]]:
    said = reader().say
    return [(action.value, said(text)) for action, text in ACTIONS.items()]


def _holders() -> SeatHolders:
    return context.parts().get(SeatHolders)


def _rows(
    pool: Mapping[str, Any], weeks: Sequence[date], closed: Mapping[UUID, Sequence[date]]
) -> list[Row]:
    """A pool's row; below it its listings, where several draw on it."""
    listings, known = pool["listings"], {one["week"]: one for one in pool["weeks"]}
    alone = set(closed.get(listings[0]["listing_id"], ())) if len(listings) == 1 else set()
    cells = [_cell(week, known.get(week), closed=week in alone) for week in weeks]
    titles = [one["title"] for one in listings]
    note = IDLE if not listings else _retired(*listings)
    own = Row(f"pool:{pool['id']}", pool["name"], titles, cells, note=note)
    if len(listings) < 2:  # noqa: PLR2004 - one alone stands in the pool's own row
        return [own]
    below = [
        Row(
            f"listing:{one['listing_id']}",
            one["title"],
            [],
            [
                _cell(week, known.get(week), closed=week in closed[one["listing_id"]])
                for week in weeks
            ],
            below=True,
            note=_retired(one),
        )
        for one in listings
    ]
    return [own, *below]


def _retired(*listings: Mapping[str, Any]) -> str:
    """That nobody can book these seats: all that draw on them is retired."""
    gone = all(one["listing_state"] == ListingState.RETIRED for one in listings)
    return RETIRED if gone else ""


def _cell(week: date, one: Mapping[str, Any] | None, *, closed: bool) -> Cell:
    if one is None:
        return Cell(week, 0, 0, closed)
    return Cell(week, one["seats"], one["taken"], closed or one["closed"])
