"""What about money waits for an operator: how much of each, and one of each."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.payments.models import Dispute, Quarantine
from marketplace.payments.states import DisputeState


@dataclass(frozen=True)
class Waiting:
    """How many disputes are open, and how many things are set aside."""

    disputes: int
    quarantined: int


def waiting(session: Session) -> Waiting:
    """Count what waits; one query."""
    disputes = select(func.count()).where(Dispute.state == DisputeState.OPEN)
    aside = select(func.count()).where(Quarantine.resolved_at.is_(None))
    row = session.execute(select(disputes.scalar_subquery(), aside.scalar_subquery())).one()
    return Waiting(*row)


def quarantined(session: Session, quarantine_id: UUID) -> Quarantine:
    """Something that is set aside; `NotFound`."""
    found = session.get(Quarantine, quarantine_id)
    if found is None:
        raise NotFound
    return found
