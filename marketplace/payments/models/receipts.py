"""Receipts, and the numbers that they carry."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, created_at, pk


class DocumentSequence(Base):
    """The last number given, by legal entity and kind of document.

    A row, not a database sequence: its lock is held until the document's row commits, so there
    are no gaps.
    """

    __tablename__ = "document_sequence"

    legal_entity: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    last_number: Mapped[int] = mapped_column(BigInteger)


class Receipt(Base):
    """A receipt with everything that is printed on it, frozen when its number was given."""

    __tablename__ = "receipt"
    __table_args__ = (UniqueConstraint("payment_id"), UniqueConstraint("legal_entity", "number"))

    id: Mapped[uuid.UUID] = pk()
    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payment.id"))
    legal_entity: Mapped[str]
    number: Mapped[int] = mapped_column(BigInteger)
    issued_at: Mapped[datetime]
    content: Mapped[dict[str, Any]]
    object_key: Mapped[str]
    stored_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_at()
