"""Letters: drafts, programs that they are for, what the author says, reminders to authors."""

import sqlalchemy as sa
from alembic import op

revision = "0073_letter_ledger"
down_revision = "0072_disputes_regained_valid"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
ID = sa.Uuid()
SMALL = sa.SmallInteger()
TEXT = sa.Text()
ON_LETTER = (
    ("author_locale", TEXT),
    ("author_time_zone", TEXT),
    ("author_strong", sa.Boolean()),
    ("author_answered_at", AT),
    ("draft_number", SMALL),
)
# Each holds for new rows at once; the next migration reads the old ones.
LATER = (
    ("author_answered", "(author_strong IS NULL) = (author_answered_at IS NULL)"),
    ("author_locale", "author_locale IN ('en','es')"),
    ("draft_number", "draft_number IS NULL OR drafted_by IS DISTINCT FROM 'author'"),
)


def column(name: str, kind: object, **given: object) -> sa.Column[object]:
    return sa.Column(name, kind, **{"nullable": False, **given})


def to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=f"ck_{table}_{name}")


def upgrade() -> None:
    for name, kind in ON_LETTER:
        op.add_column("letter", sa.Column(name, kind, nullable=True))
    for name, condition in LATER:
        op.execute(
            f"ALTER TABLE letter ADD CONSTRAINT ck_letter_{name} CHECK ({condition}) NOT VALID"
        )
    drafts()
    assignments()
    reminders()


def drafts() -> None:
    table = "letter_draft"
    op.create_table(
        table,
        column("id", ID),
        column("letter_id", ID),
        column("number", SMALL),
        column("words", TEXT),
        column("written_by", ID),
        column("written_at", AT),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        to(table, "letter_id", "letter"),
        to(table, "written_by", "account"),
        sa.UniqueConstraint("letter_id", "number", name=f"uq_{table}_letter_id_number"),
        check(table, "number", "number >= 1"),
        check(table, "words", "words <> ''"),
    )
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON letter_draft"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        """
        CREATE FUNCTION hold_letter_draft() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            -- The row lock lets no upload slip in between this look and the commit.
            PERFORM FROM letter WHERE id = NEW.letter_id AND state IN ('asked', 'agreed') FOR UPDATE;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'drafts end with the letter, or with its refusal'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'letter_draft_open';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER hold_letter_draft BEFORE INSERT ON letter_draft"
        " FOR EACH ROW EXECUTE FUNCTION hold_letter_draft()"
    )


def assignments() -> None:
    table = "letter_assignment"
    op.create_table(
        table,
        column("id", ID),
        column("letter_id", ID),
        column("trainee_id", ID),
        column("match_year", SMALL),
        column("program_code", TEXT),
        column("program_name", TEXT),
        column("slot", SMALL),
        column("assigned_at", AT),
        sa.Column("removed_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        to(table, "letter_id", "letter"),
        to(table, "trainee_id", "account"),
        check(table, "slot", "slot BETWEEN 1 AND 4"),
        check(table, "match_year", "match_year BETWEEN 2000 AND 2100"),
        check(table, "program_code", "program_code ~ '^[0-9]{10}$'"),
        check(table, "program_name", "program_name <> ''"),
    )
    live = sa.text("removed_at IS NULL")
    program = ["match_year", "program_code"]
    op.create_index(
        f"uq_{table}_slot",
        table,
        ["trainee_id", *program, "slot"],
        unique=True,
        postgresql_where=live,
    )
    op.create_index(
        f"uq_{table}_once", table, ["letter_id", *program], unique=True, postgresql_where=live
    )
    op.execute(
        """
        CREATE FUNCTION hold_letter_assignment() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN
                -- A confirmed letter never changes any more, so that one look will do.
                PERFORM FROM letter
                WHERE id = NEW.letter_id AND trainee_id = NEW.trainee_id AND state = 'confirmed';
                IF NOT FOUND THEN
                    RAISE EXCEPTION 'only the trainee''s own confirmed letters are assigned'
                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'letter_assignable';
                END IF;
                RETURN NEW;
            END IF;
            IF TG_OP = 'DELETE' OR OLD.removed_at IS NOT NULL OR NEW.removed_at IS NULL
                OR to_jsonb(NEW) - 'removed_at' <> to_jsonb(OLD) - 'removed_at' THEN
                RAISE EXCEPTION 'an assignment is taken back once, and else stays as it is'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'letter_assignment_holds';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER hold_letter_assignment BEFORE INSERT OR UPDATE OR DELETE"
        " ON letter_assignment FOR EACH ROW EXECUTE FUNCTION hold_letter_assignment()"
    )


def reminders() -> None:
    table = "letter_reminder"
    op.create_table(
        table,
        column("letter_id", ID),
        column("kind", TEXT),
        column("sent_at", AT),
        sa.PrimaryKeyConstraint("letter_id", "kind", name=f"pk_{table}"),
        to(table, "letter_id", "letter"),
        check(table, "kind", "kind IN ('early','soon','late','open')"),
    )
    op.create_table(
        "quiet_author",
        column("address", TEXT),
        column("since", AT),
        sa.PrimaryKeyConstraint("address", name="pk_quiet_author"),
        check("quiet_author", "address", "address = lower(address)"),
    )


def downgrade() -> None:
    for table in ("quiet_author", "letter_reminder", "letter_assignment", "letter_draft"):
        op.drop_table(table)
    op.execute("DROP FUNCTION hold_letter_assignment()")
    op.execute("DROP FUNCTION hold_letter_draft()")
    for name, _ in LATER:
        op.drop_constraint(f"ck_letter_{name}", "letter")
    for name, _ in ON_LETTER:
        op.drop_column("letter", name)
