"""Accounts with the columns that Flask-Security reads, roles as memberships, profiles, notices.

Histories (`trainee_profile_revision`) are append-only by trigger; memberships and API keys are
revoked, never deleted.
"""

import uuid
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.core.db import Base, created_at, pk
from marketplace.identity.rules import (
    NOTICE_CHOICES,
    ApplicantType,
    Citizenship,
    LearnerStatus,
    Role,
    Step1Result,
    VisaType,
    applicant_type,
    learner_status,
)

NOTICE_STATES = ("queued", "sent", "failed", "refused", "off", "waiting", "gathered")

if TYPE_CHECKING:

    class SecurityUser:
        """What we use of Flask-Security's mixin, whose annotations assume integer keys."""

        def get_id(self) -> str: ...

        def get_auth_token(self) -> str: ...

        def verify_and_update_password(self, password: str) -> bool: ...

    class SecurityWebAuthn:
        """Stands for Flask-Security's mixin in the same way."""
else:
    from flask_security import UserMixin as SecurityUser
    from flask_security import WebAuthnMixin as SecurityWebAuthn


def one_of(column: str, values: type[Any] | tuple[str, ...]) -> str:
    """Return the SQL condition that `column` holds one of `values` (an enumeration or strings)."""
    texts = values if isinstance(values, tuple) else tuple(member.value for member in values)
    return f"{column} IN ({', '.join(repr(text) for text in texts)})"


class Account(SecurityUser, Base):
    """Somebody who can sign in. The address is kept in lower case, so that it is one account's."""

    __tablename__ = "account"
    __table_args__ = (
        UniqueConstraint("email"),
        UniqueConstraint("fs_uniquifier"),
        UniqueConstraint("fs_token_uniquifier"),
        UniqueConstraint("fs_webauthn_user_handle"),
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint(one_of("locale", ("en", "es")), name="locale"),
        Index("ix_account_words", text("account_words(name, email)"), postgresql_using="gin"),
    )

    id: Mapped[uuid.UUID] = pk()
    email: Mapped[str]
    name: Mapped[str]
    locale: Mapped[str] = mapped_column(server_default="en", default="en")
    time_zone: Mapped[str] = mapped_column(server_default="UTC", default="UTC")
    password: Mapped[str | None]
    active: Mapped[bool] = mapped_column(server_default=text("true"), default=True)
    confirmed_at: Mapped[datetime | None]
    # What sessions and mailed links carry; a new value ends them all.
    fs_uniquifier: Mapped[str]
    # What bearer tokens carry; a new value ends them all.
    fs_token_uniquifier: Mapped[str]
    fs_webauthn_user_handle: Mapped[str | None]
    tf_primary_method: Mapped[str | None]
    tf_totp_secret: Mapped[str | None]
    tf_phone_number: Mapped[str | None]
    # The time step of the last accepted code: one code opens the door once.
    tf_last_counter: Mapped[int | None] = mapped_column(BigInteger)
    mf_recovery_codes: Mapped[list[str] | None] = mapped_column(JSONB)
    created_at: Mapped[datetime] = created_at()

    webauthn: Mapped[list["WebAuthnCredential"]] = relationship(
        back_populates="account", lazy="raise", passive_deletes="all"
    )


class WebAuthnCredential(SecurityWebAuthn, Base):
    """A passkey of an account, in the columns that Flask-Security reads."""

    __tablename__ = "webauthn_credential"
    __table_args__ = (UniqueConstraint("credential_id"), UniqueConstraint("account_id", "name"))

    id: Mapped[uuid.UUID] = pk()
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    credential_id: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    name: Mapped[str]
    sign_count: Mapped[int] = mapped_column(BigInteger, server_default=text("0"), default=0)
    transports: Mapped[list[str] | None] = mapped_column(JSONB)
    backup_state: Mapped[bool]
    device_type: Mapped[str]
    extensions: Mapped[str | None]
    usage: Mapped[str]
    lastuse_datetime: Mapped[datetime]
    created_at: Mapped[datetime] = created_at()

    account: Mapped[Account] = relationship(back_populates="webauthn", lazy="raise")

    def get_user_mapping(self) -> dict[str, Any]:
        """Say by which column Flask-Security finds the credential's account."""
        return {"id": self.account_id}


class Membership(Base):
    """A role of an account, at a site, at a school or everywhere, from its grant to its revocation.

    One live row a role and place; the revoked ones are the history.
    """

    __tablename__ = "membership"
    __table_args__ = (
        CheckConstraint(one_of("role", Role), name="role"),
        CheckConstraint(
            "(site_id IS NOT NULL) = (role IN ('site_owner', 'coordinator', 'preceptor'))",
            name="site",
        ),
        CheckConstraint("(school_id IS NOT NULL) = (role = 'school_coordinator')", name="school"),
        Index(
            "uq_membership_account_id_role_site_id_school_id",
            "account_id",
            "role",
            "site_id",
            "school_id",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_membership_site_id", "site_id"),
        Index("ix_membership_school_id", "school_id"),
        # Staff is looked up by role; trainees are many and never are.
        Index(
            "ix_membership_role",
            "role",
            postgresql_where=text("revoked_at IS NULL AND role <> 'trainee'"),
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    role: Mapped[str]
    site_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("site.id"))
    school_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("school.id"))
    granted_at: Mapped[datetime]
    granted_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))


class TraineeProfile(Base):
    """The applicant facts as they stand; `version` counts the changes, revisions keep each."""

    __tablename__ = "trainee_profile"
    __table_args__ = (
        CheckConstraint(one_of("citizenship", Citizenship), name="citizenship"),
        CheckConstraint(one_of("step1_result", Step1Result), name="step1_result"),
        CheckConstraint("step2_ck_score BETWEEN 1 AND 300", name="step2_ck_score"),
        CheckConstraint(one_of("visa_type", VisaType), name="visa_type"),
        CheckConstraint("school_country ~ '^[A-Z]{2}$'", name="school_country"),
        CheckConstraint("version >= 1", name="version"),
    )

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    version: Mapped[int]
    updated_at: Mapped[datetime]
    school_name: Mapped[str | None]
    school_country: Mapped[str]
    citizenship: Mapped[str]
    needs_visa: Mapped[bool]
    visa_type: Mapped[str | None]
    graduation_date: Mapped[date]
    step1_result: Mapped[str]
    step2_ck_score: Mapped[int | None] = mapped_column(SmallInteger)
    # Tests of English with their scores, such as {"test": "oet", "scores": {"reading": 380}}.
    english: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    ecfmg_certified: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    target_specialty: Mapped[str | None]
    match_year: Mapped[int | None] = mapped_column(SmallInteger)

    @property
    def applicant_type(self) -> ApplicantType:
        return applicant_type(self.school_country, self.citizenship)

    def learner_status(self, on: date) -> LearnerStatus:
        return learner_status(self.graduation_date, on)


class TraineeProfileRevision(Base):
    """Every profile as it was saved. Append-only by trigger."""

    __tablename__ = "trainee_profile_revision"
    __table_args__ = (UniqueConstraint("account_id", "version"),)

    id: Mapped[uuid.UUID] = pk()
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    version: Mapped[int]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)


class ApiKey(Base):
    """A key for a program of an account's: only a digest of its secret half is kept."""

    __tablename__ = "api_key"
    __table_args__ = (UniqueConstraint("prefix"), Index("ix_api_key_account_id", "account_id"))

    id: Mapped[uuid.UUID] = pk()
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    name: Mapped[str]
    prefix: Mapped[str]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    scopes: Mapped[list[str]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Notice(Base):
    """An e-mail: asked for in the transaction of its cause, sent by a job, kept as a record.

    `waiting` is kept for its recipient's daily mail, `gathered` stood in one. `off` was not to be
    sent, by its recipient's wish; `refused` was not taken, for good, by the recipient's server.
    `version` names the text and layout that it was sent in.
    """

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint(one_of("state", NOTICE_STATES), name="state"),
        CheckConstraint("(sent_at IS NOT NULL) = (state = 'sent')", name="sent_at"),
        # What only the recipient may see (links that sign in) is not kept once it has gone.
        CheckConstraint("secret IS NULL OR state IN ('queued', 'failed')", name="secret"),
        Index("ix_notice_account_id", "account_id"),
        Index("ix_notice_waiting", "account_id", postgresql_where=text("state = 'waiting'")),
        Index("ix_notice_queued_at", "queued_at", postgresql_where=text("state <> 'sent'")),
        Index("ix_notice_to_address", "to_address", postgresql_where=text("account_id IS NULL")),
    )

    id: Mapped[uuid.UUID] = pk()
    account_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    to_address: Mapped[str]
    template: Mapped[str]
    locale: Mapped[str]
    time_zone: Mapped[str] = mapped_column(server_default="UTC", default="UTC")
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    secret: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    # It carried one, so that its text can't be shown again.
    had_secret: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    # Keys of objects, and short files written out: {"name", "media_type", "text"}.
    attachments: Mapped[list[str]] = mapped_column(JSONB)
    files: Mapped[list[dict[str, str]] | None] = mapped_column(JSONB(none_as_null=True))
    headers: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    state: Mapped[str] = mapped_column(server_default="queued", default="queued")
    version: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"), default=0)
    failure: Mapped[str | None]
    queued_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class NoticePreference(Base):
    """How an account wants notices of a kind; where there is no row, each one as it comes.

    The kinds that must be sent are none of these: the database takes no wish about them.
    """

    __tablename__ = "notice_preference"
    __table_args__ = (
        CheckConstraint(one_of("kind", tuple(NOTICE_CHOICES)), name="kind"),
        CheckConstraint(
            "choice IN ('each', 'off') OR choice = 'brief' AND kind = 'messages'"
            " OR choice = 'daily' AND kind <> 'surveys'",
            name="choice",
        ),
    )

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    choice: Mapped[str]
    changed_at: Mapped[datetime]


class RefusedAddress(Base):
    """An address whose server has said for good that it takes no mail, until it takes one."""

    __tablename__ = "refused_address"

    address: Mapped[str] = mapped_column(primary_key=True)
    refused_at: Mapped[datetime]
    answer: Mapped[str]
