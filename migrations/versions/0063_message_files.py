"""The content of a message's file can go: its key, and nothing else of the record."""

import sqlalchemy as sa
from alembic import op

revision = "0063_message_files"
down_revision = "0062_own_part"
branch_labels = None
depends_on = None

TABLE = "message_file"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True))
    op.alter_column(TABLE, "sealed_key", existing_type=sa.LargeBinary(), nullable=True)
    # For new rows at once; the old ones are read by the next migration.
    op.execute(
        f"ALTER TABLE {TABLE} ADD CONSTRAINT ck_message_file_gone"
        " CHECK ((sealed_key IS NULL) = (gone_at IS NOT NULL)) NOT VALID"
    )
    op.create_index("ix_message_file_uploaded_by", TABLE, ["uploaded_by"])
    op.execute(
        """
        CREATE FUNCTION keep_message_file() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND OLD.sealed_key IS NOT NULL AND NEW.sealed_key IS NULL AND
                to_jsonb(NEW) - 'sealed_key' - 'gone_at' = to_jsonb(OLD) - 'sealed_key' - 'gone_at'
            THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION 'rows of message_file are history: only their keys can go'
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'history_message_file';
        END $$
        """
    )
    op.execute(f"DROP TRIGGER refuse_change ON {TABLE}")
    op.execute(
        f"CREATE TRIGGER keep_message_file BEFORE UPDATE OR DELETE ON {TABLE}"
        " FOR EACH ROW EXECUTE FUNCTION keep_message_file()"
    )


def downgrade() -> None:
    """A key that is gone stays gone: its row keeps an empty one, which opens nothing."""
    op.execute(f"DROP TRIGGER keep_message_file ON {TABLE}")
    op.execute("DROP FUNCTION keep_message_file()")
    op.drop_constraint("ck_message_file_gone", TABLE)
    op.execute(f"UPDATE {TABLE} SET sealed_key = '' WHERE sealed_key IS NULL")
    op.alter_column(TABLE, "sealed_key", existing_type=sa.LargeBinary(), nullable=False)
    op.drop_index("ix_message_file_uploaded_by", TABLE)
    op.drop_column(TABLE, "gone_at")
    op.execute(
        f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {TABLE}"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
