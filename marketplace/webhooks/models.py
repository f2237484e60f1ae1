"""Endpoints, their secrets, messages, deliveries and attempts.

The database fans a message out: a trigger drops one that nobody of its owner listens to, another
makes the deliveries and asks for the jobs. Whose a delivery is stands in its keys: endpoint and
message have one owner, or the row can't be.
"""

import uuid
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, pk
from marketplace.webhooks.rules.owners import Owner, Side


class WebhookEndpoint(Base):
    """An address of a site or a school, and what it is told."""

    __tablename__ = "webhook_endpoint"
    __table_args__ = (
        CheckConstraint("num_nonnulls(site_id, school_id) = 1", name="one_owner"),
        CheckConstraint("owner_id = coalesce(site_id, school_id)", name="owner"),
        CheckConstraint("cardinality(types) > 0", name="types"),
        CheckConstraint("state IN ('enabled', 'disabled')", name="state"),
        CheckConstraint("disabled_for IN ('owner', 'failures', 'gone')", name="disabled_for"),
        CheckConstraint("(state = 'disabled') = (disabled_for IS NOT NULL)", name="disabled"),
        CheckConstraint("deleted_at IS NULL OR state = 'disabled'", name="deleted"),
        CheckConstraint("(deleted_at IS NULL) = (deleted_by IS NULL)", name="deleted_by"),
        CheckConstraint("version >= 1", name="version"),
        UniqueConstraint("owner_id", "id"),
        Index("ix_webhook_endpoint_site_id", "site_id"),
        Index(
            "uq_webhook_endpoint_url",
            "owner_id",
            "url",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    owner_id: Mapped[uuid.UUID]
    site_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("site.id"))
    school_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("school.id"))
    url: Mapped[str]
    types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    description: Mapped[str]
    state: Mapped[str]
    disabled_for: Mapped[str | None]
    # Since when nothing was taken; none while things are.
    failing_since: Mapped[datetime | None]
    version: Mapped[int]
    created_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    created_at: Mapped[datetime]
    changed_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    changed_at: Mapped[datetime]
    deleted_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    deleted_at: Mapped[datetime | None]

    @property
    def owner(self) -> Owner:
        return Owner(Side.SITE if self.site_id is not None else Side.SCHOOL, self.owner_id)


class WebhookSecret(Base):
    """A secret that signs, sealed; the newest without an end is the one that stays."""

    __tablename__ = "webhook_secret"
    __table_args__ = (
        Index(
            "uq_webhook_secret_endpoint_id",
            "endpoint_id",
            unique=True,
            postgresql_where=text("ends_at IS NULL AND revoked_at IS NULL"),
        ),
        Index("ix_webhook_secret_endpoint_id", "endpoint_id"),
        CheckConstraint("(revoked_at IS NULL) = (sealed IS NOT NULL)", name="revoked"),
    )

    id: Mapped[uuid.UUID] = pk()
    endpoint_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("webhook_endpoint.id"))
    # Erased when it is revoked.
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    created_at: Mapped[datetime]
    # Until when it still signs beside the one that took its place.
    ends_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class WebhookMessage(Base):
    """What happened, as it is sent; only where somebody of the owner listens.

    `endpoint_id` is for what goes to one endpoint alone.
    """

    __tablename__ = "webhook_message"
    __table_args__ = (
        ForeignKeyConstraint(
            ["owner_id", "endpoint_id"],
            ["webhook_endpoint.owner_id", "webhook_endpoint.id"],
            name="fk_webhook_message_owner_id_webhook_endpoint",
        ),
        UniqueConstraint("owner_id", "id"),
        Index("ix_webhook_message_at", "at"),
    )

    id: Mapped[uuid.UUID] = pk()
    owner_id: Mapped[uuid.UUID]
    endpoint_id: Mapped[uuid.UUID | None]
    type: Mapped[str]
    # The very bytes that are signed, as text.
    body: Mapped[str]
    at: Mapped[datetime]


class WebhookDelivery(Base):
    """A message on its way to an endpoint. `tries` counts since it was last begun or replayed."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        ForeignKeyConstraint(
            ["owner_id", "endpoint_id"],
            ["webhook_endpoint.owner_id", "webhook_endpoint.id"],
            name="fk_webhook_delivery_owner_id_webhook_endpoint",
        ),
        ForeignKeyConstraint(
            ["owner_id", "message_id"],
            ["webhook_message.owner_id", "webhook_message.id"],
            name="fk_webhook_delivery_owner_id_webhook_message",
            ondelete="CASCADE",
        ),
        CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="state"),
        CheckConstraint("(state = 'pending') = (next_at IS NOT NULL)", name="next_at"),
        CheckConstraint("attempts >= tries AND tries >= 0", name="attempts"),
        Index("ix_webhook_delivery_owner_id_message_id", "owner_id", "message_id"),
        Index("ix_webhook_delivery_endpoint_id_state", "endpoint_id", "state", "message_id"),
        Index("ix_webhook_delivery_endpoint_id_type", "endpoint_id", "type", "message_id"),
        Index(
            "ix_webhook_delivery_due",
            "endpoint_id",
            "next_at",
            "message_id",
            postgresql_where=text("state = 'pending'"),
        ),
    )

    endpoint_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    message_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[uuid.UUID]
    type: Mapped[str]
    state: Mapped[str]
    attempts: Mapped[int]
    tries: Mapped[int]
    next_at: Mapped[datetime | None]
    # When an attempt was begun whose end is not written down yet.
    begun_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class WebhookAttempt(Base):
    """One call: when, how long, and what came back or why nothing did."""

    __tablename__ = "webhook_attempt"
    __table_args__ = (
        ForeignKeyConstraint(
            ["endpoint_id", "message_id"],
            ["webhook_delivery.endpoint_id", "webhook_delivery.message_id"],
            name="fk_webhook_attempt_endpoint_id_webhook_delivery",
            ondelete="CASCADE",
        ),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("num_nonnulls(status, error) >= 1", name="outcome"),
    )

    endpoint_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    message_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    took_ms: Mapped[int | None]
    status: Mapped[int | None]
    excerpt: Mapped[str | None]
    error: Mapped[str | None]
