"""What compliance tells those above it, in the transaction that makes it true."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from marketplace.core.events import Event


@dataclass(frozen=True)
class AgreementInForce(Event):
    """A school and a site have an agreement from its first to its last day."""

    agreement_id: UUID
    school_id: UUID
    site_id: UUID
    starts_on: date
    ends_on: date
    at: datetime


@dataclass(frozen=True)
class DocumentsChanged(Event):
    """What a site may read for a reference has changed: `released`, `taken_back`, `accepted`,
    `rejected`. What is ended because the reference is over is told to nobody.
    """

    site_id: UUID
    reference: UUID
    cause: str
    at: datetime
