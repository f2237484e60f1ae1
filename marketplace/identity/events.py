"""What identity tells those above it, in the transaction that makes it true."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
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
class AccountChanged(Event):
    """Something was done to an account: `what` is `role_given`, `role_ended`, `closed` or `reopened`
    by an operator, or `address_changed` by its owner; `reason` says why, `detail` which role, and where.
    """

    account_id: UUID
    actor_id: UUID
    what: str
    reason: str
    at: datetime
    detail: Mapping[str, str] = field(default_factory=dict)


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


@dataclass(frozen=True)
class ErasureHindrance:
    """What has to end before an account is erased; `kind` is `role` or `booking`."""

    kind: str
    reference: str
    title: str
    state: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class ErasureConsidered(Event):
    """An account may be erased; whoever keeps something open of it adds it to `hindrances`."""

    account_id: UUID
    at: datetime
    hindrances: list[ErasureHindrance] = field(default_factory=list)


@dataclass(frozen=True)
class ErasureDecided(Event):
    """An erasure was `asked` for, `stopped`, or has `begun`: the account is closed."""

    account_id: UUID
    actor_id: UUID | None
    what: str
    at: datetime


@dataclass(frozen=True)
class AccountErasing(Event):
    """A step of an erasure is being done (`rules.ErasureStep`): who keeps of it what the step is
    about lets it go, in this transaction. Twice is once.
    """

    account_id: UUID
    step: str
    at: datetime
