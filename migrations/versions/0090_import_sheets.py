"""Imports say whether their sheet holds listings or calendars."""

import sqlalchemy as sa
from alembic import op

revision = "0090_import_sheets"
down_revision = "0089_served_lists"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A constant default, so that no row is rewritten; the condition holds for it.
    op.add_column(
        "import_run", sa.Column("sheet", sa.Text(), nullable=False, server_default="listings")
    )
    op.execute(
        "ALTER TABLE import_run ADD CONSTRAINT ck_import_run_sheet"
        " CHECK (sheet IN ('listings', 'calendar')) NOT VALID"
    )
    op.execute("ALTER TABLE import_run VALIDATE CONSTRAINT ck_import_run_sheet")


def downgrade() -> None:
    op.drop_constraint("ck_import_run_sheet", "import_run")
    op.drop_column("import_run", "sheet")
