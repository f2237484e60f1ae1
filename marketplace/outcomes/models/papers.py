"""Letters and certificates that are issued: acceptance, visa, completion, teaching."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, pk
from marketplace.outcomes.rules.papers import PaperKind

KINDS = ", ".join(f"'{kind.value}'" for kind in PaperKind)


class PaperSequence(Base):
    """The last number given to a kind of paper; its row is locked until the paper's commits."""

    __tablename__ = "paper_sequence"
    __table_args__ = (CheckConstraint(f"kind IN ({KINDS})", name="kind"),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    last_number: Mapped[int] = mapped_column(BigInteger)


class Paper(Base):
    """One issue of a paper, with all that is printed on it.

    The trigger `keep_paper` refuses every change but these, each once: its file is stored, its
    credential signed, it is revoked. A later revision for the same booking replaces it.
    """

    __tablename__ = "paper"
    __table_args__ = (
        UniqueConstraint("kind", "number"),
        UniqueConstraint("code_digest"),
        UniqueConstraint("booking_id", "kind", "revision"),
        CheckConstraint(f"kind IN ({KINDS})", name="kind"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("revision >= 1", name="revision"),
        CheckConstraint("octet_length(code_digest) = 32", name="code_digest"),
        CheckConstraint("(booking_id IS NULL) = (kind = 'teaching_certificate')", name="booking"),
        CheckConstraint("(revoked_at IS NULL) = (revocation_reason IS NULL)", name="revoked"),
        CheckConstraint("credential IS NULL OR kind = 'completion_certificate'", name="credential"),
        Index("ix_paper_account_id", "account_id", "id"),
        Index("ix_paper_site_id", "site_id", "id"),
        Index("ix_paper_revoked_at", "revoked_at", postgresql_where=text("revoked_at IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = pk()
    kind: Mapped[str]
    booking_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("booking.id"))
    # Whose it is: the trainee, or the preceptor.
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    number: Mapped[int] = mapped_column(BigInteger)
    revision: Mapped[int] = mapped_column(SmallInteger)
    # SHA-256 of the code that the paper carries: what is looked up by, so that the time that a
    # look-up takes tells nothing of a code.
    code_digest: Mapped[bytes] = mapped_column(LargeBinary)
    content: Mapped[dict[str, Any]]
    object_key: Mapped[str]
    issued_at: Mapped[datetime]
    credential: Mapped[str | None]
    stored_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    revocation_reason: Mapped[str | None]
