"""What waits for a decision: for a site, what was released to it; for operators, everything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select

from marketplace.compliance.models import (
    Document,
    DocumentDecision,
    DocumentRelease,
    DocumentVersion,
    FileScan,
)
from marketplace.compliance.queries import scans
from marketplace.compliance.queries.documents import counting, decisions_on, state_of
from marketplace.compliance.states import DocumentState
from marketplace.core.db import Session
from marketplace.identity import queries as identity
from marketplace.web.pagination import Page, paginate, paginate_rows


@dataclass(frozen=True)
class Reviewed:
    """A document's newest version as a reviewer sees it."""

    document: Document
    version: DocumentVersion
    holder_name: str
    decisions: Sequence[DocumentDecision]
    site_id: UUID | None
    scan: FileScan | None
    today: date

    @property
    def decision(self) -> DocumentDecision | None:
        return counting(self.decisions, self.site_id)

    @property
    def state(self) -> DocumentState:
        return state_of(self.document, self.decision, self.today)

    @property
    def own_number(self) -> int:
        """How often this reviewer's side has decided on the version."""
        return sum(one.site_id == self.site_id for one in self.decisions)


def of_site(
    session: Session,
    site_id: UUID,
    *,
    waiting: bool,
    now: datetime,
    limit: int,
    cursor: str | None,
) -> Page[Reviewed]:
    """Return what was released to the site, oldest upload first; five queries.

    `waiting`: only what neither the site nor an operator has decided on.
    """
    query = select(DocumentVersion).join(Document, Document.id == DocumentVersion.document_id)
    page = paginate(
        session,
        query.where(*_at(site_id, now, waiting=waiting)),
        key=[DocumentVersion.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
    )
    return Page(_reviewed(session, page.items, site_id, now), page.next_cursor)


def undecided(session: Session, site_id: UUID, *, now: datetime, limit: int) -> Page[Any]:
    """Return what `of_site` has that waits, as plain rows with the holder's name; one query."""
    person = identity.names()
    return paginate_rows(
        session,
        select(
            DocumentVersion.id,
            DocumentVersion.uploaded_at,
            DocumentVersion.document_id,
            Document.kind,
            person.c.name.label("holder_name"),
        )
        .join(Document, Document.id == DocumentVersion.document_id)
        .join(person, person.c.id == Document.holder_id)
        .where(*_at(site_id, now, waiting=True)),
        key=[DocumentVersion.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=None,
    )


def _at(site_id: UUID, now: datetime, *, waiting: bool) -> list[ColumnElement[bool]]:
    """The newest versions that are released to the site; of those, which wait for a decision."""
    released = select(DocumentRelease.document_id).where(
        DocumentRelease.site_id == site_id,
        DocumentRelease.revoked_at.is_(None),
        DocumentRelease.ends_at > now,
    )
    conditions = [
        Document.id.in_(released),
        Document.deleted_at.is_(None),
        DocumentVersion.number == Document.version,
    ]
    if waiting:
        decided = select(DocumentDecision.id).where(
            DocumentDecision.version_id == DocumentVersion.id,
            or_(DocumentDecision.site_id == site_id, DocumentDecision.site_id.is_(None)),
        )
        conditions.append(~decided.exists())
    return conditions


def waiting(session: Session, *, now: datetime, limit: int, cursor: str | None) -> Page[Reviewed]:
    """Return what nobody has decided on yet, the longest waiting first; five queries."""
    page = paginate(
        session,
        select(Document).where(Document.waiting_since.is_not(None)),
        key=[Document.waiting_since, Document.id],
        key_of=lambda row: [row.waiting_since, row.id],
        limit=limit,
        cursor=cursor,
    )
    newest = {document.id: document.version for document in page.items}
    rows = session.execute(
        select(DocumentVersion).where(DocumentVersion.document_id.in_(newest))
    ).scalars()
    found = {row.document_id: row for row in rows if row.number == newest[row.document_id]}
    versions = [found[document.id] for document in page.items]
    return Page(_reviewed(session, versions, None, now), page.next_cursor)


def waiting_count(session: Session) -> int:
    """Return how many documents nobody has decided on yet."""
    query = select(func.count()).where(Document.waiting_since.is_not(None))
    return session.execute(query).scalar_one()


def one(
    session: Session, version: DocumentVersion, site_id: UUID | None, now: datetime
) -> Reviewed:
    """Return a single version as the reviewer sees it."""
    return _reviewed(session, [version], site_id, now)[0]


def _reviewed(
    session: Session, versions: Sequence[DocumentVersion], site_id: UUID | None, now: datetime
) -> list[Reviewed]:
    ids = [version.document_id for version in versions]
    rows = session.execute(select(Document).where(Document.id.in_(ids))).scalars()
    documents = {row.id: row for row in rows}
    people = identity.contacts(session, list({row.holder_id for row in documents.values()}))
    decisions = decisions_on(session, [version.id for version in versions])
    said = scans.of_files(session, [version.id for version in versions])
    return [
        Reviewed(
            documents[version.document_id],
            version,
            people[documents[version.document_id].holder_id].name,
            # A site never sees another's decisions: they tell where else somebody applies.
            [
                one
                for one in decisions.get(version.id, ())
                if site_id is None or one.site_id in {None, site_id}
            ],
            site_id,
            said.get(version.id),
            now.date(),
        )
        for version in versions
    ]
