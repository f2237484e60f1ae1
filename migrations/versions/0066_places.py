"""Places of cohorts that are moved, handed on and rescued; changes that a school proposes."""

import sqlalchemy as sa
from alembic import op

revision = "0066_places"
down_revision = "0065_coordinators"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
TO = "ck_booking_proposal_to"
# Each holds for new rows at once; the next migration reads the old ones.
LATER = (
    (
        "booking_proposal",
        "fk_booking_proposal_proposed_by_account",
        "FOREIGN KEY (proposed_by) REFERENCES account (id)",
    ),
    (
        "booking_proposal",
        TO,
        "CHECK ((kind = 'transfer' OR proposed_by IS NOT NULL) = (to_trainee_id IS NOT NULL))",
    ),
    ("rescue", "ck_rescue_agreed", "CHECK ((agreed_at IS NULL) = (agreed_quote IS NULL))"),
)


def column(name: str, kind: object, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)


def upgrade() -> None:
    places()
    op.add_column("booking_proposal", column("proposed_by", sa.Uuid()))
    op.add_column("rescue", column("agreed_at", AT))
    op.add_column("rescue", column("agreed_quote", sa.Text()))
    op.drop_constraint(TO, "booking_proposal")
    for table, name, said in LATER:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {said} NOT VALID")


def places() -> None:
    """A student may have a place, and later the one that took over from it: a row a booking."""
    table = "cohort_place"
    op.add_column(table, column("replaces_id", sa.Uuid()))
    op.create_foreign_key(
        "fk_cohort_place_replaces_id_booking", table, "booking", ["replaces_id"], ["id"]
    )
    op.drop_constraint("pk_cohort_place", table)
    op.drop_constraint("uq_cohort_place_booking_id", table)
    op.create_primary_key("pk_cohort_place", table, ["booking_id"])
    op.create_index("ix_cohort_place_cohort_id", table, ["cohort_id", "student_id"])
    op.create_index("uq_cohort_place_replaces_id", table, ["replaces_id"], unique=True)


def downgrade() -> None:
    op.drop_constraint("ck_rescue_agreed", "rescue")
    op.drop_column("rescue", "agreed_quote")
    op.drop_column("rescue", "agreed_at")
    op.drop_constraint(TO, "booking_proposal")
    op.execute("DELETE FROM booking_proposal WHERE proposed_by IS NOT NULL AND kind = 'reschedule'")
    op.drop_column("booking_proposal", "proposed_by")
    op.execute(
        f"ALTER TABLE booking_proposal ADD CONSTRAINT {TO}"
        " CHECK ((kind = 'transfer') = (to_trainee_id IS NOT NULL))"
    )
    one_a_student()


def one_a_student() -> None:
    """Without the column only the first place of a student is known."""
    table = "cohort_place"
    op.execute(f"ALTER TABLE {table} DISABLE TRIGGER keep_cohort_answer")
    op.execute(f"DELETE FROM {table} WHERE replaces_id IS NOT NULL")
    op.execute(f"ALTER TABLE {table} ENABLE TRIGGER keep_cohort_answer")
    op.drop_index("ix_cohort_place_cohort_id", table)
    op.drop_column(table, "replaces_id")
    op.drop_constraint("pk_cohort_place", table)
    op.create_primary_key("pk_cohort_place", table, ["cohort_id", "student_id"])
    op.create_unique_constraint("uq_cohort_place_booking_id", table, ["booking_id"])
