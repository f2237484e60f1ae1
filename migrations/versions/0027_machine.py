"""States that are told apart, questions of hosts, and history that no change of state goes round."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027_machine"
down_revision = "0026_documents_valid"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
HISTORIES = ("question_version", "application_entry")
TIMED = ("held", "submitted", "awaiting_payment")
ENDS = (
    "confirmed", "in_progress", "completed", "expired", "withdrawn", "declined",
    "cancelled_by_trainee", "cancelled_by_host", "cancelled_by_operator", "no_show",
)  # fmt: skip


def upgrade() -> None:
    states((*TIMED, "more_asked"))
    # No default, so no rewrite: steps from before have neither.
    op.add_column("booking_transition", sa.Column("kept_until", AT, nullable=True))
    op.add_column("booking_transition", sa.Column("code", sa.Text(), nullable=True))
    questions()
    entries()
    for table in HISTORIES:
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    history_of_states()


def states(timed: tuple[str, ...]) -> None:
    """Name the states anew, for new rows at once; the old ones are read by the next migration."""
    known = ", ".join(f"'{state}'" for state in (*timed, *ENDS))
    kept = ", ".join(f"'{state}'" for state in timed)
    for name, rule in (
        ("state", f"state IN ({known})"),
        ("hold", f"(hold_expires_at IS NOT NULL) = (state IN ({kept}))"),
    ):
        op.execute(f"ALTER TABLE booking DROP CONSTRAINT ck_booking_{name}")
        op.execute(f"ALTER TABLE booking ADD CONSTRAINT ck_booking_{name} CHECK ({rule}) NOT VALID")


def column(name: str, kind: object, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)


def to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")


def questions() -> None:
    table = "question_version"
    op.create_table(
        table,
        column("id", sa.Uuid()),
        column("listing_id", sa.Uuid()),
        column("number", sa.Integer()),
        column("questions", postgresql.JSONB()),
        column("note", sa.Text()),
        column("made_by", sa.Uuid()),
        column("made_at", AT),
        sa.PrimaryKeyConstraint("id", name="pk_question_version"),
        to(table, "listing_id", "listing"),
        to(table, "made_by", "account"),
        sa.UniqueConstraint("listing_id", "number", name="uq_question_version_listing_id_number"),
        sa.CheckConstraint("number >= 1", name="ck_question_version_number"),
    )


def entries() -> None:
    table = "application_entry"
    op.create_table(
        table,
        column("booking_id", sa.Uuid()),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        column("kind", sa.Text()),
        column("body", sa.Text()),
        column("question_version_id", sa.Uuid(), nullable=True),
        column("answers", postgresql.JSONB(), nullable=True),
        column("actor_id", sa.Uuid()),
        column("at", AT),
        sa.PrimaryKeyConstraint("booking_id", "number", name="pk_application_entry"),
        sa.ForeignKeyConstraint(
            ["booking_id", "number"],
            ["booking_transition.booking_id", "booking_transition.number"],
            name="fk_application_entry_booking_id_booking_transition",
        ),
        to(table, "question_version_id", "question_version"),
        to(table, "actor_id", "account"),
        sa.CheckConstraint(
            "kind IN ('submitted', 'more_asked', 'answered')", name="ck_application_entry_kind"
        ),
        sa.CheckConstraint("kind <> 'more_asked' OR body <> ''", name="ck_application_entry_body"),
        sa.CheckConstraint(
            "(question_version_id IS NULL) = (answers IS NULL)"
            " AND (answers IS NULL OR kind <> 'more_asked')",
            name="ck_application_entry_answers",
        ),
    )
    op.create_index("ix_application_entry_question_version_id", table, ["question_version_id"])


def history_of_states() -> None:
    """Both ways round, when the transaction commits: whoever writes one row has written the other."""
    op.execute(
        """
        CREATE FUNCTION state_has_history() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            before text;
        BEGIN
            IF TG_OP = 'UPDATE' THEN
                before := OLD.state;
            END IF;
            PERFORM 1 FROM booking_transition
             WHERE booking_id = NEW.id AND number = NEW.version AND to_state = NEW.state
               AND from_state IS NOT DISTINCT FROM before;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'booking % became % without a row of history', NEW.id, NEW.state
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'history_of_state';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE CONSTRAINT TRIGGER state_begins_history AFTER INSERT ON booking
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION state_has_history()
        """
    )
    op.execute(
        """
        CREATE CONSTRAINT TRIGGER state_has_history AFTER UPDATE OF state ON booking
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
        EXECUTE FUNCTION state_has_history()
        """
    )
    op.execute(
        """
        CREATE FUNCTION history_has_state() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            before text;
        BEGIN
            SELECT to_state INTO before FROM booking_transition
             WHERE booking_id = NEW.booking_id AND number < NEW.number
             ORDER BY number DESC LIMIT 1;
            IF before IS DISTINCT FROM NEW.from_state THEN
                RAISE EXCEPTION 'step % of booking % begins at %, not at %',
                    NEW.number, NEW.booking_id, NEW.from_state, before
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'history_of_state';
            END IF;
            PERFORM 1 FROM booking
             WHERE id = NEW.booking_id
               AND (version > NEW.number OR (version = NEW.number AND state = NEW.to_state));
            IF NOT FOUND THEN
                RAISE EXCEPTION 'booking % never became %', NEW.booking_id, NEW.to_state
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'history_of_state';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE CONSTRAINT TRIGGER history_has_state AFTER INSERT ON booking_transition
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION history_has_state()
        """
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER history_has_state ON booking_transition")
    op.execute("DROP FUNCTION history_has_state()")
    op.execute("DROP TRIGGER state_has_history ON booking")
    op.execute("DROP TRIGGER state_begins_history ON booking")
    op.execute("DROP FUNCTION state_has_history()")
    op.drop_table("application_entry")
    op.drop_table("question_version")
    op.drop_column("booking_transition", "code")
    op.drop_column("booking_transition", "kept_until")
    # An application that waits for more goes on waiting for its host.
    op.execute("UPDATE booking SET state = 'submitted' WHERE state = 'more_asked'")
    states(TIMED)
