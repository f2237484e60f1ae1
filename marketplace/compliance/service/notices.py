"""What reviewers and holders are told about documents, in the transaction of what happened."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from marketplace.catalog import queries as catalog
from marketplace.compliance.models import Document, DocumentDecision, DocumentVersion
from marketplace.compliance.queries import documents as queries
from marketplace.compliance.rules.kinds import TITLES
from marketplace.core.db import Session
from marketplace.identity import queries as identity
from marketplace.identity.rules import Role
from marketplace.identity.service.notices import notify

REVIEWERS = (Role.COORDINATOR, Role.SITE_OWNER)


def uploaded(session: Session, document: Document, now: datetime) -> None:
    """Tell the sites that may read the document of its newer version."""
    for release in queries.open_releases(session, document.id, now):
        to_review(session, release.site_id, document.holder_id, [document.kind], now)


def to_review(
    session: Session, site_id: UUID, holder_id: UUID, kinds: Collection[str], now: datetime
) -> None:
    """Tell the site's reviewers what there is to look at: one notice each, however many."""
    holder = identity.contact(session, holder_id)
    site_name = _site_name(session, site_id)
    counted = Counter(kinds)
    named = [TITLES[kind] + (f" (×{n})" if n > 1 else "") for kind, n in counted.items()]
    for person in identity.site_contacts(session, site_id, *REVIEWERS):
        notify(
            session,
            person.account_id,
            "documents_to_review",
            {
                "trainee_name": holder.name if holder else "",
                "site_name": site_name,
                "site_id": str(site_id),
                "documents": ", ".join(named),
            },
            now=now,
        )


def decided(
    session: Session,
    document: Document,
    version: DocumentVersion,
    decision: DocumentDecision,
    now: datetime,
) -> None:
    """Tell the holder what was decided, by whom it counts, and why."""
    site_name = _site_name(session, decision.site_id) if decision.site_id else None
    notify(
        session,
        document.holder_id,
        "document_decided",
        {
            "document": TITLES[document.kind],
            "filename": version.filename,
            "document_id": str(document.id),
            "accepted": decision.decision == "accepted",
            "reason": decision.reason,
            "site_name": site_name,
        },
        now=now,
    )


def expires(session: Session, document: Document, now: datetime) -> None:
    """Tell the holder that a document expires soon."""
    notify(
        session,
        document.holder_id,
        "document_expires",
        {
            "document": TITLES[document.kind],
            "document_id": str(document.id),
            "expires_on": document.expires_on.isoformat() if document.expires_on else None,
        },
        now=now,
    )


def _site_name(session: Session, site_id: UUID) -> str:
    return catalog.site_facts(session, [site_id])[site_id].name
