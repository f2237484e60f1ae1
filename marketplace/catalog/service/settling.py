"""Judging rows of a sheet so that what is judged is what is written over: held, read, judged.

Two statements for any number of rows. What the database thinks that they change is held first; were
it not all, for somebody was faster, the rest is held by its ids and all is read once more.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from marketplace.catalog.errors import ImportUnderWay, ListingNotFound
from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.models import Site
from marketplace.catalog.queries import sheets
from marketplace.catalog.queries.sheets import Keys, Known, Row
from marketplace.catalog.rules.sheet import KEPT_IF_ABSENT
from marketplace.catalog.rules.spreadsheet import SheetRow
from marketplace.catalog.rules.terms import difference, terms_of
from marketplace.catalog.rules.weeks import monday_of
from marketplace.catalog.service import sites
from marketplace.catalog.service.planning import (
    CHANGED,
    CREATED,
    Entry,
    Former,
    Stored,
    plan_rows,
)
from marketplace.catalog.service.reseating import is_reseated
from marketplace.core.db import Session
from marketplace.core.errors import Conflict

# Each time somebody else has written in between; nobody is that unlucky.
MOST_TIMES = 5


@dataclass(frozen=True)
class Asked:
    """Whose sheet it is, when, and the site whose rows alone are admitted, if one is named."""

    owner_id: uuid.UUID | None
    site_id: uuid.UUID | None
    today: date


@dataclass(frozen=True)
class Settled:
    """Rows as they are judged, and all that is known of what they name: held where it changes."""

    owner_id: uuid.UUID
    known: Known
    entries: tuple[Entry, ...]


def look(
    session: Session,
    rows: Sequence[SheetRow],
    asked: Asked,
    holders: SeatHolders | None,
    former: Former | None = None,
) -> Settled:
    """Judge rows without holding anything: what they would do, as of now."""
    if asked.owner_id is None:
        raise ValueError("whose sheet it is must be known, or be held")
    return _judged(session, rows, asked, asked.owner_id, holders, former)


def settle(
    session: Session,
    rows: Sequence[SheetRow],
    asked: Asked,
    holders: SeatHolders | None,
    former: Former | None = None,
    *,
    import_id: uuid.UUID | None = None,
) -> Settled:
    """Judge rows and hold what they change, for `import_writing` in the same transaction.

    Waits for other imports of the owner. `ImportUnderWay` for one with many steps, but for
    `import_id`; `ListingNotFound` for a site that is not there, or not the owner's.
    """
    named, also = _drafts(rows), Keys()
    for _ in range(MOST_TIMES):
        held = sheets.hold(session, named, asked.owner_id, asked.site_id, also)
        if held is None:
            raise ListingNotFound
        owner_id, keys = held
        found = _judged(session, rows, asked, owner_id, holders, former)
        if found.known.committing not in (None, import_id):
            raise ImportUnderWay(extra={"import_id": str(found.known.committing)})
        lacking = _changed_by(found) - keys
        if not lacking:
            return found
        also = lacking
    raise Conflict("The listings keep changing meanwhile. Please try again.")


def _judged(
    session: Session,
    rows: Sequence[SheetRow],
    asked: Asked,
    owner_id: uuid.UUID,
    holders: SeatHolders | None,
    former: Former | None,
) -> Settled:
    since = monday_of(asked.today)
    who = None if holders is None else holders.asked
    known = sheets.known(session, _drafts(rows), owner_id, asked.site_id, since, who)
    only = _only(known, asked.site_id, owner_id)
    entries = plan_rows(rows, known, owner_id, only=only, holders=holders, former=former)
    return Settled(owner_id, known, entries)


def _only(known: Known, site_id: uuid.UUID | None, owner_id: uuid.UUID) -> Site | None:
    if site_id is None:
        return None
    site = known.sites.get(site_id)
    if site is None or site.owner_account_id != owner_id:
        raise ListingNotFound
    return site


def _drafts(rows: Sequence[SheetRow]) -> list[Row]:
    return [
        Row(row.draft, KEPT_IF_ABSENT - row.record.cells.keys())
        for row in rows
        if row.draft and row.repeats is None
    ]


def _changed_by(found: Settled) -> Keys:
    """All that writing these entries would change."""
    known, named = found.known, found.known.named(found.owner_id)
    site_ids, people, listings, pools = set(), set(), set(), set()
    for entry in found.entries:
        if entry.draft is None or entry.action not in (CREATED, CHANGED):
            continue
        site = named.get(entry.draft.site.name)
        if site is not None:
            if sites.differs(site, entry.draft.site):
                site_ids.add(site.id)
                listings |= {row.id for row in known.of_site(site.id)}
            person = known.preceptors.get((site.id, entry.draft.preceptor.npi))
            if person is not None and person.name != entry.draft.preceptor.name:
                people.add(person.id)
                listings |= {row.id for row in known.taught_by(person.id)}
        if entry.stored is not None and _is_rewritten(entry, entry.stored):
            listings.add(entry.stored.listing.id)
            site_ids |= {one.id for one in (entry.stored.site, site) if one is not None}
            if is_reseated(entry.stored.draft, entry.draft):
                pools |= {pool for pool, shared in entry.stored.pools if not shared}
    return Keys(*map(frozenset, (site_ids, people, listings, pools)))


def _is_rewritten(entry: Entry, stored: Stored) -> bool:
    return entry.draft is not None and bool(
        difference(terms_of(stored.draft), terms_of(entry.draft))
    )
