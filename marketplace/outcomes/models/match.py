"""Match outcomes: one record a person and year, and the events that it is made of."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, pk


class Person(Base):
    """Somebody whose outcome is recorded: an account of ours, or a row of an outside panel."""

    __tablename__ = "person"
    __table_args__ = (
        UniqueConstraint("trainee_id"),
        UniqueConstraint("external_id"),
        CheckConstraint("(trainee_id IS NULL) <> (external_id IS NULL)", name="one_identity"),
    )

    id: Mapped[uuid.UUID] = pk()
    trainee_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    external_id: Mapped[str | None]


# What has to be looked at: the result by the algorithm as its trainee says, or anything disputed.
WAITING = (
    "provenance ->> 'main_result' = 'self_reported'"
    """ OR jsonb_path_exists(provenance, '$.* ? (@ == "disputed")'::jsonpath)"""
)


class MatchOutcome(Base):
    """The present value of each field; equal to what the events say, written with them.

    `provenance` maps each known field to how it is known. `changed_at` is the last event's time:
    a report as of then or later may read this row, an earlier one reads the events.
    """

    __tablename__ = "match_outcome"
    __table_args__ = (
        UniqueConstraint("person_id", "match_year"),
        CheckConstraint("match_year BETWEEN 1952 AND 2100", name="match_year"),
        CheckConstraint(
            "main_result IN ('matched_pgy1','matched_pgy2_only','unmatched','not_in_algorithm')",
            name="main_result",
        ),
        CheckConstraint(
            "soap_result IN ('placed_pgy1','not_placed','not_applicable')", name="soap_result"
        ),
        CheckConstraint("interviews BETWEEN 0 AND 200", name="interviews"),
        CheckConstraint("NOT (certified_rol AND NOT registered)", name="certified_registered"),
        CheckConstraint(
            "NOT (main_result IN ('matched_pgy1','matched_pgy2_only') AND NOT certified_rol)",
            name="matched_certified",
        ),
        Index("ix_match_outcome_match_year_changed_at", "match_year", "changed_at"),
        Index(
            "ix_match_outcome_waiting",
            "match_year",
            "changed_at",
            "id",
            postgresql_where=text(WAITING),
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    match_year: Mapped[int] = mapped_column(SmallInteger)
    registered: Mapped[bool | None]
    certified_rol: Mapped[bool | None]
    main_result: Mapped[str | None]
    soap_result: Mapped[str | None]
    outside_match: Mapped[bool | None]
    program: Mapped[str | None]
    specialty: Mapped[str | None]
    interviews: Mapped[int | None] = mapped_column(SmallInteger)
    provenance: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    changed_at: Mapped[datetime]


class MatchOutcomeEvent(Base):
    """One field's value, or the retraction of an earlier event; append-only.

    A retraction names the event that it takes back in `retracts_id`, and repeats its field. An
    event counts as of a moment if it was recorded by then and no retraction of it was.
    """

    __tablename__ = "match_outcome_event"
    __table_args__ = (
        UniqueConstraint("external_event_id"),
        CheckConstraint(
            "field IN ('registered','certified_rol','main_result','soap_result','outside_match',"
            "'program','specialty','interviews')",
            name="field",
        ),
        CheckConstraint(
            "provenance IN ('self_reported','document_verified','roster_verified','disputed')",
            name="provenance",
        ),
        Index("ix_match_outcome_event_outcome_id_field_number", "outcome_id", "field", "number"),
        Index(
            "uq_match_outcome_event_retracts_id",
            "retracts_id",
            unique=True,
            postgresql_where="retracts_id IS NOT NULL",
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    outcome_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("match_outcome.id"))
    field: Mapped[str]
    old_value: Mapped[str | None]
    new_value: Mapped[str | None]
    provenance: Mapped[str]
    actor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    evidence: Mapped[str]
    external_event_id: Mapped[str | None]
    retracts_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("match_outcome_event.id"))
    recorded_at: Mapped[datetime]
