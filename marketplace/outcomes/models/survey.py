"""The yearly survey: campaign, frame, links, answers."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, pk

MODALITIES = "'in_person','virtual'"
ROTATION_STATUSES = "'completed','cancelled'"
FRAME_FLAGS = "'ok','duplicate','deceased'"
DELIVERIES = "'delivered','bounced','not_sent'"
TIERS = "'elective','externship','observership'"
LEARNERS = "'student','graduate'"
SITE_GROUPS = "'northeast','midwest','south','west','territory'"
DISPOSITIONS = "'I','P','R','NC_no_reply','NC_bounced','NC_not_invited','O_deceased','NE'"


class Campaign(Base):
    """The survey of one Match year; its questionnaire and dates are fixed before fielding."""

    __tablename__ = "campaign"
    __table_args__ = (
        UniqueConstraint("match_year"),
        CheckConstraint("match_year BETWEEN 1952 AND 2100", name="match_year"),
        CheckConstraint("opens_on <= closes_on AND closes_on <= freeze_on", name="dates"),
    )

    id: Mapped[uuid.UUID] = pk()
    match_year: Mapped[int] = mapped_column(SmallInteger)
    questionnaire_version: Mapped[str]
    opens_on: Mapped[date]
    closes_on: Mapped[date]
    freeze_on: Mapped[date]
    made_at: Mapped[datetime]
    framed_at: Mapped[datetime | None]


def _cohort_facts() -> tuple[CheckConstraint, ...]:
    return (
        CheckConstraint("img_type IN ('us_img','non_us_img')", name="img_type"),
        CheckConstraint(f"modality IN ({MODALITIES})", name="modality"),
        CheckConstraint(f"rotation_status IN ({ROTATION_STATUSES})", name="rotation_status"),
        CheckConstraint(f"frame_flag IN ({FRAME_FLAGS})", name="frame_flag"),
        CheckConstraint(f"delivery IN ({DELIVERIES})", name="delivery"),
        CheckConstraint(f"disposition IN ({DISPOSITIONS})", name="disposition"),
        CheckConstraint("wave BETWEEN 1 AND 99", name="wave"),
        CheckConstraint(f"tier IN ({TIERS})", name="tier"),
        CheckConstraint(f"learner_status IN ({LEARNERS})", name="learner_status"),
        CheckConstraint(f"site_group IN ({SITE_GROUPS})", name="site_group"),
    )


class _CohortFacts:
    """What is known of a member for the survey: the frame's margins, contact, answer.

    None is not known: an outside panel may lack a column, and no value is made up for it.
    """

    img_type: Mapped[str]
    specialty: Mapped[str | None]
    modality: Mapped[str | None]
    grad_band: Mapped[str | None]
    rotation_status: Mapped[str | None]
    frame_flag: Mapped[str | None]
    consent_to_contact: Mapped[bool | None]
    invited: Mapped[bool | None]
    delivery: Mapped[str | None]
    disposition: Mapped[str]
    match_items_answered: Mapped[bool | None]
    lor_earned: Mapped[bool | None]
    # Questions that were answered with a refusal: a missing value of its own in exports.
    refused_items: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))

    wave: Mapped[int | None] = mapped_column(SmallInteger)
    # What the rotation was: as frozen on its booking, and the region of its site.
    tier: Mapped[str | None]
    learner_status: Mapped[str | None]
    site_group: Mapped[str | None]
    # What the answers may be used for: None is not asked, or not answered.
    consent_reporting: Mapped[bool | None]
    consent_research: Mapped[bool | None]
    consent_named: Mapped[bool | None]


class CohortMember(_CohortFacts, Base):
    """A person in the frame of a campaign: the present values, equal to the last version."""

    __tablename__ = "cohort_member"
    __table_args__ = (
        UniqueConstraint("campaign_id", "person_id"),
        *_cohort_facts(),
        Index("ix_cohort_member_person_id", "person_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaign.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    joined_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class CohortMemberVersion(_CohortFacts, Base):
    """What was known of a member from `recorded_at` on; append-only."""

    __tablename__ = "cohort_member_version"
    __table_args__ = (
        *_cohort_facts(),
        Index("ix_cohort_member_version_member_id_number", "member_id", "number"),
    )

    id: Mapped[uuid.UUID] = pk()
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("cohort_member.id"))
    recorded_at: Mapped[datetime]


class FrameMark(Base):
    """That a member has died, or is in the frame twice, or that this was not so; append-only."""

    __tablename__ = "frame_mark"
    __table_args__ = (
        CheckConstraint(f"flag IN ({FRAME_FLAGS})", name="flag"),
        CheckConstraint(
            "(flag = 'duplicate') = (duplicate_of IS NOT NULL) AND duplicate_of <> member_id",
            name="duplicate_of",
        ),
        CheckConstraint("reason <> ''", name="reason"),
        Index("ix_frame_mark_member_id", "member_id", "id"),
        Index(
            "ix_frame_mark_duplicate_of",
            "duplicate_of",
            postgresql_where=text("duplicate_of IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("cohort_member.id"))
    flag: Mapped[str]
    duplicate_of: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("cohort_member.id"))
    reason: Mapped[str]
    recorded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    recorded_at: Mapped[datetime]


class SurveyLink(Base):
    """A member's way into the questionnaire; only the token's hash is kept."""

    __tablename__ = "survey_link"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index("ix_survey_link_member_id", "member_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("cohort_member.id"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    wave: Mapped[int] = mapped_column(SmallInteger)
    expires_at: Mapped[datetime]
    made_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class SurveyAnswer(Base):
    """One saved state of a member's answers; the highest version stands, none is overwritten."""

    __tablename__ = "survey_answer"
    __table_args__ = (
        UniqueConstraint("member_id", "version"),
        CheckConstraint("version >= 1", name="version"),
    )

    id: Mapped[uuid.UUID] = pk()
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("cohort_member.id"))
    version: Mapped[int]
    answers: Mapped[dict[str, Any]]
    complete: Mapped[bool]
    recorded_at: Mapped[datetime]
