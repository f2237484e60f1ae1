"""A letter's content: uploaded by its author through a link, sealed, read by those who may.

It is looked at for viruses as it comes in, while its author is there to be told. Where the scanner does
not answer it is taken all the same, for an author may not come back: then a job has it looked at,
and until then nobody reads or confirms it.

The content key leaves this module nowhere: no event, notice, log line or answer carries it.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from marketplace.compliance import service as compliance
from marketplace.compliance.service import scanning
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.events import publish
from marketplace.core.ids import new_id
from marketplace.core.jobs import JobContext, defer
from marketplace.core.ports import ObjectStore
from marketplace.core.scanning import Finding, ScannerAway, VirusScanner, look, refuse_infected
from marketplace.outcomes.errors import (
    DraftUnknown,
    FileTooLarge,
    LetterErased,
    LetterFixed,
    LetterNotThere,
    LetterWaived,
    LinkInvalid,
    NotAPdf,
    ReasonNeeded,
    WaiverChanged,
)
from marketplace.outcomes.events import LetterConfirmed
from marketplace.outcomes.gateway import LetterVault, LinkSigner, Sealed
from marketplace.outcomes.models import Letter, LetterContent
from marketplace.outcomes.queries import ledger
from marketplace.outcomes.queries import letters as queries
from marketplace.outcomes.rules.letters import LARGEST_LETTER, fault_of_pdf, fingerprint
from marketplace.outcomes.service.letters import UPLOAD, send_link, tell_trainee
from marketplace.outcomes.states import LETTER, LetterState

FOLDER = "letters"
SCAN = "outcomes.scan_letter"
FORGET = "outcomes.forget_letter_files"
INFECTED = "letter_infected"


@dataclass(frozen=True)
class Stored:
    """Content that stands sealed in the object store, and is not yet anybody's."""

    object_key: str
    sealed_key: bytes
    sha256: bytes
    size: int
    finding: Finding | None = None


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


def put_away(
    store: ObjectStore, vault: LetterVault, scanner: VirusScanner, content: bytes
) -> Stored:
    """Check, seal and store a file. Called before the database is asked for anything.

    `VirusFound` for a file with a virus.
    """
    if len(content) > LARGEST_LETTER:
        raise FileTooLarge(f"A letter has at most {LARGEST_LETTER // 2**20} MiB.")
    fault = fault_of_pdf(content)
    if fault is not None:
        raise NotAPdf(fault)
    try:
        finding = refuse_infected(scanner, (content,))
    except ScannerAway:
        finding = None
    key = f"{FOLDER}/{new_id()}"
    sealed = vault.seal(key, content)
    store.put(key, sealed.ciphertext)
    return Stored(key, sealed.sealed_key, sha256(content).digest(), len(content), finding)


def upload(
    session: Session,
    signer: LinkSigner,
    token: str,
    stored: Stored,
    *,
    drafted_by: str,
    now: datetime,
    draft_number: int | None = None,
    waived: bool | None = None,
) -> tuple[Letter, bool]:
    """Make stored content the letter's; before it is confirmed, the last upload counts.

    The same file again changes nothing: the second value tells whether `stored` is used. From the
    first upload on the waiver is fixed. `draft_number` names the trainee's draft that the words
    come from; `DraftUnknown` if there is none of that number. `waived` is what the author was told;
    `WaiverChanged` if the trainee has chosen otherwise since: nobody writes under another promise.
    """
    letter = letter_of_link(session, signer, token, now, lock=True)
    if letter.confirmed_at is not None:
        raise LetterFixed
    if waived is not None and waived != letter.waived:
        raise WaiverChanged
    if draft_number is not None and ledger.draft(session, letter.id, draft_number) is None:
        raise DraftUnknown(fields={"draft_number": ["There is no such draft."]})
    present = queries.content(session, letter.id)
    if present is not None and present.sha256 == stored.sha256:
        return letter, False
    LETTER.check(LetterState(letter.state), LetterState.UPLOADED)
    content = LetterContent(
        id=new_id(),
        letter_id=letter.id,
        object_key=stored.object_key,
        sealed_key=stored.sealed_key,
        sha256=stored.sha256,
        size=stored.size,
        uploaded_at=now,
    )
    session.add(content)
    letter.state = LetterState.UPLOADED.value
    letter.drafted_by, letter.draft_number = drafted_by, draft_number
    letter.uploaded_at = letter.uploaded_at or now
    session.flush()
    if stored.finding is not None:
        scanning.note(session, content.id, stored.finding, now)
    else:
        scanning.ask(session, SCAN, content_id=str(content.id))
    return letter, True


def confirm(session: Session, signer: LinkSigner, token: str, now: datetime) -> Letter:
    """The author's last word: entry and content stay as they are for good. Twice is once.

    Not before the content was looked at for viruses, nor where one was found.
    """
    letter = letter_of_link(session, signer, token, now, lock=True)
    if letter.state == LetterState.CONFIRMED:
        return letter
    LETTER.check(LetterState(letter.state), LetterState.CONFIRMED)
    content = queries.content(session, letter.id)
    if content is not None:
        scanning.check(session, content.id)
    letter.state = LetterState.CONFIRMED.value
    letter.confirmed_at = now
    session.flush()
    # What the author has replaced is nobody's any more.
    defer(session, FORGET, letter_id=str(letter.id))
    tell_trainee(session, letter, "letter_received", now)
    publish(session, LetterConfirmed(letter.id, letter.trainee_id, now))
    return letter


def content_for(session: Session, letter_id: UUID, reader: Reader, now: datetime) -> LetterContent:
    """Return where the content is, for one who may read it; every reading is audited.

    `LetterWaived` for its trainee where it is waived, whatever else they are; `FileNotScanned` and
    `FileInfected` as `scanning.check` has them.
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
    if not content.sealed_key:
        raise LetterErased
    scanning.check(session, content.id)
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


def forget(job: JobContext, letter_id: UUID) -> None:
    """Delete the files of a confirmed letter that a later upload has taken the place of."""
    with job.transaction() as session:
        letter = queries.letter(session, letter_id)
        confirmed = letter is not None and letter.confirmed_at is not None
        replaced = queries.object_keys_but_last(session, letter_id) if confirmed else []
    for key in replaced:
        job.parts.get(ObjectStore).delete(key)


def scan(job: JobContext, content_id: UUID) -> None:
    """Have a letter looked at that was taken in unseen; `ScannerAway`, and tried again, if not."""
    with job.transaction() as session:
        content = queries.unscanned(session, content_id)
    if content is None or not content.sealed_key:
        return
    store, vault = job.parts.get(ObjectStore), job.parts.get(LetterVault)
    finding = look(job.parts.get(VirusScanner), (unseal(store, vault, content),))
    if finding is None:
        return
    with job.transaction() as session:
        known = not scanning.note(session, content_id, finding, job.clock.now())
        if known or finding.virus is None:
            return
        gone = _tell_author(session, content, finding, job.parts.get(LinkSigner), job.clock.now())
    if gone:
        store.delete(content.object_key)


def _tell_author(
    session: Session, content: LetterContent, finding: Finding, signer: LinkSigner, now: datetime
) -> bool:
    """Ask the author for another file; False for a letter that is confirmed, and stays as it is."""
    compliance.record(
        session,
        actor_id=None,
        action="letter.infected",
        subject_kind="letter",
        subject_id=content.letter_id,
        detail={"virus": finding.virus, "engine": finding.engine},
        now=now,
    )
    letter = queries.letter(session, content.letter_id, lock=True)
    if letter is None or letter.confirmed_at is not None:
        return False
    send_link(session, letter, signer=signer, now=now, template=INFECTED)
    return True


def unseal(store: ObjectStore, vault: LetterVault, content: LetterContent) -> bytes:
    """Return the letter itself."""
    ciphertext = store.get(content.object_key)
    return vault.open(content.object_key, Sealed(ciphertext, content.sealed_key))
