"""Refunds and the log of their states."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, created_at, money_column, pk
from marketplace.core.money import Money
from marketplace.payments.models.paying import one_of
from marketplace.payments.rules import Split
from marketplace.payments.rules.credit import Means
from marketplace.payments.states import RefundState


class Refund(Base):
    """Money that goes back. The row, and the debt in the books, come before any call to Stripe.

    One that failed may be sent again as a new row that `replaces` it: the debt is the same one.
    """

    __tablename__ = "refund"
    __table_args__ = (
        CheckConstraint(one_of("state", [state.value for state in RefundState]), name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint(one_of("means", list(Means)), name="means"),
        CheckConstraint(
            "host_minor >= 0 AND platform_minor >= 0"
            " AND host_minor + platform_minor = amount_minor",
            name="split",
        ),
        UniqueConstraint("processor_refund"),
        UniqueConstraint("replaces_id"),
        Index("ix_refund_payment_id", "payment_id"),
        Index(
            "ix_refund_paid_by_dispute_id",
            "paid_by_dispute_id",
            postgresql_where=text("paid_by_dispute_id IS NOT NULL"),
        ),
        Index("ix_refund_poll", "next_look_at", postgresql_where=text("next_look_at IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = pk()
    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payment.id"))
    # The id of the part that gives back, where the payment has parts.
    part_id: Mapped[uuid.UUID | None]
    amount: Mapped[Money] = money_column("amount")
    host_minor: Mapped[int] = mapped_column(BigInteger)
    platform_minor: Mapped[int] = mapped_column(BigInteger)
    means: Mapped[str] = mapped_column(default=Means.CARD.value, server_default=text("'card'"))
    reason: Mapped[str]
    requested_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    replaces_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("refund.id"))
    # The lost dispute by which the payer has it instead.
    paid_by_dispute_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("dispute.id"))
    # The terms of credit that waits for the end of a dispute: the bank may pay it back itself.
    credit_terms: Mapped[dict[str, Any] | None]
    state: Mapped[str]
    requested_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    processor_refund: Mapped[str | None]
    failure: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    next_look_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_at()

    @property
    def split(self) -> Split:
        currency = self.amount.currency
        return Split(Money(self.host_minor, currency), Money(self.platform_minor, currency))


class RefundTransition(Base):
    """One change of a refund's state: append-only."""

    __tablename__ = "refund_transition"
    __table_args__ = (Index("ix_refund_transition_refund_id", "refund_id"),)

    id: Mapped[uuid.UUID] = pk()
    refund_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("refund.id"))
    before: Mapped[str | None]
    after: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]
    created_at: Mapped[datetime] = created_at()
