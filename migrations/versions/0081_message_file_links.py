"""Files of messages are read by links that work once and soon."""

import sqlalchemy as sa
from alembic import op

revision = "0081_message_file_links"
down_revision = "0080_search_visible"
branch_labels = None
depends_on = None

TABLE = "message_file_link"
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", AT, nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("used_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
        sa.ForeignKeyConstraint(
            ["file_id"], ["message_file.id"], name=f"fk_{TABLE}_file_id_message_file"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=f"fk_{TABLE}_account_id_account"
        ),
    )
    op.create_index(f"ix_{TABLE}_file_id", TABLE, ["file_id"])


def downgrade() -> None:
    op.drop_table(TABLE)
