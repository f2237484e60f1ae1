"""What identity tells those above it, in the transaction that makes it true."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from marketplace.core.events import Event


@dataclass(frozen=True)
class CoordinatorsChanged(Event):
    """Who acts for a school has changed, or may soon: `what` is `added`, `removed`, `invited`,
    `invitation_refused` or `invitation_withdrawn`.

    `actor_id` is empty where no account did it: a command, or somebody by a mailed link.
    """

    school_id: UUID
    what: str
    at: datetime
    actor_id: UUID | None = None
    account_id: UUID | None = None
    invitation_id: UUID | None = None
