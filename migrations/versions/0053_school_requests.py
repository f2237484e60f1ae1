"""Bookings that go through a school, its word on each, and its coordinators in their messages."""

import sqlalchemy as sa
from alembic import op

revision = "0053_school_requests"
down_revision = "0052_digests"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
ROLE = "ck_booking_message_role"
SCHOOL = "fk_booking_school_id_school"


def column(name: str, kind: object, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)


def to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")


def upgrade() -> None:
    op.add_column("booking", column("school_id", sa.Uuid(), nullable=True))
    # For new rows at once; the old ones, which have none, are read by the next migration.
    op.execute(
        f"ALTER TABLE booking ADD CONSTRAINT {SCHOOL}"
        " FOREIGN KEY (school_id) REFERENCES school (id) NOT VALID"
    )
    requests()
    word()
    roles("'trainee', 'host', 'operator', 'school'")


def requests() -> None:
    table = "school_request"
    op.create_table(
        table,
        column("booking_id", sa.Uuid()),
        column("school_id", sa.Uuid()),
        column("state", sa.Text()),
        column("message", sa.Text()),
        column("asked_at", AT),
        column("decide_by", AT),
        column("decided_at", AT, nullable=True),
        column("decided_by", sa.Uuid(), nullable=True),
        column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("booking_id", name="pk_school_request"),
        to(table, "booking_id", "booking"),
        to(table, "school_id", "school"),
        to(table, "decided_by", "account"),
        sa.CheckConstraint(
            "state IN ('waiting', 'approved', 'declined')", name="ck_school_request_state"
        ),
        sa.CheckConstraint(
            "(state = 'waiting') = (decided_at IS NULL)"
            " AND (decided_at IS NULL) = (decided_by IS NULL)",
            name="ck_school_request_decided",
        ),
        sa.CheckConstraint("state <> 'declined' OR reason <> ''", name="ck_school_request_reason"),
    )
    op.create_index("ix_school_request_school_id", table, ["school_id", "booking_id"])
    op.create_index(
        "ix_school_request_waiting",
        table,
        ["school_id", "decide_by"],
        postgresql_where=sa.text("state = 'waiting'"),
    )


def word() -> None:
    """What is decided stays; what needs the school's word goes nowhere without it."""
    op.execute(
        """
        CREATE FUNCTION keep_school_request() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' OR OLD.state <> 'waiting' OR NEW.booking_id <> OLD.booking_id
               OR NEW.school_id <> OLD.school_id OR NEW.asked_at <> OLD.asked_at THEN
                RAISE EXCEPTION 'a decision of a school stays'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'history_school_request';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER keep_school_request BEFORE UPDATE OR DELETE ON school_request"
        " FOR EACH ROW EXECUTE FUNCTION keep_school_request()"
    )
    op.execute(
        """
        CREATE FUNCTION school_has_approved() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT EXISTS (SELECT FROM school_request
                            WHERE booking_id = NEW.id AND state = 'approved') THEN
                RAISE EXCEPTION 'booking % needs its school''s word', NEW.id
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'school_has_approved';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    # A booking that took over from another stands on that one's approval.
    op.execute(
        "CREATE TRIGGER school_has_approved AFTER INSERT OR UPDATE OF state ON booking"
        " FOR EACH ROW WHEN (NEW.school_id IS NOT NULL AND NEW.state IN ('submitted', 'confirmed')"
        " AND NEW.price ->> 'replaces' IS NULL) EXECUTE FUNCTION school_has_approved()"
    )


def roles(names: str) -> None:
    op.execute(f"ALTER TABLE booking_message DROP CONSTRAINT {ROLE}")
    op.execute(
        f"ALTER TABLE booking_message ADD CONSTRAINT {ROLE} CHECK (role IN ({names})) NOT VALID"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER school_has_approved ON booking")
    op.execute("DROP FUNCTION school_has_approved()")
    op.drop_table("school_request")
    op.execute("DROP FUNCTION keep_school_request()")
    roles("'trainee', 'host', 'operator'")
    op.drop_column("booking", "school_id")
