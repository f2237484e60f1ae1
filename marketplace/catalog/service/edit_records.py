"""Writing an edit of calendars as it was planned, with its history. The caller holds the rows."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from marketplace.catalog.models import (
    CalendarEdit,
    Listing,
    ListingClosing,
    ListingVersion,
    SeatEdit,
)
from marketplace.catalog.queries import listings
from marketplace.catalog.rules import edits as rules
from marketplace.catalog.rules.terms import difference, terms_of
from marketplace.catalog.service import seats, waking
from marketplace.catalog.service.edit_plans import EditPlan, ListingChange, PoolChange
from marketplace.catalog.states import EditKind
from marketplace.core import rows
from marketplace.core.db import Session
from marketplace.core.ids import new_id

SOURCE = "calendar"


@dataclass(frozen=True)
class Author:
    """Who edits, when and why; no account where a command does."""

    account_id: uuid.UUID | None
    now: datetime
    why: str = ""


def write(
    session: Session,
    site_id: uuid.UUID,
    found: EditPlan,
    kind: EditKind,
    asked: dict[str, Any],
    author: Author,
    *,
    undoes: uuid.UUID | None = None,
) -> EditPlan:
    """Write what was planned, and its history; an edit that changes nothing leaves none."""
    if not (found.pools or found.listings):
        return replace(found, committed=True)
    edit = _edit(session, site_id, kind, asked, author, undoes)
    parts = _write_seats(session, found.pools, edit.id)
    _write_closings(session, found.listings, edit.id, author)
    back = rows.flush(session, *parts)
    if parts:
        drawing = tuple(map(uuid.UUID, back[-1]))
        waking.seats_changed(session, drawing)
        seats.tell_of_more(session, drawing, _more_seats(found.pools))
    return replace(found, committed=True, edit_id=edit.id)


def note(
    session: Session, site_id: uuid.UUID, found: EditPlan, asked: dict[str, Any], author: Author
) -> list[tuple[uuid.UUID, date]]:
    """Take down the history of seats that an import gives; the caller writes it with the weeks.

    Returns the weeks of pools that get more seats, for the caller to tell of.
    """
    if found.pools:
        edit = _edit(session, site_id, EditKind.IMPORT, asked, author, None)
        _write_seats(session, found.pools, edit.id)
    return _more_seats(found.pools)


def _edit(
    session: Session,
    site_id: uuid.UUID,
    kind: EditKind,
    asked: dict[str, Any],
    author: Author,
    undoes: uuid.UUID | None,
) -> CalendarEdit:
    edit = CalendarEdit(
        id=new_id(),
        site_id=site_id,
        account_id=author.account_id,
        recorded_at=author.now,
        kind=kind,
        why=author.why,
        asked=asked,
        undoes=undoes,
    )
    session.add(edit)
    return edit


def _write_seats(
    session: Session, changes: Sequence[PoolChange], edit_id: uuid.UUID
) -> list[rows.Part]:
    """What writes the weeks, and what finds the listings that have other seats now."""
    if not changes:
        return []
    for change in changes:
        change.pool.version += 1
        session.add(
            SeatEdit(
                pool_id=change.pool_id,
                version=change.pool.version,
                edit_id=edit_id,
                changes=rules.to_json(change.runs),
            )
        )
    weeks = {
        (change.pool_id, week): run.after
        for change in changes
        for week, run in rules.weeks_of(change.runs).items()
    }
    return [seats.written(weeks), seats.drawing(change.pool_id for change in changes)]


def _more_seats(changes: Sequence[PoolChange]) -> list[tuple[uuid.UUID, date]]:
    """The weeks of pools that have more seats than before."""
    return [
        (change.pool_id, week)
        for change in changes
        for week, run in rules.weeks_of(change.runs).items()
        if run.after.capacity > run.before.capacity
    ]


def _write_closings(
    session: Session, changes: Sequence[ListingChange], edit_id: uuid.UUID, author: Author
) -> None:
    """Closed weeks are terms of the listing: each change is a version of it."""
    if not changes:
        return
    for change in changes:
        listing = change.listing
        before = _terms(listing)
        listing.blackout_weeks = change.blackout_weeks
        listing.version += 1
        after = _terms(listing)
        session.add(
            ListingVersion(
                listing_id=listing.id,
                version=listing.version,
                account_id=author.account_id,
                recorded_at=author.now,
                source=SOURCE,
                difference={name: list(pair) for name, pair in difference(before, after).items()},
                terms=after,
            )
        )
        session.add(
            ListingClosing(
                listing_id=listing.id,
                version=listing.version,
                edit_id=edit_id,
                closed=list(change.closed),
                opened=list(change.opened),
            )
        )
    waking.listings_changed(session, [change.listing_id for change in changes])


def _terms(listing: Listing) -> dict[str, str]:
    return terms_of(listings.draft_of(listing, listing.site, listing.preceptor))
