"""What all tables share: the refusal to change history, and remembered answers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001_core"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'rows of % are history: they are added, never changed', TG_TABLE_NAME
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'history_' || TG_TABLE_NAME;
        END $$
        """
    )
    op.create_table(
        "remembered_answer",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", postgresql.JSONB(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name="pk_remembered_answer"),
    )
    op.create_index("ix_remembered_answer_created_at", "remembered_answer", ["created_at"])


def downgrade() -> None:
    op.drop_table("remembered_answer")
    op.execute("DROP FUNCTION refuse_change()")
