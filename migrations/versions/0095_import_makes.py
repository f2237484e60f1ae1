"""Versions of listings say which import wrote them, so that one made by mistake can be taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0095_import_makes"
down_revision = "0094_names_by_words"
branch_labels = None
depends_on = None

NAME = "fk_listing_version_import_id_import_run"


def upgrade() -> None:
    """The key is checked for new rows at once, for old ones by the next migration."""
    op.add_column("listing_version", sa.Column("import_id", sa.Uuid()))
    op.execute(
        f"ALTER TABLE listing_version ADD CONSTRAINT {NAME}"
        " FOREIGN KEY (import_id) REFERENCES import_run (id) NOT VALID"
    )


def downgrade() -> None:
    op.drop_constraint(NAME, "listing_version")
    op.drop_column("listing_version", "import_id")
