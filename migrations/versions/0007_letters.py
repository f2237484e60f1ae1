"""Letters: the entry, the author's link, the sealed content, and what holds them as they are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007_letters"
down_revision = "0007_outcomes"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def uid(name: str) -> sa.Column:
    return sa.Column(name, sa.Uuid(), nullable=False)


def pk(table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("id", name=f"pk_{table}")


def ref(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}_{target}")


def unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=f"uq_{table}_{'_'.join(columns)}")


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=f"ck_{table}_{name}")


def upgrade() -> None:
    op.create_table(
        "letter",
        uid("id"),
        sa.Column("letter_code", sa.Text(), nullable=False),
        uid("booking_id"),
        uid("trainee_id"),
        uid("site_id"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("waived", sa.Boolean(), nullable=False),
        sa.Column("strong", sa.Boolean()),
        sa.Column("specialty", sa.Text()),
        sa.Column("packet", JSONB(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("author_name", sa.Text()),
        sa.Column("author_email", sa.Text()),
        sa.Column("drafted_by", sa.Text()),
        sa.Column("refusal_reason", sa.Text()),
        sa.Column("due_on", sa.Date()),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("answered_at", TIME),
        sa.Column("uploaded_at", TIME),
        sa.Column("confirmed_at", TIME),
        check("letter", "confirmed", "(state = 'confirmed') = (confirmed_at IS NOT NULL)"),
        check(
            "letter", "uploaded", "(state IN ('uploaded','confirmed')) = (uploaded_at IS NOT NULL)"
        ),
        check("letter", "drafted_by", "drafted_by IN ('author','trainee','both')"),
        check(
            "letter",
            "state",
            "state IN ('asked','agreed','refused','withdrawn','uploaded','confirmed')",
        ),
        check(
            "letter",
            "author",
            "state IN ('asked','refused','withdrawn')"
            " OR (author_email IS NOT NULL AND author_name IS NOT NULL)",
        ),
        ref("letter", "booking_id", "booking"),
        ref("letter", "site_id", "site"),
        ref("letter", "trainee_id", "account"),
        pk("letter"),
        unique("letter", "letter_code"),
    )
    op.create_index("ix_letter_author_email", "letter", ["author_email"])
    op.create_index("ix_letter_site_id", "letter", ["site_id"])
    op.create_index("ix_letter_trainee_id", "letter", ["trainee_id"])
    op.create_index(
        "uq_letter_booking_id_open",
        "letter",
        ["booking_id"],
        unique=True,
        postgresql_where="state NOT IN ('refused','withdrawn')",
    )
    op.create_table(
        "letter_link",
        uid("id"),
        uid("letter_id"),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME),
        ref("letter_link", "letter_id", "letter"),
        pk("letter_link"),
        unique("letter_link", "token_hash"),
    )
    op.create_index("ix_letter_link_letter_id", "letter_link", ["letter_id"])
    op.create_table(
        "letter_content",
        uid("id"),
        uid("letter_id"),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("uploaded_at", TIME, nullable=False),
        check("letter_content", "size", "size > 0"),
        ref("letter_content", "letter_id", "letter"),
        pk("letter_content"),
        unique("letter_content", "object_key"),
    )
    op.create_index("ix_letter_content_letter_id", "letter_content", ["letter_id"])
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON letter_content"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    hold_letters()


def hold_letters() -> None:
    """What no code may undo: the waiver of a letter that exists, and a confirmed entry."""
    op.execute(
        """
        CREATE FUNCTION hold_letter() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.confirmed_at IS NOT NULL THEN
                RAISE EXCEPTION 'letter % is confirmed: it stays as it is', OLD.letter_code
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'letter_confirmed_holds';
            END IF;
            IF OLD.uploaded_at IS NOT NULL AND (TG_OP = 'DELETE' OR NEW.uploaded_at IS NULL) THEN
                RAISE EXCEPTION 'letter % exists: it can''t be undone', OLD.letter_code
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'letter_exists_holds';
            END IF;
            IF TG_OP = 'DELETE' THEN
                RETURN OLD;
            END IF;
            IF NEW.waived IS DISTINCT FROM OLD.waived AND OLD.uploaded_at IS NOT NULL THEN
                RAISE EXCEPTION 'letter % exists: its waiver is fixed', OLD.letter_code
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'letter_waiver_holds';
            END IF;
            IF (NEW.id, NEW.letter_code, NEW.booking_id, NEW.trainee_id, NEW.asked_at)
                IS DISTINCT FROM
                (OLD.id, OLD.letter_code, OLD.booking_id, OLD.trainee_id, OLD.asked_at) THEN
                RAISE EXCEPTION 'letter % keeps its code, booking and trainee', OLD.letter_code
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'letter_identity_holds';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER hold_letter BEFORE UPDATE OR DELETE ON letter"
        " FOR EACH ROW EXECUTE FUNCTION hold_letter()"
    )
    op.execute(
        """
        CREATE FUNCTION hold_letter_content() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            -- The row lock lets no confirmation slip in between this look and the commit.
            PERFORM FROM letter WHERE id = NEW.letter_id AND confirmed_at IS NULL FOR UPDATE;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'the letter is confirmed: its content stays as it is'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'letter_confirmed_holds';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER hold_letter_content BEFORE INSERT ON letter_content"
        " FOR EACH ROW EXECUTE FUNCTION hold_letter_content()"
    )


def downgrade() -> None:
    for table in ("letter_content", "letter_link", "letter"):
        op.drop_table(table)
    op.execute("DROP FUNCTION hold_letter_content()")
    op.execute("DROP FUNCTION hold_letter()")
