"""The stay limits that count, version by version: append-only by trigger."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base


class StayRuleVersion(Base):
    """A whole document of stay limits; the highest number counts, and before 1 the package's own."""

    __tablename__ = "stay_rule_version"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("note <> ''", name="note"),
        Index("ix_stay_rule_version_made_by", "made_by"),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    note: Mapped[str]
    made_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    made_at: Mapped[datetime]
