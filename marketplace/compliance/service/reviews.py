"""Decisions on documents: by a site for itself, by an operator for all, each kept for good.

Of two who decide at once one wins and the other is told who. A decision is corrected by a later
one, made by somebody who has seen the earlier.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from marketplace.compliance.errors import (
    DecidedAlready,
    DocumentGone,
    DocumentReasonNeeded,
    NewerVersion,
)
from marketplace.compliance.events import DocumentsChanged
from marketplace.compliance.models import Document, DocumentDecision, DocumentVersion
from marketplace.compliance.queries import documents as queries
from marketplace.compliance.rules.validity import Facts, facts_from_json, facts_to_json
from marketplace.compliance.service import notices, scanning
from marketplace.compliance.service.records import record
from marketplace.compliance.service.uploads import check_facts
from marketplace.core.db import Session
from marketplace.core.events import publish
from marketplace.core.ids import new_id
from marketplace.identity import queries as identity


@dataclass(frozen=True)
class Verdict:
    """`accepted` or `rejected`, on a version, by one who saw `seen` decisions of their side on it.

    `facts` are as the reviewer reads them; None confirms those that the holder gave.
    """

    decision: str
    version: int
    seen: int = 0
    reason: str = ""
    facts: Facts | None = None


def decide(
    session: Session,
    document_id: UUID,
    verdict: Verdict,
    *,
    site_id: UUID | None,
    actor_id: UUID,
    now: datetime,
) -> DocumentVersion:
    """Decide on the newest version; without a site for every site that hasn't by itself.

    Not before the virus scanner has looked at it, nor where it has found something.
    """
    if verdict.decision == "rejected" and not verdict.reason:
        raise DocumentReasonNeeded(fields={"reason": ["Say why: the trainee reads it."]})
    if verdict.facts is not None:
        check_facts(verdict.facts, now)
    document = queries.find(session, document_id, lock=True)
    if document.deleted_at is not None:
        raise DocumentGone
    if document.version != verdict.version:
        raise NewerVersion(extra={"version": document.version})
    version = queries.version(session, document_id, verdict.version)
    scanning.check(session, version.id)
    facts = verdict.facts or facts_from_json(version.facts)
    decision = DocumentDecision(
        id=new_id(),
        version_id=version.id,
        site_id=site_id,
        number=verdict.seen + 1,
        decision=verdict.decision,
        reason=verdict.reason,
        facts=facts_to_json(facts),
        decided_by=actor_id,
        decided_at=now,
    )
    _add(session, decision)
    document.waiting_since = None
    if verdict.decision == "accepted":
        document.expires_on = facts.expires_on
    session.flush()
    _tell(session, document, version, decision, now)
    return version


def _add(session: Session, decision: DocumentDecision) -> None:
    """Insert, or say who was faster; the unique index decides, and waits for whoever is at it."""
    values = {
        column.key: getattr(decision, column.key) for column in DocumentDecision.__table__.columns
    }
    added = session.execute(
        insert(DocumentDecision)
        .values(values)
        .on_conflict_do_nothing()
        .returning(DocumentDecision.id)
    ).first()
    if added is not None:
        return
    made = queries.decisions_on(session, [decision.version_id])[decision.version_id]
    last = [one for one in made if one.site_id == decision.site_id][-1]
    person = identity.contact(session, last.decided_by) if last.decided_by else None
    name = person.name if person else None
    raise DecidedAlready(
        f"{name or 'Somebody'} {last.decision} it at {last.decided_at:%Y-%m-%d %H:%M} UTC.",
        extra={
            "decision": last.decision,
            "decided_by": name,
            "decided_at": last.decided_at.isoformat(),
            "reason": last.reason,
            "seen": last.number,
        },
    )


def _tell(
    session: Session,
    document: Document,
    version: DocumentVersion,
    decision: DocumentDecision,
    now: datetime,
) -> None:
    record(
        session,
        actor_id=decision.decided_by,
        action=f"document.{decision.decision}",
        subject_kind="document",
        subject_id=document.id,
        detail={
            "version": version.number,
            "site_id": str(decision.site_id) if decision.site_id else None,
            "number": decision.number,
        },
        now=now,
    )
    for release in queries.open_releases(session, document.id, now):
        if decision.site_id in {None, release.site_id}:
            cause = decision.decision
            publish(session, DocumentsChanged(release.site_id, release.reference, cause, now))
    notices.decided(session, document, version, decision, now)
