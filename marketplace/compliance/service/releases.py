"""Who may read a document besides its holder: the site it was released to, for as long as it is.

A release is for a reference, which means nothing here: the package above says what it is, until
when it lasts and when it is over.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from marketplace.compliance.errors import DocumentGone
from marketplace.compliance.events import DocumentsChanged
from marketplace.compliance.models import Document, DocumentRelease
from marketplace.compliance.queries import documents as queries
from marketplace.compliance.service import notices
from marketplace.compliance.service.records import record
from marketplace.core.db import AwareDateTime, Session, affected
from marketplace.core.errors import NotFound
from marketplace.core.events import publish
from marketplace.core.ids import new_id


def release(
    session: Session,
    document_ids: Collection[UUID],
    *,
    holder_id: UUID,
    site_id: UUID,
    reference: UUID,
    ends_at: datetime,
    now: datetime,
) -> None:
    """Let the site read these documents of the holder's; what it may read already it still may."""
    handed_over = []
    for document_id in sorted(set(document_ids)):
        # Locked, so that none is deleted while it is handed over.
        document = queries.own(session, document_id, holder_id, lock=True)
        if document.deleted_at is not None:
            raise DocumentGone
        added = session.execute(
            insert(DocumentRelease)
            .values(
                id=new_id(),
                document_id=document_id,
                site_id=site_id,
                reference=reference,
                released_by=holder_id,
                released_at=now,
                ends_at=ends_at,
            )
            .on_conflict_do_nothing()
            .returning(DocumentRelease.id)
        ).first()
        if added is None:
            continue
        handed_over.append(document)
        _note(session, "document.released", document_id, holder_id, site_id, reference, now)
    if handed_over:
        publish(session, DocumentsChanged(site_id, reference, "released", now))
    kinds = _undecided(session, handed_over, site_id)
    if kinds:
        notices.to_review(session, site_id, holder_id, kinds, now)


def _undecided(session: Session, documents: Sequence[Document], site_id: UUID) -> list[str]:
    """The kinds of those on which the site has to decide: by itself, and no operator for all."""
    if not documents:
        return []
    number = {document.id: document.version for document in documents}
    newest = {
        version.document_id: version.id
        for version in queries.versions_of(session, list(number))
        if version.number == number[version.document_id]
    }
    made = queries.decisions_on(session, list(newest.values()))
    return [
        document.kind
        for document in documents
        if not any(one.site_id in {site_id, None} for one in made.get(newest[document.id], []))
    ]


def revoke(
    session: Session, document_id: UUID, *, holder_id: UUID, reference: UUID, now: datetime
) -> None:
    """Take a document back from what it was released for."""
    queries.own(session, document_id, holder_id, lock=True)
    site_id = session.execute(
        update(DocumentRelease)
        .where(
            DocumentRelease.document_id == document_id,
            DocumentRelease.reference == reference,
            DocumentRelease.revoked_at.is_(None),
        )
        .values(revoked_at=now)
        .returning(DocumentRelease.site_id)
    ).scalar_one_or_none()
    if site_id is None:
        raise NotFound
    _note(session, "document.taken_back", document_id, holder_id, site_id, reference, now)
    publish(session, DocumentsChanged(site_id, reference, "taken_back", now))


def carry_over(
    session: Session, reference: UUID, to: UUID, *, ends_at: datetime, now: datetime
) -> int:
    """Release for `to` what is released for `reference`, which the same holder has at one site.

    Returns how many documents that was. The caller ends what was released for `reference`.
    """
    live = select(
        func.gen_random_uuid(),
        DocumentRelease.document_id,
        DocumentRelease.site_id,
        literal(to, Uuid()),
        DocumentRelease.released_by,
        literal(now, AwareDateTime()),
        literal(ends_at, AwareDateTime()),
    ).where(DocumentRelease.reference == reference, DocumentRelease.revoked_at.is_(None))
    columns = ["id", "document_id", "site_id", "reference", "released_by", "released_at", "ends_at"]
    return affected(
        session, insert(DocumentRelease).from_select(columns, live).on_conflict_do_nothing()
    )


def end(session: Session, references: Collection[UUID], now: datetime) -> int:
    """End all that was released for these references; one statement. Returns how much that was."""
    return affected(
        session,
        update(DocumentRelease)
        .where(DocumentRelease.reference.in_(references), DocumentRelease.revoked_at.is_(None))
        .values(revoked_at=now)
        .execution_options(synchronize_session=False),
    )


def _note(
    session: Session,
    action: str,
    document_id: UUID,
    holder_id: UUID,
    site_id: UUID,
    reference: UUID,
    now: datetime,
) -> None:
    record(
        session,
        actor_id=holder_id,
        action=action,
        subject_kind="document",
        subject_id=document_id,
        detail={"site_id": str(site_id), "reference": str(reference)},
        now=now,
    )
