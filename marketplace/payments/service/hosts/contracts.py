"""Fee contracts: set for days to come or past, replaced, never changed; two never count on one day."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from marketplace.catalog.queries import sites
from marketplace.core.db import Session
from marketplace.payments.errors import ContractDatesRefused, ContractReplaced, ContractsOverlap
from marketplace.payments.models import FeeContract
from marketplace.payments.queries import hosts
from marketplace.payments.rules.shares import Bearer


@dataclass(frozen=True, slots=True)
class Terms:
    """What a contract says; `valid_until` is the first day on which it no longer counts."""

    valid_from: date
    valid_until: date | None
    host_fee_bp: int
    losses_borne_by: Bearer
    note: str
    platform_fee_bp: int | None = None


def set_contract(
    session: Session, site_id: UUID, terms: Terms, *, set_by: UUID, now: datetime
) -> FeeContract:
    """Set a contract; `ContractsOverlap` if another of the site counts on one of its days.

    `SiteNotFound` if there is no such site.
    """
    sites.site(session, site_id)
    return _add(session, site_id, terms, set_by, now, replaces=None)


def replace(
    session: Session, contract_id: UUID, terms: Terms, *, set_by: UUID, now: datetime
) -> FeeContract:
    """Put another in the place of a contract; both stay readable.

    What was earned under it stays as it was. `ContractReplaced` if that was done before, and
    `ContractsOverlap` as for a new one.
    """
    row = _end(session, contract_id, set_by, now)
    return _add(session, row.site_id, terms, set_by, now, replaces=row.id)


def end_on(
    session: Session, contract_id: UUID, day: date, *, note: str, set_by: UUID, now: datetime
) -> FeeContract:
    """Let a contract count until before a day: the same terms, to that end.

    `ContractDatesRefused` for a day that is not within it.
    """
    row = hosts.contract(session, contract_id)
    if day <= row.valid_from or (row.valid_until is not None and day >= row.valid_until):
        last = "" if row.valid_until is None else f" and before {row.valid_until}"
        raise ContractDatesRefused(
            fields={"ends_on": [f"Expected a day after {row.valid_from}{last}."]}
        )
    terms = Terms(
        valid_from=row.valid_from,
        valid_until=day,
        host_fee_bp=row.host_fee_bp,
        losses_borne_by=Bearer(row.losses_borne_by),
        note=note,
        platform_fee_bp=row.platform_fee_bp,
    )
    return replace(session, contract_id, terms, set_by=set_by, now=now)


def withdraw(session: Session, contract_id: UUID, *, by: UUID, now: datetime) -> None:
    """Let a contract count no more, with nothing in its place."""
    _end(session, contract_id, by, now)


def _end(session: Session, contract_id: UUID, by: UUID, now: datetime) -> FeeContract:
    row = hosts.contract(session, contract_id)
    if row.replaced_at is not None:
        raise ContractReplaced
    row.replaced_at, row.replaced_by = now, by
    session.flush()
    return row


def _add(
    session: Session,
    site_id: UUID,
    terms: Terms,
    set_by: UUID,
    now: datetime,
    replaces: UUID | None,
) -> FeeContract:
    if terms.valid_until is not None and terms.valid_until <= terms.valid_from:
        raise ContractDatesRefused(
            fields={"valid_until": ["It is after valid_from: the first day that no longer counts."]}
        )
    other = hosts.contract_within(session, site_id, terms.valid_from, terms.valid_until)
    if other is not None:
        until = "on" if other.valid_until is None else f"to before {other.valid_until}"
        raise ContractsOverlap(
            f"Another counts from {other.valid_from} {until}: "
            "replace or withdraw that one, or choose other days.",
            extra={"contract": str(other.id)},
        )
    row = FeeContract(
        site_id=site_id,
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
        host_fee_bp=terms.host_fee_bp,
        platform_fee_bp=terms.platform_fee_bp,
        losses_borne_by=terms.losses_borne_by,
        note=terms.note,
        set_by=set_by,
        set_at=now,
        replaces_id=replaces,
    )
    session.add(row)
    session.flush()
    return row
