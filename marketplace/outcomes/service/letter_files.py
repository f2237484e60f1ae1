"""A letter's content: uploaded by its author through a link, sealed, read by those who may.

The content key leaves this module nowhere: no event, notice, log line or answer carries it.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from marketplace.compliance import service as compliance
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.events import publish
from marketplace.core.ids import new_id
from marketplace.core.ports import ObjectStore
from marketplace.outcomes.errors import (
    FileTooLarge,
    LetterFixed,
    LetterNotThere,
    LetterWaived,
    LinkInvalid,
    NotAPdf,
    ReasonNeeded,
)
from marketplace.outcomes.events import LetterConfirmed
from marketplace.outcomes.gateway import LetterVault, LinkSigner, Sealed
from marketplace.outcomes.models import Letter, LetterContent
from marketplace.outcomes.queries import letters as queries
from marketplace.outcomes.rules.letters import LARGEST_LETTER, fault_of_pdf, fingerprint
from marketplace.outcomes.service.letters import UPLOAD, tell_trainee
from marketplace.outcomes.states import LETTER, LetterState

FOLDER = "letters"


@dataclass(frozen=True)
class Stored:
    """Content that stands sealed in the object store, and is not yet anybody's."""

    object_key: str
    sealed_key: bytes
    sha256: bytes
    size: int


@dataclass(frozen=True)
class Reader:
    """Who reads: as `trainee`, `author`, `host` or `operator`, the last with a reason."""

    account_id: UUID | None
    role: str
    reason: str | None = None


def link_id(signer: LinkSigner, token: str, now: datetime) -> UUID:
    """Return the link that a token is for, without asking the database; else `LinkInvalid`."""
    found = signer.read(UPLOAD, token, now)
    if found is None:
        raise LinkInvalid
    return found


def letter_of_link(
    session: Session, signer: LinkSigner, token: str, now: datetime, *, lock: bool = False
) -> Letter:
    """Return the letter that a link is for. Records and consumes nothing."""
    link = queries.link(session, link_id(signer, token, now), fingerprint(token), now)
    letter = None if link is None else queries.letter(session, link.letter_id, lock=lock)
    if letter is None:
        raise LinkInvalid
    return letter


def put_away(store: ObjectStore, vault: LetterVault, content: bytes) -> Stored:
    """Check, seal and store a file. Called before the database is asked for anything."""
    if len(content) > LARGEST_LETTER:
        raise FileTooLarge(f"A letter has at most {LARGEST_LETTER // 2**20} MiB.")
    fault = fault_of_pdf(content)
    if fault is not None:
        raise NotAPdf(fault)
    key = f"{FOLDER}/{new_id()}"
    sealed = vault.seal(key, content)
    store.put(key, sealed.ciphertext)
    return Stored(key, sealed.sealed_key, sha256(content).digest(), len(content))


def upload(
    session: Session,
    signer: LinkSigner,
    token: str,
    stored: Stored,
    *,
    drafted_by: str,
    now: datetime,
) -> tuple[Letter, bool]:
    """Make stored content the letter's; before it is confirmed, the last upload counts.

    The same file again changes nothing: the second value tells whether `stored` is used. From the
    first upload on the waiver is fixed.
    """
    letter = letter_of_link(session, signer, token, now, lock=True)
    if letter.confirmed_at is not None:
        raise LetterFixed
    present = queries.content(session, letter.id)
    if present is not None and present.sha256 == stored.sha256:
        return letter, False
    LETTER.check(LetterState(letter.state), LetterState.UPLOADED)
    session.add(
        LetterContent(
            id=new_id(),
            letter_id=letter.id,
            object_key=stored.object_key,
            sealed_key=stored.sealed_key,
            sha256=stored.sha256,
            size=stored.size,
            uploaded_at=now,
        )
    )
    letter.state = LetterState.UPLOADED.value
    letter.drafted_by = drafted_by
    letter.uploaded_at = letter.uploaded_at or now
    session.flush()
    return letter, True


def confirm(session: Session, signer: LinkSigner, token: str, now: datetime) -> Letter:
    """The author's last word: entry and content stay as they are for good. Twice is once."""
    letter = letter_of_link(session, signer, token, now, lock=True)
    if letter.state == LetterState.CONFIRMED:
        return letter
    LETTER.check(LetterState(letter.state), LetterState.CONFIRMED)
    letter.state = LetterState.CONFIRMED.value
    letter.confirmed_at = now
    session.flush()
    tell_trainee(session, letter, "letter_received", now)
    publish(session, LetterConfirmed(letter.id, letter.trainee_id, now))
    return letter


def content_for(session: Session, letter_id: UUID, reader: Reader, now: datetime) -> LetterContent:
    """Return where the content is, for one who may read it; every reading is audited.

    `LetterWaived` for its trainee where it is waived, whatever else they are.
    """
    letter = queries.letter(session, letter_id)
    if letter is None:
        raise NotFound
    if letter.waived and reader.account_id == letter.trainee_id:
        raise LetterWaived
    if reader.role == "operator" and not (reader.reason or "").strip():
        raise ReasonNeeded(fields={"reason": ["Needed."]})
    content = queries.content(session, letter_id)
    if content is None:
        raise LetterNotThere
    compliance.record(
        session,
        actor_id=reader.account_id,
        action="letter.read",
        subject_kind="letter",
        subject_id=letter_id,
        detail={"as": reader.role, "reason": reader.reason},
        now=now,
    )
    return content


def unseal(store: ObjectStore, vault: LetterVault, content: LetterContent) -> bytes:
    """Return the letter itself."""
    ciphertext = store.get(content.object_key)
    return vault.open(content.object_key, Sealed(ciphertext, content.sealed_key))
