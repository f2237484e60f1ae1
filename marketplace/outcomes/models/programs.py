"""The controlled list of residency programs."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base


class ResidencyProgram(Base):
    """A program by its ACGME ID, as the last list that was loaded names it."""

    __tablename__ = "residency_program"
    __table_args__ = (
        CheckConstraint("code ~ '^[0-9]{10}$'", name="code"),
        CheckConstraint("name <> ''", name="name"),
        CheckConstraint("source <> ''", name="source"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    city: Mapped[str]
    state: Mapped[str]
    specialty: Mapped[str]
    source: Mapped[str]
    loaded_at: Mapped[datetime]
