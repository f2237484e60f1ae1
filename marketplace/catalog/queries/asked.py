"""What a listing asked its trainees for, by the version of its terms."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select, tuple_

from marketplace.catalog.models import ListingVersion
from marketplace.core.db import Session


def documents_asked(
    session: Session, versions: Collection[tuple[UUID, int]]
) -> dict[tuple[UUID, int], tuple[str, ...]]:
    """Return the kinds of document that each (listing, version) named; one query.

    A version without any is left out, as are those from before listings named documents.
    """
    rows = session.execute(
        select(
            ListingVersion.listing_id,
            ListingVersion.version,
            ListingVersion.terms["documents"].astext.label("documents"),
        ).where(tuple_(ListingVersion.listing_id, ListingVersion.version).in_(list(versions)))
    )
    return {
        (row.listing_id, row.version): tuple(row.documents.split(";"))
        for row in rows
        if row.documents
    }
