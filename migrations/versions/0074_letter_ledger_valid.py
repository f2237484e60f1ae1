"""Reads the letters that were there before their ledger, and finds those that are awaited."""

import sqlalchemy as sa
from alembic import op

revision = "0074_letter_ledger_valid"
down_revision = "0073_letter_ledger"
branch_labels = None
depends_on = None

TO_VALIDATE = ("ck_letter_author_answered", "ck_letter_author_locale", "ck_letter_draft_number")
INDEX = "ix_letter_awaited"


def upgrade() -> None:
    """Neither readers nor writers wait for this."""
    for name in TO_VALIDATE:
        op.execute(f"ALTER TABLE letter VALIDATE CONSTRAINT {name}")
    with op.get_context().autocommit_block():
        op.create_index(
            INDEX,
            "letter",
            ["id"],
            postgresql_where=sa.text("state = 'agreed' AND author_email IS NOT NULL"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    """What is valid may stay so."""
    with op.get_context().autocommit_block():
        op.drop_index(INDEX, "letter", postgresql_concurrently=True, if_exists=True)
