"""What an import asks of the catalogue, for as many rows at once as it works on."""

import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, select

from marketplace.catalog.models import ImportRun
from marketplace.core.db import Session
from marketplace.web.pagination import Page, paginate


def run(session: Session, run_id: uuid.UUID, *, lock: bool = False) -> ImportRun | None:
    """A run of the import as it is now; held against others with `lock`."""
    statement = select(ImportRun).where(ImportRun.id == run_id)
    if lock:
        # Versions that name it, being written, don't hold it: its id stays as it is.
        statement = statement.with_for_update(key_share=True)
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
