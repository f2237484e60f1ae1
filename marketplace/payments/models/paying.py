"""Payments, their lines, and the log of their states."""

import uuid
from datetime import datetime

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

from marketplace.core.db import Base, created_at, money_column, pk
from marketplace.core.money import Money
from marketplace.payments.events import Payable
from marketplace.payments.rules import PURPOSES, Earner, PriceLine
from marketplace.payments.rules.credit import Means
from marketplace.payments.states import LIVE, PaymentState


def one_of(column: str, values: tuple[str, ...] | list[str]) -> str:
    """Return the SQL condition that `column` holds one of `values`."""
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


class Payment(Base):
    """One amount asked of one payer for one thing, from the request to its end.

    `captured` and `refunded` are in minor units of the amount's currency; `refunded` counts what
    is asked for and under way too, so that two refunds at once can't exceed the payment.
    """

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint(one_of("state", [state.value for state in PaymentState]), name="state"),
        CheckConstraint(one_of("purpose", PURPOSES), name="purpose"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("captured_minor IN (0, amount_minor)", name="captured"),
        CheckConstraint("refunded_minor BETWEEN 0 AND captured_minor", name="refunded"),
        CheckConstraint("lost_minor BETWEEN 0 AND captured_minor - refunded_minor", name="lost"),
        CheckConstraint("(state = 'settled') = (captured_minor > 0)", name="settled"),
        CheckConstraint(one_of("means", list(Means)), name="means"),
        CheckConstraint("credit_minor >= 0", name="credit"),
        CheckConstraint("card_id IS NOT NULL OR NOT off_session", name="off_session"),
        CheckConstraint(
            "(means = 'bank_transfer') = (bank_reference IS NOT NULL)", name="bank_reference"
        ),
        Index(
            "uq_payment_live",
            "payable_kind",
            "payable_id",
            "purpose",
            unique=True,
            postgresql_where=text(one_of("state", sorted(LIVE))),
        ),
        Index("ix_payment_payable_kind_payable_id", "payable_kind", "payable_id"),
        Index(
            "ix_payment_carried_to_id",
            "carried_to_id",
            postgresql_where=text("carried_to_id IS NOT NULL"),
        ),
        Index("ix_payment_payer_id", "payer_id"),
        Index("ix_payment_card_id", "card_id", postgresql_where=text("card_id IS NOT NULL")),
        Index(
            "ix_payment_voucher_use_id",
            "voucher_use_id",
            postgresql_where=text("voucher_use_id IS NOT NULL"),
        ),
        Index("ix_payment_site_id", "site_id"),
        Index(
            "ix_payment_poll",
            "next_look_at",
            postgresql_where=text("next_look_at IS NOT NULL"),
        ),
        UniqueConstraint("processor_session"),
        UniqueConstraint("processor_intent"),
    )

    id: Mapped[uuid.UUID] = pk()
    payable_kind: Mapped[str]
    payable_id: Mapped[uuid.UUID]
    purpose: Mapped[str]
    # What it is kept for now, of the same kind, where that is another: see `PaymentCarry`.
    carried_to_id: Mapped[uuid.UUID | None]
    payer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    # None where the payment is for several things at once: then each of its parts has a site.
    site_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("site.id"))
    amount: Mapped[Money] = money_column("amount")
    description: Mapped[str]
    return_path: Mapped[str | None]
    state: Mapped[str]
    # What the transfer is called on the statement of our bank account.
    bank_reference: Mapped[str | None]
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    # The page at the processor. `page_expires_at` is in the processor's time: it is a parameter
    # of the call, and a repeated call must send the same one.
    page_attempt: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    page_expires_at: Mapped[datetime | None]
    checkout_url: Mapped[str | None]
    processor_session: Mapped[str | None]
    processor_intent: Mapped[str | None]
    processor_charge: Mapped[str | None]
    # Whose kept cards the page offers; a parameter of the call, as `page_expires_at` is.
    processor_customer: Mapped[str | None]
    # The kept card that is charged in the place of a page.
    card_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("saved_card.id"))
    off_session: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    last_decline: Mapped[str | None]
    decline_code: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    surplus: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    captured_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    refunded_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    # What lost disputes took, less what was owed as refunds anyway.
    lost_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    fee_known: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    means: Mapped[str] = mapped_column(default=Means.CARD.value, server_default=text("'card'"))
    # What credit pays beside this payment, which it waits for: see `CreditUse`.
    credit_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    # The use of a code that lowered what is asked for.
    voucher_use_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("voucher_use.id"))
    # When the poller asks the processor again; none once there is nothing left to learn.
    next_look_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_at()

    @property
    def payable(self) -> Payable:
        return Payable(self.payable_kind, self.payable_id)

    @property
    def currency(self) -> str:
        return self.amount.currency

    @property
    def captured(self) -> Money:
        return Money(self.captured_minor, self.currency)

    @property
    def refunded(self) -> Money:
        return Money(self.refunded_minor, self.currency)

    @property
    def lost(self) -> Money:
        """What disputes have taken of it for good."""
        return Money(self.lost_minor, self.currency)

    @property
    def refundable(self) -> Money:
        return self.captured - self.refunded - self.lost


class PaymentLine(Base):
    """One line of what is paid, as it stood when it was asked for: never changed."""

    __tablename__ = "payment_line"
    __table_args__ = (
        UniqueConstraint("payment_id", "place"),
        CheckConstraint(one_of("earner", [earner.value for earner in Earner]), name="earner"),
    )

    id: Mapped[uuid.UUID] = pk()
    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payment.id"))
    place: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[str]
    description: Mapped[str]
    quantity: Mapped[int]
    amount: Mapped[Money] = money_column("amount")
    earner: Mapped[str]
    # The id of the part that the line belongs to, where the payment has parts.
    part_id: Mapped[uuid.UUID | None]

    def as_rule(self) -> PriceLine:
        return PriceLine(
            self.kind, self.description, self.amount, Earner(self.earner), self.quantity
        )


class PaymentPart(Base):
    """What one payment pays for one of several things, each a payable of its own.

    The parts add up to the payment: a deferred trigger refuses any other. `refunded_minor` counts
    as the payment's does, so that nothing gives back more than was paid for it.
    """

    __tablename__ = "payment_part"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("refunded_minor BETWEEN 0 AND amount_minor", name="refunded"),
        Index("ix_payment_part_payable_kind_payable_id", "payable_kind", "payable_id"),
        Index(
            "ix_payment_part_carried_to_id",
            "carried_to_id",
            postgresql_where=text("carried_to_id IS NOT NULL"),
        ),
        Index("ix_payment_part_site_id", "site_id"),
    )

    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payment.id"), primary_key=True)
    payable_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    payable_kind: Mapped[str]
    # As a payment's: what the part is kept for now, where that is another.
    carried_to_id: Mapped[uuid.UUID | None]
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    amount: Mapped[Money] = money_column("amount")
    refunded_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))

    @property
    def refundable(self) -> Money:
        return self.amount - Money(self.refunded_minor, self.amount.currency)


class PaymentTransition(Base):
    """One change of a payment's state: append-only."""

    __tablename__ = "payment_transition"
    __table_args__ = (Index("ix_payment_transition_payment_id", "payment_id"),)

    id: Mapped[uuid.UUID] = pk()
    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payment.id"))
    before: Mapped[str | None]
    after: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]
    created_at: Mapped[datetime] = created_at()
