"""What the holder and the clock do to documents: deleting, reminding, clearing up after uploads."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from marketplace.compliance.errors import DocumentInUse
from marketplace.compliance.models import DocumentContent, DocumentReminder, DocumentUpload
from marketplace.compliance.queries import documents as queries
from marketplace.compliance.service import notices
from marketplace.compliance.service.files import folder_of, incoming_key
from marketplace.compliance.service.records import record
from marketplace.compliance.service.scanning import FORGET
from marketplace.compliance.service.uploads import GRACE
from marketplace.core.db import Session
from marketplace.core.jobs import defer
from marketplace.core.ports import ObjectStore

BATCH = 500


def delete_document(session: Session, document_id: UUID, holder_id: UUID, now: datetime) -> None:
    """Delete the content for good, keys first; what it was and who read it is kept. Twice is once.

    `DocumentInUse` while it is released for something.
    """
    document = queries.own(session, document_id, holder_id, lock=True)
    if document.deleted_at is not None:
        return
    releases = queries.open_releases(session, document_id, now)
    if releases:
        raise DocumentInUse(
            extra={"references": sorted(str(release.reference) for release in releases)}
        )
    contents = queries.contents(session, document_id)
    keys = [content.object_key for content in contents]
    session.execute(
        delete(DocumentContent).where(
            DocumentContent.version_id.in_([content.version_id for content in contents])
        )
    )
    document.deleted_at, document.waiting_since = now, None
    session.flush()
    record(
        session,
        actor_id=holder_id,
        action="document.deleted",
        subject_kind="document",
        subject_id=document_id,
        now=now,
    )
    defer(session, FORGET, keys=keys)


def remind(session: Session, now: datetime, limit: int = BATCH) -> int:
    """Tell holders of what expires within thirty days, each once; returns how many were found."""
    due = queries.expiring(session, now, limit)
    if not due:
        return 0
    rows = [
        {
            "document_id": document.id,
            "version": document.version,
            "expires_on": document.expires_on,
            "sent_at": now,
        }
        for document in due
    ]
    noted = session.execute(
        insert(DocumentReminder)
        .values(rows)
        .on_conflict_do_nothing()
        .returning(DocumentReminder.document_id)
    )
    new = set(noted.scalars())
    for document in due:
        if document.id in new:
            notices.expires(session, document, now)
    return len(due)


def ended(session: Session, now: datetime, limit: int = BATCH) -> Sequence[DocumentUpload]:
    """Return uploads that are over and may have left files behind."""
    return queries.untidied(session, now - 2 * GRACE, limit)


def strays(session: Session, keys: Sequence[str], now: datetime) -> Sequence[str]:
    """Return those keys of received files that no open upload waits for: nobody will look at them.

    Sent again after they were taken in, left behind by a crash, or of uploads that a database which
    was set back has forgotten.
    """
    ids = {key: _upload_id(key) for key in keys}
    known = [one for one in ids.values() if one is not None]
    live = queries.open_uploads(session, known, now - GRACE) if known else set()
    return [key for key, upload_id in ids.items() if upload_id not in live]


def _upload_id(key: str) -> UUID | None:
    try:
        return UUID(key.rpartition("/")[2])
    except ValueError:
        return None


def tidy(store: ObjectStore, upload: DocumentUpload, used: str | None) -> None:
    """Delete what an upload has left in the store: attempts that nobody owns, and unlooked-at files."""
    store.delete(incoming_key(upload.id))
    for key in store.keys(folder_of(upload.id)):
        if key != used:
            store.delete(key)
