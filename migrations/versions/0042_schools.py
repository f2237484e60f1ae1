"""Schools that are verified, their students, and what each of them lets the school see."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0042_schools"
down_revision = "0041_days"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
PURPOSES = "'bookings', 'dates', 'clearance', 'messages'"
SCHOOL_CHECKS = {
    "ck_school_email_domain": "CHECK (email_domain = lower(email_domain))",
    "ck_school_verified": "CHECK ((verified_at IS NULL) = (verified_by IS NULL))",
    "ck_school_version": "CHECK (version >= 1)",
    "fk_school_verified_by_account": "FOREIGN KEY (verified_by) REFERENCES account (id)",
}


def column(name: str, kind: object, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)


def to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")


def upgrade() -> None:
    schools()
    students()
    histories()
    for table in ("school_student_step", "school_consent"):
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def schools() -> None:
    """A constant default rewrites nothing; there are few schools, so their checks are quick."""
    for added in (
        column("city", sa.Text(), nullable=True),
        column("email_domain", sa.Text(), nullable=True),
        sa.Column("approves", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        column("verified_at", AT, nullable=True),
        column("verified_by", sa.Uuid(), nullable=True),
    ):
        op.add_column("school", added)
    for name, said in SCHOOL_CHECKS.items():
        op.execute(f"ALTER TABLE school ADD CONSTRAINT {name} {said}")


def students() -> None:
    table = "school_student"
    op.create_table(
        table,
        column("id", sa.Uuid()),
        column("school_id", sa.Uuid()),
        column("email", sa.Text()),
        column("account_id", sa.Uuid(), nullable=True),
        column("state", sa.Text()),
        column("version", sa.Integer()),
        column("sees", postgresql.ARRAY(sa.Text())),
        column("token_hash", sa.LargeBinary(), nullable=True),
        column("expires_at", AT, nullable=True),
        column("invited_at", AT),
        column("linked_at", AT, nullable=True),
        column("ended_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_school_student"),
        to(table, "school_id", "school"),
        to(table, "account_id", "account"),
        sa.CheckConstraint(
            "state IN ('invited', 'linked', 'declined', 'ended')", name="ck_school_student_state"
        ),
        sa.CheckConstraint("email = lower(email)", name="ck_school_student_email"),
        sa.CheckConstraint(
            "state <> 'linked' OR account_id IS NOT NULL", name="ck_school_student_linked"
        ),
        sa.CheckConstraint("state = 'linked' OR sees = '{}'", name="ck_school_student_sees"),
        sa.CheckConstraint(f"sees <@ ARRAY[{PURPOSES}]", name="ck_school_student_purposes"),
        sa.CheckConstraint("octet_length(token_hash) = 32", name="ck_school_student_token_hash"),
        sa.CheckConstraint(
            "(state = 'invited') = (token_hash IS NOT NULL AND expires_at IS NOT NULL)",
            name="ck_school_student_invited",
        ),
        sa.CheckConstraint("version >= 1", name="ck_school_student_version"),
    )
    op.create_index(
        "uq_school_student_invited",
        table,
        ["school_id", "email"],
        unique=True,
        postgresql_where=sa.text("state IN ('invited', 'linked')"),
    )
    op.create_index(
        "uq_school_student_linked",
        table,
        ["account_id"],
        unique=True,
        postgresql_where=sa.text("state = 'linked'"),
    )
    op.create_index("ix_school_student_school_id", table, ["school_id", "id"])


def histories() -> None:
    table = "school_student_step"
    op.create_table(
        table,
        column("student_id", sa.Uuid()),
        column("number", sa.Integer()),
        column("from_state", sa.Text(), nullable=True),
        column("to_state", sa.Text()),
        column("at", AT),
        column("actor_id", sa.Uuid(), nullable=True),
        column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("student_id", "number", name="pk_school_student_step"),
        to(table, "student_id", "school_student"),
        to(table, "actor_id", "account"),
        sa.CheckConstraint("number >= 1", name="ck_school_student_step_number"),
    )
    table = "school_consent"
    op.create_table(
        table,
        column("student_id", sa.Uuid()),
        column("purpose", sa.Text()),
        column("number", sa.Integer()),
        column("given", sa.Boolean()),
        column("wording", sa.Text()),
        column("at", AT),
        sa.PrimaryKeyConstraint("student_id", "purpose", "number", name="pk_school_consent"),
        to(table, "student_id", "school_student"),
        sa.CheckConstraint(f"purpose IN ({PURPOSES})", name="ck_school_consent_purpose"),
        sa.CheckConstraint("number >= 1", name="ck_school_consent_number"),
    )


def downgrade() -> None:
    for table in ("school_consent", "school_student_step", "school_student"):
        op.drop_table(table)
    for name in SCHOOL_CHECKS:
        op.drop_constraint(name, "school")
    for name in ("verified_by", "verified_at", "version", "approves", "email_domain", "city"):
        op.drop_column("school", name)
