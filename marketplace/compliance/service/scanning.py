"""Looking for viruses: by a job, in the sealed file, before anybody reads it.

Where a scanner is set a file is read by nobody until it was called clean, however long the scanner
is away; where none is set, files are marked as not scanned. A document in which a virus is found
loses its key at once, and is rejected by nobody's decision.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from marketplace.compliance.errors import FileInfected, FileNotScanned
from marketplace.compliance.events import DocumentsChanged
from marketplace.compliance.gateway import DocumentVault
from marketplace.compliance.models import DocumentContent, DocumentDecision, FileScan
from marketplace.compliance.queries import documents as queries
from marketplace.compliance.queries import scans
from marketplace.compliance.service import files, notices
from marketplace.compliance.service.records import record
from marketplace.compliance.states import ScanState
from marketplace.core import scanning
from marketplace.core.db import Session
from marketplace.core.events import publish
from marketplace.core.ids import new_id
from marketplace.core.jobs import JobContext, defer
from marketplace.core.parts import parts_of
from marketplace.core.ports import ObjectStore
from marketplace.core.scanning import Finding, VirusScanner

SCAN = "compliance.scan"
FORGET = "compliance.forget"


def ask(session: Session, job: str = SCAN, **arguments: Any) -> None:
    """Have a file that was just taken in looked at, if there is a scanner."""
    if parts_of(session).get(VirusScanner).present:
        defer(session, job, **arguments)


def check(session: Session, subject_id: UUID) -> None:
    """Raise `FileNotScanned` for what nobody may read yet, `FileInfected` for what nobody will."""
    if not check_infected(session, subject_id) and parts_of(session).get(VirusScanner).present:
        raise FileNotScanned


def check_infected(session: Session, subject_id: UUID) -> bool:
    """Raise `FileInfected` for what nobody will read; return whether it was looked at."""
    found = scans.of_file(session, subject_id)
    if found is not None and found.virus is not None:
        raise FileInfected(extra={"virus": found.virus})
    return found is not None


def state_of(scanner: VirusScanner, *, looked_at: bool, virus: str | None) -> ScanState:
    """Return what is known of a file."""
    if not looked_at:
        return ScanState.WAITING if scanner.present else ScanState.NOT_SCANNED
    return ScanState.CLEAN if virus is None else ScanState.INFECTED


def look(job: JobContext, object_key: str, sealed_key: bytes) -> Finding | None:
    """Open a sealed file and have the scanner look at it, if there is one; outside any transaction."""
    store, vault = job.parts.get(ObjectStore), job.parts.get(DocumentVault)
    content = files.unsealed(store, vault, object_key, sealed_key)
    return scanning.look(job.parts.get(VirusScanner), content)


def note(session: Session, subject_id: UUID, finding: Finding, now: datetime) -> bool:
    """Keep what the scanner said; False if that is kept already."""
    row = insert(FileScan).values(
        subject_id=subject_id, virus=finding.virus, engine=finding.engine, scanned_at=now
    )
    made = session.execute(row.on_conflict_do_nothing().returning(FileScan.subject_id))
    return made.first() is not None


def note_of_document(session: Session, version_id: UUID, finding: Finding, now: datetime) -> None:
    """Keep what was said of a document's version; with a virus, its key goes and it is rejected."""
    if not note(session, version_id, finding, now) or finding.virus is None:
        return
    version = queries.version_by_id(session, version_id)
    document = queries.find(session, version.document_id, lock=True)
    content = queries.content(session, version_id)
    if content is not None:
        session.execute(delete(DocumentContent).where(DocumentContent.version_id == version_id))
        defer(session, FORGET, keys=[content.object_key])
    made = queries.decisions_on(session, [version_id]).get(version_id, [])
    decision = DocumentDecision(
        id=new_id(),
        version_id=version_id,
        site_id=None,
        number=sum(one.site_id is None for one in made) + 1,
        decision="rejected",
        reason=f"A virus was found in the file ({finding.virus}). It was removed.",
        facts=version.facts,
        decided_by=None,
        decided_at=now,
    )
    session.add(decision)
    if document.version == version.number:
        document.waiting_since = None
    session.flush()
    record(
        session,
        actor_id=None,
        action="document.infected",
        subject_kind="document",
        subject_id=document.id,
        detail={"version": version.number, "virus": finding.virus, "engine": finding.engine},
        now=now,
    )
    for release in queries.open_releases(session, document.id, now):
        publish(session, DocumentsChanged(release.site_id, release.reference, "rejected", now))
    notices.decided(session, document, version, decision, now)
