"""What identity tells those above it, in the transaction that makes it true."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
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


@dataclass(frozen=True)
class SitePeopleChanged(Event):
    """Who works for a site has changed, or may soon: `what` is `invited`, `withdrawn`, `refused`,
    `added`, `changed` or `removed`; `role` the one that it is about.
    """

    site_id: UUID
    what: str
    at: datetime
    actor_id: UUID | None = None
    role: str | None = None
    account_id: UUID | None = None
    invitation_id: UUID | None = None


@dataclass(frozen=True)
class Impersonated(Event):
    """An operator sees the pages as an account does: `what` is `begun`, `seen`, `refused`, `ended`.

    `detail` names the page by its pattern, and the ids in its address.
    """

    impersonation_id: UUID
    operator_id: UUID
    account_id: UUID
    what: str
    at: datetime
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MailCameBack(Event):
    """A notice did not reach its account at `address`: a server gave it up, now or at once.

    `template` and `data` are what it was about.
    """

    notice_id: UUID
    account_id: UUID
    address: str
    template: str
    data: Mapping[str, Any]
    at: datetime
