"""What sites and listings ask for, version by version. Append-only by trigger."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, pk


class RequirementVersion(Base):
    """The whole set of a site, or of one of its listings, from one change to the next.

    The highest number counts for whoever books now; a booking keeps the version that it was made
    under. `scope_id` is the listing where there is one, else the site.
    """

    __tablename__ = "requirement_version"
    __table_args__ = (
        UniqueConstraint("scope_id", "number"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("scope_id = COALESCE(listing_id, site_id)", name="scope"),
        Index("ix_requirement_version_site_id", "site_id"),
        Index("ix_requirement_version_listing_id", "listing_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    scope_id: Mapped[uuid.UUID]
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    listing_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("listing.id"))
    number: Mapped[int]
    requirements: Mapped[list[Any]] = mapped_column(JSONB)
    note: Mapped[str]
    made_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    made_at: Mapped[datetime]
