"""Runs of a classifier over the whole catalogue, what each would change, and tier drift."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.catalog.states import ChangeOutcome, TierRunState
from marketplace.core.db import Base, pk


def _one_of(column: str, values: type[Any]) -> str:
    return f"{column} IN ({', '.join(repr(member.value) for member in values)})"


class TierRun(Base):
    """One pass of a classifier over all listings; dry unless `commits`.

    `last_listing_id` is how far it has come, so that a run that died goes on where it was; at most
    one run that commits is under way.
    """

    __tablename__ = "tier_run"
    __table_args__ = (
        CheckConstraint(_one_of("state", TierRunState), name="state"),
        CheckConstraint("(state = 'ready') = (finished_at IS NOT NULL)", name="finished"),
        CheckConstraint(
            "changed >= 0 AND conflicting >= 0 AND refused >= 0 AND changed <= seen", name="counts"
        ),
        Index(
            "uq_tier_run_commits",
            "commits",
            unique=True,
            postgresql_where=text("commits AND state IN ('asked', 'running')"),
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    classifier: Mapped[str]
    commits: Mapped[bool]
    state: Mapped[str] = mapped_column(
        server_default=TierRunState.ASKED, default=TierRunState.ASKED
    )
    total: Mapped[int] = mapped_column(BigInteger)
    seen: Mapped[int] = mapped_column(BigInteger, server_default=text("0"), default=0)
    changed: Mapped[int] = mapped_column(BigInteger, server_default=text("0"), default=0)
    conflicting: Mapped[int] = mapped_column(BigInteger, server_default=text("0"), default=0)
    refused: Mapped[int] = mapped_column(BigInteger, server_default=text("0"), default=0)
    last_listing_id: Mapped[uuid.UUID | None]
    asked_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    asked_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    file: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class TierChange(Base):
    """A listing whose answer differs in a run; append-only by trigger.

    `before` and `after` hold `student`, `graduate` (tiers or null), `conflicts` (codes) and
    `classifier`.
    """

    __tablename__ = "tier_change"
    __table_args__ = (
        CheckConstraint(_one_of("outcome", ChangeOutcome), name="outcome"),
        Index("ix_tier_change_listing_id", "listing_id"),
    )

    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tier_run.id"), primary_key=True)
    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    outcome: Mapped[str]
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)


class ListingDrift(Base):
    """A time for which a listing was flagged, since most of its trainees reported no contact.

    At most one is open for a listing. `attested` and `without_contact` are the counts that it was
    last judged by. It ends by an operator's reason, or by itself (nobody in `resolved_by`) once
    most report contact again. Attestations up to an operator's decision count no more.
    """

    __tablename__ = "listing_drift"
    __table_args__ = (
        CheckConstraint("attested >= 3 AND 2 * without_contact > attested", name="most"),
        CheckConstraint("(resolved_at IS NULL) = (reason IS NULL)", name="resolved"),
        CheckConstraint("resolved_by IS NULL OR resolved_at IS NOT NULL", name="resolved_by"),
        Index(
            "uq_listing_drift_listing_id",
            "listing_id",
            unique=True,
            postgresql_where=text("resolved_at IS NULL"),
        ),
        Index("ix_listing_drift_listing_id", "listing_id", "resolved_at"),
        Index("ix_listing_drift_flagged_at", "flagged_at", "id"),
    )

    id: Mapped[uuid.UUID] = pk()
    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"))
    flagged_at: Mapped[datetime]
    attested: Mapped[int]
    without_contact: Mapped[int]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    reason: Mapped[str | None]
