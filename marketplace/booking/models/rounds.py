"""Allocation rounds: places for runs of weeks, who ranks whom, and how the seats were given.

A place is a listing and a run of weeks with a quota; while the round is open `kept` seats are counted
as taken in each of its weeks, so that what it gives can be given. Rankings, orders, runs and steps
are append-only by trigger; one run of a round counts, and it left no blocking pair.
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.booking.states import RoundState
from marketplace.core.db import Base, pk

ROUND_STATES = ", ".join(f"'{state.value}'" for state in RoundState)


class AllocationRound(Base):
    """Trainees rank until `rank_by`, hosts until `run_at`; offers are answered until `decide_by`.

    `seed` breaks ties; its SHA-256 is published from the start, itself once the round is decided.
    """

    __tablename__ = "allocation_round"
    __table_args__ = (
        CheckConstraint(f"state IN ({ROUND_STATES})", name="state"),
        CheckConstraint("rank_by <= run_at AND run_at < decide_by", name="times"),
        CheckConstraint("(ended_at IS NULL) = (state = 'open')", name="ended"),
        Index("ix_allocation_round_run_at", "run_at", postgresql_where=text("state = 'open'")),
        Index("ix_allocation_round_site_id", "site_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    title: Mapped[str]
    # None where an operator opened it, over sites of their choice.
    site_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("site.id"))
    opened_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    opened_at: Mapped[datetime]
    state: Mapped[str]
    rank_by: Mapped[datetime]
    run_at: Mapped[datetime]
    decide_by: Mapped[datetime]
    seed: Mapped[str]
    seed_hash: Mapped[str]
    ended_at: Mapped[datetime | None]


class RoundPlace(Base):
    """A run of weeks at a listing, and how many the round gives of it."""

    __tablename__ = "round_place"
    __table_args__ = (
        UniqueConstraint("round_id", "listing_id", "first_day", "weeks"),
        CheckConstraint("quota > 0 AND kept BETWEEN 0 AND quota", name="kept"),
        CheckConstraint("EXTRACT(ISODOW FROM first_day) = 1", name="first_day"),
        CheckConstraint("weeks BETWEEN 1 AND 52", name="weeks"),
        Index("ix_round_place_site_id", "site_id"),
        Index("ix_round_place_kept", "listing_id", postgresql_where=text("kept > 0")),
    )

    id: Mapped[uuid.UUID] = pk()
    round_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("allocation_round.id"))
    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"))
    listing_title: Mapped[str]
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    site_name: Mapped[str]
    first_day: Mapped[date]
    weeks: Mapped[int] = mapped_column(SmallInteger)
    quota: Mapped[int] = mapped_column(SmallInteger)
    kept: Mapped[int] = mapped_column(SmallInteger)


class RoundRanking(Base):
    """What a trainee wants, the best first; the highest revision counts. Append-only."""

    __tablename__ = "round_ranking"
    __table_args__ = (
        CheckConstraint("revision >= 1", name="revision"),
        Index("ix_round_ranking_trainee_id", "trainee_id", "round_id"),
    )

    round_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("allocation_round.id"), primary_key=True)
    trainee_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    # Ids of places of the round; none takes the trainee out of it.
    choices: Mapped[list[Any]]
    wait_if_unmatched: Mapped[bool]
    ranked_at: Mapped[datetime]


class RoundOrder(Base):
    """Whom a host wants for a place, in tiers of equals; the highest revision counts. Append-only.

    Who is in no tier comes after all that are; who is refused does not come.
    """

    __tablename__ = "round_order"
    __table_args__ = (CheckConstraint("revision >= 1", name="revision"),)

    place_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("round_place.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tiers: Mapped[list[Any]]
    refused: Mapped[list[Any]]
    ordered_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    ordered_at: Mapped[datetime]


class RoundRun(Base):
    """One run: all that went in, what came out, the hash of each. Append-only.

    The one that counts is not `dry`; `replays` names the run whose inputs were used again.
    """

    __tablename__ = "round_run"
    __table_args__ = (
        CheckConstraint("blocking_pairs = 0", name="stable"),
        CheckConstraint("dry OR replays IS NULL", name="replays"),
        Index("uq_round_run_round_id", "round_id", unique=True, postgresql_where=text("NOT dry")),
        Index("ix_round_run_round_id", "round_id", "id"),
        Index("ix_round_run_replays", "replays"),
    )

    id: Mapped[uuid.UUID] = pk()
    round_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("allocation_round.id"))
    dry: Mapped[bool]
    replays: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("round_run.id"))
    inputs: Mapped[dict[str, Any]]
    inputs_hash: Mapped[str]
    method: Mapped[str]
    result: Mapped[dict[str, Any]]
    result_hash: Mapped[str]
    # Counted by a check of our own, which knows nothing of the library.
    blocking_pairs: Mapped[int]
    ran_at: Mapped[datetime]
    # Empty where the time had come.
    ran_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))


class RoundStep(Base):
    """One step of a round's history. Append-only."""

    __tablename__ = "round_step"

    round_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("allocation_round.id"), primary_key=True)
    to_state: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    reason: Mapped[str]
