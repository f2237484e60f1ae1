"""Tables of compliance, append-only by trigger."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.compliance.rules import Purpose
from marketplace.core.db import Base, pk

PURPOSES = ", ".join(f"'{purpose.value}'" for purpose in Purpose)


class AuditEntry(Base):
    """Somebody read or did something; `detail` holds ids and codes, no content and no secrets."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_subject_kind_subject_id", "subject_kind", "subject_id"),
        Index("ix_audit_entry_actor_id", "actor_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    at: Mapped[datetime]
    # Empty where no person did it: a job, or an event from outside.
    actor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    action: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[uuid.UUID]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Consent(Base):
    """A consent given or withdrawn; the highest number of an account and purpose counts."""

    __tablename__ = "consent"
    __table_args__ = (
        UniqueConstraint("account_id", "purpose", "number"),
        CheckConstraint(f"purpose IN ({PURPOSES})", name="purpose"),
        CheckConstraint("number >= 1", name="number"),
    )

    id: Mapped[uuid.UUID] = pk()
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    purpose: Mapped[str]
    number: Mapped[int]
    given: Mapped[bool]
    # The version of the words that the person read.
    wording: Mapped[str]
    at: Mapped[datetime]
