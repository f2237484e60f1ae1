"""Invoices: what is asked of an organisation, by when; frozen when their number was given."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, money_column, pk
from marketplace.core.money import Money
from marketplace.payments.events import Payable
from marketplace.payments.models.paying import one_of
from marketplace.payments.rules import Earner, PriceLine
from marketplace.payments.states import OPEN_INVOICE, InvoiceState


class Invoice(Base):
    """An amount asked of a school for one thing, with a number without gaps by legal entity.

    `content` is everything that is printed on it. Of a thing one invoice is open at a time; one
    that is void keeps its number.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("legal_entity", "number"),
        CheckConstraint(one_of("state", [state.value for state in InvoiceState]), name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("due_on >= issued_on", name="due_on"),
        CheckConstraint("(state = 'paid') = (payment_id IS NOT NULL)", name="paid"),
        CheckConstraint("version >= 1", name="version"),
        Index(
            "uq_invoice_open",
            "payable_kind",
            "payable_id",
            unique=True,
            postgresql_where=text(one_of("state", sorted(OPEN_INVOICE))),
        ),
        Index("ix_invoice_school_id", "school_id", "id"),
        Index("ix_invoice_payment_id", "payment_id"),
        Index("ix_invoice_due_on", "due_on", postgresql_where=text("state = 'open'")),
    )

    id: Mapped[uuid.UUID] = pk()
    legal_entity: Mapped[str]
    number: Mapped[int] = mapped_column(BigInteger)
    payable_kind: Mapped[str]
    payable_id: Mapped[uuid.UUID]
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"))
    asked_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    state: Mapped[str]
    version: Mapped[int]
    amount: Mapped[Money] = money_column("amount")
    description: Mapped[str]
    issued_on: Mapped[date]
    due_on: Mapped[date]
    content: Mapped[dict[str, Any]]
    # The payment that paid it.
    payment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payment.id"))
    object_key: Mapped[str | None]
    issued_at: Mapped[datetime]

    @property
    def payable(self) -> Payable:
        return Payable(self.payable_kind, self.payable_id)


class InvoiceLine(Base):
    """One line of an invoice and the thing that it pays for: never changed."""

    __tablename__ = "invoice_line"
    __table_args__ = (
        CheckConstraint("place >= 1", name="place"),
        CheckConstraint(one_of("earner", [earner.value for earner in Earner]), name="earner"),
        Index("ix_invoice_line_site_id", "site_id"),
    )

    invoice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("invoice.id"), primary_key=True)
    place: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    part_kind: Mapped[str]
    part_id: Mapped[uuid.UUID]
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    kind: Mapped[str]
    description: Mapped[str]
    quantity: Mapped[int]
    amount: Mapped[Money] = money_column("amount")
    earner: Mapped[str]

    def as_rule(self) -> PriceLine:
        return PriceLine(
            self.kind, self.description, self.amount, Earner(self.earner), self.quantity
        )


class InvoiceStep(Base):
    """One step of an invoice; `number` is its version after the step. Append-only."""

    __tablename__ = "invoice_step"
    __table_args__ = (CheckConstraint("number >= 1", name="number"),)

    invoice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("invoice.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    before: Mapped[str | None]
    after: Mapped[str]
    reason: Mapped[str]
    actor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    at: Mapped[datetime]
