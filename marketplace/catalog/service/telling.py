"""What a site's people are told of operators' decisions, in the transaction of the decision.

What the decision has changed is written by the same statement as the notices.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from marketplace.catalog.models import Listing, Site
from marketplace.catalog.service import waiting
from marketplace.core.db import Session
from marketplace.identity import queries as identity
from marketplace.identity.rules import Role
from marketplace.identity.service.notices import notify_all


def reviewed(
    session: Session, listing: Listing, *, approved: bool, reason: str, now: datetime
) -> None:
    """Tell of a review's decision, and of what else the listing waits for."""
    data = {
        "listing_title": listing.title,
        "external_id": listing.external_id,
        "site_name": listing.site_name,
        "approved": approved,
        "reason": reason,
        "waits_for": [text for _, text in waiting.reasons(listing)],
    }
    _tell(session, listing.site_id, "listing_reviewed", data, now)


def site_verified(
    session: Session, site: Site, published: Sequence[Listing], now: datetime
) -> None:
    data = {"site_name": site.name, "published": [listing.title for listing in published]}
    _tell(session, site.id, "site_verified", data, now)


def site_rejected(
    session: Session, site: Site, taken_back: Sequence[Listing], reason: str, now: datetime
) -> None:
    data = {
        "site_name": site.name,
        "reason": reason,
        "taken_back": [listing.title for listing in taken_back],
    }
    _tell(session, site.id, "site_rejected", data, now)


def _tell(
    session: Session, site_id: uuid.UUID, template: str, data: dict[str, Any], now: datetime
) -> None:
    with session.no_autoflush:
        people = identity.site_contacts(session, site_id, Role.SITE_OWNER, Role.COORDINATOR)
    notify_all(session, people, template, data, now=now)
