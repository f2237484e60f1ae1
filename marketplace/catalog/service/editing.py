"""One listing written by its host: judged as a row of a sheet would be, and stored in one statement.

Its terms are the cells of that row, so that there is one set of rules for both ways, and the same
refusal of a change that somebody's seat stands against. The site is held, then the listing, then
its pools and their weeks: what is judged is what is written over.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm.attributes import set_committed_value

from marketplace.catalog.errors import ImportUnderWay, ListingInUse
from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.models import Listing, ListingVersion, Preceptor, SeatPool, Site
from marketplace.catalog.queries import held as held_queries
from marketplace.catalog.queries import listings, locks, reviews
from marketplace.catalog.queries.held import OfListing
from marketplace.catalog.rules.drafts import ListingDraft
from marketplace.catalog.rules.edits import WeekState
from marketplace.catalog.rules.sheet import Record
from marketplace.catalog.rules.spreadsheet import SheetRow, judged
from marketplace.catalog.rules.terms import terms_of
from marketplace.catalog.rules.weeks import calendar, monday_of
from marketplace.catalog.service import (
    columns,
    holding,
    import_writing,
    importing,
    planning,
    pools,
    publishing,
    reading,
    seats,
    waking,
)
from marketplace.catalog.service.edit_records import Author
from marketplace.catalog.service.reseating import Reseated, reseat
from marketplace.catalog.states import ListingState
from marketplace.core import rows
from marketplace.core.db import Session
from marketplace.core.errors import Invalid
from marketplace.core.ids import new_id

IN_USE = frozenset({"seats_taken", "seats_shared", "retired"})
NAMES = {"currency": "price_per_week", "preceptor": "preceptor_id", "npi": "preceptor_id"}
Weeks = dict[tuple[uuid.UUID, date], WeekState]


@dataclass(frozen=True)
class By:
    """Who writes, when, and who knows the seats' holders."""

    account_id: uuid.UUID
    now: datetime
    holders: SeatHolders


@dataclass(frozen=True)
class Held:
    """A listing and its site, held, and the preceptor whom it is to be given, if the site has them."""

    site: Site
    listing: Listing
    person: Preceptor | None


def create(
    session: Session,
    site_id: uuid.UUID,
    preceptor_id: uuid.UUID,
    cells: Mapping[str, str],
    by: By,
) -> Listing:
    """A new draft of a site; `cells` are the sheet's, those of site and preceptor left out.

    `Invalid` names each field that can't be taken; `DuplicateListing`, by the constraint, for an
    `external_id` that its owner uses already.
    """
    importing.wait_at_site(session, site_id)
    site, person, run = locks.for_new_listing(session, site_id, preceptor_id)
    _refuse_import(run)
    person = _known(person)
    draft = _read({**_place(site, person), **cells}).draft
    listing, pool = _new(site, person, draft), SeatPool(id=new_id(), site_id=site_id, name="")
    pool.name = draft.external_id
    why = import_writing.WHY[import_writing.BY_HAND]
    step = publishing.transition(listing.id, None, ListingState.DRAFT, by.account_id, why, by.now)
    session.add_all([listing, _version(listing.id, 1, {}, draft, by), step, pool])
    weeks = {
        (pool.id, week): WeekState(draft.seats_per_week)
        for week in calendar(draft.first_start, draft.last_start, draft.weeks_max)
    }
    rows.flush(session, pools.links_joined({(listing.id, pool.id)}), seats.written(weeks))
    set_committed_value(listing, "site", site)
    set_committed_value(listing, "preceptor", person)
    return listing


def held(
    session: Session,
    site_id: uuid.UUID,
    listing_id: uuid.UUID,
    preceptor_id: uuid.UUID | None = None,
) -> Held:
    """A listing of this site and the site, for a change of it; `ListingNotFound`."""
    importing.wait_at_site(session, site_id)
    site, listing, person = locks.for_edit(session, site_id, listing_id, preceptor_id)
    return Held(site, listing, person if preceptor_id else listing.preceptor)


def change(session: Session, found: Held, cells: Mapping[str, str], by: By) -> None:
    """Give a listing that is `held` these cells, the others as they were.

    Every change is a version. `Invalid` as for a new one; `ListingInUse` where a booking's seat
    stands against it, naming the bookings, or where it is retired.
    """
    site, listing, person = found.site, found.listing, _known(found.person)
    if listing.state == ListingState.RETIRED:
        raise ListingInUse("It is retired, and stays as it was. Write a new listing instead.")
    stored = terms_of(listings.draft_of(listing, site, person))
    row = _read({**stored, **cells})
    has = held_queries.of_listing(session, listing)
    _refuse_import(has.committing)
    entry = _entry(row, found, has, by.now.date())
    if entry.problems:
        (entry,) = planning.with_holders(session, [entry], by.holders)
        raise _refused(entry)
    if entry.action == planning.CHANGED and entry.stored and entry.draft:
        _write(session, found, has, entry.stored.draft, entry.draft, entry.difference, by)


def as_typed(found: Held, cells: Mapping[str, str]) -> dict[str, str]:
    """What the terms of a listing that is `held` would be with these cells; `Invalid`."""
    draft = listings.draft_of(found.listing, found.site, _known(found.person))
    return terms_of(_read({**terms_of(draft), **cells}).draft)


def _read(cells: Mapping[str, str]) -> "_Good":
    row = judged(Record(1, cells))
    if row.draft is None:
        raise reading.refused(row.problems, NAMES)
    return _Good(row, row.draft)


@dataclass(frozen=True)
class _Good:
    row: SheetRow
    draft: ListingDraft


def _entry(good: _Good, found: Held, has: OfListing, today: date) -> planning.Entry:
    taken: dict[date, int] = {}
    for (_, week), one in has.pools.weeks.items():
        if one.taken and week >= monday_of(today):
            taken[week] = max(one.taken, taken.get(week, 0))
    listing = found.listing
    draft = listings.draft_of(listing, found.site, listing.preceptor)
    own = [(pool.id, pool.id in has.shared) for pool in has.pools.pools]
    stored = planning.Stored(listing, found.site, listing.preceptor, draft, own, taken, draft)
    return planning.entry_of(good.row, stored, found.site, {})


def _write(
    session: Session,
    found: Held,
    has: OfListing,
    before: ListingDraft,
    draft: ListingDraft,
    changed: Mapping[str, tuple[str, str]],
    by: By,
) -> None:
    """The listing, its version, its weeks and what follows of them, in one statement."""
    listing, judged_before = found.listing, found.listing.fingerprint
    person = _known(found.person)
    listing.preceptor_id, listing.price = person.id, draft.price
    for name, value in columns.values_of(draft).items():
        setattr(listing, name, value)
    listing.version += 1
    session.add(_version(listing.id, listing.version, changed, draft, by))
    reseated = _reseated(session, has, before, draft, by)
    if listing.fingerprint != judged_before or import_writing.JUDGED & changed.keys():
        standing = reviews.standing_by(session, listing, has.decided)
        publishing.judge_changed(
            session, listing, found.site, by.account_id, by.now, known=standing
        )
    rows.flush(session, *reseated.parts)
    set_committed_value(listing, "preceptor", person)
    waking.listings_changed(session, [listing.id])
    seats.tell_of_more(session, (listing.id,), reseated.more)


def _reseated(
    session: Session, has: OfListing, before: ListingDraft, draft: ListingDraft, by: By
) -> Reseated:
    """What brings a listing's own calendar to its new season and number of seats.

    A calendar that is shared stays: what would touch it has been refused.
    """
    if len(has.pools.pools) != 1 or has.shared:
        return Reseated()
    (pool,) = has.pools.pools
    present = {week: one for (_, week), one in has.pools.weeks.items()}
    author = Author(by.account_id, by.now, import_writing.WHY[import_writing.BY_HAND])
    return reseat(session, pool, present, before, draft, author, by.holders)


def _new(site: Site, person: Preceptor, draft: ListingDraft) -> Listing:
    return Listing(
        id=new_id(),
        site_id=site.id,
        owner_account_id=site.owner_account_id,
        preceptor_id=person.id,
        external_id=draft.external_id,
        price=draft.price,
        **columns.values_of(draft),
    )


def _version(
    listing_id: uuid.UUID,
    version: int,
    difference: Mapping[str, tuple[str, str]],
    draft: ListingDraft,
    by: By,
) -> ListingVersion:
    return ListingVersion(
        listing_id=listing_id,
        version=version,
        account_id=by.account_id,
        recorded_at=by.now,
        source=import_writing.BY_HAND,
        difference={column: list(pair) for column, pair in difference.items()},
        terms=terms_of(draft),
    )


def _refuse_import(run: uuid.UUID | None) -> None:
    if run is not None:
        raise ImportUnderWay(extra={"import_id": str(run)})


def _known(person: Preceptor | None) -> Preceptor:
    if person is None:
        raise Invalid(fields={"preceptor_id": ["Expected the id of a preceptor of this site."]})
    return person


def _place(site: Site, person: Preceptor) -> dict[str, Any]:
    draft = listings.site_draft(site)
    return {
        "site_name": draft.name,
        "address": draft.address,
        "city": draft.city,
        "state": draft.state,
        "country": draft.country,
        "timezone": draft.time_zone,
        "preceptor": person.name,
        "npi": person.npi,
    }


def _refused(entry: planning.Entry) -> Exception:
    """Seats that stand against it are a conflict; anything else is wrong by itself."""
    error = reading.refused(entry.problems, NAMES)
    if any(problem.code in IN_USE for problem in entry.problems):
        weeks = sorted({week.isoformat() for one in entry.problems for week in one.weeks})
        extra = {"weeks": weeks, "bookings": holding.as_json(entry.holders)}
        return ListingInUse(fields=error.fields, extra=extra)
    return error
