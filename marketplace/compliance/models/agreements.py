"""Affiliation agreements between schools and sites, and which bookings need one.

Templates, signatures and steps are append-only by trigger. What was sent to be signed stays as it
was sent: another trigger refuses a change of the text once the agreement is no draft.
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.compliance.states import AgreementState
from marketplace.core.db import Base, pk

STATES = ", ".join(f"'{state.value}'" for state in AgreementState)


class AgreementTemplate(Base):
    """A version of a text with fields; the highest number of a name is offered."""

    __tablename__ = "agreement_template"
    __table_args__ = (
        UniqueConstraint("name", "number"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("body <> ''", name="body"),
    )

    id: Mapped[uuid.UUID] = pk()
    name: Mapped[str]
    number: Mapped[int]
    title: Mapped[str]
    body: Mapped[str]
    # [{"key", "label"}]
    fields: Mapped[list[Any]]
    made_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    made_at: Mapped[datetime]


class Agreement(Base):
    """An agreement of a school and a site; `sha256` is of what the signers have before them."""

    __tablename__ = "agreement"
    __table_args__ = (
        CheckConstraint(f"state IN ({STATES})", name="state"),
        CheckConstraint("starts_on <= ends_on", name="days"),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("state IN ('draft', 'void') OR sent_at IS NOT NULL", name="sent"),
        CheckConstraint(
            "state NOT IN ('in_force', 'ended') OR signed_at IS NOT NULL", name="signed"
        ),
        CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended"),
        Index("ix_agreement_school_id", "school_id", "id"),
        Index("ix_agreement_site_id", "site_id", "id"),
        Index("ix_agreement_template_id", "template_id"),
        Index(
            "ix_agreement_in_force",
            "site_id",
            "school_id",
            "ends_on",
            postgresql_where=text("state = 'in_force'"),
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"))
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    template_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agreement_template.id"))
    state: Mapped[str]
    version: Mapped[int]
    title: Mapped[str]
    body: Mapped[str]
    school_name: Mapped[str]
    site_name: Mapped[str]
    sha256: Mapped[str]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    made_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    made_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    signed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    # The file with the signatures, once it is set and stored.
    object_key: Mapped[str | None]


class AgreementSigner(Base):
    """Who signs, and as which: the link of the one whose turn it is works, no other."""

    __tablename__ = "agreement_signer"
    __table_args__ = (
        UniqueConstraint("agreement_id", "place"),
        CheckConstraint("place >= 1", name="place"),
        CheckConstraint("side IN ('school', 'site')", name="side"),
        CheckConstraint("email = lower(email)", name="email"),
        CheckConstraint("(token_hash IS NULL) = (expires_at IS NULL)", name="link"),
        CheckConstraint("octet_length(token_hash) = 32", name="token_hash"),
    )

    id: Mapped[uuid.UUID] = pk()
    agreement_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agreement.id"))
    place: Mapped[int] = mapped_column(SmallInteger)
    side: Mapped[str]
    name: Mapped[str]
    email: Mapped[str]
    role: Mapped[str]
    # When it became their turn, and when they were reminded last.
    asked_at: Mapped[datetime | None]
    reminded: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime | None]


class AgreementSignature(Base):
    """Who signed what, when and from where. Append-only."""

    __tablename__ = "agreement_signature"
    __table_args__ = (CheckConstraint("typed_name <> ''", name="typed_name"),)

    signer_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("agreement_signer.id"), primary_key=True
    )
    sha256: Mapped[str]
    typed_name: Mapped[str]
    wording: Mapped[str]
    signed_at: Mapped[datetime]
    address: Mapped[str]
    user_agent: Mapped[str]


class AgreementStep(Base):
    """One step of an agreement; `number` is its version after the step. Append-only."""

    __tablename__ = "agreement_step"
    __table_args__ = (CheckConstraint("number >= 1", name="number"),)

    agreement_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agreement.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    at: Mapped[datetime]
    # Empty where a signer did it by their link, or a date came.
    actor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    reason: Mapped[str]


class AgreementReminder(Base):
    """A reminder before the end that was sent: each stage once."""

    __tablename__ = "agreement_reminder"

    agreement_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agreement.id"), primary_key=True)
    days_left: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sent_at: Mapped[datetime]


class AgreementRule(Base):
    """A site, or one of its listings, takes trainees only under an agreement with their school.

    The database freezes it on a booking as its row is inserted.
    """

    __tablename__ = "agreement_rule"
    __table_args__ = (
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
        Index(
            "uq_agreement_rule_live",
            "site_id",
            "listing_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_agreement_rule_listing_id", "listing_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    listing_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("listing.id"))
    made_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    made_at: Mapped[datetime]
    ended_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    ended_at: Mapped[datetime | None]
