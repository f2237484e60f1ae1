"""Credit notes: what takes back an invoice or a receipt, or a part of it."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, created_at, money_column, pk
from marketplace.core.money import Money


class CreditNote(Base):
    """One for each refund that was granted, and for each invoice that became void.

    `content` is everything that is printed on it, frozen when its number was given; the number is
    without gaps by legal entity.
    """

    __tablename__ = "credit_note"
    __table_args__ = (
        UniqueConstraint("legal_entity", "number"),
        UniqueConstraint("refund_id"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("(refund_id IS NULL) = (payment_id IS NULL)", name="payment"),
        CheckConstraint("refund_id IS NOT NULL OR invoice_id IS NOT NULL", name="subject"),
        Index(
            "uq_credit_note_void",
            "invoice_id",
            unique=True,
            postgresql_where=text("refund_id IS NULL"),
        ),
        Index("ix_credit_note_invoice_id", "invoice_id"),
        Index("ix_credit_note_payment_id", "payment_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    legal_entity: Mapped[str]
    number: Mapped[int] = mapped_column(BigInteger)
    payment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payment.id"))
    refund_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("refund.id"))
    invoice_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("invoice.id"))
    amount: Mapped[Money] = money_column("amount")
    issued_at: Mapped[datetime]
    content: Mapped[dict[str, Any]]
    object_key: Mapped[str]
    stored_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_at()
