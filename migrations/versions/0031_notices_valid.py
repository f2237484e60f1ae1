"""Notices sent before are looked at by the new rules, while others are written."""

from alembic import op

revision = "0031_notices_valid"
down_revision = "0030_notices"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("state", "secret"):
        op.execute(f"ALTER TABLE notice VALIDATE CONSTRAINT ck_notice_{name}")


def downgrade() -> None:
    """Nothing to undo: a constraint that holds is not made to doubt."""
