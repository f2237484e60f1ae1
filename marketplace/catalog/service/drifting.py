"""Tier drift: what trainees attest after their rotations, held against what a listing promises."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update

from marketplace.catalog.errors import DriftResolved
from marketplace.catalog.events import StaffDecided
from marketplace.catalog.models import Listing, ListingDrift
from marketplace.catalog.queries import locks, tiers, versions
from marketplace.catalog.rules.tiers import (
    DRIFT_LEAST_ATTESTATIONS,
    has_direct_contact,
    has_drifted,
)
from marketplace.catalog.service import waking
from marketplace.core.db import Session, affected
from marketplace.core.errors import Invalid
from marketplace.core.events import publish
from marketplace.core.ids import new_id

CHANGED = "The listing has other duties now; what was attested of those before does not count."
MENDED = "Most attestations report direct patient contact again."
NO_PROMISE = "The listing promises no direct patient contact any more."


@dataclass(frozen=True)
class Attested:
    """The duties that one trainee says were really performed, and when they said so.

    `version` is the listing's that their booking was made on.
    """

    duties: Collection[str]
    at: datetime
    version: int


def judge(
    session: Session, listing_id: uuid.UUID, attested: Sequence[Attested], now: datetime
) -> bool:
    """Flag the listing if most attestations belie its tier, and take the flag away if not.

    `attested` holds all trainees so far; those up to the last decision of an operator don't count,
    nor those whose booking was made on a version with other duties. Returns whether it is flagged;
    the flag keeps the time at which it was first set. `UnknownDuty` for a duty outside the
    vocabulary, `ListingNotFound`.
    """
    listing = locks.listing(session, listing_id)
    decided = tiers.last_decision(session, listing_id)
    open_ones = [one for one in attested if decided is None or one.at > decided]
    same = versions.with_duties(session, listing, {one.version for one in open_ones})
    counted = [one.duties for one in open_ones if one.version in same]
    offered = [tier for tier in (listing.tier_student, listing.tier_graduate) if tier]
    drifted = has_drifted(offered, listing.setting, counted)
    flag = tiers.open_drift(session, listing_id)
    if drifted:
        _flag(session, listing, flag, counted, now)
    elif flag is not None:
        flag.resolved_at, flag.reason = now, _why_not(listing, offered, counted)
    listing.drift_at = None if not drifted else listing.drift_at or now
    session.flush()
    waking.listings_changed(session, [listing_id])
    return drifted


def _why_not(listing: Listing, offered: Sequence[str], counted: Sequence[Collection[str]]) -> str:
    """Why the flag is no more: nothing promised, too few to tell of these duties, or contact."""
    if not has_drifted(offered, listing.setting, [()] * DRIFT_LEAST_ATTESTATIONS):
        return NO_PROMISE
    return MENDED if len(counted) >= DRIFT_LEAST_ATTESTATIONS else CHANGED


def resolve(
    session: Session, drift_id: uuid.UUID, *, reason: str, account_id: uuid.UUID, now: datetime
) -> ListingDrift:
    """Take a flag away with a reason; only later attestations can raise it again.

    Of two operators one wins; the other gets `DriftResolved` with who and why.
    """
    if not reason.strip():
        raise Invalid(fields={"reason": ["Say what was found out, for the listing's history."]})
    flag = tiers.drift(session, drift_id)
    listing = locks.listing(session, flag.listing_id)
    won = affected(
        session,
        update(ListingDrift)
        .where(ListingDrift.id == drift_id, ListingDrift.resolved_at.is_(None))
        .values(resolved_at=now, resolved_by=account_id, reason=reason)
        .execution_options(synchronize_session=False),
    )
    session.refresh(flag)
    if not won:
        raise DriftResolved(
            extra={
                "resolved_by": str(flag.resolved_by) if flag.resolved_by else None,
                "resolved_at": flag.resolved_at.isoformat() if flag.resolved_at else None,
                "reason": flag.reason,
            }
        )
    listing.drift_at = None
    session.flush()
    waking.listings_changed(session, [listing.id])
    said = {"listing_id": str(listing.id), "reason": reason}
    what = "listing.flag_taken_away"
    publish(session, StaffDecided(listing.site_id, account_id, what, now, said))
    return flag


def _flag(
    session: Session,
    listing: Listing,
    flag: ListingDrift | None,
    counted: Sequence[Collection[str]],
    now: datetime,
) -> None:
    without = sum(not has_direct_contact(duties, listing.setting) for duties in counted)
    if flag is None:
        flag = ListingDrift(id=new_id(), listing_id=listing.id, flagged_at=now)
        session.add(flag)
    flag.attested, flag.without_contact = len(counted), without
