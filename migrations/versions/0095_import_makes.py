"""Versions of listings say which import wrote them, so that one made by mistake can be taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0095_import_makes"
down_revision = "0094_names_by_words"
branch_labels = None
depends_on = None

NAME = "fk_listing_version_import_id_import_run"
INDEX = "ix_listing_version_import_id"


def upgrade() -> None:
    """No row has one yet: the check is a look, and writers wait for no index."""
    op.add_column("listing_version", sa.Column("import_id", sa.Uuid()))
    op.execute(
        f"ALTER TABLE listing_version ADD CONSTRAINT {NAME}"
        " FOREIGN KEY (import_id) REFERENCES import_run (id) NOT VALID"
    )
    op.execute(f"ALTER TABLE listing_version VALIDATE CONSTRAINT {NAME}")
    with op.get_context().autocommit_block():
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
    op.drop_constraint(NAME, "listing_version")
    op.drop_column("listing_version", "import_id")
