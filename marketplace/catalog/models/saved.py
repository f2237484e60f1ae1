"""Saved searches, what each was told of, and the digests that told it."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, created_at, pk

MOST_SAVED = 20


class SavedSearch(Base):
    """The filters of a search under a name; `slot` numbers an account's, so that none has more.

    `filters` are JSON values of `schemas.search.SearchArgs`. `anchors` are what a listing must
    have one of to fit at all: by them a changed listing finds the searches that it may concern.
    `broad` is one that fitted too many listings when it was saved to know each: it is told of
    those that were first published after `since` only.
    """

    __tablename__ = "saved_search"
    __table_args__ = (
        UniqueConstraint("account_id", "slot"),
        UniqueConstraint("account_id", "name"),
        CheckConstraint(f"slot BETWEEN 1 AND {MOST_SAVED}", name="slot"),
        CheckConstraint("cardinality(anchors) > 0", name="anchors"),
        Index(
            "ix_saved_search_anchors",
            "anchors",
            postgresql_using="gin",
            postgresql_where=text("NOT paused"),
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    slot: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str]
    filters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    anchors: Mapped[list[str]] = mapped_column(ARRAY(Text))
    paused: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    broad: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    since: Mapped[datetime]
    version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    created_at: Mapped[datetime] = created_at()


class SearchDigest(Base):
    """A mail about an account's saved searches: at most one a day of the recipient's zone."""

    __tablename__ = "search_digest"
    __table_args__ = (
        UniqueConstraint("account_id", "day"),
        UniqueConstraint("token_hash"),
    )

    id: Mapped[uuid.UUID] = pk()
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    day: Mapped[date]
    queued_at: Mapped[datetime]
    # Of the unsubscribe link, which is the credential.
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)


class SavedSearchHit(Base):
    """A listing that a saved search knows: once, whatever becomes of either.

    `known`: it fitted when the search was saved, and is no news. Otherwise it is, and `digest_id`
    is the mail that said so.
    """

    __tablename__ = "saved_search_hit"
    __table_args__ = (
        CheckConstraint("NOT known OR digest_id IS NULL", name="known"),
        Index("ix_saved_search_hit_listing_id", "listing_id"),
        Index("ix_saved_search_hit_digest_id", "digest_id"),
        Index(
            "ix_saved_search_hit_account_id",
            "account_id",
            postgresql_where=text("NOT known AND digest_id IS NULL"),
        ),
    )

    saved_search_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("saved_search.id", ondelete="CASCADE"), primary_key=True
    )
    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    known: Mapped[bool]
    found_at: Mapped[datetime]
    digest_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("search_digest.id"))


class AlertPosition(Base):
    """One row: up to where in the change feed saved searches have been looked at."""

    __tablename__ = "alert_position"
    __table_args__ = (CheckConstraint("id = 1", name="id"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    cursor: Mapped[str]
