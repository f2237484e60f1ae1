"""Undoing an edit of calendars: what was before it, as an edit of its own."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date

from marketplace.catalog.errors import EditedSince, EditNotFound, EditUndone, NotUndoable
from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.models import Listing, ListingClosing, SeatEdit, SeatPool
from marketplace.catalog.queries import held
from marketplace.catalog.queries.held import HeldPools
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
    past = held.past_edit(session, site_id, edit_id)
    if past is None:
        raise EditNotFound
    if not rules.undoable(past.edit.kind, past.edit.asked):
        raise NotUndoable
    wanted = _wanted(past.seats)
    has = held.pools(
        session,
        SeatPool.id.in_([one.pool_id for one in past.seats]),
        {week for _, week in wanted},
        hold=True,
        more=[held.undone_by(edit_id)],
    )
    (by,) = has.more
    if by is not None:
        raise EditUndone(extra={"undone_by": str(by)})
    found = edit_plans.both(
        _undo_closings(session, past.listings, past.closings, holders),
        _undo_seats(session, has, wanted, holders),
    )
    if not commit:
        return found
    found.refuse_obstacles()
    asked = {"undoes": str(edit_id)}
    return write(session, site_id, found, EditKind.UNDO, asked, author, undoes=edit_id)


def _wanted(changed: Sequence[SeatEdit]) -> dict[tuple[uuid.UUID, date], rules.Run]:
    """Each week that was changed, with the run that it lay in."""
    return {
        (one.pool_id, week): run
        for one in changed
        for week, run in rules.weeks_of(rules.from_json(one.changes)).items()
    }


def _undo_seats(
    session: Session,
    has: HeldPools,
    wanted: Mapping[tuple[uuid.UUID, date], rules.Run],
    holders: SeatHolders,
) -> EditPlan:
    moved = [
        week
        for (pool_id, week), run in wanted.items()
        if edit_plans.state_of(has.weeks, pool_id, week) != run.after
    ]
    _refuse_edited(moved)
    targets = {place: run.before for place, run in wanted.items()}
    return edit_plans.of_pools(session, has.pools, has.weeks, targets, holders)


def _undo_closings(
    session: Session,
    listings: Sequence[Listing],
    closings: Sequence[ListingClosing],
    holders: SeatHolders,
) -> EditPlan:
    by_id = {listing.id: listing for listing in listings}
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
