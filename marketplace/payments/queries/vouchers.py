"""Selects of codes that lower prices: what they are called, and who has used one."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from marketplace.core.db import Session
from marketplace.payments.models import VoucherCode, VoucherUse
from marketplace.web.pagination import Page, paginate


def names(session: Session, code_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return what is typed to use each of the codes."""
    query = select(VoucherCode.id, VoucherCode.code).where(VoucherCode.id.in_(code_ids))
    return {row.id: row.code for row in session.execute(query)}


def uses(session: Session, code_id: UUID, *, limit: int, cursor: str | None) -> Page[VoucherUse]:
    """Return the uses of a code, newest first, those that were given back too."""
    return paginate(
        session,
        select(VoucherUse).where(VoucherUse.code_id == code_id),
        key=[VoucherUse.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )
