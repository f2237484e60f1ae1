"""Files in and out of the store: inspected and sealed on the way in, opened on the way out.

Nothing here asks the database: a file is stored before a transaction begins, and read after one
has ended. Memory does not grow with the file.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from marketplace.compliance.errors import DocumentRefused, DocumentTooLarge
from marketplace.compliance.gateway import DocumentVault
from marketplace.compliance.rules.files import FileFault, Inspection
from marketplace.core.ids import new_id
from marketplace.core.ports import ObjectStore

FOLDER = "documents"
INCOMING = "incoming"


@dataclass(frozen=True)
class Stored:
    """Content that stands sealed in the store, and is not yet anybody's."""

    object_key: str
    sealed_key: bytes
    sha256: bytes
    size: int
    media_type: str


def folder_of(upload_id: UUID) -> str:
    """Where the attempts at an upload are stored: each under a key of its own."""
    return f"{FOLDER}/{upload_id}"


def incoming_key(upload_id: UUID) -> str:
    """Where the store itself takes an upload, before it is looked at and sealed."""
    return f"{INCOMING}/{upload_id}"


def put_away(
    store: ObjectStore,
    vault: DocumentVault,
    upload_id: UUID,
    media_type: str,
    pieces: Iterable[bytes],
) -> Stored:
    """Inspect, seal and store a file as it comes in; `FileFault` leaves nothing behind."""
    key = f"{folder_of(upload_id)}/{new_id()}"
    sealed_key = vault.new_key(key)
    inspection, digest = Inspection(media_type), sha256()

    def looked_at() -> Iterator[bytes]:
        for piece in pieces:
            digest.update(piece)
            yield inspection.feed(piece)
        inspection.finish()

    store.put_stream(key, vault.seal(key, sealed_key, looked_at()))
    return Stored(key, sealed_key, digest.digest(), inspection.size, media_type)


def refused(fault: FileFault) -> DocumentRefused | DocumentTooLarge:
    """Return the answer to a file that isn't taken."""
    if fault.code == "file_too_large":
        return DocumentTooLarge(fault.text, extra={"fault": fault.code})
    return DocumentRefused(fault.text, extra={"fault": fault.code})


def unsealed(
    store: ObjectStore, vault: DocumentVault, object_key: str, sealed_key: bytes
) -> Iterator[bytes]:
    """Yield the document itself."""
    yield from vault.open(object_key, sealed_key, store.stream(object_key, 1 << 16))
