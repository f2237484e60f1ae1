"""What others than the payer pay of a price: append-only."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Composite, Mapped, mapped_column

from marketplace.core.db import Base, money_column
from marketplace.core.money import Money


class PriceProtection(Base):
    """A payer was spared a part of a price: `by_host` is borne by a site, the rest by us.

    `to_host` is what the host at `to_site_id` has for it besides its share of the payments.
    """

    __tablename__ = "price_protection"
    __table_args__ = (
        CheckConstraint("by_host_minor >= 0 AND to_host_minor >= 0", name="amounts"),
        CheckConstraint("by_host_currency = to_host_currency", name="one_currency"),
        Index("ix_price_protection_from_site_id", "from_site_id"),
        Index("ix_price_protection_to_site_id", "to_site_id"),
    )

    payable_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    payable_kind: Mapped[str]
    from_site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    to_site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    by_host: Composite[Money] = money_column("by_host")
    to_host: Composite[Money] = money_column("to_host")
    at: Mapped[datetime]
