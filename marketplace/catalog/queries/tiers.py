"""Selects on runs of a classifier and on tier drift."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Row, func, select
from sqlalchemy.orm import load_only

from marketplace.catalog.models import Listing, ListingDrift, ListingVersion, TierChange, TierRun
from marketplace.catalog.states import TierRunState
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.web.pagination import Page, paginate

JUDGED_BY = (
    Listing.id,
    Listing.version,
    Listing.state,
    Listing.title,
    Listing.setting,
    Listing.duties,
    Listing.audience,
    Listing.claimed_tier,
    Listing.tier_student,
    Listing.tier_graduate,
    Listing.classifier,
    Listing.conflicts,
    Listing.fingerprint,
)


def run(session: Session, run_id: uuid.UUID, *, lock: bool = False) -> TierRun:
    """One run; with `lock`, after whoever else is advancing it. `NotFound`."""
    query = select(TierRun).where(TierRun.id == run_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def unfinished(session: Session) -> TierRun | None:
    """The run that commits and is under way, if there is one."""
    return session.execute(
        select(TierRun).where(TierRun.commits, TierRun.state != TierRunState.READY)
    ).scalar_one_or_none()


def runs(session: Session, *, limit: int, cursor: str | None) -> Page[TierRun]:
    """All runs, the newest first."""
    return paginate(
        session,
        select(TierRun),
        key=[TierRun.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def changes(
    session: Session, run_id: uuid.UUID, *, outcome: str | None, limit: int, cursor: str | None
) -> Page[TierChange]:
    """A page of what a run changes, or would change."""
    query = select(TierChange).where(TierChange.run_id == run_id)
    if outcome is not None:
        query = query.where(TierChange.outcome == outcome)
    return paginate(
        session,
        query,
        key=[TierChange.listing_id],
        key_of=lambda row: [row.listing_id],
        limit=limit,
        cursor=cursor,
    )


def changed_after(
    session: Session, run_id: uuid.UUID, after: uuid.UUID | None, limit: int
) -> Sequence[Row[TierChange, str, str, str, str]]:
    """The next changes of a run with the listing's id, site, title and state, for its file."""
    query = (
        select(TierChange, Listing.external_id, Listing.site_name, Listing.title, Listing.state)
        .join(Listing, Listing.id == TierChange.listing_id)
        .where(TierChange.run_id == run_id)
        .order_by(TierChange.listing_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(TierChange.listing_id > after)
    return session.execute(query).all()


def named(session: Session, page: Page[TierChange]) -> dict[uuid.UUID, Listing]:
    """The listings of a page of changes, with what names them, in one query."""
    rows = session.execute(
        select(Listing)
        .options(load_only(Listing.external_id, Listing.site_name, Listing.title, Listing.state))
        .where(Listing.id.in_([row.listing_id for row in page.items]))
    ).scalars()
    return {row.id: row for row in rows}


def count(session: Session) -> int:
    """How many listings there are."""
    return session.execute(select(func.count()).select_from(Listing)).scalar_one()


def batch(
    session: Session, after: uuid.UUID | None, limit: int, *, lock: bool
) -> Sequence[Row[*tuple[object, ...]]]:
    """The next listings by id, as far as a tier depends on them; with `lock`, held for a change.

    The lock lets bookings refer to them meanwhile.
    """
    query = select(*JUDGED_BY).order_by(Listing.id).limit(limit)
    if after is not None:
        query = query.where(Listing.id > after)
    return session.execute(query.with_for_update(key_share=True) if lock else query).all()


def terms(session: Session, listing_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[str, str]]:
    """The terms of each listing's present version, one query."""
    rows = session.execute(
        select(ListingVersion.listing_id, ListingVersion.terms)
        .join(
            Listing,
            (Listing.id == ListingVersion.listing_id) & (Listing.version == ListingVersion.version),
        )
        .where(Listing.id.in_(listing_ids))
    )
    return {row.listing_id: row.terms for row in rows}


def open_drift(session: Session, listing_id: uuid.UUID) -> ListingDrift | None:
    """The flag that is up for a listing, if there is one."""
    return session.execute(
        select(ListingDrift).where(
            ListingDrift.listing_id == listing_id, ListingDrift.resolved_at.is_(None)
        )
    ).scalar_one_or_none()


def last_decision(session: Session, listing_id: uuid.UUID) -> datetime | None:
    """When an operator last resolved a flag of the listing."""
    return session.execute(
        select(func.max(ListingDrift.resolved_at)).where(
            ListingDrift.listing_id == listing_id, ListingDrift.resolved_by.is_not(None)
        )
    ).scalar_one()


def drift(session: Session, drift_id: uuid.UUID) -> ListingDrift:
    """One flag; `NotFound`."""
    found = session.get(ListingDrift, drift_id)
    if found is None:
        raise NotFound
    return found


def drifts(
    session: Session,
    *,
    resolved: bool,
    listing_id: uuid.UUID | None,
    limit: int,
    cursor: str | None,
) -> Page[ListingDrift]:
    """Flags that are up, or that were, the longest-standing first."""
    at = ListingDrift.resolved_at
    query = select(ListingDrift).where(at.is_not(None) if resolved else at.is_(None))
    if listing_id is not None:
        query = query.where(ListingDrift.listing_id == listing_id)
    return paginate(
        session,
        query,
        key=[ListingDrift.flagged_at, ListingDrift.id],
        key_of=lambda row: [row.flagged_at, row.id],
        limit=limit,
        cursor=cursor,
    )
