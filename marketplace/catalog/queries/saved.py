"""Saved searches: an account's, those that changed listings may concern, and what fits them."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Select, Text, cast, func, select

from marketplace.catalog.models import Listing, SavedSearch, SavedSearchHit, SearchDigest
from marketplace.catalog.states import ListingState
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.identity.queries import TraineeFacts

EVERYTHING = "*"


@dataclass(frozen=True)
class News:
    """A listing that an account's saved search has found, as a digest names it."""

    saved_search_id: uuid.UUID
    search_name: str
    listing_id: uuid.UUID
    title: str
    site_name: str
    city: str
    us_state: str
    price_minor: int
    price_currency: str


def of_account(
    session: Session, account_id: uuid.UUID, *, lock: bool = False
) -> Sequence[SavedSearch]:
    """An account's saved searches, in the order of their making; twenty at most. `lock`: held."""
    query = select(SavedSearch).where(SavedSearch.account_id == account_id).order_by(SavedSearch.id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.execute(query).scalars().all()


def one(
    session: Session, account_id: uuid.UUID, saved_id: uuid.UUID, *, lock: bool = False
) -> SavedSearch:
    """One of the account's own; another account's does not exist for it. `NotFound`."""
    query = select(SavedSearch).where(
        SavedSearch.id == saved_id, SavedSearch.account_id == account_id
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def one_with_facts(
    session: Session, account_id: uuid.UUID, saved_id: uuid.UUID
) -> tuple[SavedSearch, TraineeFacts | None]:
    """One of the account's own, held, and the account's applicant facts; `NotFound`."""
    query: Select[Any] = select(SavedSearch).where(
        SavedSearch.id == saved_id, SavedSearch.account_id == account_id
    )
    row = session.execute(
        identity.beside_facts(query, SavedSearch.account_id)
        .with_for_update(of=SavedSearch)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound
    saved, *facts = row
    return saved, identity.facts_beside(facts)


def free_slot(account_id: uuid.UUID, most: int) -> Select[int | None]:
    """SQL for the first of the account's slots that is free; null if it has all it may."""
    number = func.generate_series(1, most).column_valued("number")
    taken = select(SavedSearch.slot).where(
        SavedSearch.account_id == account_id, SavedSearch.slot == number
    )
    return select(func.min(number).label("slot")).where(~taken.exists())


def keys_of(session: Session, listing_ids: Collection[uuid.UUID]) -> dict[str, list[uuid.UUID]]:
    """The published ones of the listings by the anchors that they have."""
    rows = session.execute(
        select(Listing.id, Listing.specialty, Listing.us_state).where(
            Listing.id.in_(list(listing_ids)), Listing.state == ListingState.PUBLISHED
        )
    )
    found: dict[str, list[uuid.UUID]] = {}
    for row in rows:
        for key in (f"specialty:{row.specialty}", f"state:{row.us_state}", EVERYTHING):
            found.setdefault(key, []).append(row.id)
    return found


def concerned(
    session: Session, keys: Collection[str], after: uuid.UUID | None, limit: int
) -> Sequence[SavedSearch]:
    """The next saved searches, by id, that a listing with one of `keys` may concern."""
    query = (
        select(SavedSearch)
        .where(
            ~SavedSearch.paused, SavedSearch.anchors.bool_op("&&")(cast(list(keys), ARRAY(Text)))
        )
        .order_by(SavedSearch.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(SavedSearch.id > after)
    return session.execute(query).scalars().all()


def accounts_with_news(session: Session, after: uuid.UUID | None, limit: int) -> list[uuid.UUID]:
    """The next accounts, by id, that have something to be told."""
    query = (
        select(SavedSearchHit.account_id)
        .where(~SavedSearchHit.known, SavedSearchHit.digest_id.is_(None))
        .group_by(SavedSearchHit.account_id)
        .order_by(SavedSearchHit.account_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(SavedSearchHit.account_id > after)
    return list(session.execute(query).scalars())


def news(session: Session, account_id: uuid.UUID) -> list[News]:
    """What an account has not been told, of listings that are published now, by search."""
    rows = session.execute(
        select(
            SavedSearch.id,
            SavedSearch.name,
            Listing.id,
            Listing.title,
            Listing.site_name,
            Listing.city,
            Listing.us_state,
            Listing.price_minor,  # type: ignore[attr-defined] # a column of the composite
            Listing.price_currency,  # type: ignore[attr-defined] # a column of the composite
        )
        .join(SavedSearchHit, SavedSearchHit.saved_search_id == SavedSearch.id)
        .join(Listing, Listing.id == SavedSearchHit.listing_id)
        .where(
            SavedSearchHit.account_id == account_id,
            ~SavedSearchHit.known,
            SavedSearchHit.digest_id.is_(None),
            ~SavedSearch.paused,
            Listing.state == ListingState.PUBLISHED,
        )
        .order_by(SavedSearch.id, SavedSearchHit.found_at, Listing.id)
    )
    return [News(*row) for row in rows]


def digest_by_token(session: Session, token_hash: bytes) -> SearchDigest | None:
    """The digest whose unsubscribe link this is."""
    return session.execute(
        select(SearchDigest).where(SearchDigest.token_hash == token_hash)
    ).scalar_one_or_none()
