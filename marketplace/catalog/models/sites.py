"""What is known of sites and preceptors over time. Append-only by trigger."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.catalog.rules.vocabulary import EvidenceKind
from marketplace.catalog.states import CheckStep
from marketplace.core.db import Base, pk


class SiteCheck(Base):
    """A step of a site's verification: what was shown or decided, by whom, at which version.

    `kind` and `reference` name the evidence, such as `state_license` and its number; a step
    without them is a request to look. `note` tells the host why a site was rejected.
    """

    __tablename__ = "site_check"
    __table_args__ = (
        CheckConstraint(
            f"step IN ({', '.join(repr(one.value) for one in CheckStep)})", name="step"
        ),
        CheckConstraint(
            f"kind IN ({', '.join(repr(one.value) for one in EvidenceKind)})", name="kind"
        ),
        CheckConstraint("(kind IS NULL) = (reference IS NULL)", name="evidence"),
        CheckConstraint("step <> 'verified' OR kind IS NOT NULL", name="verified"),
        CheckConstraint("step <> 'rejected' OR note <> ''", name="rejected"),
        Index("ix_site_check_site_id", "site_id", "id"),
        Index("ix_site_check_account_id", "account_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    site_version: Mapped[int]
    step: Mapped[str]
    kind: Mapped[str | None]
    reference: Mapped[str | None]
    note: Mapped[str]
    account_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    recorded_at: Mapped[datetime]


class SiteChange(Base):
    """A change of a site or of one of its preceptors: `difference` has what each field was and is.

    `subject_id` is the site's or the preceptor's; `version` is the subject's after the change.
    """

    __tablename__ = "site_change"
    __table_args__ = (
        UniqueConstraint("subject_id", "version"),
        CheckConstraint("subject IN ('site', 'preceptor')", name="subject"),
        Index("ix_site_change_site_id", "site_id", "id"),
        Index("ix_site_change_account_id", "account_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    subject: Mapped[str]
    subject_id: Mapped[uuid.UUID]
    version: Mapped[int]
    account_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    recorded_at: Mapped[datetime]
    difference: Mapped[dict[str, Any]] = mapped_column(JSONB)
