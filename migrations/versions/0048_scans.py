"""What the virus scanner said of each file; a document may be rejected by nobody, for a virus."""

import sqlalchemy as sa
from alembic import op

revision = "0048_scans"
down_revision = "0047_exports"
branch_labels = None
depends_on = None

CHECK = "ck_document_decision_decided_by"


def upgrade() -> None:
    op.create_table(
        "file_scan",
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("virus", sa.Text()),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject_id", name="pk_file_scan"),
    )
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON file_scan"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute("ALTER TABLE document_decision ALTER COLUMN decided_by DROP NOT NULL")
    op.execute(
        f"ALTER TABLE document_decision ADD CONSTRAINT {CHECK}"
        " CHECK (decided_by IS NOT NULL OR decision = 'rejected') NOT VALID"
    )
    op.execute(f"ALTER TABLE document_decision VALIDATE CONSTRAINT {CHECK}")


def downgrade() -> None:
    op.execute(f"ALTER TABLE document_decision DROP CONSTRAINT {CHECK}")
    # Decisions are never deleted: where the scanner has made some, the column stays as it is.
    op.execute(
        """
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM document_decision WHERE decided_by IS NULL) THEN
                ALTER TABLE document_decision ALTER COLUMN decided_by SET NOT NULL;
            END IF;
        END $$
        """
    )
    op.drop_table("file_scan")
