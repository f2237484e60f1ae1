"""What a report groups by beside applicant type, and what a member's answers may be used for."""

import sqlalchemy as sa
from alembic import op

revision = "0075_groupings"
down_revision = "0074_letter_ledger_valid"
branch_labels = None
depends_on = None

TABLES = ("cohort_member", "cohort_member_version")
COLUMNS = (
    ("tier", sa.Text()),
    ("learner_status", sa.Text()),
    ("site_group", sa.Text()),
    ("consent_research", sa.Boolean()),
    ("consent_named", sa.Boolean()),
)
CHECKS = (
    ("tier", "'elective','externship','observership'"),
    ("learner_status", "'student','graduate'"),
    ("site_group", "'northeast','midwest','south','west','territory'"),
)


def upgrade() -> None:
    """Old rows have nulls only, so that reading them for the checks may wait."""
    for table in TABLES:
        for name, kind in COLUMNS:
            op.add_column(table, sa.Column(name, kind, nullable=True))
        for name, allowed in CHECKS:
            op.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name}"
                f" CHECK ({name} IN ({allowed})) NOT VALID"
            )
    with op.get_context().autocommit_block():
        for table in TABLES:
            for name, _ in CHECKS:
                op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_{name}")


def downgrade() -> None:
    for table in TABLES:
        for name, _ in CHECKS:
            op.drop_constraint(f"ck_{table}_{name}", table)
        for name, _ in COLUMNS:
            op.drop_column(table, name)
