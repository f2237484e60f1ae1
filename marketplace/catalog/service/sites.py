"""Sites and their preceptors: made and changed, with every change kept.

A change of either is a new version of the listings that show it, so that a booking's version tells
what was on show when it was made.
"""

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from marketplace.catalog.errors import TimeZoneInUse
from marketplace.catalog.models import Listing, ListingVersion, Preceptor, Site, SiteChange
from marketplace.catalog.queries import listings, locks, seats, sites
from marketplace.catalog.rules.drafts import ListingDraft, PreceptorDraft, SiteDraft
from marketplace.catalog.rules.terms import difference, search_words, terms_of
from marketplace.catalog.rules.weeks import monday_of
from marketplace.catalog.service import waking
from marketplace.catalog.states import ListingState, Verification
from marketplace.core import rows
from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.identity.rules import Role
from marketplace.identity.service import memberships

SOURCE = "site"
# What an operator's verification vouches for; a change of it is shown to one.
VOUCHED_FOR = frozenset({"name", "address", "city", "state", "country"})
Point = tuple[Decimal, Decimal]


@dataclass(frozen=True)
class SiteFields:
    """A site's facts: the draft's, its point (latitude, longitude in degrees) and affiliation."""

    draft: SiteDraft
    point: Point | None = None
    residency_affiliation: str | None = None

    @property
    def columns(self) -> dict[str, Any]:
        latitude, longitude = self.point or (None, None)
        return {
            **site_columns(self.draft),
            "latitude": latitude,
            "longitude": longitude,
            "residency_affiliation": self.residency_affiliation,
        }


@dataclass(frozen=True)
class PreceptorFields:
    """A preceptor's name and NPI, the code of a specialty, and credentials in order."""

    draft: PreceptorDraft
    specialty: str | None = None
    credentials: tuple[str, ...] = ()

    @property
    def columns(self) -> dict[str, Any]:
        return {
            "name": self.draft.name,
            "npi": self.draft.npi,
            "specialty": self.specialty,
            "credentials": list(self.credentials),
        }


def site_columns(draft: SiteDraft) -> dict[str, str]:
    """The columns of `site` that a sheet speaks of."""
    return {
        "name": draft.name,
        "address": draft.address,
        "city": draft.city,
        "state": draft.state,
        "country": draft.country,
        "time_zone": draft.time_zone,
    }


def differs(site: Site, draft: SiteDraft) -> bool:
    """Whether a sheet says other things of a site than are stored."""
    return any(getattr(site, name) != value for name, value in site_columns(draft).items())


def create(
    session: Session, fields: SiteFields, owner_account_id: uuid.UUID, now: datetime
) -> Site:
    """A new site, not verified, of whoever makes it; its name is one of a kind for its owner."""
    site = Site(id=new_id(), owner_account_id=owner_account_id, **fields.columns)
    session.add(site)
    session.flush()
    memberships.grant_role(session, owner_account_id, Role.SITE_OWNER, site_id=site.id, now=now)
    return site


def change(
    session: Session,
    site: Site,
    values: Mapping[str, Any],
    account_id: uuid.UUID | None,
    now: datetime,
) -> bool:
    """Give a site, which the caller holds, these columns; whether anything has changed.

    `TimeZoneInUse` where bookings have seats: their first day would begin at another time. What a
    verification vouches for goes to an operator once more; until then it stays as it is.
    """
    moves = values.get("time_zone", site.time_zone) != site.time_zone
    if not _changed(site, values):
        return False
    shown = locks.shown_of_site(session, site.id, against_takers=moves)
    if moves:
        _refuse_seats(session, shown, now)
    note_change(session, site, shown, values, account_id, now)
    rows.flush(session)
    return True


def note_change(
    session: Session,
    site: Site,
    shown: Sequence[Listing],
    values: Mapping[str, Any],
    account_id: uuid.UUID | None,
    now: datetime,
    *,
    versioned: Collection[uuid.UUID] = (),
) -> None:
    """Do so where the caller holds all that is `shown` of the site, and writes it.

    That no seat is taken where the time zone changes has been looked at. Listings in `versioned`
    get their new version from the caller.
    """
    changed = _changed(site, values)

    def apply() -> None:
        for name in changed:
            setattr(site, name, values[name])

    _recorded(session, shown, apply, lambda _: site, (account_id, now), versioned)
    if site.verification == Verification.VERIFIED and VOUCHED_FOR & changed.keys():
        site.waiting_since = site.waiting_since or now
    site.version += 1
    _record(session, "site", site.id, site.id, site.version, changed, account_id, now)


def create_preceptor(session: Session, site_id: uuid.UUID, fields: PreceptorFields) -> Preceptor:
    """A preceptor of a site; the NPI is one of a kind there."""
    person = Preceptor(id=new_id(), site_id=site_id, **fields.columns)
    session.add(person)
    session.flush()
    return person


def change_preceptor(
    session: Session,
    person: Preceptor,
    values: Mapping[str, Any],
    account_id: uuid.UUID | None,
    now: datetime,
) -> bool:
    """Give a preceptor, whom the caller holds, these columns; whether anything has changed."""
    if not _changed(person, values):
        return False
    shown = locks.shown_of_site(session, person.site_id, person.id)
    note_change_of_preceptor(session, person, shown, values, account_id, now)
    rows.flush(session)
    return True


def note_change_of_preceptor(
    session: Session,
    person: Preceptor,
    shown: Sequence[Listing],
    values: Mapping[str, Any],
    account_id: uuid.UUID | None,
    now: datetime,
    *,
    versioned: Collection[uuid.UUID] = (),
) -> None:
    """Do so where the caller holds the listings that they teach, and writes all of it.

    Listings in `versioned` get their new version from the caller.
    """
    changed = _changed(person, values)

    def apply() -> None:
        for name in changed:
            setattr(person, name, values[name])

    _recorded(session, shown, apply, lambda row: row.site, (account_id, now), versioned)
    person.version += 1
    _record(
        session, "preceptor", person.id, person.site_id, person.version, changed, account_id, now
    )


def _changed(row: Site | Preceptor, values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What was and is, by column, as JSON values."""
    return {
        name: [_plain(getattr(row, name)), _plain(value)]
        for name, value in values.items()
        if getattr(row, name) != value
    }


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def _refuse_seats(session: Session, shown: Sequence[Listing], now: datetime) -> None:
    ids = [row.id for row in shown]
    taken = seats.taken_weeks(session, ids, monday_of(now.date()))
    if any(taken.values()):
        weeks = sorted({week for by_week in taken.values() for week in by_week})
        named = ", ".join(week.isoformat() for week in weeks[:5])
        raise TimeZoneInUse(
            fields={"time_zone": [f"Seats are taken in the week of {named}."]},
            extra={"weeks": [week.isoformat() for week in weeks]},
        )


def _recorded(
    session: Session,
    shown: Sequence[Listing],
    apply: Callable[[], None],
    site_of: Callable[[Listing], Site],
    by: tuple[uuid.UUID | None, datetime],
    versioned: Collection[uuid.UUID],
) -> None:
    """Do `apply`, bring the listings' copies and words along, and keep a version of each."""
    before = [terms_of(_draft(row, site_of(row))) for row in shown]
    apply()
    for row, old in zip(shown, before, strict=True):
        draft = _draft(row, site_of(row))
        row.site_name, row.city, row.us_state = draft.site.name, draft.site.city, draft.site.state
        row.search_text = search_words(draft)
        changed = difference(old, terms_of(draft))
        if not changed or row.state == ListingState.RETIRED or row.id in versioned:
            continue
        row.version += 1
        session.add(
            ListingVersion(
                listing_id=row.id,
                version=row.version,
                account_id=by[0],
                recorded_at=by[1],
                source=SOURCE,
                difference={column: list(pair) for column, pair in changed.items()},
                terms=terms_of(draft),
            )
        )
    waking.listings_changed(session, [row.id for row in shown])


def _draft(listing: Listing, site: Site) -> ListingDraft:
    return listings.draft_of(listing, site, listing.preceptor)


def _record(
    session: Session,
    subject: str,
    subject_id: uuid.UUID,
    site_id: uuid.UUID,
    version: int,
    changed: Mapping[str, list[Any]],
    account_id: uuid.UUID | None,
    now: datetime,
) -> None:
    session.add(
        SiteChange(
            id=new_id(),
            site_id=site_id,
            subject=subject,
            subject_id=subject_id,
            version=version,
            account_id=account_id,
            recorded_at=now,
            difference=dict(changed),
        )
    )


def current(session: Session, subject_id: uuid.UUID) -> Mapping[str, Any]:
    """Who changed a site or a preceptor last, and when: for the editor who comes second."""
    last = sites.last_change(session, subject_id)
    return {
        "changed_by": str(last.account_id) if last and last.account_id else None,
        "changed_at": last.recorded_at.isoformat() if last else None,
    }
