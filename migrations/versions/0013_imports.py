"""Imports as jobs: state, progress, the file that was sent and the files that came of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013_imports"
down_revision = "0012_tiers"
branch_labels = None
depends_on = None

CHECKS = {
    "state": "state IN ('uploading', 'uploaded', 'planning', 'planned', 'committing', 'done',"
    " 'failed', 'cancelled')",
    "mode": "mode IN ('rows', 'file')",
    "progress": "position >= 0 AND rows_done >= 0",
}


def columns() -> list[sa.Column[object]]:
    """The new columns; constant defaults, so that no row is rewritten."""
    return [
        sa.Column("state", sa.Text(), nullable=False, server_default="done"),
        sa.Column("mode", sa.Text(), nullable=False, server_default="rows"),
        sa.Column("commit_wanted", sa.Boolean(), nullable=False, server_default=sa.text("true")),
        sa.Column("file_name", sa.Text(), nullable=False, server_default=""),
        sa.Column("file_key", sa.Text()),
        sa.Column("rows_total", sa.Integer()),
        sa.Column("rows_done", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("position", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("former", postgresql.JSONB(), nullable=False, server_default="{}"),
        sa.Column("failure", postgresql.JSONB()),
        sa.Column("remarks", postgresql.JSONB(), nullable=False, server_default="[]"),
        sa.Column("files", postgresql.JSONB(), nullable=False, server_default="[]"),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
    ]


def upgrade() -> None:
    for column in columns():
        op.add_column("import_run", column)
    for name, condition in CHECKS.items():
        # The defaults keep the condition, so nothing has to be read while others wait.
        op.execute(
            f"ALTER TABLE import_run ADD CONSTRAINT ck_import_run_{name} CHECK ({condition})"
            " NOT VALID"
        )
        op.execute(f"ALTER TABLE import_run VALIDATE CONSTRAINT ck_import_run_{name}")
    op.create_index(
        "uq_import_run_owner_account_id",
        "import_run",
        ["owner_account_id"],
        unique=True,
        postgresql_where=sa.text("state = 'committing'"),
    )


def downgrade() -> None:
    op.drop_index("uq_import_run_owner_account_id", "import_run")
    for name in CHECKS:
        op.drop_constraint(f"ck_import_run_{name}", "import_run")
    for column in reversed(columns()):
        op.drop_column("import_run", column.name)
