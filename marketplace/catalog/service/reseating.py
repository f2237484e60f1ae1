"""A listing's own calendar brought to its new season and number of seats."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.models import SeatPool
from marketplace.catalog.queries.calendars import PoolWeek
from marketplace.catalog.rules.drafts import ListingDraft
from marketplace.catalog.rules.edits import WeekState
from marketplace.catalog.rules.weeks import calendar, monday_of
from marketplace.catalog.service import edit_plans, edit_records, seats
from marketplace.catalog.service.edit_records import Author
from marketplace.core.db import Session
from marketplace.core.rows import Part

Place = tuple[uuid.UUID, date]


@dataclass
class Reseated:
    """Weeks of pools that go, those that are written, and those that have more seats than before."""

    gone: set[Place] = field(default_factory=set)
    new: dict[Place, WeekState] = field(default_factory=dict)
    more: list[Place] = field(default_factory=list)

    def add(self, other: "Reseated") -> None:
        self.gone |= other.gone
        self.new |= other.new
        self.more += other.more

    @property
    def parts(self) -> Sequence[Part]:
        """What does so, within the caller's own statement."""
        if not self.gone and not self.new:
            return ()
        return (seats.removed(self.gone), seats.written(self.new))


def is_reseated(before: ListingDraft, draft: ListingDraft) -> bool:
    """Whether its calendar would change."""
    return before.seats_per_week != draft.seats_per_week or _season(before) != _season(draft)


def reseat(
    session: Session,
    pool: SeatPool,
    present: Mapping[date, PoolWeek],
    before: ListingDraft,
    draft: ListingDraft,
    author: Author,
    holders: SeatHolders | None,
) -> Reseated:
    """Bring a pool that is one listing's alone, and held with its weeks, to other terms.

    Weeks with taken seats stay: what would touch them has been refused. The history is the
    session's to write.
    """
    found = Reseated()
    here = {(pool.id, week): one for week, one in present.items()}
    if _season(before) != _season(draft):
        places = {(pool.id, week) for week in _season(draft)}
        found.gone = {place for place in here.keys() - places if not here[place].taken}
        found.new = {place: WeekState(draft.seats_per_week) for place in places - here.keys()}
    if before.seats_per_week != draft.seats_per_week:
        since = monday_of(author.now.date())
        targets = {
            place: WeekState(draft.seats_per_week, one.state.closed)
            for place, one in here.items()
            if place[1] >= since and place not in found.gone
        }
        plan = edit_plans.of_pools(session, [pool], here, targets, holders)
        plan.refuse_obstacles()
        asked = {"seats": {str(pool.id): draft.seats_per_week}}
        found.more = edit_records.note(session, pool.site_id, plan, asked, author)
        found.new |= targets
    return found


def _season(draft: ListingDraft) -> list[date]:
    return calendar(draft.first_start, draft.last_start, draft.weeks_max)
