"""The documents that were released for something, as the rules of clearance take them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from marketplace.compliance.models import (
    Document,
    DocumentDecision,
    DocumentRelease,
    DocumentVersion,
)
from marketplace.compliance.queries.documents import counting, decisions_on
from marketplace.compliance.rules.clearance import Held
from marketplace.compliance.rules.validity import facts_from_json
from marketplace.compliance.states import DocumentState
from marketplace.core.db import Session


def handed_over(
    session: Session, references: Collection[UUID], now: datetime
) -> dict[UUID, list[Held]]:
    """Return what counts for each reference: newest versions, and the last accepted before them.

    While a newer version waits for a decision the accepted one before it still counts. Two
    queries, however many references.
    """
    rows = session.execute(
        select(DocumentRelease.reference, DocumentRelease.site_id, Document, DocumentVersion)
        .join(Document, Document.id == DocumentRelease.document_id)
        .join(DocumentVersion, DocumentVersion.document_id == Document.id)
        .where(
            DocumentRelease.reference.in_(references),
            DocumentRelease.revoked_at.is_(None),
            DocumentRelease.ends_at > now,
            Document.deleted_at.is_(None),
        )
        .order_by(DocumentRelease.id, DocumentVersion.number.desc())
    ).all()
    decisions = decisions_on(session, {row.DocumentVersion.id for row in rows}) if rows else {}
    found: dict[UUID, list[Held]] = {reference: [] for reference in references}
    grouped: dict[tuple[UUID, UUID, UUID], list[DocumentVersion]] = {}
    kinds: dict[UUID, str] = {}
    for row in rows:
        key = (row.reference, row.site_id, row.Document.id)
        grouped.setdefault(key, []).append(row.DocumentVersion)
        kinds[row.Document.id] = row.Document.kind
    for (reference, site_id, document_id), versions in grouped.items():
        decided = [(one, counting(decisions.get(one.id, ()), site_id)) for one in versions]
        found[reference] += _held(kinds[document_id], decided)
    return found


@dataclass(frozen=True)
class Release:
    """A document that was released for something, and when that was taken back."""

    document_id: UUID
    kind: str
    site_id: UUID
    released_at: datetime
    revoked_at: datetime | None


def releases_for(session: Session, reference: UUID) -> list[Release]:
    """Return what was ever released for this, oldest first; nothing of what is in the documents."""
    rows = session.execute(
        select(DocumentRelease, Document.kind)
        .join(Document, Document.id == DocumentRelease.document_id)
        .where(DocumentRelease.reference == reference)
        .order_by(DocumentRelease.id)
    )
    return [
        Release(row.document_id, kind, row.site_id, row.released_at, row.revoked_at)
        for row, kind in rows
    ]


def _held(
    kind: str, decided: Sequence[tuple[DocumentVersion, DocumentDecision | None]]
) -> Iterator[Held]:
    """From the newest version back to the first on which there is a decision."""
    for version, decision in decided:
        if decision is None:
            state, facts, reason = DocumentState.UPLOADED.value, version.facts, ""
        else:
            state, facts, reason = decision.decision, decision.facts, decision.reason
        yield Held(version.document_id, kind, state, facts_from_json(facts), reason)
        if decision is not None:
            return
