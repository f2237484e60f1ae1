"""Selects on who sees the pages as somebody else."""

import uuid
from datetime import datetime

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import InstrumentedAttribute

from marketplace.core.db import Session
from marketplace.identity.models import Account, Impersonation, Membership
from marketplace.identity.rules import Role


def live(
    session: Session, impersonation_id: uuid.UUID, operator_id: uuid.UUID, now: datetime
) -> tuple[Impersonation, Account] | None:
    """Return an operator's impersonation that lasts, with the account; asked at each request.

    None once it is over, once either has become or is no more an operator, and for a closed account.
    """
    found = session.execute(
        select(Impersonation, Account)
        .join(Account, Account.id == Impersonation.account_id)
        .where(
            Impersonation.id == impersonation_id,
            Impersonation.operator_id == operator_id,
            Impersonation.ended_at.is_(None),
            Impersonation.ends_at > now,
            Account.active,
            _operates(Impersonation.operator_id),
            ~_operates(Impersonation.account_id),
        )
    ).one_or_none()
    return None if found is None else (found[0], found[1])


def of_operator(
    session: Session, impersonation_id: uuid.UUID, operator_id: uuid.UUID
) -> Impersonation | None:
    """Return an operator's own impersonation, held."""
    return session.execute(
        select(Impersonation)
        .where(Impersonation.id == impersonation_id, Impersonation.operator_id == operator_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()


def _operates(account_id: InstrumentedAttribute[uuid.UUID]) -> ColumnElement[bool]:
    return (
        exists()
        .where(
            Membership.account_id == account_id,
            Membership.role == Role.OPERATOR.value,
            Membership.revoked_at.is_(None),
        )
        .correlate(Impersonation)
    )
