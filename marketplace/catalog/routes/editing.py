"""`If-Match` where two editors are told of each other by name."""

import uuid
from collections.abc import Callable

from marketplace.catalog.models import ListingVersion, SiteChange
from marketplace.core.errors import PreconditionFailed
from marketplace.identity import queries as identity
from marketplace.web import context, etags

LastChange = SiteChange | ListingVersion | None


def require_match(row_id: uuid.UUID, version: int, last: Callable[[], LastChange]) -> None:
    """Refuse an edit of an older version; the problem tells who made the `last` one, and when."""
    try:
        etags.require_match(row_id, version)
    except PreconditionFailed as stale:
        raise _told(stale, last()) from stale


def _told(stale: PreconditionFailed, last: LastChange) -> PreconditionFailed:
    if last is None:
        return stale
    person = identity.contact(context.session(), last.account_id) if last.account_id else None
    by = {"id": str(last.account_id), "name": person.name} if person else None
    at = last.recorded_at.isoformat()
    return PreconditionFailed(
        f"Changed by {person.name if person else 'the system'} at {at}: read it again.",
        extra={
            **stale.extra,
            "changed_by": by,
            "changed_at": at,
            "difference": last.difference,
        },
    )
