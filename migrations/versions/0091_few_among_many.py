"""Few among all that there ever were, found by indexes.

An account's uploads that are under way, the last reconciliation, what a member is a duplicate of.
"""

import sqlalchemy as sa
from alembic import op

revision = "0091_few_among_many"
down_revision = "0090_import_sheets"
branch_labels = None
depends_on = None

INDEXES = (
    (
        "ix_document_upload_under_way",
        "document_upload",
        "holder_id",
        "state IN ('waiting', 'received')",
    ),
    ("ix_reconciliation_started_at", "reconciliation", "started_at", None),
    ("ix_frame_mark_duplicate_of", "frame_mark", "duplicate_of", "duplicate_of IS NOT NULL"),
)


def upgrade() -> None:
    """Neither readers nor writers wait while they are built."""
    with op.get_context().autocommit_block():
        for name, table, column, only in INDEXES:
            op.create_index(
                name,
                table,
                [column],
                postgresql_concurrently=True,
                postgresql_where=None if only is None else sa.text(only),
                if_not_exists=True,
            )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name, table, _, _ in INDEXES:
            op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
