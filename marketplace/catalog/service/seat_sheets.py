"""Calendars edited in a spreadsheet: judged row by row, and written as one edit a site.

Only what differs from the calendar as it is now is changed. A row is refused that would take a seat
from somebody, that is about a week which is over, or that was edited from an older version of the
calendar than the present one.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.models import SeatPool
from marketplace.catalog.queries import held, sites
from marketplace.catalog.queries.held import HeldPools
from marketplace.catalog.rules.edits import WeekState
from marketplace.catalog.rules.faults import LARGE, Limits, SheetFault
from marketplace.catalog.rules.findings import Problem
from marketplace.catalog.rules.seat_row import SeatRow
from marketplace.catalog.rules.seat_sheet import SeatLine, SeatReading
from marketplace.catalog.rules.sheet import CALENDAR, open_bytes
from marketplace.catalog.rules.spreadsheet import as_problem
from marketplace.catalog.rules.weeks import monday_of
from marketplace.catalog.service import edit_plans, edit_records, holding
from marketplace.catalog.service.edit_plans import EditPlan
from marketplace.catalog.service.edit_records import Author
from marketplace.catalog.service.exporting import Whose
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


@dataclass
class Written:
    """The version that a calendar had before an import wrote into it, and has by it; by its id.

    Rows of one calendar lie in several batches: each was edited from the version before them all.
    """

    versions: dict[uuid.UUID, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Written":
        versions = found.get("versions", {})
        return cls({uuid.UUID(key): (was, now) for key, (was, now) in versions.items()})

    def as_json(self) -> dict[str, Any]:
        return {"versions": {str(key): list(pair) for key, pair in self.versions.items()}}

    def is_current(self, pool: SeatPool, version: int) -> bool:
        """Whether nobody else has edited the calendar since it had this version."""
        was, now = self.versions.get(pool.id, (pool.version, pool.version))
        return version == pool.version or (version == was and now == pool.version)

    def keep(self, pool_id: uuid.UUID, before: int, after: int) -> None:
        was, _ = self.versions.get(pool_id, (before, before))
        self.versions[pool_id] = (was, after)


@dataclass(frozen=True)
class Judged:
    """Rows as they are judged, and what those that may be done change, of all sites together."""

    entries: tuple[Entry, ...]
    plan: EditPlan


def import_seats(
    session: Session,
    content: bytes,
    whose: Whose,
    *,
    commit: bool,
    author: Author,
    holders: SeatHolders | None = None,
    name: str | None = None,
    limits: Limits = LARGE,
) -> ImportPlan:
    """Plan the import of calendars and, with `commit`, do it, refused rows left out.

    Problems of rows and of the file are in the plan, never raised.
    """
    try:
        table = open_bytes(content, CALENDAR, name=name, limits=limits)
        reading = SeatReading(table, [])
        for _ in reading.read():
            pass
    except SheetFault as fault:
        return ImportPlan((), fault=as_problem(fault))
    lines = list(reading.rows())
    judged = judge(session, lines, whose, author.now, Written(), holders, hold=commit)
    if commit:
        carry_out(session, judged, {"rows": len(lines)}, author, Written())
    return ImportPlan(judged.entries, tuple(table.remarks), committed=commit)


def judge(
    session: Session,
    lines: Sequence[SeatLine],
    whose: Whose,
    now: datetime,
    written: Written,
    holders: SeatHolders | None,
    *,
    hold: bool,
) -> Judged:
    """Judge rows against the calendars as they are, which are held with `hold`: a few queries."""
    rows = [line.seats for line in lines if line.seats is not None and line.repeats is None]
    which = held.named({row.pool_id for row in rows}, whose.site_id, whose.owner_account_id)
    has = held.pools(session, which, {row.week for row in rows}, hold=hold)
    pools = {pool.id: pool for pool in has.pools}
    zones = sites.time_zones(session, {pool.site_id for pool in has.pools})
    this_week = {
        site_id: monday_of(now.astimezone(ZoneInfo(zone)).date()) for site_id, zone in zones.items()
    }
    judging = _Judging(pools, has, this_week, written)
    entries = [judging.entry(line) for line in lines]
    targets = judging.targets
    plan = edit_plans.of_pools(session, has.pools, has.weeks, targets, holders)
    against = {(one.pool_id, one.week): one.taken for one in plan.obstacles}
    if against:
        named = holding.named(plan.bookings)
        by_row = {row.row: row for row in rows}
        entries = [_with_obstacle(entry, by_row, against, named) for entry in entries]
        kept = {key: state for key, state in targets.items() if key not in against}
        plan = edit_plans.of_pools(session, has.pools, has.weeks, kept, holders)
    return Judged(tuple(entries), plan)


def carry_out(
    session: Session,
    judged: Judged,
    asked: Mapping[str, Any],
    author: Author,
    written: Written,
) -> None:
    """Write what was judged and is held, one edit a site; `written` takes the new versions down."""
    by_site = defaultdict(list)
    before = {change.pool_id: change.version for change in judged.plan.pools}
    for change in judged.plan.pools:
        by_site[change.pool.site_id].append(change)
    for site_id, changes in sorted(by_site.items()):
        plan = EditPlan(pools=changes)
        edit_records.write(session, site_id, plan, EditKind.IMPORT, dict(asked), author)
    for change in judged.plan.pools:
        written.keep(change.pool_id, before[change.pool_id], change.version)


class _Judging:
    """Goes through rows; `targets` gathers what each changed week is to become."""

    def __init__(
        self,
        pools: Mapping[uuid.UUID, SeatPool],
        has: HeldPools,
        this_week: Mapping[uuid.UUID, date],
        written: Written,
    ) -> None:
        self._pools = pools
        self._weeks = has.weeks
        self._this_week = this_week
        self._written = written
        self.targets: dict[Key, WeekState] = {}

    def entry(self, line: SeatLine) -> Entry:
        if line.seats is None:
            return Entry(line.row, line.label, REFUSED, problems=line.problems)
        if line.repeats is not None:
            return Entry(line.row, line.label, REPEATED)
        row = line.seats
        now = edit_plans.state_of(self._weeks, *row.key)
        target = WeekState(row.seats, now.closed if row.closed is None else row.closed)
        problems = [*line.problems, *self._misplaced(row, changed=target != now)]
        if problems:
            return Entry(line.row, line.label, REFUSED, problems=problems)
        changed = dict(_difference(now, target))
        if changed:
            self.targets[row.key] = target
        action = CHANGED if changed else UNCHANGED
        return Entry(line.row, line.label, action, difference=changed)

    def _misplaced(self, row: SeatRow, *, changed: bool) -> Iterator[Problem]:
        """What no cell can tell by itself: another's calendar, a week that is over, an old version."""
        pool = self._pools.get(row.pool_id)
        if pool is None:
            expected = "the id of a calendar of this site, as it was exported"
            yield Problem(row.row, "pool_id", str(row.pool_id), "unknown_calendar", expected)
            return
        first = self._this_week[pool.site_id]
        if changed and row.week < first:
            expected = f"a week from {first} on: earlier ones are over and stay as they are"
            yield Problem(row.row, "week", row.week.isoformat(), "week_over", expected)
        edited = row.version is not None and not self._written.is_current(pool, row.version)
        if changed and edited:
            expected = f"version {pool.version}: this calendar was edited since; export it again"
            yield Problem(row.row, "version", str(row.version), "edited_since", expected)


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
        expected = f"no, for seats are taken: {taken}{by}"
    else:
        column, value = "seats", str(row.seats)
        expected = f"at least {taken}, the seats that are taken{by}"
    problem = Problem(row.row, column, value, "seats_taken", expected, (row.week,))
    return replace(entry, action=REFUSED, difference={}, problems=[problem])
