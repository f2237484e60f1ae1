"""What the host says of the trainee, and what the trainee says was really done."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, pk


class Evaluation(Base):
    """One revision of an evaluation; the last of an evaluator counts, the others stay."""

    __tablename__ = "evaluation"
    __table_args__ = (
        UniqueConstraint("booking_id", "evaluator_id", "revision"),
        CheckConstraint("revision >= 1", name="revision"),
        CheckConstraint("patient_care BETWEEN 1 AND 5", name="patient_care"),
        CheckConstraint("medical_knowledge BETWEEN 1 AND 5", name="medical_knowledge"),
        CheckConstraint("practice_based_learning BETWEEN 1 AND 5", name="practice_based_learning"),
        CheckConstraint("communication BETWEEN 1 AND 5", name="communication"),
        CheckConstraint("professionalism BETWEEN 1 AND 5", name="professionalism"),
        CheckConstraint("systems_based_practice BETWEEN 1 AND 5", name="systems_based_practice"),
        Index("ix_evaluation_trainee_id", "trainee_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"))
    trainee_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    evaluator_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    revision: Mapped[int] = mapped_column(SmallInteger)
    patient_care: Mapped[int] = mapped_column(SmallInteger)
    medical_knowledge: Mapped[int] = mapped_column(SmallInteger)
    practice_based_learning: Mapped[int] = mapped_column(SmallInteger)
    communication: Mapped[int] = mapped_column(SmallInteger)
    professionalism: Mapped[int] = mapped_column(SmallInteger)
    systems_based_practice: Mapped[int] = mapped_column(SmallInteger)
    comments: Mapped[str]
    shown_to_trainee: Mapped[bool]
    recorded_at: Mapped[datetime]


class Attestation(Base):
    """The duties that a trainee says were really performed; one a booking, never changed."""

    __tablename__ = "attestation"
    __table_args__ = (
        UniqueConstraint("booking_id"),
        CheckConstraint("cardinality(duties) > 0", name="duties"),
        Index("ix_attestation_listing_id", "listing_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"))
    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"))
    trainee_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    duties: Mapped[list[str]] = mapped_column(ARRAY(Text))
    direct_contact: Mapped[bool]
    remarks: Mapped[str]
    recorded_at: Mapped[datetime]
