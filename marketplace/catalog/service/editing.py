"""One listing written by its host: judged and stored as a row of a sheet would be.

Its terms are the cells of that row, so that there is one set of rules for both ways, and the same
refusal of a change that somebody's seat stands against. The site is held, then the listing.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from marketplace.catalog.errors import DuplicateListing, ListingInUse, ListingNotFound
from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.models import Listing, Preceptor, Site
from marketplace.catalog.queries import listings, locks, sites
from marketplace.catalog.rules.sheet import Record
from marketplace.catalog.rules.spreadsheet import judged
from marketplace.catalog.rules.terms import terms_of
from marketplace.catalog.service import holding, importing, planning, reading
from marketplace.core.db import Session
from marketplace.core.errors import Invalid

IN_USE = frozenset({"seats_taken", "seats_shared", "retired"})
NAMES = {"currency": "price_per_week", "preceptor": "preceptor_id", "npi": "preceptor_id"}


@dataclass(frozen=True)
class By:
    """Who writes, when, and who knows the seats' holders."""

    account_id: uuid.UUID
    now: datetime
    holders: SeatHolders


def create(
    session: Session,
    site_id: uuid.UUID,
    preceptor_id: uuid.UUID,
    cells: Mapping[str, str],
    by: By,
) -> Listing:
    """A new draft of a site; `cells` are the sheet's, those of site and preceptor left out.

    `Invalid` names each field that can't be taken; `DuplicateListing` for an `external_id` that
    its owner uses already.
    """
    site = _site(session, site_id)
    person = _preceptor(session, site_id, preceptor_id)
    entry = _planned(session, site, {**_place(site, person), **cells}, by)
    if entry.stored is not None:
        raise DuplicateListing
    _write(session, site, entry, by)
    (row,) = listings.owned(session, site.owner_account_id, [entry.external_id])
    return row[0]


def held(session: Session, site_id: uuid.UUID, listing_id: uuid.UUID) -> tuple[Site, Listing]:
    """A listing of this site and the site, for a change of it; `ListingNotFound`."""
    site = _site(session, site_id)
    listing = locks.listing(session, listing_id)
    if listing.site_id != site_id:
        raise ListingNotFound
    return site, listing


def change(
    session: Session,
    listing: Listing,
    site: Site,
    cells: Mapping[str, str],
    by: By,
    *,
    preceptor_id: uuid.UUID | None = None,
) -> None:
    """Give a listing these cells, the others as they were; the caller has `held` it and its site.

    Every change is a version. `Invalid` as for a new one; `ListingInUse` where a booking's seat
    stands against it, naming the bookings, or where it is retired.
    """
    person = _preceptor(session, site.id, preceptor_id or listing.preceptor_id)
    stored = terms_of(listings.draft_of(listing, site, person))
    entry = _planned(session, site, {**stored, **cells}, by)
    if entry.action == planning.CHANGED:
        _write(session, site, entry, by)
        session.refresh(listing)


def _site(session: Session, site_id: uuid.UUID) -> Site:
    """The site, held; imports of its owner come first or wait, as they hold what they write."""
    importing.wait_for_others(session, sites.site(session, site_id).owner_account_id)
    return sites.locked(session, site_id)


def _preceptor(session: Session, site_id: uuid.UUID, preceptor_id: uuid.UUID) -> Preceptor:
    person = session.get(Preceptor, preceptor_id)
    if person is None or person.site_id != site_id:
        raise Invalid(fields={"preceptor_id": ["Expected the id of a preceptor of this site."]})
    return person


def _place(site: Site, person: Preceptor) -> dict[str, str]:
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


def _planned(session: Session, site: Site, cells: Mapping[str, str], by: By) -> planning.Entry:
    row = judged(Record(1, cells))
    if row.draft is None:
        raise reading.refused(row.problems, NAMES)
    (entry,) = planning.plan_rows(
        session, [row], site.owner_account_id, by.now.date(), only=site, holders=by.holders
    )
    if entry.problems:
        raise _refused(entry)
    return entry


def _refused(entry: planning.Entry) -> Exception:
    """Seats that stand against it are a conflict; anything else is wrong by itself."""
    error = reading.refused(entry.problems, NAMES)
    if any(problem.code in IN_USE for problem in entry.problems):
        weeks = sorted({week.isoformat() for one in entry.problems for week in one.weeks})
        extra = {"weeks": weeks, "bookings": holding.as_json(entry.holders)}
        return ListingInUse(fields=error.fields, extra=extra)
    return error


def _write(session: Session, site: Site, entry: planning.Entry, by: By) -> None:
    owner, source = site.owner_account_id, importing.BY_HAND
    writer = importing.Writer(session, owner, by.account_id, by.now, by.holders, source=source)
    writer.run([entry])
