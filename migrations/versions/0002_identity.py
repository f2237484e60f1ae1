"""Accounts, passkeys, schools, memberships, trainee profiles with their history, keys, notices."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002_identity"
down_revision = "0001_core"
branch_labels = None
depends_on = None

ID = sa.Uuid()
TIME = sa.DateTime(timezone=True)
JSONB = postgresql.JSONB()


def upgrade() -> None:
    create_account()
    create_webauthn_credential()
    create_membership()
    create_trainee_profile()
    create_api_key()
    create_notice()


def create_account() -> None:
    op.create_table(
        "account",
        sa.Column("id", ID, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False, server_default="en"),
        sa.Column("time_zone", sa.Text(), nullable=False, server_default="UTC"),
        sa.Column("password", sa.Text()),
        sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.text("true")),
        sa.Column("confirmed_at", TIME),
        sa.Column("fs_uniquifier", sa.Text(), nullable=False),
        sa.Column("fs_token_uniquifier", sa.Text(), nullable=False),
        sa.Column("fs_webauthn_user_handle", sa.Text()),
        sa.Column("tf_primary_method", sa.Text()),
        sa.Column("tf_totp_secret", sa.Text()),
        sa.Column("tf_phone_number", sa.Text()),
        sa.Column("tf_last_counter", sa.BigInteger()),
        sa.Column("mf_recovery_codes", JSONB),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
        sa.UniqueConstraint("email", name="uq_account_email"),
        sa.UniqueConstraint("fs_uniquifier", name="uq_account_fs_uniquifier"),
        sa.UniqueConstraint("fs_token_uniquifier", name="uq_account_fs_token_uniquifier"),
        sa.UniqueConstraint("fs_webauthn_user_handle", name="uq_account_fs_webauthn_user_handle"),
        sa.CheckConstraint("email = lower(email)", name="ck_account_email_lower"),
        sa.CheckConstraint("locale IN ('en', 'es')", name="ck_account_locale"),
    )


def create_webauthn_credential() -> None:
    op.create_table(
        "webauthn_credential",
        sa.Column("id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("transports", JSONB),
        sa.Column("backup_state", sa.Boolean(), nullable=False),
        sa.Column("device_type", sa.Text(), nullable=False),
        sa.Column("extensions", sa.Text()),
        sa.Column("usage", sa.Text(), nullable=False),
        sa.Column("lastuse_datetime", TIME, nullable=False),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_webauthn_credential"),
        sa.UniqueConstraint("credential_id", name="uq_webauthn_credential_credential_id"),
        sa.UniqueConstraint("account_id", "name", name="uq_webauthn_credential_account_id_name"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name="fk_webauthn_credential_account_id_account",
            ondelete="CASCADE",
        ),
    )


def create_membership() -> None:
    op.create_table(
        "school",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_school"),
        sa.UniqueConstraint("name", "country", name="uq_school_name_country"),
    )
    # site_id becomes a foreign key with the table of sites, in 0003_catalog.
    op.create_table(
        "membership",
        sa.Column("id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("site_id", ID),
        sa.Column("school_id", ID),
        sa.Column("granted_at", TIME, nullable=False),
        sa.Column("granted_by", ID),
        sa.Column("revoked_at", TIME),
        sa.Column("revoked_by", ID),
        sa.PrimaryKeyConstraint("id", name="pk_membership"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_membership_account_id_account"
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["school.id"], name="fk_membership_school_id_school"
        ),
        sa.ForeignKeyConstraint(
            ["granted_by"], ["account.id"], name="fk_membership_granted_by_account"
        ),
        sa.ForeignKeyConstraint(
            ["revoked_by"], ["account.id"], name="fk_membership_revoked_by_account"
        ),
        sa.CheckConstraint(
            "role IN ('trainee', 'site_owner', 'coordinator', 'preceptor',"
            " 'school_coordinator', 'operator', 'analyst')",
            name="ck_membership_role",
        ),
        sa.CheckConstraint(
            "(site_id IS NOT NULL) = (role IN ('site_owner', 'coordinator', 'preceptor'))",
            name="ck_membership_site",
        ),
        sa.CheckConstraint(
            "(school_id IS NOT NULL) = (role = 'school_coordinator')", name="ck_membership_school"
        ),
    )
    op.create_index(
        "uq_membership_account_id_role_site_id_school_id",
        "membership",
        ["account_id", "role", "site_id", "school_id"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_index("ix_membership_site_id", "membership", ["site_id"])
    op.create_index("ix_membership_school_id", "membership", ["school_id"])
    op.create_index(
        "ix_membership_role",
        "membership",
        ["role"],
        postgresql_where=sa.text("revoked_at IS NULL AND role <> 'trainee'"),
    )


def create_trainee_profile() -> None:
    op.create_table(
        "trainee_profile",
        sa.Column("account_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("school_name", sa.Text()),
        sa.Column("school_country", sa.Text(), nullable=False),
        sa.Column("citizenship", sa.Text(), nullable=False),
        sa.Column("needs_visa", sa.Boolean(), nullable=False),
        sa.Column("visa_type", sa.Text()),
        sa.Column("graduation_date", sa.Date(), nullable=False),
        sa.Column("step1_result", sa.Text(), nullable=False),
        sa.Column("step2_ck_score", sa.SmallInteger()),
        sa.Column("english", JSONB),
        sa.Column("ecfmg_certified", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("target_specialty", sa.Text()),
        sa.Column("match_year", sa.SmallInteger()),
        sa.PrimaryKeyConstraint("account_id", name="pk_trainee_profile"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_trainee_profile_account_id_account"
        ),
        sa.CheckConstraint(
            "citizenship IN ('us_citizen', 'permanent_resident', 'other')",
            name="ck_trainee_profile_citizenship",
        ),
        sa.CheckConstraint(
            "step1_result IN ('not_taken', 'passed', 'failed')",
            name="ck_trainee_profile_step1_result",
        ),
        sa.CheckConstraint(
            "step2_ck_score BETWEEN 1 AND 300", name="ck_trainee_profile_step2_ck_score"
        ),
        sa.CheckConstraint(
            "visa_type IN ('b1', 'b1_b2', 'f1', 'j1', 'h1b', 'esta', 'other')",
            name="ck_trainee_profile_visa_type",
        ),
        sa.CheckConstraint(
            "school_country ~ '^[A-Z]{2}$'", name="ck_trainee_profile_school_country"
        ),
        sa.CheckConstraint("version >= 1", name="ck_trainee_profile_version"),
    )
    op.create_table(
        "trainee_profile_revision",
        sa.Column("id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("recorded_by", ID, nullable=False),
        sa.Column("data", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trainee_profile_revision"),
        sa.UniqueConstraint(
            "account_id", "version", name="uq_trainee_profile_revision_account_id_version"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_trainee_profile_revision_account_id_account"
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"],
            ["account.id"],
            name="fk_trainee_profile_revision_recorded_by_account",
        ),
    )
    op.execute(
        "CREATE TRIGGER trainee_profile_revision_history BEFORE UPDATE OR DELETE"
        " ON trainee_profile_revision FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def create_api_key() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", JSONB, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME),
        sa.Column("revoked_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("prefix", name="uq_api_key_prefix"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_api_key_account_id_account"
        ),
    )
    op.create_index("ix_api_key_account_id", "api_key", ["account_id"])


def create_notice() -> None:
    op.create_table(
        "notice",
        sa.Column("id", ID, nullable=False),
        sa.Column("account_id", ID),
        sa.Column("to_address", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("data", JSONB, nullable=False),
        sa.Column("secret", JSONB),
        sa.Column("attachments", JSONB, nullable=False),
        sa.Column("state", sa.Text(), nullable=False, server_default="queued"),
        sa.Column("attempts", sa.SmallInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("failure", sa.Text()),
        sa.Column("queued_at", TIME, nullable=False),
        sa.Column("sent_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_notice_account_id_account"
        ),
        sa.CheckConstraint("state IN ('queued', 'sent', 'failed')", name="ck_notice_state"),
        sa.CheckConstraint("(sent_at IS NOT NULL) = (state = 'sent')", name="ck_notice_sent_at"),
        sa.CheckConstraint("secret IS NULL OR state <> 'sent'", name="ck_notice_secret"),
    )
    op.create_index("ix_notice_account_id", "notice", ["account_id"])
    op.create_index(
        "ix_notice_queued_at",
        "notice",
        ["queued_at"],
        postgresql_where=sa.text("state <> 'sent'"),
    )


def downgrade() -> None:
    for table in (
        "notice",
        "api_key",
        "trainee_profile_revision",
        "trainee_profile",
        "membership",
        "school",
        "webauthn_credential",
        "account",
    ):
        op.drop_table(table)
