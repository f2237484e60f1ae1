"""Calendars edited in a spreadsheet: read in, planned row by row, and written as one edit a site.

Only what differs from the calendar as it is now is changed. A row is refused that would take a seat
from somebody, or that was edited from an older version of the calendar than the present one.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.models import SeatPool
from marketplace.catalog.queries import held
from marketplace.catalog.queries.calendars import PoolWeek, Scope
from marketplace.catalog.rules.edits import WeekState
from marketplace.catalog.rules.faults import LARGE, Limits, SheetFault
from marketplace.catalog.rules.findings import Problem
from marketplace.catalog.rules.seat_row import SeatRow, read_seat_row
from marketplace.catalog.rules.sheet import CALENDAR, Record, open_bytes
from marketplace.catalog.rules.spreadsheet import as_problem
from marketplace.catalog.service import edit_plans, holding
from marketplace.catalog.service.edit_records import Author, write
from marketplace.catalog.service.planning import (
    CHANGED,
    REFUSED,
    REPEATED,
    UNCHANGED,
    Entry,
    ImportPlan,
)
from marketplace.catalog.states import EditKind
from marketplace.core.db import Session

Key = tuple[uuid.UUID, date]


@dataclass(frozen=True)
class _Site:
    """A site's pools and their weeks as they are now."""

    pools: Mapping[uuid.UUID, SeatPool]
    weeks: Mapping[Key, PoolWeek]


def import_seats(
    session: Session,
    content: bytes,
    site_id: uuid.UUID,
    *,
    commit: bool,
    author: Author,
    holders: SeatHolders | None = None,
    name: str | None = None,
    limits: Limits = LARGE,
) -> ImportPlan:
    """Plan the import of a site's calendars and, with `commit`, do it, refused rows left out.

    Problems of rows and of the file are in the plan, never raised.
    """
    try:
        table = open_bytes(content, CALENDAR, name=name, limits=limits)
        records = list(table.records)
    except SheetFault as fault:
        return ImportPlan((), fault=as_problem(fault))
    has = held.pools(session, held.of_scope(Scope(site_id)), None, hold=commit)
    pools = {pool.id: pool for pool in has.pools}
    site = _Site(pools, has.weeks)
    read = [(record, *read_seat_row(record)) for record in records]
    entries, targets = _judged(read, site)
    plan = edit_plans.of_pools(session, list(pools.values()), site.weeks, targets, holders)
    against = {(one.pool_id, one.week): one.taken for one in plan.obstacles}
    if against:
        named = holding.named(plan.bookings)
        rows = {row.row: row for _, row, _ in read if row is not None}
        entries = [_with_obstacle(entry, rows, against, named) for entry in entries]
        kept = {key: state for key, state in targets.items() if key not in against}
        plan = edit_plans.of_pools(session, list(pools.values()), site.weeks, kept, holders)
    if commit:
        write(session, site_id, plan, EditKind.IMPORT, {"rows": len(records)}, author)
    return ImportPlan(tuple(entries), tuple(table.remarks), committed=commit)


def _judged(
    read: Sequence[tuple[Record, SeatRow | None, Sequence[Problem]]], site: _Site
) -> tuple[list[Entry], dict[Key, WeekState]]:
    """An entry a row, and what each changed week is to become."""
    entries, targets = [], {}
    seen: dict[Key, SeatRow] = {}
    for record, row, found in read:
        problems = list(found)
        if row is None:
            entries.append(Entry(record.row, _label(record), REFUSED, problems=problems))
            continue
        problems += _misplaced(row, site, seen.get(row.key))
        first = seen.setdefault(row.key, row)
        if problems:
            entries.append(Entry(row.row, row.label, REFUSED, problems=problems))
            continue
        now = edit_plans.state_of(site.weeks, *row.key)
        target = WeekState(row.seats, now.closed if row.closed is None else row.closed)
        changed = dict(_difference(now, target))
        action = REPEATED if first is not row else CHANGED if changed else UNCHANGED
        entries.append(Entry(row.row, row.label, action, difference=changed))
        if action == CHANGED:
            targets[row.key] = target
    return entries, targets


def _misplaced(row: SeatRow, site: _Site, before: SeatRow | None) -> Iterator[Problem]:
    """What no cell can tell by itself: another site's calendar, an older version, two wishes."""
    pool = site.pools.get(row.pool_id)
    if pool is None:
        expected = "the id of a calendar of this site, as it was exported"
        yield Problem(row.row, "pool_id", str(row.pool_id), "unknown_calendar", expected)
        return
    now = edit_plans.state_of(site.weeks, *row.key)
    target = WeekState(row.seats, now.closed if row.closed is None else row.closed)
    if row.version is not None and row.version != pool.version and target != now:
        expected = f"version {pool.version}: this calendar was edited since; export it again"
        yield Problem(row.row, "version", str(row.version), "edited_since", expected)
    if before is not None and (before.seats, before.closed) != (row.seats, row.closed):
        expected = f"one row a week; row {before.row} says something else of it"
        yield Problem(row.row, "week", row.week.isoformat(), "contradiction", expected)


def _difference(now: WeekState, target: WeekState) -> Iterator[tuple[str, tuple[str, str]]]:
    if now.seats != target.seats:
        yield "seats", (str(now.seats), str(target.seats))
    if now.closed != target.closed:
        yield "closed", ("yes" if now.closed else "no", "yes" if target.closed else "no")


def _with_obstacle(
    entry: Entry,
    rows: Mapping[int, SeatRow],
    against: Mapping[tuple[uuid.UUID | None, date], int],
    named: str,
) -> Entry:
    if entry.action != CHANGED:
        return entry
    row = rows[entry.row]
    taken = against.get(row.key)
    if taken is None:
        return entry
    by = f" ({named})" if named else ""
    if "closed" in entry.difference and row.closed:
        column, value = "closed", "yes"
        expected = f"no: {taken} seats are taken{by}"
    else:
        column, value = "seats", str(row.seats)
        expected = f"at least {taken}, the seats that are taken{by}"
    problem = Problem(row.row, column, value, "seats_taken", expected, (row.week,))
    return replace(entry, action=REFUSED, difference={}, problems=[problem])


def _label(record: Record) -> str:
    return record.cells.get("pool", "").strip()[:80]
