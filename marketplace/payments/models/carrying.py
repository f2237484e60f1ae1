"""Money that was paid for one thing and is kept for another: append-only."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, money_column
from marketplace.core.money import Money
from marketplace.payments.rules import Split


class PaymentCarry(Base):
    """What was left of a payment, or of a part of one, carried over whole to another thing.

    `number` counts a payment's from 1, those of its parts among each other.

    `host_minor` and `platform_minor` divide it between the site that it is for now and the
    platform; the `back_…` two are what each side had given back of the payment until then.
    """

    __tablename__ = "payment_carry"
    __table_args__ = (
        Index("ix_payment_carry_site_id", "site_id"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint(
            "host_minor >= 0 AND platform_minor >= 0"
            " AND host_minor + platform_minor = amount_minor",
            name="split",
        ),
        CheckConstraint("back_host_minor >= 0 AND back_platform_minor >= 0", name="back"),
    )

    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payment.id"), primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    # The id of the part, as refunds name it, where the payment has parts.
    part_id: Mapped[uuid.UUID | None]
    from_id: Mapped[uuid.UUID]
    to_id: Mapped[uuid.UUID]
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    amount: Mapped[Money] = money_column("amount")
    host_minor: Mapped[int] = mapped_column(BigInteger)
    platform_minor: Mapped[int] = mapped_column(BigInteger)
    back_host_minor: Mapped[int] = mapped_column(BigInteger)
    back_platform_minor: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]

    @property
    def split(self) -> Split:
        currency = self.amount.currency
        return Split(Money(self.host_minor, currency), Money(self.platform_minor, currency))

    @property
    def back(self) -> Split:
        currency = self.amount.currency
        return Split(
            Money(self.back_host_minor, currency), Money(self.back_platform_minor, currency)
        )
