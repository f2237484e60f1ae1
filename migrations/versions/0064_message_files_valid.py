"""Reads the files of messages that were there before their keys could go."""

from alembic import op

revision = "0064_message_files_valid"
down_revision = "0063_message_files"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Neither readers nor writers wait for this."""
    op.execute("ALTER TABLE message_file VALIDATE CONSTRAINT ck_message_file_gone")


def downgrade() -> None:
    """What is valid may stay so."""
