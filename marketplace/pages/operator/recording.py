"""What is done at the desk is written into the audit trail, in the transaction that does it."""

from typing import Any
from uuid import UUID

from marketplace.compliance import service as compliance
from marketplace.identity.access import current_account
from marketplace.web import context


def record(action: str, kind: str, subject_id: UUID, **detail: Any) -> None:
    """Note that the reader did this to the subject, with what else there is to say of it."""
    compliance.record(
        context.session(),
        actor_id=current_account().id,
        action=action,
        subject_kind=kind,
        subject_id=subject_id,
        detail=detail,
        now=context.now(),
    )
