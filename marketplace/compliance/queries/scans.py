"""What the virus scanner said, and what it has not looked at."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Subquery, select

from marketplace.compliance.models import DocumentContent, DocumentVersion, FileScan
from marketplace.core.db import Session


def of_file(session: Session, subject_id: UUID) -> FileScan | None:
    return session.get(FileScan, subject_id)


def of_files(session: Session, subject_ids: Collection[UUID]) -> dict[UUID, FileScan]:
    """Return what was said of each of these; one query."""
    rows = session.execute(select(FileScan).where(FileScan.subject_id.in_(subject_ids))).scalars()
    return {row.subject_id: row for row in rows}


def looked_at() -> Subquery:
    """All files that were looked at, `subject_id` and `virus`, to be joined to by another package."""
    return select(FileScan.subject_id, FileScan.virus).subquery("looked_at")


def waiting(session: Session, before: datetime, limit: int) -> Sequence[UUID]:
    """Return versions that were uploaded before then and not looked at, the oldest first."""
    return (
        session.execute(
            select(DocumentContent.version_id)
            .join(DocumentVersion, DocumentVersion.id == DocumentContent.version_id)
            .join(FileScan, FileScan.subject_id == DocumentContent.version_id, isouter=True)
            .where(FileScan.subject_id.is_(None), DocumentVersion.uploaded_at < before)
            .order_by(DocumentContent.version_id)
            .limit(limit)
        )
        .scalars()
        .all()
    )
