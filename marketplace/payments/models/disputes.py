"""Disputes: what a payer's bank claims back, our answer, and the log of both."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, created_at, money_column, pk
from marketplace.core.money import Money
from marketplace.payments.models.paying import one_of
from marketplace.payments.rules.shares import Bearer
from marketplace.payments.states import DisputeState, EvidenceState


class Dispute(Base):
    """A dispute of a payment. `status` is the processor's word, `state` what it means to us.

    `evidence` are texts by the parts of `gateway.EVIDENCE_PARTS`. Of what is lost, `host_minor` is
    the host's; `losses_borne_by` says who bears the host's part. A bank may ask for evidence again: the log
    counts our answers.
    """

    __tablename__ = "dispute"
    __table_args__ = (
        UniqueConstraint("processor_dispute"),
        CheckConstraint(one_of("state", [state.value for state in DisputeState]), name="state"),
        CheckConstraint(
            one_of("evidence_state", [state.value for state in EvidenceState]),
            name="evidence_state",
        ),
        CheckConstraint(one_of("losses_borne_by", [one.value for one in Bearer]), name="bearer"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("taken_minor BETWEEN 0 AND amount_minor", name="taken"),
        CheckConstraint(
            "host_minor >= 0 AND platform_minor >= 0"
            " AND host_minor + platform_minor <= amount_minor",
            name="split",
        ),
        Index("ix_dispute_payment_id", "payment_id"),
        Index("ix_dispute_approved_by", "approved_by"),
        Index("ix_dispute_open", "due_by", postgresql_where=text("state = 'open'")),
    )

    id: Mapped[uuid.UUID] = pk()
    processor_dispute: Mapped[str]
    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payment.id"))
    amount: Mapped[Money] = money_column("amount")
    reason: Mapped[str]
    status: Mapped[str]
    state: Mapped[str]
    opened_at: Mapped[datetime]
    due_by: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    losses_borne_by: Mapped[str]
    host_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    platform_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    # What of the payment's `lost_minor` is this one's.
    taken_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    evidence: Mapped[dict[str, Any]]
    # What names files at the processor that were sent for it, by what they are.
    files: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    evidence_state: Mapped[str]
    approved_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    submitted_at: Mapped[datetime | None]
    next_look_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_at()


class DisputeStep(Base):
    """One change of a dispute's state, or of its evidence's: append-only."""

    __tablename__ = "dispute_step"
    __table_args__ = (Index("ix_dispute_step_dispute_id", "dispute_id"),)

    id: Mapped[uuid.UUID] = pk()
    dispute_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("dispute.id"))
    subject: Mapped[str]
    before: Mapped[str | None]
    after: Mapped[str]
    reason: Mapped[str]
    actor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    at: Mapped[datetime]
    created_at: Mapped[datetime] = created_at()
