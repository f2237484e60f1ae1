"""What compliance tells those above it, in the transaction that makes it true."""

from dataclasses import dataclass, field
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
class ConsentDecided(Event):
    """A person has given or withdrawn a consent; `purpose` is a word of `rules.Purpose`."""

    account_id: UUID
    purpose: str
    given: bool
    at: datetime


@dataclass(frozen=True)
class DocumentsChanged(Event):
    """What a site may read for a reference has changed: `released`, `taken_back`, `accepted`,
    `rejected`, or what it asks for was `waived`. What is ended because the reference is over, or runs
    out by its date, is told to nobody.
    """

    site_id: UUID
    reference: UUID
    cause: str
    at: datetime


@dataclass(frozen=True)
class AlsoErased:
    """What a package above has erased of a person's: how many, and how many it keeps for now."""

    what: str
    erased: int
    kept: int


@dataclass(frozen=True)
class ErasureAsked(Event):
    """A person's files are being erased; whoever keeps others erases them too, and adds to `also`.

    `in_use`: what a booking that is under way needs, too.
    """

    holder_id: UUID
    actor_id: UUID
    in_use: bool
    reason: str | None
    at: datetime
    also: list[AlsoErased] = field(default_factory=list)
