"""The job queue's own tables, as the locked version of procrastinate defines them."""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0009_jobs"
down_revision = "0008_reporting"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Through the driver: the script has percent signs and dollar quotes that are not parameters.
    op.get_bind().connection.driver_connection.execute(SchemaManager.get_schema().encode())


def downgrade() -> None:
    op.execute(
        """
        DO $$
        DECLARE statement text;
        BEGIN
            FOR statement IN
                SELECT format('DROP TABLE %I CASCADE', tablename) FROM pg_tables
                WHERE schemaname = current_schema() AND tablename LIKE 'procrastinate\\_%'
            LOOP EXECUTE statement; END LOOP;
            FOR statement IN
                SELECT format('DROP FUNCTION %s CASCADE', oid::regprocedure) FROM pg_proc
                WHERE pronamespace = current_schema()::regnamespace
                    AND proname LIKE 'procrastinate\\_%'
            LOOP EXECUTE statement; END LOOP;
            FOR statement IN
                SELECT format('DROP TYPE %I CASCADE', typname) FROM pg_type
                WHERE typnamespace = current_schema()::regnamespace
                    AND typname LIKE 'procrastinate\\_%' AND typtype IN ('e', 'c')
            LOOP EXECUTE statement; END LOOP;
        END $$
        """
    )
