"""Reading a document: a link that works once and soon, and an entry in the trail for each reading."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from marketplace.compliance.errors import DocumentGone, DocumentReasonNeeded
from marketplace.compliance.gateway import LinkSigner
from marketplace.compliance.models import DocumentContent, DocumentLink, DocumentVersion
from marketplace.compliance.queries import documents as queries
from marketplace.compliance.service import scanning
from marketplace.compliance.service.once import Link, OnceLinks
from marketplace.compliance.service.records import record
from marketplace.core.db import Session
from marketplace.core.errors import NotFound

LINKS = OnceLinks("document-read", DocumentLink)


@dataclass(frozen=True)
class Reader:
    """Who reads, as the holder, for a site that it was released to, or as an operator who says why."""

    account_id: UUID
    role: Literal["holder", "site", "operator"]
    site_id: UUID | None = None
    reason: str = ""


def ask(
    session: Session,
    signer: LinkSigner,
    document_id: UUID,
    number: int,
    reader: Reader,
    now: datetime,
) -> Link:
    """Return a link to a version for somebody who may read it; `NotFound` for everybody else.

    `FileNotScanned` and `FileInfected` as `scanning.check` has them.
    """
    _check(session, document_id, reader, now)
    if reader.role == "operator" and not reader.reason:
        raise DocumentReasonNeeded(fields={"reason": ["Needed."]})
    version = queries.version(session, document_id, number)
    scanning.check(session, version.id)
    if queries.content(session, version.id) is None:
        raise DocumentGone
    return LINKS.make(
        session,
        signer,
        now,
        version_id=version.id,
        account_id=reader.account_id,
        role=reader.role,
        site_id=reader.site_id,
        reason=reader.reason,
    )


def look(
    session: Session, signer: LinkSigner, token: str, now: datetime
) -> tuple[DocumentVersion, DocumentContent]:
    """Return what a link is for, if it still works. Records and consumes nothing.

    `LinkUsed` and `LinkExpired` for a genuine one; `NotFound` for a forged one, and for what its
    reader may not see any more.
    """
    return _open(session, LINKS.find(session, signer, token, now), now)


def read(
    session: Session, signer: LinkSigner, token: str, now: datetime
) -> tuple[DocumentVersion, DocumentContent]:
    """Use a link up, note the reading, and return what is read; of two who try one gets it."""
    link = LINKS.find(session, signer, token, now)
    version, content = _open(session, link, now)
    LINKS.use_up(session, link, now)
    record(
        session,
        actor_id=link.account_id,
        action="document.read",
        subject_kind="document",
        subject_id=version.document_id,
        detail={
            "version": version.number,
            "as": link.role,
            "site_id": str(link.site_id) if link.site_id else None,
            "reason": link.reason or None,
        },
        now=now,
    )
    return version, content


def _open(
    session: Session, link: DocumentLink, now: datetime
) -> tuple[DocumentVersion, DocumentContent]:
    version = queries.version_by_id(session, link.version_id)
    reader = Reader(link.account_id, _role(link.role), link.site_id, link.reason)
    # What was released may have been taken back since the link was made.
    _check(session, version.document_id, reader, now)
    scanning.check(session, version.id)
    content = queries.content(session, version.id)
    if content is None:
        raise NotFound
    return version, content


def _check(session: Session, document_id: UUID, reader: Reader, now: datetime) -> None:
    document = queries.find(session, document_id)
    match reader.role:
        case "holder":
            allowed = document.holder_id == reader.account_id
        case "site":
            allowed = reader.site_id is not None and queries.is_released(
                session, document_id, reader.site_id, now
            )
        case "operator":
            allowed = True
    if not allowed:
        raise NotFound


def _role(text: str) -> Literal["holder", "site", "operator"]:
    roles: dict[str, Literal["holder", "site", "operator"]] = {
        "holder": "holder",
        "site": "site",
        "operator": "operator",
    }
    return roles[text]
