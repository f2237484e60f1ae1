"""Coordinators whom a school invites itself, never without one; reminders of its word."""

import sqlalchemy as sa
from alembic import op

revision = "0065_coordinators"
down_revision = "0064_message_files_valid"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
ID = sa.Uuid()
DUE = "ix_school_request_decide_by"


def column(name: str, kind: object, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)


def to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")


def upgrade() -> None:
    invitations()
    never_the_last()
    reminders()


def invitations() -> None:
    table = "coordinator_invitation"
    op.create_table(
        table,
        column("id", ID),
        column("school_id", ID),
        column("email", sa.Text()),
        column("state", sa.Text()),
        column("token_hash", sa.LargeBinary()),
        column("invited_by", ID),
        column("invited_at", AT),
        column("expires_at", AT),
        column("account_id", ID, nullable=True),
        column("ended_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        to(table, "school_id", "school"),
        to(table, "invited_by", "account"),
        to(table, "account_id", "account"),
        sa.CheckConstraint(
            "state IN ('open', 'accepted', 'refused', 'withdrawn')", name=f"ck_{table}_state"
        ),
        sa.CheckConstraint("email = lower(email)", name=f"ck_{table}_email"),
        sa.CheckConstraint("octet_length(token_hash) = 32", name=f"ck_{table}_token_hash"),
        sa.CheckConstraint("(state = 'open') = (ended_at IS NULL)", name=f"ck_{table}_ended"),
        sa.CheckConstraint(
            "(state = 'accepted') = (account_id IS NOT NULL)", name=f"ck_{table}_accepted"
        ),
    )
    op.create_index(
        "uq_coordinator_invitation_open",
        table,
        ["school_id", "email"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_coordinator_invitation_school_id", table, ["school_id", "id"])


def never_the_last() -> None:
    """Whoever ends a role waits for who ends another: of two at once the second is refused."""
    op.execute(
        """
        CREATE FUNCTION school_keeps_a_coordinator() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM FROM school WHERE id = NEW.school_id FOR NO KEY UPDATE;
            IF NOT EXISTS (SELECT FROM membership m JOIN account a ON a.id = m.account_id
                            WHERE m.school_id = NEW.school_id AND m.id <> NEW.id
                              AND m.role = 'school_coordinator' AND m.revoked_at IS NULL
                              AND a.active) THEN
                RAISE EXCEPTION 'school % keeps a coordinator', NEW.school_id
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'school_keeps_a_coordinator';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER school_keeps_a_coordinator BEFORE UPDATE OF revoked_at ON membership"
        " FOR EACH ROW WHEN (NEW.school_id IS NOT NULL AND OLD.revoked_at IS NULL"
        " AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION school_keeps_a_coordinator()"
    )


def reminders() -> None:
    table = "school_reminder"
    op.create_table(
        table,
        column("booking_id", ID),
        column("account_id", ID),
        column("sent_at", AT),
        sa.PrimaryKeyConstraint("booking_id", "account_id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["school_request.booking_id"],
            name="fk_school_reminder_booking_id_school_request",
        ),
        to(table, "account_id", "account"),
    )
    op.create_index(
        DUE, "school_request", ["decide_by"], postgresql_where=sa.text("state = 'waiting'")
    )


def downgrade() -> None:
    op.drop_index(DUE, "school_request")
    op.drop_table("school_reminder")
    op.execute("DROP TRIGGER school_keeps_a_coordinator ON membership")
    op.execute("DROP FUNCTION school_keeps_a_coordinator()")
    op.drop_table("coordinator_invitation")
