"""What a public report would hide, looked at before it is published."""

import sqlalchemy as sa
from alembic import op

revision = "0087_report_looks"
down_revision = "0086_account_erasure"
branch_labels = None
depends_on = None

TABLE = "report_look"
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("match_year", sa.SmallInteger(), nullable=False),
        sa.Column("as_of", AT, nullable=False),
        sa.Column("k", sa.SmallInteger(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", AT, nullable=False),
        sa.Column("inputs_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("done_at", AT, nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
        sa.ForeignKeyConstraint(["asked_by"], ["account.id"], name=f"fk_{TABLE}_asked_by_account"),
        sa.CheckConstraint("as_of <= asked_at", name=f"ck_{TABLE}_as_of"),
        sa.CheckConstraint("k >= 2", name=f"ck_{TABLE}_k"),
        sa.CheckConstraint(
            "num_nulls(inputs_sha256, result, done_at) IN (0, 3)", name=f"ck_{TABLE}_whole"
        ),
    )
    op.create_index(f"ix_{TABLE}_match_year", TABLE, ["match_year", "id"])


def downgrade() -> None:
    op.drop_table(TABLE)
