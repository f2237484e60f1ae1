"""Calendars as their hosts look at them: pools with their weeks, sums by week, the history."""

import uuid
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from marketplace.catalog.models import CalendarEdit, SeatPool
from marketplace.catalog.queries import calendars as queries
from marketplace.catalog.queries.calendars import PoolWeek, Scope
from marketplace.catalog.queries.held import Shown
from marketplace.catalog.rules.edits import undoable
from marketplace.catalog.rules.weeks import run_of_weeks
from marketplace.catalog.service.calendars import Held
from marketplace.core.db import Session
from marketplace.identity import queries as identity
from marketplace.web.pagination import Page

# Half a year: what the answer to an edit of a pool shows.
WEEKS_SHOWN = 26


@dataclass(frozen=True)
class Editor:
    account_id: uuid.UUID
    name: str


def pools(
    session: Session, found: Sequence[SeatPool], first: date, count: int
) -> list[dict[str, Any]]:
    """Each pool with its listings and `count` weeks: two queries for any number of pools."""
    ids = [pool.id for pool in found]
    shown = run_of_weeks(first, count) if count else []
    drawing = queries.drawing(session, ids)
    weeks = queries.weeks(session, ids, shown) if shown else {}
    by_pool: dict[uuid.UUID, dict[date, PoolWeek]] = {}
    for (pool_id, week), one in weeks.items():
        by_pool.setdefault(pool_id, {})[week] = one
    return [pool(each, Shown(drawing.get(each.id, ()), by_pool.get(each.id, {}))) for each in found]


def pool(found: SeatPool, shown: Shown) -> dict[str, Any]:
    """One pool, with what has been read of it."""
    names = ("listing_id", "external_id", "title", "listing_state")
    return {
        "id": found.id,
        "site_id": found.site_id,
        "preceptor_id": found.preceptor_id,
        "name": found.name,
        "version": found.version,
        "listings": [dict(zip(names, one, strict=True)) for one in shown.listings],
        "weeks": [_week(week, one) for week, one in shown.weeks.items()],
    }


def whole(session: Session, held: Held, first: date, count: int) -> dict[str, Any]:
    """All pools and listings of a scope as one calendar: two queries."""
    last = queries.last_edit(
        session, [pool.id for pool in held.pools], [one.id for one in held.listings]
    )
    shown = run_of_weeks(first, count) if count else []
    rows = queries.sums(session, [pool.id for pool in held.pools], shown) if shown else []
    closed = Counter(week for one in held.listings for week in one.blackout_weeks)
    return {
        "pools": len(held.pools),
        "listings": len(held.listings),
        "edited_at": last.at if last else None,
        "edited_by": last.account_id if last else None,
        "weeks": [{**row, "closed_listings": closed[row["week"]]} for row in rows],
    }


def history(
    session: Session, scope: Scope, *, limit: int, cursor: str | None
) -> Page[dict[str, Any]]:
    """A page of edits, newest first, with what each changed and who made it: three queries."""
    page = queries.edits(session, scope, limit=limit, cursor=cursor)
    parts = queries.parts(session, [edit.id for edit in page.items])
    editors = {edit.account_id for edit in page.items if edit.account_id}
    people = identity.contacts(session, list(editors)) if editors else {}
    rows = [_past(edit, parts[edit.id], people) for edit in page.items]
    return Page(rows, page.next_cursor)


def editor(
    session: Session, pool_ids: Collection[uuid.UUID], listing_ids: Collection[uuid.UUID]
) -> dict[str, Any]:
    """Who edited any of these last and when, for whoever was too late."""
    last = queries.last_edit(session, pool_ids, listing_ids)
    person = identity.contact(session, last.account_id) if last and last.account_id else None
    return {
        "edited_by": person.name if person else None,
        "edited_at": last.at.isoformat() if last else None,
    }


def _week(week: date, one: PoolWeek) -> dict[str, Any]:
    return {
        "week": week,
        "seats": one.state.seats,
        "closed": one.state.closed,
        "taken": one.taken,
        "free": one.state.capacity - one.taken,
    }


def _past(
    edit: CalendarEdit,
    parts: queries.Parts,
    people: dict[uuid.UUID, identity.Contact],
) -> dict[str, Any]:
    person = people.get(edit.account_id) if edit.account_id else None
    return {
        "id": edit.id,
        "kind": edit.kind,
        "edited_by": Editor(person.account_id, person.name) if person else None,
        "recorded_at": edit.recorded_at,
        "why": edit.why,
        "asked": edit.asked,
        "undoes": edit.undoes,
        "undone_by": parts.undone_by,
        "undoable": parts.undone_by is None and undoable(edit.kind, edit.asked),
        "pools": parts.pools,
        "listings": parts.listings,
    }
