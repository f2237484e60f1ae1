"""Fee contracts: set for days to come or past, replaced, never changed; two never count on one day."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from marketplace.core.db import Session
from marketplace.payments.errors import ContractReplaced
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


def set_contract(
    session: Session, site_id: UUID, terms: Terms, *, set_by: UUID, now: datetime
) -> FeeContract:
    """Set a contract; `ContractsOverlap` if another of the site counts on one of its days."""
    return _add(session, site_id, terms, set_by, now, replaces=None)


def replace_contract(
    session: Session, contract_id: UUID, terms: Terms | None, *, set_by: UUID, now: datetime
) -> FeeContract | None:
    """Put another in the place of a contract, or nothing; both stay readable.

    What was earned under it stays as it was. `ContractReplaced` if that was done before.
    """
    row = hosts.contract(session, contract_id)
    if row.replaced_at is not None:
        raise ContractReplaced
    row.replaced_at, row.replaced_by = now, set_by
    session.flush()
    if terms is None:
        return None
    return _add(session, row.site_id, terms, set_by, now, replaces=row.id)


def _add(
    session: Session,
    site_id: UUID,
    terms: Terms,
    set_by: UUID,
    now: datetime,
    replaces: UUID | None,
) -> FeeContract:
    row = FeeContract(
        site_id=site_id,
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
        host_fee_bp=terms.host_fee_bp,
        losses_borne_by=terms.losses_borne_by,
        note=terms.note,
        set_by=set_by,
        set_at=now,
        replaces_id=replaces,
    )
    session.add(row)
    session.flush()
    return row
