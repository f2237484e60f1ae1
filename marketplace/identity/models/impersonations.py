"""Operators who see the pages as another account does. Begun and ended; never rewritten."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, pk


class Impersonation(Base):
    """An operator sees what an account sees, for a reason and a while; `ended_at` if stopped before.

    Triggers let only operators begin one, of nobody who is an operator, and let nothing but its end
    be written into it.
    """

    __tablename__ = "impersonation"
    __table_args__ = (
        CheckConstraint("operator_id <> account_id", name="another"),
        CheckConstraint("length(btrim(reason)) > 0", name="reason"),
        CheckConstraint(
            "ends_at > begun_at AND ends_at <= begun_at + interval '1 hour'", name="ends_at"
        ),
        CheckConstraint("ended_at >= begun_at", name="ended_at"),
        Index(
            "uq_impersonation_operator_id",
            "operator_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_impersonation_account_id", "account_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    operator_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    reason: Mapped[str]
    begun_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
