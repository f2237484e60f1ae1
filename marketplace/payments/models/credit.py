"""Credit that trainees have with us, and everything that happened to it.

A grant's `left_minor` is changed by its movements alone: the database adds them up, keeps it
between nothing and what was granted, and refuses any other hand. Movements are append-only.
"""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    FetchedValue,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, created_at, money_column, pk
from marketplace.core.money import Money
from marketplace.payments.models.paying import one_of
from marketplace.payments.rules.credit import ADDS, GrantReason, MoveKind, UseState


class CreditGrant(Base):
    """Credit of one account in one currency, for a reason, until a time or for ever.

    `payable_kind` and `payable_id` name what was paid for before, `refund_id` the refund that it
    is, `from_grant_id` the grant of whoever handed it on.
    """

    __tablename__ = "credit_grant"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("left_minor BETWEEN 0 AND amount_minor", name="left"),
        CheckConstraint(one_of("reason", [one.value for one in GrantReason]), name="reason"),
        CheckConstraint("(payable_kind IS NULL) = (payable_id IS NULL)", name="payable"),
        UniqueConstraint("refund_id"),
        Index(
            "ix_credit_grant_account_id",
            "account_id",
            "amount_currency",
            postgresql_where=text("left_minor > 0"),
        ),
        Index("ix_credit_grant_owner", "account_id", "id"),
        Index(
            "ix_credit_grant_expires_at",
            "expires_at",
            postgresql_where=text("left_minor > 0 AND expires_at IS NOT NULL"),
        ),
        Index("ix_credit_grant_payable_id", "payable_kind", "payable_id"),
        Index("ix_credit_grant_from_grant_id", "from_grant_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    amount: Mapped[Money] = money_column("amount")
    left_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    reason: Mapped[str]
    note: Mapped[str]
    payable_kind: Mapped[str | None]
    payable_id: Mapped[uuid.UUID | None]
    refund_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("refund.id"))
    from_grant_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("credit_grant.id"))
    # The operator who gave it; none where the terms of a booking did.
    granted_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    granted_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    transferable: Mapped[bool]
    # The expiry that its owner was reminded of: a later one is told of anew.
    reminded_of: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_at()

    @property
    def left(self) -> Money:
        return Money(self.left_minor, self.amount.currency)


class CreditUse(Base):
    """Credit set aside to pay for something, alone or beside a card; and what it became.

    `payment_id` is the card's payment that it waits for, `credit_payment_id` the payment that it
    made once it was used. `lines` are what it pays for, as the payment will have them.
    """

    __tablename__ = "credit_use"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint(one_of("state", [one.value for one in UseState]), name="state"),
        CheckConstraint("(state = 'used') = (credit_payment_id IS NOT NULL)", name="used"),
        UniqueConstraint("payment_id"),
        UniqueConstraint("credit_payment_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    amount: Mapped[Money] = money_column("amount")
    lines: Mapped[list[Any]] = mapped_column(JSONB)
    payment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payment.id"))
    credit_payment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payment.id"))
    state: Mapped[str]
    begun_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_at()


class CreditMovement(Base):
    """One change of what is left of a grant; `amount` is negative where it takes away.

    `left_minor`, what was left after it, is set by the database.
    """

    __tablename__ = "credit_movement"
    __table_args__ = (
        CheckConstraint(one_of("kind", [one.value for one in MoveKind]), name="kind"),
        CheckConstraint(
            f"amount_minor <> 0 AND (amount_minor > 0) = ({one_of('kind', list(ADDS))})",
            name="amount",
        ),
        CheckConstraint("(use_id IS NOT NULL) = (kind IN ('used', 'returned'))", name="use"),
        CheckConstraint("kind <> 'revoked' OR actor_id IS NOT NULL", name="revoked"),
        Index("ix_credit_movement_grant_id", "grant_id", "id"),
        Index("ix_credit_movement_use_id", "use_id"),
        Index("ix_credit_movement_refund_id", "refund_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    grant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("credit_grant.id"))
    kind: Mapped[str]
    amount: Mapped[Money] = money_column("amount")
    left_minor: Mapped[int] = mapped_column(BigInteger, server_default=FetchedValue())
    use_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("credit_use.id"))
    refund_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("refund.id"))
    reason: Mapped[str]
    actor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    at: Mapped[datetime]
    created_at: Mapped[datetime] = created_at()

    @property
    def left(self) -> Money:
        return Money(self.left_minor, self.amount.currency)
