"""Writing to the audit trail, and giving and withdrawing consents."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marketplace.compliance.events import ConsentDecided
from marketplace.compliance.models import AuditEntry, Consent
from marketplace.compliance.queries import records as queries
from marketplace.compliance.rules import Purpose
from marketplace.core.db import Session
from marketplace.core.events import publish


def record(
    session: Session,
    *,
    actor_id: uuid.UUID | None,
    action: str,
    subject_kind: str,
    subject_id: uuid.UUID,
    detail: Mapping[str, Any] | None = None,
    now: datetime,
) -> None:
    """Write down that `actor_id` did `action` (`letter.read`) to the subject; it stays for good.

    `detail` holds JSON values: ids and codes, never content or secrets.
    """
    note(
        session,
        actor_id=actor_id,
        action=action,
        subject_kind=subject_kind,
        subject_id=subject_id,
        detail=detail,
        now=now,
    )
    session.flush()


def note(
    session: Session,
    *,
    actor_id: uuid.UUID | None,
    action: str,
    subject_kind: str,
    subject_id: uuid.UUID,
    detail: Mapping[str, Any] | None = None,
    now: datetime,
) -> None:
    """As `record`, written with whatever else the caller's transaction has to write."""
    session.add(
        AuditEntry(
            at=now,
            actor_id=actor_id,
            action=action,
            subject_kind=subject_kind,
            subject_id=subject_id,
            detail=dict(detail or {}),
        )
    )


def decide(
    session: Session,
    account_id: uuid.UUID,
    purpose: Purpose,
    *,
    given: bool,
    wording: str,
    now: datetime,
    told: bool = True,
) -> Consent:
    """Give or withdraw a consent; saying again what counts already adds nothing.

    `wording` is the version of the words that the person read. Of two that decide at once one
    gets `ConsentChanged`. `told` is false where the caller is who would be told.
    """
    last = queries.last_consent(session, account_id, purpose)
    if last is not None and last.given == given and last.wording == wording:
        return last
    consent = Consent(
        account_id=account_id,
        purpose=purpose.value,
        number=1 if last is None else last.number + 1,
        given=given,
        wording=wording,
        at=now,
    )
    session.add(consent)
    session.flush()
    if told:
        publish(session, ConsentDecided(account_id, purpose.value, given, now))
    return consent
