"""The import of a version is checked for all rows, and found by its id."""

import sqlalchemy as sa
from alembic import op

revision = "0096_import_makes_valid"
down_revision = "0095_import_makes"
branch_labels = None
depends_on = None

NAME = "fk_listing_version_import_id_import_run"
INDEX = "ix_listing_version_import_id"


def upgrade() -> None:
    """Neither readers nor writers wait while rows are looked at and the index is built."""
    with op.get_context().autocommit_block():
        op.execute(f"ALTER TABLE listing_version VALIDATE CONSTRAINT {NAME}")
        op.create_index(
            INDEX,
            "listing_version",
            ["import_id"],
            postgresql_where=sa.text("import_id IS NOT NULL"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(INDEX, "listing_version", postgresql_concurrently=True, if_exists=True)
