"""Documents with their versions, decisions and releases; who may read them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from marketplace.compliance.models import (
    AuditEntry,
    Document,
    DocumentContent,
    DocumentDecision,
    DocumentRelease,
    DocumentReminder,
    DocumentUpload,
    DocumentVersion,
    FileScan,
)
from marketplace.compliance.queries import scans
from marketplace.compliance.rules.clearance import EXPIRING
from marketplace.compliance.rules.validity import Facts, facts_from_json
from marketplace.compliance.states import DocumentState, UploadState
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.web.pagination import Page, paginate


@dataclass(frozen=True)
class View:
    """A document as its holder sees it; the newest version last in `versions`."""

    document: Document
    versions: Sequence[DocumentVersion]
    decisions: Mapping[UUID, Sequence[DocumentDecision]]
    releases: Sequence[DocumentRelease]
    scans: Mapping[UUID, FileScan]
    today: date

    @property
    def newest(self) -> DocumentVersion:
        return self.versions[-1]

    @property
    def decision(self) -> DocumentDecision | None:
        return counting(self.decisions.get(self.newest.id, ()))

    @property
    def state(self) -> DocumentState:
        return state_of(self.document, self.decision, self.today)

    @property
    def facts(self) -> Facts:
        found = self.decision
        return facts_from_json(self.newest.facts if found is None else found.facts)


def counting(
    decisions: Sequence[DocumentDecision], site_id: UUID | None = None
) -> DocumentDecision | None:
    """Return the decision that counts: for a site its own, else an operator's, else any.

    `decisions` in the order in which they were made. Without a site an operator's comes first.
    A site never goes by another's: it has not looked at the document.
    """
    own = [one for one in decisions if one.site_id == site_id and site_id is not None]
    general = [one for one in decisions if one.site_id is None]
    others = list(decisions) if site_id is None else []
    found = own or general or others
    return found[-1] if found else None


def state_of(document: Document, decision: DocumentDecision | None, today: date) -> DocumentState:
    """Return the state of a document on a day, with the decision that counts."""
    if document.deleted_at is not None:
        return DocumentState.DELETED
    if decision is None:
        return DocumentState.UPLOADED
    if decision.decision == DocumentState.REJECTED:
        return DocumentState.REJECTED
    expires_on = facts_from_json(decision.facts).expires_on
    if expires_on is not None and expires_on < today:
        return DocumentState.EXPIRED
    if expires_on is not None and expires_on <= today + EXPIRING:
        return DocumentState.EXPIRING
    return DocumentState.ACCEPTED


def find(session: Session, document_id: UUID, *, lock: bool = False) -> Document:
    """Return the document; `NotFound` if there is none."""
    query = select(Document).where(Document.id == document_id)
    if lock:
        query = query.with_for_update()
    found = session.execute(
        query, execution_options={"populate_existing": lock}
    ).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def of_ids(session: Session, ids: Collection[UUID]) -> Sequence[Document]:
    """Return those of the documents that are there and not deleted, in the order of their ids."""
    query = select(Document).where(Document.id.in_(ids), Document.deleted_at.is_(None))
    return session.execute(query.order_by(Document.id)).scalars().all()


def own(session: Session, document_id: UUID, holder_id: UUID, *, lock: bool = False) -> Document:
    """Return a document of the holder's; `NotFound` for everybody else's."""
    found = find(session, document_id, lock=lock)
    if found.holder_id != holder_id:
        raise NotFound
    return found


def count_of(session: Session, holder_id: UUID) -> int:
    """Return how many documents the holder has."""
    query = select(func.count()).where(
        Document.holder_id == holder_id, Document.deleted_at.is_(None)
    )
    return session.execute(query).scalar_one()


def of_holder(
    session: Session, holder_id: UUID, today: date, *, limit: int, cursor: str | None
) -> Page[View]:
    """Return the holder's documents, the newest first; five queries, whatever the page."""
    page = paginate(
        session,
        select(Document).where(Document.holder_id == holder_id, Document.deleted_at.is_(None)),
        key=[Document.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )
    return Page(views(session, page.items, today), page.next_cursor)


def views(session: Session, documents: Sequence[Document], today: date) -> list[View]:
    """Return documents with all that belongs to them, in their order; four queries."""
    ids = [document.id for document in documents]
    versions: dict[UUID, list[DocumentVersion]] = {one: [] for one in ids}
    for version in versions_of(session, ids):
        versions[version.document_id].append(version)
    version_ids = [v.id for found in versions.values() for v in found]
    decisions = decisions_on(session, version_ids)
    said = scans.of_files(session, version_ids)
    releases: dict[UUID, list[DocumentRelease]] = {one: [] for one in ids}
    rows = session.execute(
        select(DocumentRelease)
        .where(DocumentRelease.document_id.in_(ids))
        .order_by(DocumentRelease.id)
    ).scalars()
    for release in rows:
        releases[release.document_id].append(release)
    return [
        View(document, versions[document.id], decisions, releases[document.id], said, today)
        for document in documents
    ]


def versions_of(session: Session, ids: Collection[UUID]) -> Sequence[DocumentVersion]:
    """Return all versions of the documents, oldest first."""
    return (
        session.execute(
            select(DocumentVersion)
            .where(DocumentVersion.document_id.in_(ids))
            .order_by(DocumentVersion.document_id, DocumentVersion.number)
        )
        .scalars()
        .all()
    )


def decisions_on(
    session: Session, version_ids: Collection[UUID]
) -> dict[UUID, list[DocumentDecision]]:
    """Return the decisions on each of the versions, in the order in which they were made."""
    found: dict[UUID, list[DocumentDecision]] = {}
    rows = session.execute(
        select(DocumentDecision)
        .where(DocumentDecision.version_id.in_(version_ids))
        .order_by(DocumentDecision.decided_at, DocumentDecision.id)
    ).scalars()
    for decision in rows:
        found.setdefault(decision.version_id, []).append(decision)
    return found


def version(session: Session, document_id: UUID, number: int) -> DocumentVersion:
    """Return one version of a document; `NotFound` if there is none."""
    found = session.execute(
        select(DocumentVersion).where(
            DocumentVersion.document_id == document_id, DocumentVersion.number == number
        )
    ).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def version_by_id(session: Session, version_id: UUID) -> DocumentVersion:
    return session.get_one(DocumentVersion, version_id)


def content(session: Session, version_id: UUID) -> DocumentContent | None:
    """Return where a version's content is; None once it is deleted."""
    return session.get(DocumentContent, version_id)


def contents(session: Session, document_id: UUID) -> Sequence[DocumentContent]:
    return (
        session.execute(
            select(DocumentContent)
            .join(DocumentVersion, DocumentVersion.id == DocumentContent.version_id)
            .where(DocumentVersion.document_id == document_id)
        )
        .scalars()
        .all()
    )


def is_released(session: Session, document_id: UUID, site_id: UUID, now: datetime) -> bool:
    """Tell whether the site may read the document now."""
    query = select(DocumentRelease.id).where(
        DocumentRelease.document_id == document_id,
        DocumentRelease.site_id == site_id,
        DocumentRelease.revoked_at.is_(None),
        DocumentRelease.ends_at > now,
    )
    return session.execute(query.limit(1)).first() is not None


def open_releases(session: Session, document_id: UUID, now: datetime) -> Sequence[DocumentRelease]:
    """Return what the document is released for now."""
    return (
        session.execute(
            select(DocumentRelease).where(
                DocumentRelease.document_id == document_id,
                DocumentRelease.revoked_at.is_(None),
                DocumentRelease.ends_at > now,
            )
        )
        .scalars()
        .all()
    )


def upload(session: Session, upload_id: UUID, *, lock: bool = False) -> DocumentUpload | None:
    """Return an upload, its row held if `lock`."""
    query = select(DocumentUpload).where(DocumentUpload.id == upload_id)
    if lock:
        query = query.with_for_update()
    return session.execute(
        query, execution_options={"populate_existing": lock}
    ).scalar_one_or_none()


def untidied(session: Session, before: datetime, limit: int) -> Sequence[DocumentUpload]:
    """Return uploads that ended before then and whose leavings were not looked for.

    What the store has received and no job has looked at yet is left alone for a day.
    """
    waits = (DocumentUpload.state == UploadState.RECEIVED) & (
        DocumentUpload.expires_at >= before - timedelta(days=1)
    )
    return (
        session.execute(
            select(DocumentUpload)
            .where(DocumentUpload.tidied_at.is_(None), DocumentUpload.expires_at < before, ~waits)
            .order_by(DocumentUpload.expires_at, DocumentUpload.id)
            .limit(limit)
        )
        .scalars()
        .all()
    )


def object_keys_of(
    session: Session, version_ids: Collection[UUID | None]
) -> dict[UUID | None, str]:
    """Return the keys of the contents of these versions that have one, by version; one query."""
    rows = session.execute(
        select(DocumentContent.version_id, DocumentContent.object_key).where(
            DocumentContent.version_id.in_([one for one in version_ids if one is not None])
        )
    )
    return {row.version_id: row.object_key for row in rows}


def open_uploads(session: Session, upload_ids: Collection[UUID], since: datetime) -> set[UUID]:
    """Return those of these that may still be sent to or looked at: none that ended before `since`.

    What the store has received is given a day.
    """
    waits = (DocumentUpload.state == UploadState.WAITING) & (DocumentUpload.expires_at >= since)
    received = (DocumentUpload.state == UploadState.RECEIVED) & (
        DocumentUpload.expires_at >= since - timedelta(days=1)
    )
    return set(
        session.execute(
            select(DocumentUpload.id).where(DocumentUpload.id.in_(upload_ids), waits | received)
        ).scalars()
    )


def readings(
    session: Session, document_id: UUID, *, limit: int, cursor: str | None
) -> Page[AuditEntry]:
    """Return what was done with a document, by whom, the newest first."""
    return paginate(
        session,
        select(AuditEntry).where(
            AuditEntry.subject_kind == "document", AuditEntry.subject_id == document_id
        ),
        key=[AuditEntry.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def expiring(session: Session, now: datetime, limit: int) -> Sequence[Document]:
    """Return documents that expire within thirty days and whose holder was not told.

    Those whose holder may be written to at this hour.
    """
    today = now.date()
    told = select(DocumentReminder.document_id).where(
        DocumentReminder.document_id == Document.id,
        DocumentReminder.version == Document.version,
        DocumentReminder.expires_on == Document.expires_on,
    )
    return (
        session.execute(
            select(Document)
            .where(
                Document.deleted_at.is_(None),
                identity.in_civil_hours(Document.holder_id, now),
                Document.expires_on >= today,
                Document.expires_on <= today + EXPIRING,
                ~told.exists(),
            )
            .order_by(Document.expires_on, Document.id)
            .limit(limit)
        )
        .scalars()
        .all()
    )
