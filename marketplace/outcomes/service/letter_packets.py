"""What an author is given to write from, and the trainee's drafts.

The trainee chooses it: naming a document in the packet releases it to the letter's author, for as
long as the request is open and the document is not deleted. Each reading of one is audited.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.compliance import service as compliance
from marketplace.compliance.gateway import DocumentVault
from marketplace.compliance.queries import documents
from marketplace.compliance.service import files, scanning
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.ids import new_id
from marketplace.core.ports import ObjectStore
from marketplace.outcomes.errors import LetterNotOpen, NotYourDocument
from marketplace.outcomes.models import Evaluation, Letter, LetterDraft
from marketplace.outcomes.queries import ledger, records
from marketplace.outcomes.states import LetterState

WORDS = ("case_summary", "personal_statement")
OPEN = (LetterState.ASKED, LetterState.AGREED)


@dataclass(frozen=True)
class PacketFile:
    """A document as its newest version stands; read by `open_document`."""

    document_id: UUID
    kind: str
    filename: str
    media_type: str
    size: int


@dataclass(frozen=True)
class Packet:
    """All of it. `evaluations` are the site's own of this rotation, each evaluator's last."""

    case_summary: str
    personal_statement: str
    documents: Sequence[PacketFile]
    evaluations: Sequence[Evaluation]
    drafts: Sequence[LetterDraft]


@dataclass(frozen=True)
class Opened:
    """A document on its way to the author; `body` asks the store when it is read."""

    filename: str
    media_type: str
    size: int
    body: Iterator[bytes]


def kept(packet: Mapping[str, Any]) -> dict[str, Any]:
    """Return a packet as it is kept: words, and documents by their ids."""
    ids = [str(one) for one in packet.get("document_ids", ())]
    return {**{name: packet.get(name, "") for name in WORDS}, "document_ids": ids}


def check(session: Session, trainee_id: UUID, packet: Mapping[str, Any]) -> None:
    """Raise `NotYourDocument` unless each document is there, and the trainee's own."""
    wanted = _ids(packet)
    found = documents.of_ids(session, wanted) if wanted else ()
    own = {document.id for document in found if document.holder_id == trainee_id}
    strange = [f"{one}: none of your documents." for one in wanted if one not in own]
    if strange:
        raise NotYourDocument(fields={"packet.document_ids": strange})


def note(session: Session, letter: Letter, now: datetime) -> None:
    """Note in the trail which documents the packet releases to the author, if any."""
    released = letter.packet["document_ids"]
    if released:
        compliance.record(
            session,
            actor_id=letter.trainee_id,
            action="letter.packet",
            subject_kind="letter",
            subject_id=letter.id,
            detail={"document_ids": released},
            now=now,
        )


def shown(session: Session, letter: Letter) -> Packet:
    """Return what the author sees; five queries at most."""
    return Packet(
        case_summary=letter.packet.get("case_summary", ""),
        personal_statement=letter.packet.get("personal_statement", ""),
        documents=_files(session, letter),
        evaluations=records.evaluations(session, letter.booking_id),
        drafts=ledger.drafts(session, letter.id),
    )


def open_document(
    session: Session,
    letter: Letter,
    document_id: UUID,
    store: ObjectStore,
    vault: DocumentVault,
    now: datetime,
) -> Opened:
    """Return a document of the packet, and note the reading; `NotFound` for any other.

    `FileNotScanned` and `FileInfected` as `scanning.check` has them.
    """
    found = next((one for one in _files(session, letter) if one.document_id == document_id), None)
    if found is None:
        raise NotFound
    version = documents.versions_of(session, [document_id])[-1]
    scanning.check(session, version.id)
    content = documents.content(session, version.id)
    if content is None:
        raise NotFound
    compliance.record(
        session,
        actor_id=None,
        action="document.read",
        subject_kind="document",
        subject_id=document_id,
        detail={"version": version.number, "as": "letter_author", "letter_id": str(letter.id)},
        now=now,
    )
    body = files.unsealed(store, vault, content.object_key, content.sealed_key)
    return Opened(found.filename, found.media_type, found.size, body)


def write_draft(session: Session, letter_id: UUID, words: str, now: datetime) -> LetterDraft:
    """Keep the trainee's words for the author; the last draft counts, the ones before stay.

    `LetterNotOpen` once the letter exists or will not be written.
    """
    letter = ledger.lock(session, letter_id)
    if letter.state not in OPEN:
        raise LetterNotOpen(f"The letter is {letter.state}.", extra={"state": letter.state})
    draft = LetterDraft(
        id=new_id(),
        letter_id=letter.id,
        number=ledger.last_draft(session, letter.id) + 1,
        words=words,
        written_by=letter.trainee_id,
        written_at=now,
    )
    session.add(draft)
    session.flush()
    return draft


def _files(session: Session, letter: Letter) -> list[PacketFile]:
    """The documents in the order of the packet; those that were deleted since are left out."""
    wanted = _ids(letter.packet)
    if not wanted:
        return []
    found = {document.id: document for document in documents.of_ids(session, wanted)}
    newest = {one.document_id: one for one in documents.versions_of(session, list(found))}
    return [
        PacketFile(
            document_id=one,
            kind=found[one].kind,
            filename=newest[one].filename,
            media_type=newest[one].media_type,
            size=newest[one].size,
        )
        for one in wanted
        if one in found and found[one].holder_id == letter.trainee_id
    ]


def _ids(packet: Mapping[str, Any]) -> list[UUID]:
    return [one if isinstance(one, UUID) else UUID(one) for one in packet.get("document_ids", ())]
