"""Whether a member's answers may be counted at all, beside what else they may be used for."""

import sqlalchemy as sa
from alembic import op

revision = "0083_consent_reporting"
down_revision = "0082_impersonation"
branch_labels = None
depends_on = None

TABLES = ("cohort_member", "cohort_member_version")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("consent_reporting", sa.Boolean(), nullable=True))


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "consent_reporting")
