"""Tier drift: what trainees attest after their rotations, held against what a listing promises."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

from marketplace.catalog.queries import listings
from marketplace.catalog.rules.tiers import has_drifted
from marketplace.core.db import Session


def judge(
    session: Session,
    listing_id: uuid.UUID,
    attested: Sequence[Collection[str]],
    now: datetime,
) -> bool:
    """Flag the listing if most attestations belie its tier, and take the flag away if not.

    `attested` holds the duties that each trainee says were really performed, all trainees so far.
    Returns whether it is flagged; the flag keeps the time at which it was first set. `UnknownDuty`
    for a duty outside the vocabulary, `ListingNotFound`.
    """
    listing = listings.locked(session, listing_id)
    tiers = [tier for tier in (listing.tier_student, listing.tier_graduate) if tier]
    drifted = has_drifted(tiers, listing.setting, attested)
    if drifted and listing.drift_at is None:
        listing.drift_at = now
    elif not drifted:
        listing.drift_at = None
    session.flush()
    return drifted
