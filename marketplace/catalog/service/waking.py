"""What follows a change of the catalogue once it has committed: cached answers end, watchers hear.

Every service that changes seats or listings says so here. Nothing waits for it and nothing depends
on it: see `core.freshness` for what holds where the news is lost.
"""

import uuid
from collections.abc import Iterable

from marketplace.core import freshness
from marketplace.core.db import Session

CATALOGUE = "catalogue"


def subject_of(listing_id: uuid.UUID) -> str:
    """The name under which a listing's seats and openness are cached and told of."""
    return f"seats:{listing_id}"


def seats_changed(session: Session, listing_ids: Iterable[uuid.UUID]) -> None:
    """Seats of these listings were taken or given back, or their weeks opened or closed."""
    freshness.changed(session, *map(subject_of, listing_ids))


def listings_changed(session: Session, listing_ids: Iterable[uuid.UUID]) -> None:
    """Terms or states of these listings changed: what they show, and what a search counts."""
    freshness.changed(session, CATALOGUE, *map(subject_of, listing_ids))
