"""Files of messages: inspected and sealed before the database knows them, looked at for viruses after.

Those that come by mail are taken in as those that are put there: same types, same checks.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from marketplace.booking.errors import TooManyFiles
from marketplace.booking.models import MessageFile
from marketplace.booking.queries import messages as kept
from marketplace.booking.rules.replies import MailedFile
from marketplace.booking.service import erasing
from marketplace.booking.service.messages import MOST_FILES, keep_file
from marketplace.compliance.gateway import DocumentVault
from marketplace.compliance.rules.files import FileFault, check_declared
from marketplace.compliance.service import files, scanning
from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.core.jobs import JobContext
from marketplace.core.ports import ObjectStore

SCAN = "booking.scan_file"
PIECE = 1 << 16
MOST_UNSENT = 30
UNSENT_KEPT = timedelta(days=7)
BATCH = 500


@dataclass
class Taken:
    """What became of a mail's files: those that stand sealed in the store, and names of the others."""

    files: list[MessageFile] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def put_away(
    store: ObjectStore,
    vault: DocumentVault,
    mailed: Sequence[MailedFile],
    *,
    booking_id: UUID,
    account_id: UUID,
    now: datetime,
) -> Taken:
    """Inspect, seal and store a mail's files; what is no document leaves nothing behind."""
    taken = Taken()
    for one in mailed:
        try:
            if len(taken.files) == MOST_FILES:
                raise FileFault("too_many", f"A message has at most {MOST_FILES} files.")
            check_declared(one.filename, one.media_type, len(one.content))
            file_id = new_id()
            stored = files.put_away(store, vault, file_id, one.media_type, _pieces(one.content))
        except FileFault:
            taken.refused.append(one.filename or one.media_type)
            continue
        taken.files.append(made(stored, file_id, booking_id, account_id, one.filename, now))
    return taken


def made(
    stored: files.Stored,
    file_id: UUID,
    booking_id: UUID,
    account_id: UUID,
    filename: str,
    now: datetime,
) -> MessageFile:
    """Return a stored file as one of a thread; nothing is written."""
    return MessageFile(
        id=file_id,
        booking_id=booking_id,
        uploaded_by=account_id,
        filename=filename,
        media_type=stored.media_type,
        size=stored.size,
        sha256=stored.sha256,
        object_key=stored.object_key,
        sealed_key=stored.sealed_key,
        uploaded_at=now,
    )


def keep(session: Session, file: MessageFile) -> bool:
    """Keep a stored file and have it looked at for viruses; False if its id is there already."""
    new = keep_file(session, file)
    if new:
        scanning.ask(session, SCAN, file_id=str(file.id))
    return new


def check_room(session: Session, booking_id: UUID, account_id: UUID, file_id: UUID) -> None:
    """Raise `TooManyFiles` for who has put many files in a thread and sent none: it is no store."""
    if kept.unsent_of(session, booking_id, account_id, file_id) >= MOST_UNSENT:
        raise TooManyFiles


def tidy(session: Session, now: datetime) -> int:
    """Take away what was put in a thread and not sent within a week; return of how many files."""
    left = kept.left_unsent(session, now - UNSENT_KEPT, BATCH)
    return erasing.empty(session, left, now) if left else 0


def drop(store: ObjectStore, unused: Iterable[MessageFile]) -> None:
    """Delete what no message has come to have."""
    for one in unused:
        store.delete(one.object_key)


def scan(job: JobContext, file_id: UUID) -> None:
    """Have a file looked at for viruses; with one, its content goes. `Unavailable` if that can't be."""
    with job.transaction() as session:
        found = kept.unscanned(session, file_id)
        if found is None or found.sealed_key is None:
            return
        sealed = found.object_key, found.sealed_key
    finding = scanning.look(job, *sealed)
    if finding is None:
        return
    now = job.clock.now()
    with job.transaction() as session:
        scanning.note(session, file_id, finding, now)
        if finding.virus is not None:
            erasing.empty(session, [file_id], now)


def _pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), PIECE):
        yield content[start : start + PIECE]
