"""Rows of a sheet written as they were judged, all of them in one statement.

New listings go in as whole rows, their weeks worked out by the database; what changes is changed in
its entities first, with every version and step of its history. See `settling` for what is held.
"""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.models import (
    ImportRun,
    Listing,
    ListingPool,
    ListingTransition,
    ListingVersion,
    Preceptor,
    SeatPool,
    Site,
)
from marketplace.catalog.queries import reviews
from marketplace.catalog.rules.drafts import ListingDraft, SiteDraft
from marketplace.catalog.rules.terms import difference, terms_of
from marketplace.catalog.rules.weeks import calendar
from marketplace.catalog.service import columns, publishing, seats, sites, waking
from marketplace.catalog.service.edit_records import Author
from marketplace.catalog.service.planning import CHANGED, CREATED, Entry, Former, Stored
from marketplace.catalog.service.reseating import Reseated, is_reseated, reseat
from marketplace.catalog.service.settling import Settled
from marketplace.catalog.states import ListingState
from marketplace.core import rows
from marketplace.core.db import Base, Session
from marketplace.core.ids import new_id
from marketplace.identity.rules import Role
from marketplace.identity.service import memberships

SOURCE = "import"
# A listing that is written by itself, not from a sheet.
BY_HAND = "edit"
WHY = {SOURCE: "Imported.", BY_HAND: "Written by its host."}
# The columns that may stand against a publication, besides the words and duties.
JUDGED = frozenset({"currency", "cancellation_policy", "site_name"})
WHOLE = frozenset({Listing, Preceptor, Site})


class Writer:
    """Rows under way: the sites and preceptors that they name, and what is to be written.

    `former` gathers what sites and preceptors were called before it changed them.
    """

    def __init__(
        self,
        session: Session,
        settled: Settled,
        account_id: uuid.UUID,
        now: datetime,
        holders: SeatHolders | None = None,
        former: Former | None = None,
    ) -> None:
        self.session = session
        self.entries = settled.entries
        self.known = settled.known
        self.owner_id = settled.owner_id
        self.by = (account_id, now)
        self.holders = holders
        self.former = former if former is not None else Former()
        self.sites: dict[str, Site] = settled.known.named(settled.owner_id)
        self.preceptors = dict(settled.known.preceptors)
        self.new_sites: list[uuid.UUID] = []
        # Listings that get a version of their own here.
        self.changing: set[uuid.UUID] = set()
        self.reseated = Reseated()
        self.import_id: uuid.UUID | None = None

    def run(self, record: ImportRun | None = None, *, import_id: uuid.UUID | None = None) -> None:
        """Write what the entries say, and the `record` of the import; nothing new is passed over.

        `import_id` is that of an import whose record is kept already.
        """
        self.import_id = record.id if record is not None else import_id
        created = [entry.draft for entry in self._of(CREATED) if entry.draft]
        changed = self._of(CHANGED)
        drafts = [*created, *(entry.draft for entry in changed if entry.draft)]
        self.changing = {entry.stored.listing.id for entry in changed if entry.stored}
        with self.session.no_autoflush:
            self._bring_sites({draft.site.name: draft.site for draft in drafts})
            self._bring_preceptors(drafts)
            for entry in changed:
                if entry.stored and entry.draft:
                    self._change(entry.stored, entry.draft)
            if record is not None:
                self.session.add(record)
            parts = [*self._created(created), *self.reseated.parts, *self._owners()]
            rows.flush(self.session, *parts, whole=WHOLE)
        waking.listings_changed(self.session, self.changing)
        more = self.reseated.more
        pools = {pool_id for pool_id, _ in more}
        drawing = [one for one, own in self.known.pools.items() if pools & {key for key, _ in own}]
        seats.tell_of_more(self.session, tuple(drawing), more)

    def _of(self, action: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.action == action]

    def _bring_sites(self, wanted: Mapping[str, SiteDraft]) -> None:
        for name, draft in wanted.items():
            site = self.sites.get(name)
            if site is None:
                values = sites.SiteFields(draft).columns
                site = Site(id=new_id(), owner_account_id=self.owner_id, **values)
                self.session.add(site)
                self.sites[name] = site
                self.new_sites.append(site.id)
            elif sites.differs(site, draft):
                self.former.keep_site(site)
                shown, values = self.known.of_site(site.id), sites.site_columns(draft)
                given = (self.session, site, shown, values, *self.by)
                sites.note_change(*given, versioned=self.changing)

    def _bring_preceptors(self, drafts: Sequence[ListingDraft]) -> None:
        for draft in drafts:
            place = (self.sites[draft.site.name].id, draft.preceptor.npi)
            person, name = self.preceptors.get(place), draft.preceptor.name
            if person is None:
                person = Preceptor(id=new_id(), site_id=place[0], npi=place[1], name=name)
                self.session.add(person)
                self.preceptors[place] = person
            elif person.name != name:
                self.former.keep_preceptor(person)
                shown = self.known.taught_by(person.id)
                given = (self.session, person, shown, {"name": name}, *self.by)
                sites.note_change_of_preceptor(*given, versioned=self.changing)

    def _owners(self) -> list[rows.Part]:
        """The owner is a member of each new site."""
        if not self.new_sites:
            return []
        return [memberships.granted(self.owner_id, Role.SITE_OWNER, self.new_sites, self.by[1])]

    def _created(self, drafts: Sequence[ListingDraft]) -> list[rows.Part]:
        """New listings, each with its first version, its history and a calendar of its own."""
        if not drafts:
            return []
        found: dict[type[Base], list[dict[str, Any]]] = defaultdict(list)
        calendars = [self._gather(draft, found) for draft in drafts]
        parts = [rows.brought(model, some) for model, some in found.items()]
        return [*parts, seats.begun(calendars)]

    def _gather(
        self, draft: ListingDraft, found: Mapping[type[Base], list[dict[str, Any]]]
    ) -> tuple[uuid.UUID, date, date, int]:
        """Add a listing's rows; returns its pool's first and last week, and the seats of each."""
        site = self.sites[draft.site.name]
        listing_id, pool_id = new_id(), new_id()
        found[Listing].append(
            {
                "id": listing_id,
                "site_id": site.id,
                "owner_account_id": self.owner_id,
                "preceptor_id": self.preceptors[site.id, draft.preceptor.npi].id,
                "external_id": draft.external_id,
                "price_minor": draft.price.minor,
                "price_currency": draft.price.currency,
                **columns.values_of(draft),
            }
        )
        found[ListingVersion].append(self._version(listing_id, 1, {}, draft))
        found[ListingTransition].append(
            {
                "id": new_id(),
                "listing_id": listing_id,
                "from_state": None,
                "to_state": ListingState.DRAFT.value,
                "account_id": self.by[0],
                "recorded_at": self.by[1],
                "why": WHY[SOURCE],
            }
        )
        found[SeatPool].append({"id": pool_id, "site_id": site.id, "name": draft.external_id})
        found[ListingPool].append({"listing_id": listing_id, "pool_id": pool_id})
        weeks = calendar(draft.first_start, draft.last_start, draft.weeks_max)
        return pool_id, weeks[0], weeks[-1], draft.seats_per_week

    def _version(
        self,
        listing_id: uuid.UUID,
        version: int,
        changed: Mapping[str, tuple[str, str]],
        draft: ListingDraft,
    ) -> dict[str, Any]:
        return {
            "listing_id": listing_id,
            "version": version,
            "account_id": self.by[0],
            "recorded_at": self.by[1],
            "source": SOURCE,
            "difference": {column: list(pair) for column, pair in changed.items()},
            "terms": terms_of(draft),
            "import_id": self.import_id,
        }

    def _change(self, stored: Stored, draft: ListingDraft) -> None:
        # Its site or preceptor may have brought all of the change, and its version, already.
        changed = difference(terms_of(stored.draft), terms_of(draft))
        if not changed:
            return
        listing, site = stored.listing, self.sites[draft.site.name]
        judged = listing.fingerprint
        listing.site_id = site.id
        listing.preceptor_id = self.preceptors[site.id, draft.preceptor.npi].id
        listing.price = draft.price
        for name, value in columns.values_of(draft).items():
            setattr(listing, name, value)
        listing.version += 1
        version = self._version(listing.id, listing.version, changed, draft)
        self.session.add(ListingVersion(**version))
        self._change_weeks(stored, draft)
        if listing.fingerprint != judged or JUDGED & changed.keys():
            decided = self.known.reviews.get(listing.id, ())
            standing = reviews.standing_by(self.session, listing, decided)
            publishing.judge_changed(self.session, listing, site, *self.by, known=standing)

    def _change_weeks(self, stored: Stored, draft: ListingDraft) -> None:
        """Its own calendar follows; what is shared is edited by itself."""
        if len(stored.pools) != 1 or stored.pools[0][1] or not is_reseated(stored.draft, draft):
            return
        pool = self.known.seat_pools[stored.pools[0][0]]
        author = Author(*self.by, WHY[SOURCE])
        present = self.known.weeks[pool.id]
        given = (pool, present, stored.draft, draft, author, self.holders)
        self.reseated.add(reseat(self.session, *given))
