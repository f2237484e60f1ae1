"""Listings by id: as they are booked, shown and edited."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, Uuid, bindparam, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import joinedload

from marketplace.catalog.errors import ListingNotFound, NotOffered
from marketplace.catalog.models import (
    Listing,
    Preceptor,
    Site,
)
from marketplace.catalog.rules import fees
from marketplace.catalog.rules.deposits import DepositRule
from marketplace.catalog.rules.drafts import ListingDraft, PreceptorDraft, SiteDraft
from marketplace.catalog.rules.english import EnglishTerms
from marketplace.catalog.states import ListingState
from marketplace.core import rows
from marketplace.core.db import Session, fetch
from marketplace.core.money import Money
from marketplace.identity import queries as identity
from marketplace.identity.rules import LearnerStatus

# Of a listing that is booked: what a search reads, and what hosts and operators are shown.
UNREAD = (
    *("owner_account_id", "preceptor_id", "external_id", "seats_per_week", "claimed_tier"),
    *("notes", "waits_for", "reasons", "conflicts", "fingerprint", "drift_at", "city"),
    *("us_state", "search_text", "created_at"),
)


@dataclass(frozen=True)
class ListingForBooking:
    """A published listing as a booking freezes it; `price_per_week` is for one seat."""

    id: uuid.UUID
    version: int
    title: str
    site_id: uuid.UUID
    site_name: str
    time_zone: str
    specialty: str
    setting: str
    duties: tuple[str, ...]
    audience: str
    price_per_week: Money
    weeks_min: int
    weeks_max: int
    first_start: date
    last_start: date
    blackout_weeks: tuple[date, ...]
    visa_types: tuple[str, ...]
    step1_required: bool
    step2_min: int | None
    lead_days: int
    policy_key: str
    approval: str
    letter_policy: str
    english: EnglishTerms
    documents: tuple[str, ...]
    deposit: DepositRule
    residency_affiliation: str
    tier_student: str | None
    tier_graduate: str | None
    classifier_version: str
    # What the marketplace asks on top, where a contract with the site says so.
    fees: tuple[fees.FeeSpan, ...]

    def tier_for(self, status: str) -> str | None:
        """The tier for who is `student` or `graduate` on the first day; none if not admitted."""
        return self.tier_student if status == LearnerStatus.STUDENT else self.tier_graduate


@dataclass(frozen=True)
class ListingFacts:
    """What other packages show of a listing, whatever its state."""

    id: uuid.UUID
    title: str
    specialty: str
    setting: str
    state: str
    site_id: uuid.UUID
    site_name: str
    preceptor_id: uuid.UUID
    preceptor_name: str
    letter_policy: str
    tier_student: str | None
    tier_graduate: str | None


@dataclass(frozen=True)
class SiteFacts:
    id: uuid.UUID
    name: str
    address: str
    city: str
    state: str
    time_zone: str
    owner_account_id: uuid.UUID

    @property
    def place(self) -> str:
        """Where to go, in one line."""
        return ", ".join(filter(None, (self.name, self.address, self.city, self.state)))


def retired(session: Session, listing_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Which of these listings take no bookings for ever."""
    if not listing_ids:
        return []
    query = select(Listing.id).where(
        Listing.id.in_(listing_ids), Listing.state == ListingState.RETIRED
    )
    return list(session.execute(query).scalars())


def listing_for_booking(session: Session, listing_id: uuid.UUID) -> ListingForBooking:
    """The listing to book; `ListingNotFound` if never published, `NotOffered` if not open now."""
    found = fetch(session, _one_to_book(), {"id": listing_id}, flush=True)
    return _open(found[0] if found else None)


def listing_for_booking_by(
    session: Session, listing_id: uuid.UUID, account_id: uuid.UUID
) -> tuple[ListingForBooking, identity.TraineeFacts | None]:
    """The listing to book, as above, and what the trainee is judged by; one query."""
    values = {"id": listing_id, "account": account_id}
    found = fetch(session, _one_to_book_by(), values, flush=True)
    listing = _open(found[0] if found else None)
    return listing, identity.facts_beside(found[0][_own() + 2 :])


def listings_for_booking(
    session: Session, listing_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, ListingForBooking]:
    """Several listings to book, in one query; those that are not open now are absent."""
    found = session.execute(_many_to_book(), {"ids": sorted(set(listing_ids))})
    listings = [(_listing(row), *row[_own() :]) for row in found]
    return {
        listing.id: _as_booked(listing, time_zone, agreed)
        for listing, time_zone, agreed in listings
        if listing.state == ListingState.PUBLISHED
    }


def platform_fees(session: Session, site_id: uuid.UUID) -> tuple[fees.FeeSpan, ...]:
    """What the marketplace asks on top of a site's prices, where contracts say so."""
    return fees.spans(session.execute(select(_agreed(site_id))).scalar_one())


def _agreed(site_id: Any) -> ColumnElement[list[Any] | None]:
    # The contracts are not this package's: the database tells what they say of a site's prices.
    return func.platform_fees(site_id, type_=JSONB)


def countries(session: Session, site_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """The country of each site, as its ISO 3166 code."""
    rows = session.execute(select(Site.id, Site.country).where(Site.id.in_(set(site_ids))))
    return {row.id: row.country for row in rows}


def _open(row: Sequence[Any] | None) -> ListingForBooking:
    """Return the listing of a row of `_to_book`: after it, its site's time zone and fees."""
    listing = None if row is None else _listing(row)
    if row is None or listing is None or listing.first_published_at is None:
        raise ListingNotFound
    if listing.state != ListingState.PUBLISHED:
        raise NotOffered(extra={"state": listing.state})
    return _as_booked(listing, *row[_own() : _own() + 2])


def _listing(row: Sequence[Any]) -> Listing:
    return rows.shown(Listing, row[: _own()], UNREAD)


@cache
def _own() -> int:
    """How many columns of a row of `_to_book` are the listing's."""
    return len(rows.columns_of(Listing, UNREAD))


def _as_booked(listing: Listing, time_zone: str, agreed: list[Any] | None) -> ListingForBooking:
    return ListingForBooking(
        id=listing.id,
        version=listing.version,
        title=listing.title,
        site_id=listing.site_id,
        site_name=listing.site_name,
        time_zone=time_zone,
        specialty=listing.specialty,
        setting=listing.setting,
        duties=tuple(listing.duties),
        audience=listing.audience,
        price_per_week=listing.price,
        weeks_min=listing.weeks_min,
        weeks_max=listing.weeks_max,
        first_start=listing.first_start,
        last_start=listing.last_start,
        blackout_weeks=tuple(listing.blackout_weeks),
        visa_types=tuple(listing.visa_types),
        step1_required=listing.step1_required,
        step2_min=listing.step2_min,
        lead_days=listing.lead_days,
        policy_key=listing.cancellation_policy,
        approval=listing.approval,
        letter_policy=listing.letter_policy,
        english=listing.english,
        documents=tuple(listing.documents),
        deposit=listing.deposit,
        residency_affiliation=listing.residency_affiliation,
        tier_student=listing.tier_student,
        tier_graduate=listing.tier_graduate,
        classifier_version=listing.classifier,
        fees=fees.spans(agreed),
    )


@cache
def _one_to_book_by() -> Select[Any]:
    return identity.beside_facts(_one_to_book(), bindparam("account", type_=Uuid()))


@cache
def _one_to_book() -> Select[Any]:
    return _to_book().where(Listing.id == bindparam("id"))


@cache
def _many_to_book() -> Select[Any]:
    return _to_book().where(Listing.id.in_(bindparam("ids", expanding=True)))


def _to_book() -> Select[Any]:
    found: Select[Any] = select(
        *rows.columns_of(Listing, UNREAD), Site.time_zone, _agreed(Listing.site_id)
    )
    return found.join(Site, Site.id == Listing.site_id)


def listing_facts(
    session: Session, listing_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, ListingFacts]:
    """Facts of several listings in one query; unknown ids are absent."""
    rows = session.execute(
        select(Listing)
        .options(joinedload(Listing.preceptor))
        .where(Listing.id.in_(list(listing_ids)))
    ).scalars()
    return {row.id: _facts(row) for row in rows}


def _facts(listing: Listing) -> ListingFacts:
    return ListingFacts(
        id=listing.id,
        title=listing.title,
        specialty=listing.specialty,
        setting=listing.setting,
        state=listing.state,
        site_id=listing.site_id,
        site_name=listing.site_name,
        preceptor_id=listing.preceptor_id,
        preceptor_name=listing.preceptor.name,
        letter_policy=listing.letter_policy,
        tier_student=listing.tier_student,
        tier_graduate=listing.tier_graduate,
    )


def site_facts(session: Session, site_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, SiteFacts]:
    """Facts of several sites in one query; unknown ids are absent."""
    rows = session.execute(
        select(
            Site.id,
            Site.name,
            Site.address,
            Site.city,
            Site.state,
            Site.time_zone,
            Site.owner_account_id,
        ).where(Site.id.in_(list(site_ids)))
    )
    return {row.id: SiteFacts(*row) for row in rows}


def site(session: Session, site_id: uuid.UUID) -> Site | None:
    return session.get(Site, site_id)


def listing(session: Session, listing_id: uuid.UUID) -> Listing:
    """A listing with its site and preceptor, in any state; `ListingNotFound`."""
    found = session.execute(
        select(Listing)
        .options(joinedload(Listing.site), joinedload(Listing.preceptor))
        .where(Listing.id == listing_id)
    ).scalar_one_or_none()
    if found is None:
        raise ListingNotFound
    return found


def site_listings(session: Session, site_id: uuid.UUID) -> Sequence[Listing]:
    """All listings of a site for its host, by their own ids."""
    return (
        session.execute(
            select(Listing)
            .options(joinedload(Listing.site), joinedload(Listing.preceptor))
            .where(Listing.site_id == site_id)
            .order_by(Listing.external_id)
        )
        .scalars()
        .all()
    )


def titles(session: Session, listing_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """What these listings are called."""
    rows = session.execute(select(Listing.id, Listing.title).where(Listing.id.in_(listing_ids)))
    return {row.id: row.title for row in rows}


def site_of(session: Session, listing_id: uuid.UUID) -> uuid.UUID | None:
    """The site of a listing, or none if there is no such listing."""
    return session.execute(
        select(Listing.site_id).where(Listing.id == listing_id)
    ).scalar_one_or_none()


def require_site(session: Session, listing_id: uuid.UUID, site_id: uuid.UUID) -> None:
    """A listing of another site does not exist at this one: `ListingNotFound`."""
    if site_of(session, listing_id) != site_id:
        raise ListingNotFound


def owned_ids(
    session: Session, owner_account_id: uuid.UUID, states: Sequence[str]
) -> list[uuid.UUID]:
    """Ids of the owner's listings in these states, by their own ids."""
    return list(
        session.execute(
            select(Listing.id)
            .where(Listing.owner_account_id == owner_account_id, Listing.state.in_(list(states)))
            .order_by(Listing.external_id)
        ).scalars()
    )


def preceptor_site(session: Session, preceptor_id: uuid.UUID) -> uuid.UUID | None:
    """The site of a preceptor, or none if there is no such preceptor."""
    return session.execute(
        select(Preceptor.site_id).where(Preceptor.id == preceptor_id)
    ).scalar_one_or_none()


def site_draft(site: Site) -> SiteDraft:
    """A stored site in the form in which a sheet's row is understood."""
    return SiteDraft(site.name, site.address, site.city, site.state, site.country, site.time_zone)


def draft_of(listing: Listing, site: Site, preceptor: Preceptor) -> ListingDraft:
    """A stored listing in the form in which a sheet's row is understood."""
    return ListingDraft(
        external_id=listing.external_id,
        site=site_draft(site),
        preceptor=PreceptorDraft(preceptor.name, preceptor.npi),
        specialty=listing.specialty,
        title=listing.title,
        setting=listing.setting,
        duties=tuple(listing.duties),
        audience=listing.audience,
        weeks_min=listing.weeks_min,
        weeks_max=listing.weeks_max,
        price=listing.price,
        seats_per_week=listing.seats_per_week,
        first_start=listing.first_start,
        last_start=listing.last_start,
        blackout_weeks=tuple(listing.blackout_weeks),
        visa_types=tuple(listing.visa_types),
        step1_required=listing.step1_required,
        step2_min=listing.step2_min,
        letter_policy=listing.letter_policy,
        cancellation_policy=listing.cancellation_policy,
        approval=listing.approval,
        english=listing.english,
        documents=tuple(listing.documents),
        deposit=listing.deposit,
        lead_days=listing.lead_days,
        residency_affiliation=listing.residency_affiliation,
        claimed_tier=listing.claimed_tier,
        notes=listing.notes,
    )
