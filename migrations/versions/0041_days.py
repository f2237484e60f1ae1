"""Rotation days: hours and who signed them, incident notes, safety reports; what is chosen stays."""

import sqlalchemy as sa
from alembic import op

revision = "0041_days"
down_revision = "0040_papers"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
HISTORIES = ("hour_entry", "hour_signature", "incident_note", "safety_report")


def column(name: str, kind: object) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=False)


def to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")


def upgrade() -> None:
    hours()
    notes()
    for table in HISTORIES:
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    choice()


def hours() -> None:
    table = "hour_entry"
    op.create_table(
        table,
        column("id", sa.Uuid()),
        column("booking_id", sa.Uuid()),
        column("trainee_id", sa.Uuid()),
        column("site_id", sa.Uuid()),
        column("day", sa.Date()),
        column("revision", sa.SmallInteger()),
        column("minutes", sa.SmallInteger()),
        column("activity", sa.Text()),
        column("logged_at", AT),
        sa.PrimaryKeyConstraint("id", name="pk_hour_entry"),
        to(table, "booking_id", "booking"),
        to(table, "trainee_id", "account"),
        to(table, "site_id", "site"),
        sa.UniqueConstraint(
            "booking_id", "day", "revision", name="uq_hour_entry_booking_id_day_revision"
        ),
        sa.CheckConstraint("revision >= 1", name="ck_hour_entry_revision"),
        sa.CheckConstraint(
            "minutes BETWEEN 0 AND 960 AND minutes % 15 = 0", name="ck_hour_entry_minutes"
        ),
    )
    op.create_index("ix_hour_entry_site_id", table, ["site_id", "day"])
    table = "hour_signature"
    op.create_table(
        table,
        column("entry_id", sa.Uuid()),
        column("signed_by", sa.Uuid()),
        column("signed_at", AT),
        sa.PrimaryKeyConstraint("entry_id", name="pk_hour_signature"),
        to(table, "entry_id", "hour_entry"),
        to(table, "signed_by", "account"),
    )
    op.create_index("ix_hour_signature_signed_by", table, ["signed_by"])


def notes() -> None:
    for table, author in (("incident_note", "author_id"), ("safety_report", "trainee_id")):
        op.create_table(
            table,
            column("id", sa.Uuid()),
            column("booking_id", sa.Uuid()),
            column("site_id", sa.Uuid()),
            column(author, sa.Uuid()),
            column("happened_on", sa.Date()),
            column("body", sa.Text()),
            column("recorded_at", AT),
            sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
            to(table, "booking_id", "booking"),
            to(table, "site_id", "site"),
            to(table, author, "account"),
            sa.CheckConstraint("body <> ''", name=f"ck_{table}_body"),
        )
        op.create_index(f"ix_{table}_booking_id", table, ["booking_id", "id"])
        op.create_index(f"ix_{table}_site_id", table, ["site_id"])


def choice() -> None:
    """Whether an evaluation is shown is chosen with its first revision, for good."""
    op.execute(
        """
        CREATE FUNCTION keep_evaluation_choice() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (
                SELECT FROM evaluation
                WHERE booking_id = NEW.booking_id AND evaluator_id = NEW.evaluator_id
                AND shown_to_trainee <> NEW.shown_to_trainee
            ) THEN
                RAISE EXCEPTION 'whether an evaluation is shown is chosen once'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'evaluation_choice_kept';
            END IF;
            IF NEW.evaluator_id = NEW.trainee_id THEN
                RAISE EXCEPTION 'nobody evaluates themselves'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'evaluation_by_another';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER keep_evaluation_choice BEFORE INSERT ON evaluation"
        " FOR EACH ROW EXECUTE FUNCTION keep_evaluation_choice()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER keep_evaluation_choice ON evaluation")
    op.execute("DROP FUNCTION keep_evaluation_choice()")
    for table in ("safety_report", "incident_note", "hour_signature", "hour_entry"):
        op.drop_table(table)
