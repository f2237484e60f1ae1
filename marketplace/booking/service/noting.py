"""What operators do by hand with credit and codes, noted in the audit trail."""

from marketplace.compliance import service as compliance
from marketplace.core.db import Session
from marketplace.payments.events import DoneByHand


def done_by_hand(session: Session, event: DoneByHand) -> None:
    """Note who did it and why, in the transaction that does it."""
    compliance.record(
        session,
        actor_id=event.actor_id,
        action=event.action,
        subject_kind=event.subject_kind,
        subject_id=event.subject_id,
        detail=event.detail,
        now=event.at,
    )
