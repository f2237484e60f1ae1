"""Schools, their students, and what each student lets the school see. Histories are append-only.

Promises held here: an account is the student of one school at a time, an address has one open
invitation of a school, and a student whose link has ended shows the school nothing.
"""

import uuid
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, created_at, pk
from marketplace.identity.rules import SchoolEvidence, Seen
from marketplace.identity.states import InvitationState, SchoolStep, StudentState

STATES = ", ".join(f"'{state.value}'" for state in StudentState)
INVITATIONS = ", ".join(f"'{state.value}'" for state in InvitationState)
PURPOSES = ", ".join(f"'{purpose.value}'" for purpose in Seen)


class School(Base):
    """A medical school that has people here: it sends its students, and may pay for them.

    It acts only once an operator has verified it.
    """

    __tablename__ = "school"
    __table_args__ = (
        UniqueConstraint("name", "country"),
        CheckConstraint("email_domain = lower(email_domain)", name="email_domain"),
        CheckConstraint("(verified_at IS NULL) = (verified_by IS NULL)", name="verified"),
        CheckConstraint("refused_at IS NULL OR verified_at IS NULL", name="refused"),
        CheckConstraint("version >= 1", name="version"),
    )

    id: Mapped[uuid.UUID] = pk()
    name: Mapped[str]
    country: Mapped[str]
    city: Mapped[str | None]
    # Where there is one, only addresses in it are invited.
    email_domain: Mapped[str | None]
    # Whether each booking of its students needs the school's word first.
    approves: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    # Since when it waits for nobody's look any more, not being verified.
    refused_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_at()


class SchoolCheck(Base):
    """A step of a school's verification: what it shows, by which evidence, or why not. Append-only.

    `kind` and `reference` name the evidence; `note` tells the school why it was refused, and our
    staff what else the school has to say.
    """

    __tablename__ = "school_check"
    __table_args__ = (
        CheckConstraint(
            f"step IN ({', '.join(repr(one.value) for one in SchoolStep)})", name="step"
        ),
        CheckConstraint(
            f"kind IN ({', '.join(repr(one.value) for one in SchoolEvidence)})", name="kind"
        ),
        CheckConstraint("(kind IS NULL) = (reference IS NULL)", name="evidence"),
        CheckConstraint("step <> 'refused' OR note <> ''", name="refused"),
        CheckConstraint("step <> 'submitted' OR kind IS NOT NULL", name="submitted"),
        Index("ix_school_check_school_id", "school_id", "id"),
        Index("ix_school_check_account_id", "account_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"))
    school_version: Mapped[int]
    step: Mapped[str]
    kind: Mapped[str | None]
    reference: Mapped[str | None]
    note: Mapped[str]
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    recorded_at: Mapped[datetime]


class CoordinatorInvitation(Base):
    """Somebody whom a coordinator has invited to be another; one open invitation an address.

    It is good only as long as whoever sent it is a coordinator of the school.
    """

    __tablename__ = "coordinator_invitation"
    __table_args__ = (
        CheckConstraint(f"state IN ({INVITATIONS})", name="state"),
        CheckConstraint("email = lower(email)", name="email"),
        CheckConstraint("octet_length(token_hash) = 32", name="token_hash"),
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("(state = 'accepted') = (account_id IS NOT NULL)", name="accepted"),
        Index(
            "uq_coordinator_invitation_open",
            "school_id",
            "email",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_coordinator_invitation_school_id", "school_id", "id"),
    )

    id: Mapped[uuid.UUID] = pk()
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"))
    email: Mapped[str]
    state: Mapped[str]
    # What is kept of the link that was mailed last.
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    invited_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    invited_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    account_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    ended_at: Mapped[datetime | None]


class SchoolStudent(Base):
    """Somebody whom a school has invited, and who is its student once they have said so.

    `sees` is what the school may see now; each change of it is a row of `school_consent`.
    """

    __tablename__ = "school_student"
    __table_args__ = (
        CheckConstraint(f"state IN ({STATES})", name="state"),
        CheckConstraint("email = lower(email)", name="email"),
        CheckConstraint("state <> 'linked' OR account_id IS NOT NULL", name="linked"),
        CheckConstraint("state = 'linked' OR sees = '{}'", name="sees"),
        CheckConstraint(f"sees <@ ARRAY[{PURPOSES}]", name="purposes"),
        CheckConstraint("octet_length(token_hash) = 32", name="token_hash"),
        CheckConstraint(
            "(state = 'invited') = (token_hash IS NOT NULL AND expires_at IS NOT NULL)",
            name="invited",
        ),
        CheckConstraint("version >= 1", name="version"),
        Index(
            "uq_school_student_invited",
            "school_id",
            "email",
            unique=True,
            postgresql_where=text("state IN ('invited', 'linked')"),
        ),
        Index(
            "uq_school_student_linked",
            "account_id",
            unique=True,
            postgresql_where=text("state = 'linked'"),
        ),
        Index("ix_school_student_school_id", "school_id", "id"),
    )

    id: Mapped[uuid.UUID] = pk()
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"))
    email: Mapped[str]
    account_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    state: Mapped[str]
    version: Mapped[int]
    sees: Mapped[list[str]] = mapped_column(ARRAY(Text))
    # What is kept of the link that was mailed last.
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime | None]
    invited_at: Mapped[datetime]
    linked_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class SchoolStudentStep(Base):
    """One step of a student's link; `number` is its version after the step. Append-only."""

    __tablename__ = "school_student_step"
    __table_args__ = (CheckConstraint("number >= 1", name="number"),)

    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school_student.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    at: Mapped[datetime]
    # Empty where it was done by the mailed link, without an account.
    actor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    reason: Mapped[str]


class SchoolConsent(Base):
    """What a student lets the school see, given or withdrawn; the highest number counts."""

    __tablename__ = "school_consent"
    __table_args__ = (
        CheckConstraint(f"purpose IN ({PURPOSES})", name="purpose"),
        CheckConstraint("number >= 1", name="number"),
    )

    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school_student.id"), primary_key=True)
    purpose: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    given: Mapped[bool]
    # The version of the words that the student read.
    wording: Mapped[str]
    at: Mapped[datetime]
