"""Listings and their sites, held for a change: a site before its listings, in one order always."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ScalarSelect, and_, select
from sqlalchemy.orm import aliased, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from marketplace.catalog.errors import ListingNotFound, SiteNotFound
from marketplace.catalog.models import ImportRun, Listing, ListingReview, Preceptor, Site
from marketplace.catalog.states import ImportState
from marketplace.core.db import Session
from marketplace.core.errors import Conflict, NotFound

_MOVED = "The listing has just moved to another site. Please try again."


def listing(
    session: Session, listing_id: uuid.UUID, *, site_id: uuid.UUID | None = None
) -> Listing:
    """A listing, with its site and preceptor, for a change of it: whoever else changes it waits.

    `ListingNotFound`, also where it is not of the site that is named.
    """
    query = (
        select(Listing, _seen(listing_id))
        .options(joinedload(Listing.site), joinedload(Listing.preceptor))
        .where(Listing.id == listing_id)
        .with_for_update(of=Listing)
        .execution_options(populate_existing=True)
    )
    if site_id is not None:
        query = query.where(Listing.site_id == site_id)
    row = session.execute(query).one_or_none()
    if row is None:
        raise ListingNotFound
    found: Listing = row[0]
    if found.version != row[1]:
        _reread(session, listing_id)
    return found


def _seen(listing_id: uuid.UUID) -> ScalarSelect[int]:
    """The version when the statement began, though it may have waited for the listing since."""
    return select(Listing.version).where(Listing.id == listing_id).scalar_subquery()


def _reread(session: Session, listing_id: uuid.UUID) -> None:
    """Read the site and the preceptor of a listing that changed while we waited for its row."""
    session.execute(
        select(Listing)
        .options(joinedload(Listing.site), joinedload(Listing.preceptor))
        .where(Listing.id == listing_id)
        .execution_options(populate_existing=True)
    ).scalar_one()


def site_and_listing(
    session: Session, listing_id: uuid.UUID, *, site_id: uuid.UUID | None = None
) -> tuple[Site, Listing]:
    """A listing's site and then the listing, each for a change of it; `ListingNotFound`.

    One statement: the site's row is locked before there is a listing to lock. `Conflict` where the
    listing moves to another site meanwhile.
    """
    own = select(Listing.site_id).where(Listing.id == listing_id)
    if site_id is not None:
        own = own.where(Listing.site_id == site_id)
    first = select(Site).where(Site.id == own.scalar_subquery()).with_for_update(key_share=True)
    holding = aliased(Site, first.cte("held"))
    row = session.execute(
        select(Listing, holding, _seen(listing_id))
        .join(holding, holding.id == Listing.site_id)
        .options(joinedload(Listing.preceptor))
        .where(Listing.id == listing_id)
        .with_for_update(of=Listing)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        if session.execute(own).first() is None:
            raise ListingNotFound
        raise Conflict(_MOVED)
    found, site, seen = row
    _with_site(session, found, site, seen)
    return site, found


def for_edit(
    session: Session,
    site_id: uuid.UUID,
    listing_id: uuid.UUID,
    preceptor_id: uuid.UUID | None,
) -> tuple[Site, Listing, Preceptor | None]:
    """A site and a listing of it, held as above, and the site's preceptor whom it is to be given."""
    own = select(Listing.site_id).where(Listing.id == listing_id, Listing.site_id == site_id)
    first = select(Site).where(Site.id == own.scalar_subquery()).with_for_update(key_share=True)
    holding, other = aliased(Site, first.cte("held")), aliased(Preceptor)
    row = session.execute(
        select(Listing, holding, other, _seen(listing_id))
        .join(holding, holding.id == Listing.site_id)
        .outerjoin(other, and_(other.id == preceptor_id, other.site_id == holding.id))
        .options(joinedload(Listing.preceptor))
        .where(Listing.id == listing_id)
        .with_for_update(of=Listing)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise ListingNotFound
    found, site, person, seen = row
    _with_site(session, found, site, seen)
    return site, found, person


def for_new_listing(
    session: Session, site_id: uuid.UUID, preceptor_id: uuid.UUID
) -> tuple[Site, Preceptor | None, uuid.UUID | None]:
    """A site, held, its preceptor of this id, and the import that is writing for its owner."""
    row = session.execute(
        select(Site, Preceptor, committing(Site.owner_account_id))
        .outerjoin(Preceptor, and_(Preceptor.id == preceptor_id, Preceptor.site_id == Site.id))
        .where(Site.id == site_id)
        .with_for_update(of=Site, key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise SiteNotFound
    return row[0], row[1], row[2]


def committing(owner: Any) -> ScalarSelect[uuid.UUID]:
    """The import that is writing for an owner now, as a column; of one owner there is one at most."""
    return (
        select(ImportRun.id)
        .where(ImportRun.owner_account_id == owner, ImportRun.state == ImportState.COMMITTING)
        .scalar_subquery()
    )


def _with_site(session: Session, found: Listing, site: Site, seen: int) -> None:
    set_committed_value(found, "site", site)
    if found.version != seen:
        _reread(session, found.id)


def under_review(session: Session, review_id: uuid.UUID) -> tuple[Site, Listing, ListingReview]:
    """A review with its listing and site, held in the order of site, listing, review; `NotFound`.

    `Conflict` where the listing moves to another site meanwhile.
    """
    listing_id = select(ListingReview.listing_id).where(ListingReview.id == review_id)
    listing_id_of_it = listing_id.scalar_subquery()
    site_id = select(Listing.site_id).where(Listing.id == listing_id_of_it).scalar_subquery()
    site = select(Site).where(Site.id == site_id).with_for_update(key_share=True)
    holding = aliased(Site, site.cte("held"))
    listing = (
        select(Listing)
        .join(holding, holding.id == Listing.site_id)
        .where(Listing.id == listing_id_of_it)
        .with_for_update(of=Listing)
    )
    held = aliased(Listing, listing.cte("held_listing"))
    row = session.execute(
        select(
            holding,
            held,
            ListingReview,
            select(Listing.version).where(Listing.id == listing_id_of_it).scalar_subquery(),
        )
        .select_from(held)
        .join(holding, holding.id == held.site_id)
        .join(ListingReview, ListingReview.listing_id == held.id)
        .options(joinedload(held.preceptor))
        .where(ListingReview.id == review_id)
        .with_for_update(of=ListingReview)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        if session.get(ListingReview, review_id) is None:
            raise NotFound
        raise Conflict(_MOVED)
    found_site, found, review, seen = row
    _with_site(session, found, found_site, seen)
    return found_site, found, review


def shown_of_site(
    session: Session,
    site_id: uuid.UUID,
    preceptor_id: uuid.UUID | None = None,
    *,
    against_takers: bool = False,
) -> Sequence[Listing]:
    """The site's listings, or a preceptor's there, with both: for a change of what they show.

    Takers of seats wait only where they must. The caller holds the site or the preceptor.
    """
    query = (
        select(Listing)
        .options(joinedload(Listing.site), joinedload(Listing.preceptor))
        .where(Listing.site_id == site_id)
        .order_by(Listing.id)
        .with_for_update(of=Listing, key_share=not against_takers)
        .execution_options(populate_existing=True)
    )
    if preceptor_id is not None:
        query = query.where(Listing.preceptor_id == preceptor_id)
    return session.execute(query).scalars().all()


def listings_of_site(session: Session, site_id: uuid.UUID, *states: str) -> Sequence[Listing]:
    """The site's listings in these states, each held for a change."""
    return (
        session.execute(
            select(Listing)
            .where(Listing.site_id == site_id, Listing.state.in_(states))
            .order_by(Listing.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        .scalars()
        .all()
    )
