"""Reading a document: a link that works once and soon, and an entry in the trail for each reading."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import update

from marketplace.compliance.errors import (
    DocumentGone,
    DocumentReasonNeeded,
    LinkExpired,
    LinkUsed,
)
from marketplace.compliance.gateway import LinkSigner
from marketplace.compliance.models import DocumentContent, DocumentLink, DocumentVersion
from marketplace.compliance.queries import documents as queries
from marketplace.compliance.service import scanning
from marketplace.compliance.service.records import record
from marketplace.core.db import Session, affected
from marketplace.core.errors import NotFound
from marketplace.core.ids import new_id

READ = "document-read"
LIFE = timedelta(minutes=2)


@dataclass(frozen=True)
class Reader:
    """Who reads, as the holder, for a site that it was released to, or as an operator who says why."""

    account_id: UUID
    role: Literal["holder", "site", "operator"]
    site_id: UUID | None = None
    reason: str = ""


@dataclass(frozen=True)
class Link:
    token: str
    expires_at: datetime


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
    link = DocumentLink(
        id=new_id(),
        version_id=version.id,
        account_id=reader.account_id,
        role=reader.role,
        site_id=reader.site_id,
        reason=reader.reason,
        made_at=now,
        expires_at=now + LIFE,
    )
    session.add(link)
    session.flush()
    return Link(signer.sign(READ, link.id, link.expires_at), link.expires_at)


def look(
    session: Session, signer: LinkSigner, token: str, now: datetime
) -> tuple[DocumentVersion, DocumentContent]:
    """Return what a link is for, if it still works. Records and consumes nothing.

    `LinkUsed` and `LinkExpired` for a genuine one; `NotFound` for a forged one, and for what its
    reader may not see any more.
    """
    link = _link(session, signer, token, now)
    version = queries.version_by_id(session, link.version_id)
    reader = Reader(link.account_id, _role(link.role), link.site_id, link.reason)
    # What was released may have been taken back since the link was made.
    _check(session, version.document_id, reader, now)
    scanning.check(session, version.id)
    content = queries.content(session, version.id)
    if content is None:
        raise NotFound
    return version, content


def read(
    session: Session, signer: LinkSigner, token: str, now: datetime
) -> tuple[DocumentVersion, DocumentContent]:
    """Use a link up, note the reading, and return what is read; of two who try one gets it."""
    version, content = look(session, signer, token, now)
    link = _link(session, signer, token, now)
    claimed = affected(
        session,
        update(DocumentLink)
        .where(DocumentLink.id == link.id, DocumentLink.used_at.is_(None))
        .values(used_at=now),
    )
    if not claimed:
        raise LinkUsed
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


def _link(session: Session, signer: LinkSigner, token: str, now: datetime) -> DocumentLink:
    """Return a link that works. Who has a genuine one is told why it works no more, others nothing."""
    link_id = signer.read(READ, token, now)
    if link_id is None and signer.is_over(READ, token, now):
        raise LinkExpired
    link = queries.link(session, link_id) if link_id is not None else None
    if link is None:
        raise NotFound
    if link.used_at is not None:
        raise LinkUsed
    if link.expires_at <= now:
        raise LinkExpired
    return link


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
