"""Erasing all of a person's documents: their keys go, and with them every copy of the files.

Packages above that keep other files of people do the same in the same transaction (`ErasureAsked`).

A document's key stands in one row and nowhere else. Once that is deleted, the sealed file can be
opened by nobody: neither the one in the store, which a job deletes, nor one in a backup of it. What
stays is that there was a document, of which kind and dates, and who read it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update

from marketplace.compliance.events import AlsoErased, DocumentsChanged, ErasureAsked
from marketplace.compliance.models import (
    AuditEntry,
    Document,
    DocumentContent,
    DocumentRelease,
    DocumentUpload,
    DocumentVersion,
)
from marketplace.compliance.service.scanning import FORGET
from marketplace.compliance.states import UploadState
from marketplace.core.db import Session, affected
from marketplace.core.events import publish
from marketplace.core.jobs import defer
from marketplace.identity import queries as identity
from marketplace.identity.service.erasing import empty_notices_about

FAULT = {"code": "document_deleted", "text": "Your documents were erased meanwhile."}


@dataclass(frozen=True)
class Erased:
    """How many documents were erased, which were kept, as a booking needs them, and what else."""

    erased: int
    kept: Sequence[UUID]
    also: Sequence[AlsoErased] = ()


def erase(
    session: Session,
    holder_id: UUID,
    *,
    actor_id: UUID,
    in_use: bool,
    reason: str | None = None,
    now: datetime,
) -> Erased:
    """Erase a person's documents; those that are released for something only if `in_use`.

    Uploads under way come to nothing. Twice is once. The number of statements is fixed.
    """
    every = _held(session, holder_id)
    needed = set() if in_use else _needed(session, every, now)
    gone = [document for document in every if document.id not in needed]
    ids = [document.id for document in gone]
    _end(session, holder_id, ids, now)
    versions = select(DocumentVersion.id).where(DocumentVersion.document_id.in_(ids))
    keys = session.execute(
        delete(DocumentContent)
        .where(DocumentContent.version_id.in_(versions))
        .returning(DocumentContent.object_key)
        .execution_options(synchronize_session=False)
    ).scalars()
    found = sorted(keys)
    for document in gone:
        document.deleted_at, document.waiting_since = now, None
        session.add(_entry(document.id, actor_id, reason, now))
    session.flush()
    if found:
        defer(session, FORGET, keys=found)
    asked = ErasureAsked(holder_id, actor_id, in_use, reason, now)
    publish(session, asked)
    return Erased(len(gone), sorted(needed), asked.also)


def _held(session: Session, holder_id: UUID) -> Sequence[Document]:
    query = select(Document).where(Document.holder_id == holder_id, Document.deleted_at.is_(None))
    return (
        session.execute(
            query.order_by(Document.id).with_for_update(),
            execution_options={"populate_existing": True},
        )
        .scalars()
        .all()
    )


def _needed(session: Session, documents: Sequence[Document], now: datetime) -> set[UUID]:
    rows = session.execute(
        select(DocumentRelease.document_id).where(
            DocumentRelease.document_id.in_([document.id for document in documents]),
            DocumentRelease.revoked_at.is_(None),
            DocumentRelease.ends_at > now,
        )
    )
    return set(rows.scalars())


def empty_notices(session: Session, holder_id: UUID) -> None:
    """Empty the mails by which sites were asked to look at a person's documents."""
    sites = session.execute(
        select(DocumentRelease.site_id)
        .join(Document, Document.id == DocumentRelease.document_id)
        .where(Document.holder_id == holder_id)
        .distinct()
    ).scalars()
    holder = identity.contact(session, holder_id)
    names = [] if holder is None else [holder.name]
    about = {"site_id": [str(one) for one in sites], "trainee_name": names}
    empty_notices_about(session, holder_id, about)


def _end(session: Session, holder_id: UUID, ids: Sequence[UUID], now: datetime) -> None:
    taken_back = session.execute(
        update(DocumentRelease)
        .where(DocumentRelease.document_id.in_(ids), DocumentRelease.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(DocumentRelease.site_id, DocumentRelease.reference)
        .execution_options(synchronize_session=False)
    )
    for site_id, reference in sorted({(row.site_id, row.reference) for row in taken_back}):
        publish(session, DocumentsChanged(site_id, reference, "taken_back", now))
    affected(
        session,
        update(DocumentUpload)
        .where(
            DocumentUpload.holder_id == holder_id,
            DocumentUpload.state.in_([UploadState.WAITING, UploadState.RECEIVED]),
        )
        .values(state=UploadState.REFUSED.value, fault=FAULT)
        .execution_options(synchronize_session=False),
    )


def _entry(document_id: UUID, actor_id: UUID, reason: str | None, now: datetime) -> AuditEntry:
    return AuditEntry(
        at=now,
        actor_id=actor_id,
        action="document.erased",
        subject_kind="document",
        subject_id=document_id,
        detail={"reason": reason} if reason else {},
    )
