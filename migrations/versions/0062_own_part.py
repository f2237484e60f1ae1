"""Running totals are never waited for: a transaction posts to a part that is its own until it ends.

Before, the part followed from the connection, so that one in sixteen pairs shared theirs, and two
transactions that post more than once could wait for each other in a ring.
"""

from alembic import op

revision = "0062_own_part"
down_revision = "0061_signed_hours"
branch_labels = None
depends_on = None

TOTALS = """
    INSERT INTO ledger_balance AS kept (account_id, part, debit_minor, credit_minor, entries)
    SELECT account_id, {part},
        sum(greatest(amount_minor, 0)), sum(greatest(-amount_minor, 0)), count(*)
    FROM added GROUP BY account_id ORDER BY account_id
    ON CONFLICT (account_id, part) DO UPDATE SET
        debit_minor = kept.debit_minor + excluded.debit_minor,
        credit_minor = kept.credit_minor + excluded.credit_minor,
        entries = kept.entries + excluded.entries;
    RETURN NULL;
"""


def upgrade() -> None:
    # The first sixteen are tried first, so that an account has few rows where few post at once.
    # Beyond 64 at once a transaction waits for the part of its connection, as all did before.
    op.execute(
        f"""
        CREATE OR REPLACE FUNCTION keep_running_totals() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            own integer;
            found_one boolean := false;
        BEGIN
            FOR tried IN 0..63 LOOP
                own := CASE WHEN tried < 16 THEN (pg_backend_pid() + tried) % 16 ELSE tried END;
                found_one := pg_try_advisory_xact_lock(hashtext('ledger_balance'), own);
                EXIT WHEN found_one;
            END LOOP;
            IF NOT found_one THEN
                own := pg_backend_pid() % 16;
                PERFORM pg_advisory_xact_lock(hashtext('ledger_balance'), own);
            END IF;
            {TOTALS.format(part="own")}
        END $$
        """
    )


def downgrade() -> None:
    op.execute(
        f"""
        CREATE OR REPLACE FUNCTION keep_running_totals() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            {TOTALS.format(part="pg_backend_pid() % 16")}
        END $$
        """
    )
