"""A school's own people show by what it is known, as a step of its verification."""

from alembic import op

revision = "0097_schools_show_evidence"
down_revision = "0096_import_makes_valid"
branch_labels = None
depends_on = None

TABLE, STEP, SUBMITTED = "school_check", "ck_school_check_step", "ck_school_check_submitted"


def upgrade() -> None:
    """There are few schools, so looking at their steps is quick."""
    op.drop_constraint(STEP, TABLE)
    op.create_check_constraint(STEP, TABLE, "step IN ('submitted', 'verified', 'refused')")
    op.create_check_constraint(SUBMITTED, TABLE, "step <> 'submitted' OR kind IS NOT NULL")


def downgrade() -> None:
    """What schools have shown stays; no more of it can be written."""
    op.drop_constraint(SUBMITTED, TABLE)
    op.drop_constraint(STEP, TABLE)
    op.create_check_constraint(
        STEP, TABLE, "step IN ('verified', 'refused')", postgresql_not_valid=True
    )
