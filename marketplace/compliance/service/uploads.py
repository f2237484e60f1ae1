"""Taking documents in: an address for one file, the file itself, and the version that it becomes.

Where the object store signs addresses the file goes straight there, and a job looks at it, seals it
and takes it in; where it doesn't, our own address does so as the file streams in.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import update

from marketplace.compliance.errors import (
    DocumentGone,
    FactsUnfit,
    NotTheKind,
    TooManyDocuments,
    UploadGone,
    UploadUsed,
)
from marketplace.compliance.gateway import LinkSigner
from marketplace.compliance.models import (
    Document,
    DocumentContent,
    DocumentUpload,
    DocumentVersion,
)
from marketplace.compliance.queries import documents as queries
from marketplace.compliance.rules.files import FileFault, check_declared
from marketplace.compliance.rules.validity import Facts, facts_from_json, facts_to_json, faults
from marketplace.compliance.service import notices, scanning
from marketplace.compliance.service.files import Stored, incoming_key, refused
from marketplace.compliance.service.records import record
from marketplace.compliance.states import UploadState
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.ids import new_id
from marketplace.core.jobs import defer
from marketplace.core.ports import ObjectStore

UPLOAD = "document-upload"
LIFE = timedelta(minutes=15)
TAKE_IN = "compliance.take_in"
# A store's own address ends by the real clock; ours by domain time. Neither by much.
GRACE = timedelta(minutes=5)
# Far more than anybody needs; an account is no place to keep files.
MOST = 200


@dataclass(frozen=True)
class Wish:
    """What somebody wants to upload, as they describe it."""

    kind: str
    filename: str
    media_type: str
    size: int
    facts: Facts


@dataclass(frozen=True)
class Address:
    """Where one file can be sent, by PUT, until the upload's end; `direct`: to the store itself."""

    upload: DocumentUpload
    url: str
    direct: bool


def ask(
    session: Session,
    store: ObjectStore,
    signer: LinkSigner,
    wish: Wish,
    *,
    holder_id: UUID,
    document_id: UUID | None,
    base: str,
    direct: bool = True,
    now: datetime,
) -> Address:
    """Return an address for one file; a newer version of `document_id` where one is named.

    `base` is the public address below which our own addresses stand; not `direct`, and the address
    is ours even where the store could sign one. Refuses by what is declared.
    """
    check(session, wish, holder_id=holder_id, document_id=document_id, now=now)
    upload = _announce(session, new_id(), wish, holder_id, document_id, now)
    signed = store.signed_upload(incoming_key(upload.id), LIFE) if direct else None
    token = signer.sign(UPLOAD, upload.id, upload.expires_at)
    return Address(upload, signed or f"{base}/{token}", signed is not None)


def take_sent(
    session: Session,
    upload_id: UUID,
    wish: Wish,
    stored: Stored,
    *,
    holder_id: UUID,
    document_id: UUID | None,
    now: datetime,
) -> DocumentUpload:
    """Make a document of what came with its own description, and is stored below `upload_id`."""
    check(session, wish, holder_id=holder_id, document_id=document_id, now=now)
    _announce(session, upload_id, wish, holder_id, document_id, now)
    return take(session, upload_id, stored, now)


def check(
    session: Session, wish: Wish, *, holder_id: UUID, document_id: UUID | None, now: datetime
) -> None:
    """Refuse by what is declared, before a byte is stored."""
    try:
        check_declared(wish.filename, wish.media_type, wish.size)
    except FileFault as fault:
        raise refused(fault) from fault
    check_facts(wish.facts, now)
    if document_id is None and queries.count_of(session, holder_id) >= MOST:
        raise TooManyDocuments
    if document_id is not None:
        document = queries.own(session, document_id, holder_id)
        if document.deleted_at is not None:
            raise DocumentGone
        if document.kind != wish.kind:
            raise NotTheKind(fields={"kind": [f"The document is of the kind {document.kind}."]})


def _announce(
    session: Session,
    upload_id: UUID,
    wish: Wish,
    holder_id: UUID,
    document_id: UUID | None,
    now: datetime,
) -> DocumentUpload:
    upload = DocumentUpload(
        id=upload_id,
        holder_id=holder_id,
        document_id=document_id,
        kind=wish.kind,
        filename=wish.filename,
        media_type=wish.media_type,
        size=wish.size,
        facts=facts_to_json(wish.facts),
        state=UploadState.WAITING.value,
        asked_at=now,
        expires_at=now + LIFE,
    )
    session.add(upload)
    session.flush()
    return upload


def check_facts(facts: Facts, now: datetime) -> None:
    """Refuse dates that no document can have; it may be tomorrow where it was written."""
    wrong = faults(facts, now.date() + timedelta(days=1))
    if wrong:
        raise FactsUnfit(fields=wrong)


def upload_of(signer: LinkSigner, token: str, now: datetime) -> UUID:
    """Return the upload that a token is for, without asking the database; else `UploadGone`."""
    found = signer.read(UPLOAD, token, now)
    if found is None:
        raise UploadGone
    return found


def own(session: Session, upload_id: UUID, holder_id: UUID) -> DocumentUpload:
    """Return an upload of the holder's; `NotFound` for everybody else's."""
    upload = queries.upload(session, upload_id)
    if upload is None or upload.holder_id != holder_id:
        raise NotFound
    return upload


def take(session: Session, upload_id: UUID, stored: Stored, now: datetime) -> DocumentUpload:
    """Make stored content a document, or the newest version of one; an address takes one file.

    `UploadUsed` if it has taken one, `FileFault` if the file isn't the one that was announced.
    """
    upload = queries.upload(session, upload_id, lock=True)
    if upload is None:
        raise UploadGone
    if upload.state in {UploadState.TAKEN, UploadState.REFUSED}:
        raise UploadUsed
    # What the store has received in time is taken in whenever its job comes to it.
    if upload.state == UploadState.WAITING and upload.expires_at + GRACE <= now:
        raise UploadGone
    if (stored.size, stored.media_type) != (upload.size, upload.media_type):
        raise FileFault("file_other", f"{upload.size} bytes of {upload.media_type} were announced.")
    document = _document(session, upload, now)
    version = DocumentVersion(
        id=new_id(),
        document_id=document.id,
        number=document.version,
        filename=upload.filename,
        media_type=upload.media_type,
        size=stored.size,
        sha256=stored.sha256,
        facts=upload.facts,
        uploaded_at=now,
    )
    session.add(version)
    session.flush()
    session.add(
        DocumentContent(
            version_id=version.id, object_key=stored.object_key, sealed_key=stored.sealed_key
        )
    )
    upload.state, upload.version_id = UploadState.TAKEN.value, version.id
    upload.document_id = document.id
    session.flush()
    record(
        session,
        actor_id=upload.holder_id,
        action="document.uploaded",
        subject_kind="document",
        subject_id=document.id,
        detail={"version": version.number, "upload_id": str(upload.id)},
        now=now,
    )
    scanning.ask(session, version_id=str(version.id))
    notices.uploaded(session, document, now)
    return upload


def hand_over(session: Session, upload_id: UUID, holder_id: UUID, now: datetime) -> DocumentUpload:
    """Have what was sent to the store looked at and taken in; asking twice is asking once."""
    upload = queries.upload(session, upload_id, lock=True)
    if upload is None or upload.holder_id != holder_id:
        raise NotFound
    if upload.state == UploadState.WAITING and upload.expires_at + GRACE <= now:
        raise UploadGone
    if upload.state == UploadState.WAITING:
        upload.state = UploadState.RECEIVED.value
        session.flush()
        defer(session, TAKE_IN, upload_id=str(upload.id))
    return upload


def refuse(session: Session, upload_id: UUID, fault: FileFault) -> None:
    """Note why a file wasn't taken, for its holder to read; the address is spent."""
    upload = queries.upload(session, upload_id, lock=True)
    if upload is not None and upload.state in {UploadState.WAITING, UploadState.RECEIVED}:
        upload.state = UploadState.REFUSED.value
        upload.fault = {"code": fault.code, "text": fault.text}
        session.flush()


def tidied(session: Session, upload_ids: Collection[UUID], now: datetime) -> None:
    """Note that the leavings of these uploads were looked for."""
    session.execute(
        update(DocumentUpload)
        .where(DocumentUpload.id.in_(upload_ids))
        .values(tidied_at=now)
        .execution_options(synchronize_session=False)
    )


def _document(session: Session, upload: DocumentUpload, now: datetime) -> Document:
    """The document that gets the version, its row held; a new one where none was named."""
    expires_on = facts_from_json(upload.facts).expires_on
    if upload.document_id is None:
        document = Document(
            id=new_id(),
            holder_id=upload.holder_id,
            kind=upload.kind,
            version=1,
            expires_on=expires_on,
            waiting_since=now,
            made_at=now,
        )
        session.add(document)
        session.flush()
        return document
    document = queries.find(session, upload.document_id, lock=True)
    if document.deleted_at is not None:
        raise DocumentGone
    document.version += 1
    document.expires_on, document.waiting_since = expires_on, now
    session.flush()
    return document
