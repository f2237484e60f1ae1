"""What an import would do, before it does anything: every row judged against what is stored.

A change that would take seats from those who have them is refused like a wrong cell: fewer seats
than are taken, a closed week or a shorter season over taken seats, another site for them.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import date
from typing import Any

from marketplace.catalog.gateway import SeatHolder, SeatHolders
from marketplace.catalog.models import Listing, Preceptor, Site
from marketplace.catalog.queries import listings
from marketplace.catalog.queries.sheets import Known
from marketplace.catalog.rules.drafts import ListingDraft, SiteDraft
from marketplace.catalog.rules.faults import Remark
from marketplace.catalog.rules.findings import Caution, Fix, Problem
from marketplace.catalog.rules.sheet import KEPT_IF_ABSENT
from marketplace.catalog.rules.spreadsheet import SheetRow
from marketplace.catalog.rules.terms import difference, terms_of
from marketplace.catalog.rules.weeks import calendar
from marketplace.catalog.service import holding, time_zones
from marketplace.catalog.service.classification import classification_of
from marketplace.catalog.service.time_zones import ZoneInUse
from marketplace.catalog.states import ListingState
from marketplace.core.db import Session
from marketplace.identity.rules import LearnerStatus

CREATED = "created"
CHANGED = "changed"
UNCHANGED = "unchanged"
REFUSED = "refused"
REPEATED = "repeated"
ACTIONS = (CREATED, CHANGED, UNCHANGED, REPEATED, REFUSED)


@dataclass(frozen=True)
class Stored:
    """A listing as it is now; `pools` are (id, shared with another listing).

    `before` is what it was before rows of the same sheet changed its site or preceptor.
    """

    listing: Listing
    site: Site
    preceptor: Preceptor
    draft: ListingDraft
    pools: Sequence[tuple[uuid.UUID, bool]]
    taken: Mapping[date, int]
    before: ListingDraft


@dataclass
class Former:
    """What sites and preceptors were before an import changed them; kept with its run."""

    sites: dict[uuid.UUID, SiteDraft] = field(default_factory=dict)
    names: dict[uuid.UUID, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Former":
        return cls(
            {uuid.UUID(key): SiteDraft(*words) for key, words in found.get("sites", {}).items()},
            {uuid.UUID(key): name for key, name in found.get("names", {}).items()},
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "sites": {str(key): list(astuple(site)) for key, site in self.sites.items()},
            "names": {str(key): name for key, name in self.names.items()},
        }

    def __len__(self) -> int:
        return len(self.sites) + len(self.names)

    def keep_site(self, site: Site) -> None:
        self.sites.setdefault(site.id, listings.site_draft(site))

    def keep_preceptor(self, preceptor: Preceptor) -> None:
        self.names.setdefault(preceptor.id, preceptor.name)

    def of(self, draft: ListingDraft, site: Site, preceptor: Preceptor) -> ListingDraft:
        """A stored listing as it was before."""
        if site.id in self.sites:
            draft = replace(draft, site=self.sites[site.id])
        if preceptor.id in self.names:
            person = replace(draft.preceptor, name=self.names[preceptor.id])
            draft = replace(draft, preceptor=person)
        return draft


@dataclass(frozen=True)
class Entry:
    """One row of the plan; `difference` maps each changed column to what it was and would be."""

    row: int
    external_id: str
    action: str
    draft: ListingDraft | None = None
    stored: Stored | None = None
    difference: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    problems: Sequence[Problem] = ()
    # Who has the seats that stand against it.
    holders: Sequence[SeatHolder] = ()
    fixes: Sequence[Fix] = ()
    cautions: Sequence[Caution] = ()
    tier_student: str | None = None
    tier_graduate: str | None = None
    conflicts: Sequence[str] = ()


@dataclass(frozen=True)
class ImportPlan:
    """What a sheet would do, or did if `committed`; with `fault` the file can't be read at all."""

    entries: Sequence[Entry]
    remarks: Sequence[Remark] = ()
    fault: Problem | None = None
    committed: bool = False

    def of(self, action: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.action == action]

    @property
    def counts(self) -> dict[str, int]:
        """How many rows are created, changed, unchanged, repeated and refused."""
        return {action: len(self.of(action)) for action in ACTIONS}

    def as_table(self) -> list[dict[str, Any]]:
        """One line for each thing to say, to be printed: what happens, and each cell's remark.

        Keys: row, external_id, action, column, value, message.
        """
        return [line for entry in self.entries for line in lines_of(entry)]


def plan_rows(
    rows: Sequence[SheetRow],
    known: Known,
    owner_id: uuid.UUID,
    *,
    only: Site | None,
    holders: SeatHolders | None = None,
    former: Former | None = None,
) -> tuple[Entry, ...]:
    """Judge rows of a sheet against what is `known` of what they name; `only` admits that site's.

    With `holders`, a change that seats stand against names the bookings that have them. `former`
    tells what sites and preceptors were before rows of the same sheet changed them, so that each of
    their listings counts as changed, whichever row comes first.
    """
    stored = _stored(known, former or Former())
    zones = time_zones.in_use(known, rows, owner_id, only)
    entries = tuple(entry_of(row, stored.get(_id(row)), only, zones) for row in rows)
    if holders is None:
        return entries
    found = holders.told(known.holding)
    return named(entries, holding.sorted_by_listing(_weeks_at_stake(entries), known.sharing, found))


def with_holders(
    session: Session, entries: Sequence[Entry], holders: SeatHolders
) -> tuple[Entry, ...]:
    """The entries with the bookings named in problems that are about taken seats."""
    return named(entries, holding.by_listing(session, _weeks_at_stake(entries), holders))


def _weeks_at_stake(entries: Sequence[Entry]) -> Mapping[uuid.UUID, set[date]]:
    """The weeks that problems are about, by the listings whose seats they are."""
    wanted: dict[uuid.UUID, set[date]] = {}
    for entry in entries:
        for problem in entry.problems:
            for listing_id in _concerned(entry, problem):
                wanted.setdefault(listing_id, set()).update(problem.weeks)
    return wanted


def named(
    entries: Sequence[Entry], found: Mapping[uuid.UUID, Sequence[SeatHolder]]
) -> tuple[Entry, ...]:
    """The entries with those whom `found` has for the listings and weeks of their problems."""

    def having(entry: Entry, problem: Problem) -> list[SeatHolder]:
        every = {
            each.booking_id: each
            for listing_id in _concerned(entry, problem)
            for each in found.get(listing_id, ())
        }
        return [each for each in every.values() if set(each.weeks) & set(problem.weeks)]

    def told(entry: Entry) -> Entry:
        if not any(problem.weeks for problem in entry.problems):
            return entry
        by = [(problem, having(entry, problem)) for problem in entry.problems]
        problems = [
            replace(problem, expected=f"{problem.expected}: {holding.named(there)}")
            if there
            else problem
            for problem, there in by
        ]
        every = {each.booking_id: each for _, there in by for each in there}
        return replace(entry, problems=problems, holders=tuple(every.values()))

    return tuple(map(told, entries))


def _concerned(entry: Entry, problem: Problem) -> Sequence[uuid.UUID]:
    """The listings whose taken seats a problem is about."""
    if not problem.weeks or problem.listings:
        return problem.listings
    return [entry.stored.listing.id] if entry.stored else []


def _id(row: SheetRow) -> str:
    return row.draft.external_id if row.draft else ""


def _stored(known: Known, former: Former) -> dict[str, Stored]:
    found = {}
    for external_id, listing in known.asked.items():
        site, preceptor = listing.site, listing.preceptor
        draft = listings.draft_of(listing, site, preceptor)
        found[external_id] = Stored(
            listing,
            site,
            preceptor,
            draft,
            known.pools.get(listing.id, ()),
            known.taken.get(listing.id, {}),
            former.of(draft, site, preceptor),
        )
    return found


def entry_of(
    row: SheetRow, stored: Stored | None, only: Site | None, zones: Mapping[str, ZoneInUse]
) -> Entry:
    """What a row would do to what is stored of its listing, if anything is."""
    draft = row.draft
    said: dict[str, Any] = {"fixes": row.fixes, "cautions": row.cautions}
    if draft is None:
        return Entry(row.row, row.external_id, REFUSED, problems=row.problems, **said)
    found = classification_of(draft)
    said |= {
        "draft": draft,
        "stored": stored,
        "tier_student": found.offered(LearnerStatus.STUDENT),
        "tier_graduate": found.offered(LearnerStatus.GRADUATE),
        "conflicts": [conflict.text for conflict in found.conflicts],
    }
    if row.repeats is not None:
        return Entry(row.row, row.external_id, REPEATED, **said)
    if stored:
        draft = said["draft"] = _with_absent(row, draft, stored.draft)
    problems = _foreign(row.row, draft, only)
    if draft.site.name in zones:
        problems.append(time_zones.refused(row.row, draft.site, zones[draft.site.name]))
    changed = difference(terms_of(stored.before), terms_of(draft)) if stored else {}
    if stored and changed:
        problems += _not_changeable(row.row, draft, stored, changed)
    if problems:
        return Entry(row.row, row.external_id, REFUSED, problems=problems, **said)
    action = CREATED if stored is None else CHANGED if changed else UNCHANGED
    return Entry(row.row, row.external_id, action, difference=changed, **said)


def _with_absent(row: SheetRow, draft: ListingDraft, stored: ListingDraft) -> ListingDraft:
    """The draft with the stored terms of the columns that the sheet does not have."""
    absent = KEPT_IF_ABSENT - row.record.cells.keys()
    return replace(draft, **{name: getattr(stored, name) for name in absent}) if absent else draft


def _foreign(row: int, draft: ListingDraft, only: Site | None) -> list[Problem]:
    if only is None or draft.site.name == only.name:
        return []
    return [
        Problem(
            row, "site_name", draft.site.name, "other_site", f"{only.name!r}, whose import this is"
        )
    ]


def _not_changeable(
    row: int, draft: ListingDraft, stored: Stored, changed: Mapping[str, Any]
) -> list[Problem]:
    """Why the change can't be made: the listing is retired, or somebody has a seat."""
    if stored.listing.state == ListingState.RETIRED:
        return [
            Problem(
                row, "external_id", draft.external_id, "retired", "the id of no retired listing"
            )
        ]
    problems = []
    taken = stored.taken
    if "seats_per_week" in changed:
        problems += _fewer_seats(row, draft, stored)
    weeks = calendar(draft.first_start, draft.last_start, draft.weeks_max)
    outside = [week for week in taken if not weeks[0] <= week <= weeks[-1]]
    if outside:
        column = "first_start" if min(outside) < weeks[0] else "last_start"
        problems.append(_sold(row, column, changed, outside))
    closed = [week for week in taken if week in draft.blackout_weeks]
    if closed and "blackout_weeks" in changed:
        problems.append(_sold(row, "blackout_weeks", changed, closed))
    if taken and "site_name" in changed:
        problems.append(_sold(row, "site_name", changed, list(taken)))
    return problems


def _fewer_seats(row: int, draft: ListingDraft, stored: Stored) -> list[Problem]:
    wanted = str(draft.seats_per_week)
    if len(stored.pools) != 1 or stored.pools[0][1]:
        expected = "the number as it was: these seats are shared; edit the shared calendar"
        return [Problem(row, "seats_per_week", wanted, "seats_shared", expected)]
    over = {week: taken for week, taken in stored.taken.items() if taken > draft.seats_per_week}
    if not over:
        return []
    named = ", ".join(f"{week} ({taken} taken)" for week, taken in sorted(over.items()))
    expected = f"at least {max(over.values())}; taken in the week of {named}"
    return [Problem(row, "seats_per_week", wanted, "seats_taken", expected, tuple(over))]


def _sold(row: int, column: str, changed: Mapping[str, Any], weeks: Sequence[date]) -> Problem:
    value = changed[column][1] if column in changed else ""
    named = ", ".join(week.isoformat() for week in sorted(weeks)[:5])
    expected = f"no change: seats are taken in the week of {named}"
    return Problem(row, column, value, "seats_taken", expected, tuple(sorted(weeks)))


def lines_of(entry: Entry) -> list[dict[str, Any]]:
    """What there is to say about a row, a line each; see `ImportPlan.as_table`."""
    head = {"row": entry.row, "external_id": entry.external_id, "action": entry.action}
    tiers = ", ".join(
        f"{status}: {tier}"
        for status, tier in (("student", entry.tier_student), ("graduate", entry.tier_graduate))
        if tier
    )
    lines: list[tuple[str | None, str, str]] = []
    if entry.action != REFUSED:
        lines.append((None, "", tiers))
    lines += [(p.column, p.value, f"expected {p.expected}") for p in entry.problems]
    if entry.action != REFUSED:
        lines += [
            (column, was, f"becomes {now}") for column, (was, now) in entry.difference.items()
        ]
        lines += [(fix.column, fix.was, f"read as {fix.now}") for fix in entry.fixes]
        lines += [(each.column, each.value, each.text) for each in entry.cautions]
        lines += [("title", "", f"waits for review: {text}") for text in entry.conflicts]
    return [
        {**head, "column": column or "", "value": value, "message": message}
        for column, value, message in lines
    ]
