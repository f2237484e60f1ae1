"""What an import asks of the catalogue, for as many rows at once as it works on."""

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, select

from marketplace.catalog.models import ImportRun, Listing, Site
from marketplace.core.db import Session
from marketplace.web.pagination import Page, paginate


def sites_named(
    session: Session, owner_account_id: uuid.UUID, names: Collection[str]
) -> dict[str, Site]:
    """The owner's sites with these names, by name."""
    rows = session.execute(
        select(Site).where(Site.owner_account_id == owner_account_id, Site.name.in_(list(names)))
    ).scalars()
    return {row.name: row for row in rows}


def locked_listings(
    session: Session, listing_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, Listing]:
    """Listings for a change of them, held in the order of their ids."""
    rows = session.execute(
        select(Listing)
        .where(Listing.id.in_(list(listing_ids)))
        .order_by(Listing.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalars()
    return {row.id: row for row in rows}


def run(session: Session, run_id: uuid.UUID, *, lock: bool = False) -> ImportRun | None:
    """A run of the import as it is now; held against others with `lock`."""
    statement = select(ImportRun).where(ImportRun.id == run_id)
    if lock:
        statement = statement.with_for_update()
    found: ImportRun | None = session.execute(
        statement.execution_options(populate_existing=True)
    ).scalar_one_or_none()
    return found


def page_of_site(
    session: Session, site_id: uuid.UUID, *, limit: int, cursor: str | None
) -> Page[ImportRun]:
    """A page of a site's imports, the newest first."""
    return paginate(
        session,
        select(ImportRun).where(ImportRun.site_id == site_id),
        key=[ImportRun.recorded_at, ImportRun.id],
        key_of=lambda row: [row.recorded_at, row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def other_committing(
    session: Session, owner_account_id: uuid.UUID, but: uuid.UUID | None = None
) -> uuid.UUID | None:
    """The import that is writing for this owner now, if another one is."""
    conditions: Sequence[ColumnElement[bool]] = [
        ImportRun.owner_account_id == owner_account_id,
        ImportRun.state == "committing",
    ]
    statement = select(ImportRun.id).where(*conditions)
    if but is not None:
        statement = statement.where(ImportRun.id != but)
    return session.execute(statement).scalar_one_or_none()
