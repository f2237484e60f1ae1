"""Signed hours and a day marked absent rule each other out; a signature is withdrawn on record.

What is stored already stays as it is: a day that was signed and marked absent before is seen in
both logs, and the next of either kind is refused.
"""

import sqlalchemy as sa
from alembic import op

revision = "0061_signed_hours"
down_revision = "0060_platform_fees"
branch_labels = None
depends_on = None

TABLE = "hour_withdrawal"
GUARDS = (
    ("attendance_mark", "absent_without_hours"),
    ("hour_signature", "hours_on_days_present"),
)


def column(name: str, kind: object) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    op.create_table(
        TABLE,
        column("entry_id", sa.Uuid()),
        column("reason", sa.Text()),
        column("withdrawn_by", sa.Uuid()),
        column("withdrawn_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("entry_id", name=f"pk_{TABLE}"),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["hour_signature.entry_id"], name=f"fk_{TABLE}_entry_id_hour_signature"
        ),
        sa.ForeignKeyConstraint(
            ["withdrawn_by"], ["account.id"], name=f"fk_{TABLE}_withdrawn_by_account"
        ),
        sa.CheckConstraint("reason <> ''", name=f"ck_{TABLE}_reason"),
    )
    op.create_index(f"ix_{TABLE}_withdrawn_by", TABLE, ["withdrawn_by"])
    op.execute(
        f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {TABLE}"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    guards()


def guards() -> None:
    """Both wait for the booking's row, so that of two at once the second sees the first."""
    op.execute(
        """
        CREATE FUNCTION absent_without_hours() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.mark <> 'absent' THEN
                RETURN NEW;
            END IF;
            PERFORM FROM booking WHERE id = NEW.booking_id FOR NO KEY UPDATE;
            IF EXISTS (
                SELECT FROM hour_entry AS e JOIN hour_signature AS s ON s.entry_id = e.id
                WHERE e.booking_id = NEW.booking_id AND e.day = NEW.day AND e.minutes > 0
                AND NOT EXISTS (SELECT FROM hour_withdrawal AS w WHERE w.entry_id = e.id)
                AND NOT EXISTS (
                    SELECT FROM hour_entry AS later WHERE later.booking_id = e.booking_id
                    AND later.day = e.day AND later.revision > e.revision
                )
            ) THEN
                RAISE EXCEPTION 'hours of this day are signed'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'absent_without_hours';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION hours_on_days_present() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            entry record;
        BEGIN
            SELECT booking_id, day INTO entry FROM hour_entry
            WHERE id = NEW.entry_id AND minutes > 0;
            IF NOT FOUND THEN
                RETURN NEW;
            END IF;
            PERFORM FROM booking WHERE id = entry.booking_id FOR NO KEY UPDATE;
            IF 'absent' = (
                SELECT mark FROM attendance_mark
                WHERE booking_id = entry.booking_id AND day = entry.day
                ORDER BY revision DESC LIMIT 1
            ) THEN
                RAISE EXCEPTION 'the trainee is marked absent on this day'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'hours_on_days_present';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    for table, name in GUARDS:
        op.execute(
            f"CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
        )


def downgrade() -> None:
    for table, name in GUARDS:
        op.execute(f"DROP TRIGGER {name} ON {table}")
        op.execute(f"DROP FUNCTION {name}()")
    op.drop_table(TABLE)
