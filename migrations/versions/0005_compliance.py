"""The audit trail and consents, both append-only."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005_compliance"
down_revision = "0004_payments"
branch_labels = None
depends_on = None

HISTORIES = ("audit_entry", "consent")


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("detail", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entry"),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["account.id"], name="fk_audit_entry_actor_id_account"
        ),
    )
    op.create_index(
        "ix_audit_entry_subject_kind_subject_id", "audit_entry", ["subject_kind", "subject_id"]
    )
    op.create_index("ix_audit_entry_actor_id", "audit_entry", ["actor_id"])
    op.create_table(
        "consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consent"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_consent_account_id_account"
        ),
        sa.UniqueConstraint(
            "account_id", "purpose", "number", name="uq_consent_account_id_purpose_number"
        ),
        sa.CheckConstraint(
            "purpose IN ('reporting', 'research', 'named_testimonial')", name="ck_consent_purpose"
        ),
        sa.CheckConstraint("number >= 1", name="ck_consent_number"),
    )
    for table in HISTORIES:
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.drop_table("consent")
    op.drop_table("audit_entry")
