"""Stay limits as versions that operators make."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0050_stays"
down_revision = "0048_scans"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table = "stay_rule_version"
    op.create_table(
        table,
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_stay_rule_version"),
        sa.ForeignKeyConstraint(
            ["made_by"], ["account.id"], name="fk_stay_rule_version_made_by_account"
        ),
        sa.CheckConstraint("number >= 1", name="ck_stay_rule_version_number"),
        sa.CheckConstraint("note <> ''", name="ck_stay_rule_version_note"),
    )
    op.create_index("ix_stay_rule_version_made_by", table, ["made_by"])
    op.execute(
        f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("stay_rule_version")
