"""What a listing has been: its terms from version to version, and its states."""

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import select

from marketplace.catalog.errors import ListingNotFound
from marketplace.catalog.models import Listing, ListingTransition, ListingVersion
from marketplace.core.db import Session


def versions(session: Session, listing_id: uuid.UUID) -> Sequence[ListingVersion]:
    """The history of a listing's terms, the first one first."""
    return (
        session.execute(
            select(ListingVersion)
            .where(ListingVersion.listing_id == listing_id)
            .order_by(ListingVersion.version)
        )
        .scalars()
        .all()
    )


def last_version(session: Session, listing_id: uuid.UUID) -> ListingVersion | None:
    """The latest change of a listing's terms."""
    return session.execute(
        select(ListingVersion)
        .where(ListingVersion.listing_id == listing_id)
        .order_by(ListingVersion.version.desc())
        .limit(1)
    ).scalar_one_or_none()


def terms_at(session: Session, listing_id: uuid.UUID, version: int) -> dict[str, str]:
    """A listing's terms as they were at a version, by the sheet's columns; `ListingNotFound`."""
    found = session.get(ListingVersion, (listing_id, version))
    if found is None:
        raise ListingNotFound
    return found.terms


def with_duties(session: Session, listing: Listing, among: Collection[int]) -> set[int]:
    """Which of a listing's versions had the duties that it has now."""
    rows = session.execute(
        select(ListingVersion.version, ListingVersion.terms["duties"].astext).where(
            ListingVersion.listing_id == listing.id, ListingVersion.version.in_(list(among))
        )
    )
    return {version for version, duties in rows if set(duties.split(";")) == set(listing.duties)}


def history(session: Session, listing_id: uuid.UUID) -> Sequence[ListingTransition]:
    """Every state that a listing has been in, the first one first."""
    return (
        session.execute(
            select(ListingTransition)
            .where(ListingTransition.listing_id == listing_id)
            .order_by(ListingTransition.id)
        )
        .scalars()
        .all()
    )
