"""The import of a host's sheet: planned first, then done as planned, row by row.

Refused rows are left out, the others are stored in the caller's transaction. A second import of
the same sheet changes nothing. Two imports for one owner wait for each other.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, delete, func, insert, literal, select

from marketplace.catalog.errors import ImportUnderWay, ListingNotFound, SheetRefused
from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.models import (
    ImportRun,
    Listing,
    ListingPool,
    ListingTransition,
    ListingVersion,
    Preceptor,
    SeatPool,
    SeatWeek,
    Site,
)
from marketplace.catalog.queries import imports, listings
from marketplace.catalog.queries import sites as site_queries
from marketplace.catalog.rules.drafts import ListingDraft, SiteDraft
from marketplace.catalog.rules.faults import LARGE, Limits
from marketplace.catalog.rules.spreadsheet import read_sheet
from marketplace.catalog.rules.terms import difference, terms_of
from marketplace.catalog.rules.weeks import calendar, monday_of
from marketplace.catalog.service import (
    calendars,
    columns,
    holding,
    planning,
    publishing,
    sites,
    waking,
)
from marketplace.catalog.service.edit_records import Author
from marketplace.catalog.service.planning import (
    CHANGED,
    CREATED,
    Entry,
    Former,
    ImportPlan,
    Stored,
)
from marketplace.catalog.states import ListingState
from marketplace.core.bulk import copy_lines, copy_rows, table_of
from marketplace.core.db import Base, Session
from marketplace.core.ids import new_id

SOURCE = "import"
# A listing that is written by itself, not from a sheet.
BY_HAND = "edit"
WHY = {SOURCE: "Imported.", BY_HAND: "Written by its host."}
SEAT_COLUMNS = ("pool_id", "week", "capacity")
# The columns that close weeks.
CALENDAR = frozenset({"first_start", "last_start", "weeks_max", "blackout_weeks"})
# The columns that may stand against a publication, besides the words and duties.
JUDGED = frozenset({"currency", "cancellation_policy", "site_name"})
Rows = list[dict[str, Any]]


def import_listings(
    session: Session,
    text: str | bytes,
    owner_account_id: uuid.UUID,
    commit: bool,  # noqa: FBT001 - the command's own word
    now: datetime,
    *,
    site_id: uuid.UUID | None = None,
    account_id: uuid.UUID | None = None,
    holders: SeatHolders | None = None,
    name: str | None = None,
    limits: Limits = LARGE,
) -> ImportPlan:
    """Plan the import of a sheet for an owner and, with `commit`, do it (the edge commits).

    `site_id` admits rows of that site only; `account_id` is who imports, the owner by default;
    `holders` lets the plan name the bookings that stand against a change; `name` is the file's.
    Drafts are created; publication is asked for by itself. Problems of rows and of the file are
    in the plan, never raised.
    """
    if commit:
        wait_for_others(session, owner_account_id)
    only = listings.site(session, site_id) if site_id else None
    if site_id and (only is None or only.owner_account_id != owner_account_id):
        raise ListingNotFound
    sheet = read_sheet(text, name=name, limits=limits)
    plan = planning.plan(session, sheet, owner_account_id, now.date(), only=only, holders=holders)
    if not commit or plan.fault is not None:
        return plan
    done = replace(plan, committed=True)
    work = Writer(session, owner_account_id, account_id or owner_account_id, now, holders)
    work.run(done.entries)
    work.record(text, site_id, done)
    return done


def wait_for_others(
    session: Session, owner_account_id: uuid.UUID, but: uuid.UUID | None = None
) -> None:
    """Wait for an import of this owner that writes now; `ImportUnderWay` for one with many steps."""
    key = func.hashtextextended(f"catalog.import:{owner_account_id}", 0)
    session.execute(select(func.pg_advisory_xact_lock(key)))
    other = imports.other_committing(session, owner_account_id, but)
    if other is not None:
        raise ImportUnderWay(extra={"import_id": str(other)})


def wait_at_site(session: Session, site_id: uuid.UUID) -> None:
    """Wait for an import of the site's owner that writes now; who asks then sees what it wrote."""
    owner = cast(Site.owner_account_id, Text)
    key = func.hashtextextended(literal("catalog.import:") + owner, 0)
    session.execute(select(func.pg_advisory_xact_lock(key)).where(Site.id == site_id))


def refuse_fault(plan: ImportPlan) -> None:
    """Raise `SheetRefused` for a file that can't be read at all."""
    if plan.fault is not None:
        raise SheetRefused(
            f"Expected {plan.fault.expected}.",
            extra={"sheet_code": plan.fault.code, "row": plan.fault.row},
        )


class Writer:
    """One import under way: what it has to look up, and the rows that it writes in bulk.

    `former` gathers what sites and preceptors were called before it changed them.
    """

    def __init__(
        self,
        session: Session,
        owner_id: uuid.UUID,
        account_id: uuid.UUID,
        now: datetime,
        holders: SeatHolders | None = None,
        former: Former | None = None,
    ) -> None:
        self.session = session
        self.owner_id = owner_id
        self.account_id = account_id
        self.now = now
        self.holders = holders
        self.former = former if former is not None else Former()
        self.sites: dict[str, Site] = {}
        self.preceptors: dict[tuple[uuid.UUID, str], Preceptor] = {}
        # Listings that get a version of their own here.
        self.changing: set[uuid.UUID] = set()

    def run(self, entries: Sequence[Entry]) -> None:
        """Write what these entries of a plan say; those that say nothing new are passed over."""
        created = [entry for entry in entries if entry.action == CREATED]
        changed = [entry for entry in entries if entry.action == CHANGED]
        drafts = [entry.draft for entry in [*created, *changed] if entry.draft]
        self.changing = {entry.stored.listing.id for entry in changed if entry.stored}
        # Sites before listings, as everybody does: a change may send a listing back to review.
        site_queries.hold(self.session, {each.stored.site.id for each in changed if each.stored})
        self._bring_sites(drafts)
        self._bring_preceptors(drafts)
        self._create([entry.draft for entry in created if entry.draft])
        ids = [entry.stored.listing.id for entry in changed if entry.stored]
        held = imports.locked_listings(self.session, ids) if ids else {}
        for entry in changed:
            self._change(entry, held)
        waking.listings_changed(self.session, held)
        self.session.flush()

    def record(self, text: str | bytes, site_id: uuid.UUID | None, plan: ImportPlan) -> None:
        raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        self.session.add(
            ImportRun(
                id=new_id(),
                owner_account_id=self.owner_id,
                account_id=self.account_id,
                site_id=site_id,
                recorded_at=self.now,
                digest=hashlib.sha256(raw).digest(),
                size=len(raw),
                counts=plan.counts,
            )
        )
        self.session.flush()

    def _bring_sites(self, drafts: Sequence[ListingDraft]) -> None:
        wanted = {draft.site.name: draft.site for draft in drafts}
        self.sites = imports.sites_named(self.session, self.owner_id, wanted)
        for draft in wanted.values():
            site = self.sites.get(draft.name)
            if site is None:
                self._add_site(draft)
            else:
                self._change_site(site, draft)

    def _add_site(self, draft: SiteDraft) -> None:
        fields = sites.SiteFields(draft)
        self.sites[draft.name] = sites.create(self.session, fields, self.owner_id, self.now)

    def _change_site(self, site: Site, draft: SiteDraft) -> None:
        values = sites.site_columns(draft)
        if any(getattr(site, name) != value for name, value in values.items()):
            self.former.keep_site(site)
            by = (self.account_id, self.now)
            sites.change(self.session, site, values, *by, versioned=self.changing)

    def _bring_preceptors(self, drafts: Sequence[ListingDraft]) -> None:
        ids = [self.sites[name].id for name in {draft.site.name for draft in drafts}]
        self.preceptors = listings.sites_preceptors(self.session, ids)
        for draft in drafts:
            site_id = self.sites[draft.site.name].id
            person = self.preceptors.get((site_id, draft.preceptor.npi))
            if person is None:
                person = Preceptor(
                    id=new_id(),
                    site_id=site_id,
                    npi=draft.preceptor.npi,
                    name=draft.preceptor.name,
                )
                self.session.add(person)
                self.preceptors[site_id, person.npi] = person
            if person.name != draft.preceptor.name:
                self.former.keep_preceptor(person)
                values = {"name": draft.preceptor.name}
                by = (self.account_id, self.now)
                sites.change_preceptor(self.session, person, values, *by, versioned=self.changing)
        self.session.flush()

    def _create(self, drafts: Sequence[ListingDraft]) -> None:
        """New listings, each with its first version, its history and a calendar of its own."""
        rows: dict[type[Base], Rows] = {
            model: []
            for model in (Listing, ListingVersion, ListingTransition, SeatPool, ListingPool)
        }
        pools = [(self._gather(draft, rows), draft) for draft in drafts]
        for model, values in rows.items():
            copy_rows(self.session, table_of(model), values)
        if pools:
            lines = (columns.week_lines(pool_id, draft) for pool_id, draft in pools)
            copy_lines(self.session, table_of(SeatWeek), SEAT_COLUMNS, lines)

    def _gather(self, draft: ListingDraft, rows: Mapping[type[Base], Rows]) -> uuid.UUID:
        """Add a listing's rows; returns the key of its pool of seats."""
        site = self.sites[draft.site.name]
        listing_id, pool_id = new_id(), new_id()
        person = self.preceptors[site.id, draft.preceptor.npi]
        rows[Listing].append(
            {
                "id": listing_id,
                "site_id": site.id,
                "owner_account_id": self.owner_id,
                "preceptor_id": person.id,
                "external_id": draft.external_id,
                "price_minor": draft.price.minor,
                "price_currency": draft.price.currency,
                **columns.values_of(draft),
            }
        )
        rows[ListingVersion].append(self._version(listing_id, 1, {}, draft))
        rows[ListingTransition].append(
            {
                "id": new_id(),
                "listing_id": listing_id,
                "from_state": None,
                "to_state": ListingState.DRAFT.value,
                "account_id": self.account_id,
                "recorded_at": self.now,
                "why": WHY[SOURCE],
            }
        )
        rows[SeatPool].append({"id": pool_id, "site_id": site.id, "name": draft.external_id})
        rows[ListingPool].append({"listing_id": listing_id, "pool_id": pool_id})
        return pool_id

    def _version(
        self,
        listing_id: uuid.UUID,
        version: int,
        difference: Mapping[str, tuple[str, str]],
        draft: ListingDraft,
    ) -> dict[str, Any]:
        return {
            "listing_id": listing_id,
            "version": version,
            "account_id": self.account_id,
            "recorded_at": self.now,
            "source": SOURCE,
            "difference": {column: list(pair) for column, pair in difference.items()},
            "terms": terms_of(draft),
        }

    def _change(self, entry: Entry, held: Mapping[uuid.UUID, Listing]) -> None:
        stored, draft = entry.stored, entry.draft
        if stored is None or draft is None:
            return
        # Its site or preceptor may have brought all of the change, and its version, already.
        changed = difference(terms_of(stored.draft), terms_of(draft))
        if not changed:
            return
        listing = held[stored.listing.id]
        site = self.sites[draft.site.name]
        if self.holders is not None and CALENDAR & changed.keys():
            # The plan was made before the row was held: a seat may have been taken since.
            holding.refuse_season(
                self.session,
                listing,
                draft.first_start,
                draft.last_start,
                draft.weeks_max,
                self.holders,
                today=self.now.date(),
                closed=draft.blackout_weeks,
            )
        judged = listing.fingerprint
        listing.site_id = site.id
        listing.preceptor_id = self.preceptors[site.id, draft.preceptor.npi].id
        listing.price = draft.price
        for name, value in columns.values_of(draft).items():
            setattr(listing, name, value)
        listing.version += 1
        self.session.add(
            ListingVersion(**self._version(listing.id, listing.version, changed, draft))
        )
        self._change_weeks(stored, draft)
        if listing.fingerprint != judged or JUDGED & changed.keys():
            publishing.after_change(self.session, listing, self.account_id, self.now)

    def _change_weeks(self, stored: Stored, draft: ListingDraft) -> None:
        """Bring a listing's own calendar to its new season and number of seats.

        The plan has refused what would touch seats that are taken; were one taken since, the
        conditions here leave its week alone and the constraint refuses fewer seats.
        """
        if len(stored.pools) != 1 or stored.pools[0][1]:
            return
        pool_id = stored.pools[0][0]
        before = stored.draft
        wanted = calendar(draft.first_start, draft.last_start, draft.weeks_max)
        if calendar(before.first_start, before.last_start, before.weeks_max) != wanted:
            self.session.execute(
                delete(SeatWeek).where(
                    SeatWeek.pool_id == pool_id,
                    SeatWeek.week.not_in(wanted),
                    SeatWeek.taken == 0,
                )
            )
            known = set(
                self.session.execute(
                    select(SeatWeek.week).where(SeatWeek.pool_id == pool_id)
                ).scalars()
            )
            missing = [row for row in columns.week_rows(pool_id, draft) if row["week"] not in known]
            if missing:
                self.session.execute(insert(SeatWeek), missing)
        if before.seats_per_week != draft.seats_per_week:
            calendars.set_from(
                self.session,
                stored.site.id,
                {pool_id: draft.seats_per_week},
                monday_of(self.now.date()),
                Author(self.account_id, self.now, WHY[SOURCE]),
                self.holders,
            )
