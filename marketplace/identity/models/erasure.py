"""Accounts that are to be erased: asked for, waited for, and done step by step."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, pk


class AccountErasure(Base):
    """A wish to have an account erased. It can be stopped until the account is closed for it.

    Once `done_at` is set the account stays blank: the trigger `hold_erased` refuses all else.
    """

    __tablename__ = "account_erasure"
    __table_args__ = (
        CheckConstraint("due_at > asked_at", name="waits"),
        CheckConstraint("stopped_at IS NULL OR closed_at IS NULL", name="stopped_or_closed"),
        CheckConstraint("closed_at >= due_at", name="closed_when_due"),
        CheckConstraint("done_at IS NULL OR closed_at IS NOT NULL", name="closed_first"),
        Index(
            "uq_account_erasure_account_id_live",
            "account_id",
            unique=True,
            postgresql_where=text("stopped_at IS NULL"),
        ),
        Index(
            "ix_account_erasure_due_at",
            "due_at",
            postgresql_where=text("stopped_at IS NULL AND done_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    # When its owner was told that something still stands against it.
    blocked_told_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]


class AccountErasureStep(Base):
    """That a step was done, in the transaction that did it; append-only by trigger."""

    __tablename__ = "account_erasure_step"

    erasure_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("account_erasure.id"), primary_key=True
    )
    step: Mapped[str] = mapped_column(primary_key=True)
    done_at: Mapped[datetime]
