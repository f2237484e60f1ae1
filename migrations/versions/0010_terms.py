"""Terms of listings: English, documents, the deposit, residency affiliation, the claimed tier."""

import sqlalchemy as sa
from alembic import op

revision = "0010_terms"
down_revision = "0009_jobs"
branch_labels = None
depends_on = None

DOCUMENTS = (
    "'passport', 'cv', 'deans_letter', 'transcript', 'mmr', 'varicella', 'hepatitis_b', 'tdap', "
    "'tb_test', 'influenza', 'bls', 'hipaa_training', 'background_check', 'drug_screen', "
    "'malpractice_insurance', 'health_insurance', 'step_score_report', 'english_proof'"
)
CHECKS = {
    "toefl_ibt_min": "toefl_ibt_min BETWEEN 1 AND 120",
    "ielts_min": "ielts_min BETWEEN 0.5 AND 9",
    "oet_min": "oet_min BETWEEN 10 AND 500",
    "documents": f"documents <@ ARRAY[{DOCUMENTS}]::text[]",
    "deposit_kind": "deposit_kind IN ('standard', 'whole', 'share', 'amount')"
    " AND (deposit_kind = 'share') = (deposit_basis_points IS NOT NULL)"
    " AND (deposit_kind = 'amount') = (deposit_minor IS NOT NULL)",
    "deposit_basis_points": "deposit_basis_points BETWEEN 1 AND 9999",
    "deposit_minor": "deposit_minor > 0",
    "claimed_tier": "claimed_tier IN ('observership', 'externship', 'elective')",
}


def columns() -> list[sa.Column[object]]:
    """The new columns; constant defaults, so that no row is rewritten."""
    return [
        sa.Column("english_native", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("toefl_ibt_min", sa.SmallInteger()),
        sa.Column("ielts_min", sa.Numeric(2, 1)),
        sa.Column("oet_min", sa.SmallInteger()),
        sa.Column("documents", sa.ARRAY(sa.Text()), nullable=False, server_default="{}"),
        sa.Column("deposit_kind", sa.Text(), nullable=False, server_default="standard"),
        sa.Column("deposit_basis_points", sa.SmallInteger()),
        sa.Column("deposit_minor", sa.BigInteger()),
        sa.Column("residency_affiliation", sa.Text(), nullable=False, server_default=""),
        sa.Column("claimed_tier", sa.Text()),
    ]


def upgrade() -> None:
    for column in columns():
        op.add_column("listing", column)
    for name, condition in CHECKS.items():
        # For new rows at once; the old ones are read by a migration of its own, which lets
        # others write meanwhile.
        op.execute(
            f"ALTER TABLE listing ADD CONSTRAINT ck_listing_{name} CHECK ({condition}) NOT VALID"
        )


def downgrade() -> None:
    for name in CHECKS:
        op.drop_constraint(f"ck_listing_{name}", "listing")
    for column in reversed(columns()):
        op.drop_column("listing", column.name)
