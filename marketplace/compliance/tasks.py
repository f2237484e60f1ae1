"""Jobs of compliance: each may run twice, at once or after a crash, and does its work once."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from marketplace.compliance.errors import DocumentGone, UploadUsed
from marketplace.compliance.gateway import DocumentVault, LinkSigner
from marketplace.compliance.queries import documents as queries
from marketplace.compliance.queries import scans
from marketplace.compliance.rules.files import LARGEST, FileFault, too_large
from marketplace.compliance.service import (
    agreement_files,
    agreement_upkeep,
    agreements,
    files,
    scanning,
    upkeep,
    uploads,
)
from marketplace.compliance.states import UploadState
from marketplace.core.errors import NotFound
from marketplace.core.jobs import JobContext, RetryPolicy, Task
from marketplace.core.ports import ObjectStore, PdfRenderer
from marketplace.core.scanning import VirusScanner

MOST_BATCHES = 100
PIECE = 1 << 16
# About an hour; what is left then is looked for every ten minutes for as long as it takes.
SCANNING = RetryPolicy(attempts=10, first=5, longest=900)
TIME_TO_SCAN = timedelta(minutes=10)
MOST_SCANS = 200


def take_in(job: JobContext, upload_id: str) -> None:
    """Look at what the store has received, seal it and make it a document; or say why not."""
    wanted = UUID(upload_id)
    with job.transaction() as session:
        upload = queries.upload(session, wanted)
        if upload is None or upload.state != UploadState.RECEIVED:
            return
        announced, media_type = upload.size, upload.media_type
    store, key = job.parts.get(ObjectStore), files.incoming_key(wanted)
    try:
        stored = _stored(job, store, wanted, announced, media_type)
        _taken(job, store, wanted, stored)
    except FileFault as fault:
        with job.transaction() as session:
            uploads.refuse(session, wanted, fault)
    store.delete(key)


def _taken(job: JobContext, store: ObjectStore, upload_id: UUID, stored: files.Stored) -> None:
    try:
        with job.transaction() as session:
            uploads.take(session, upload_id, stored, job.clock.now())
    except UploadUsed:
        # Another run of this job was faster: its content counts.
        store.delete(stored.object_key)
    except DocumentGone as error:
        store.delete(stored.object_key)
        raise FileFault("document_deleted", "The document was deleted meanwhile.") from error
    except BaseException:
        store.delete(stored.object_key)
        raise


def scan(job: JobContext, version_id: str) -> None:
    """Have a document looked at for viruses; `Unavailable`, and tried again, if that can't be."""
    wanted = UUID(version_id)
    with job.transaction() as session:
        content = queries.content(session, wanted)
        if content is None or scans.of_file(session, wanted) is not None:
            return
        sealed = content.object_key, content.sealed_key
    finding = scanning.look(job, *sealed)
    if finding is None:
        return
    with job.transaction() as session:
        scanning.note_of_document(session, wanted, finding, job.clock.now())


def scan_waiting(job: JobContext) -> None:
    """Look at what the scanner has missed: it was away, or was set after the upload."""
    if not job.parts.get(VirusScanner).present:
        return
    with job.transaction() as session:
        found = scans.waiting(session, job.clock.now() - TIME_TO_SCAN, MOST_SCANS)
    for version_id in found:
        scan(job, str(version_id))


def forget(job: JobContext, keys: list[str]) -> None:
    """Delete sealed contents whose keys are gone already."""
    store = job.parts.get(ObjectStore)
    for key in keys:
        store.delete(key)


def remind(job: JobContext) -> None:
    """Tell holders of documents that expire within thirty days."""
    for _ in range(MOST_BATCHES):
        with job.transaction() as session:
            found = upkeep.remind(session, job.clock.now())
        if found < upkeep.BATCH:
            return


def tidy(job: JobContext) -> None:
    """Delete what uploads that are over have left in the store, first what stands there unsealed."""
    store = job.parts.get(ObjectStore)
    received = store.keys(files.INCOMING)
    with job.transaction() as session:
        strays = upkeep.strays(session, received, job.clock.now())
    for key in strays:
        store.delete(key)
    for _ in range(MOST_BATCHES):
        with job.transaction() as session:
            found = upkeep.ended(session, job.clock.now())
            used = queries.object_keys_of(session, [one.version_id for one in found])
        for upload in found:
            upkeep.tidy(store, upload, used.get(upload.version_id))
        with job.transaction() as session:
            uploads.tidied(session, [upload.id for upload in found], job.clock.now())
        if len(found) < upkeep.BATCH:
            return


def render_agreement(job: JobContext, agreement_id: str) -> None:
    """Set an agreement with its signatures, store it, and mail it to who signed."""
    wanted = UUID(agreement_id)
    with job.transaction() as session:
        data = agreement_files.printed(session, wanted)
    if data is None:
        return
    key = f"agreements/{wanted}/agreement.pdf"
    job.parts.get(ObjectStore).put(key, job.parts.get(PdfRenderer).render("agreement", data))
    with job.transaction() as session:
        agreement_files.stored(session, wanted, key, job.clock.now())


def tend_agreements(job: JobContext) -> None:
    """Remind whose turn it is to sign, tell of ends that come, and end what is over."""
    signer = job.parts.get(LinkSigner)
    for _ in range(MOST_BATCHES):
        with job.transaction() as session:
            reminded = agreement_upkeep.remind(session, signer, job.clock.now())
            told = agreement_upkeep.near_the_end(session, job.clock.now())
        if not reminded and not told:
            return


def _stored(
    job: JobContext, store: ObjectStore, upload_id: UUID, announced: int, media_type: str
) -> files.Stored:
    key = files.incoming_key(upload_id)
    try:
        size = store.size(key)
    except NotFound as error:
        raise FileFault("file_missing", "Nothing was sent to the address.") from error
    # Looked at before it is read: an address of the store's own takes any size.
    if size > announced:
        fault = FileFault("file_other", f"{announced} bytes were announced, {size} were sent.")
        raise too_large() if size > LARGEST else fault
    # Whole, since the store can't be read from within what it writes; no more than announced.
    received = bytearray()
    for piece in store.stream(key, PIECE):
        received += piece
        if len(received) > announced:
            raise FileFault("file_other", f"More than {announced} bytes were sent.")
    vault = job.parts.get(DocumentVault)
    return files.put_away(store, vault, upload_id, media_type, _pieces(bytes(received)))


def _pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), PIECE):
        yield content[start : start + PIECE]


TASKS = (
    Task(uploads.TAKE_IN, take_in),
    Task(scanning.FORGET, forget),
    Task(scanning.SCAN, scan, retry=SCANNING),
    Task("compliance.scan_waiting", scan_waiting, cron="*/10 * * * *"),
    Task("compliance.remind", remind, cron="23 * * * *"),
    Task(agreements.RENDER, render_agreement),
    Task("compliance.tend_agreements", tend_agreements, cron="47 6 * * *"),
    Task("compliance.tidy", tidy, cron="*/5 * * * *"),
)
