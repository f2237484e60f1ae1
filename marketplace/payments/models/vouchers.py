"""Codes that lower a price, made by operators, and who used them."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, created_at, pk
from marketplace.core.money import Money


class VoucherCode(Base):
    """A percentage or an amount off, from a time to another, so many times in all and by each.

    `uses` counts those that were not given back: its constraint is what refuses one too many.
    `listing_ids` and `site_ids` name where it is good; both empty: everywhere.
    """

    __tablename__ = "voucher_code"
    __table_args__ = (
        UniqueConstraint("code"),
        CheckConstraint("code = upper(code)", name="code"),
        CheckConstraint("num_nonnulls(basis_points, amount_minor) = 1", name="value"),
        CheckConstraint("basis_points BETWEEN 1 AND 10000", name="basis_points"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("amount_minor IS NULL OR currency IS NOT NULL", name="currency"),
        CheckConstraint("valid_until > valid_from", name="valid"),
        CheckConstraint("uses >= 0 AND (max_uses IS NULL OR uses <= max_uses)", name="uses"),
        CheckConstraint("max_uses >= 1", name="max_uses"),
        CheckConstraint("max_uses_each >= 1", name="max_uses_each"),
    )

    id: Mapped[uuid.UUID] = pk()
    code: Mapped[str]
    description: Mapped[str]
    basis_points: Mapped[int | None] = mapped_column(SmallInteger)
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    # Of the amount; with a percentage, the one currency that it is good for, if any.
    currency: Mapped[str | None] = mapped_column(CHAR(3))
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime]
    max_uses: Mapped[int | None]
    max_uses_each: Mapped[int | None]
    uses: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    listing_ids: Mapped[list[Any]] = mapped_column(JSONB)
    site_ids: Mapped[list[Any]] = mapped_column(JSONB)
    made_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    made_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_at()

    @property
    def amount(self) -> Money | None:
        if self.amount_minor is None or self.currency is None:
            return None
        return Money(self.amount_minor, self.currency)


class VoucherUse(Base):
    """One use of a code for something that is paid; given back if it is not paid after all.

    `shares` are the minor units that it takes off, by the id of each thing that is paid for.
    """

    __tablename__ = "voucher_use"
    __table_args__ = (
        Index("ix_voucher_use_code_id", "code_id", "account_id"),
        CheckConstraint("discount_minor > 0", name="discount"),
    )

    id: Mapped[uuid.UUID] = pk()
    code_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("voucher_code.id"))
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    payable_kind: Mapped[str]
    payable_id: Mapped[uuid.UUID]
    discount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(CHAR(3))
    shares: Mapped[dict[str, Any]] = mapped_column(JSONB)
    claimed_at: Mapped[datetime]
    released_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_at()
