"""Undoing an edit of calendars: what was before it, as an edit of its own."""

import uuid
from collections.abc import Sequence
from datetime import date

from marketplace.catalog.errors import EditedSince, EditNotFound, EditUndone, NotUndoable
from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.models import Listing, ListingClosing, SeatEdit, SeatPool
from marketplace.catalog.queries import calendars as queries
from marketplace.catalog.rules import edits as rules
from marketplace.catalog.service import edit_plans, holding
from marketplace.catalog.service.edit_plans import EditPlan, ListingChange
from marketplace.catalog.service.edit_records import Author, write
from marketplace.catalog.states import EditKind
from marketplace.core.db import Session


def undo(
    session: Session,
    site_id: uuid.UUID,
    edit_id: uuid.UUID,
    author: Author,
    holders: SeatHolders,
    *,
    commit: bool,
) -> EditPlan:
    """Give the weeks of an edit back what they had before it, as an edit of its own.

    `EditedSince` names weeks that somebody has edited since; `EditUndone` if it was undone before;
    seats that were taken meanwhile stand against it as against any edit.
    """
    edit = queries.edit(session, site_id, edit_id)
    if edit is None:
        raise EditNotFound
    if edit.kind in (EditKind.SHARE, EditKind.UNSHARE, EditKind.IMPORT):
        raise NotUndoable
    closings = queries.closings(session, [edit_id]).get(edit_id, ())
    changed = queries.seat_edits(session, [edit_id]).get(edit_id, ())
    held = queries.some_listings(session, [one.listing_id for one in closings])
    pools = queries.some_pools(session, [one.pool_id for one in changed])
    by = queries.undone(session, [edit_id]).get(edit_id)
    if by is not None:
        raise EditUndone(extra={"undone_by": str(by)})
    found = edit_plans.both(
        _undo_closings(session, held, closings, holders),
        _undo_seats(session, pools, changed, holders),
    )
    if not commit:
        return found
    found.refuse_obstacles()
    asked = {"undoes": str(edit_id)}
    return write(session, site_id, found, EditKind.UNDO, asked, author, undoes=edit_id)


def _undo_seats(
    session: Session,
    pools: Sequence[SeatPool],
    changed: Sequence[SeatEdit],
    holders: SeatHolders,
) -> EditPlan:
    wanted = {
        (one.pool_id, week): run
        for one in changed
        for week, run in rules.weeks_of(rules.from_json(one.changes)).items()
    }
    weeks = {week for _, week in wanted}
    present = queries.weeks(session, [pool.id for pool in pools], weeks, hold=True)
    moved = [
        week
        for (pool_id, week), run in wanted.items()
        if edit_plans.state_of(present, pool_id, week) != run.after
    ]
    _refuse_edited(moved)
    targets = {place: run.before for place, run in wanted.items()}
    return edit_plans.of_pools(session, pools, present, targets, holders)


def _undo_closings(
    session: Session,
    held: Sequence[Listing],
    closings: Sequence[ListingClosing],
    holders: SeatHolders,
) -> EditPlan:
    by_id = {listing.id: listing for listing in held}
    changes, moved = [], []
    for one in closings:
        listing = by_id[one.listing_id]
        closed = set(listing.blackout_weeks)
        moved += [week for week in one.closed if week not in closed]
        moved += [week for week in one.opened if week in closed]
        changes.append(ListingChange(listing, closed=tuple(one.opened), opened=tuple(one.closed)))
    _refuse_edited(moved)
    return edit_plans.of_listings(session, changes, holders)


def _refuse_edited(weeks: Sequence[date]) -> None:
    if weeks:
        named = holding.in_words(weeks)
        raise EditedSince(
            f"No longer as this edit left it: the week of {named}.",
            extra={"weeks": [week.isoformat() for week in sorted(set(weeks))]},
        )
