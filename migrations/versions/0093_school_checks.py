"""How a school was verified: by which evidence, or refused and why, step by step."""

import sqlalchemy as sa
from alembic import op

revision = "0093_school_checks"
down_revision = "0092_outcomes_to_verify"
branch_labels = None
depends_on = None

KINDS = (
    "'directory', 'accreditation', 'website', 'affiliation_agreement', 'letterhead', 'telephone',"
    " 'other'"
)
REFUSED = "refused_at IS NULL OR verified_at IS NULL"


def to(name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [name], [f"{target}.id"], name=f"fk_school_check_{name}_{target}"
    )


def upgrade() -> None:
    """There are few schools, so their check is quick."""
    op.add_column("school", sa.Column("refused_at", sa.DateTime(timezone=True)))
    op.create_check_constraint("ck_school_refused", "school", REFUSED)
    op.create_table(
        "school_check",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("school_version", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text()),
        sa.Column("reference", sa.Text()),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_school_check"),
        to("school_id", "school"),
        to("account_id", "account"),
        sa.CheckConstraint("step IN ('verified', 'refused')", name="ck_school_check_step"),
        sa.CheckConstraint(f"kind IN ({KINDS})", name="ck_school_check_kind"),
        sa.CheckConstraint("(kind IS NULL) = (reference IS NULL)", name="ck_school_check_evidence"),
        sa.CheckConstraint("step <> 'refused' OR note <> ''", name="ck_school_check_refused"),
    )
    op.create_index("ix_school_check_school_id", "school_check", ["school_id", "id"])
    op.create_index("ix_school_check_account_id", "school_check", ["account_id"])
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON school_check"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("school_check")
    op.drop_constraint("ck_school_refused", "school")
    op.drop_column("school", "refused_at")
