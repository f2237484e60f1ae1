"""Accounts are erased on their owner's wish: after a waiting time, step by step, for good.

What identifies somebody may go from histories that are otherwise kept as they are: only of an account
that is being erased, and nothing else of the row.
"""

import sqlalchemy as sa
from alembic import op

revision = "0086_account_erasure"
down_revision = "0085_search_arranged"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
TABLE = "account_erasure"
STEP = "account_erasure_step"
ERASING = """
CREATE FUNCTION account_is_erasing(wanted uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM account_erasure WHERE account_id = wanted AND closed_at IS NOT NULL
    )
$$
"""
LETTER_ERASING = """
CREATE FUNCTION letter_is_erasing(wanted uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM letter WHERE id = wanted AND account_is_erasing(trainee_id))
$$
"""
HOLD_ERASED = """
CREATE FUNCTION hold_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'account % was erased: it stays closed and blank', OLD.id
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'account_erased_holds';
END $$
"""
ERASED = """
CREATE TRIGGER hold_erased BEFORE UPDATE ON account FOR EACH ROW
WHEN (OLD.email LIKE 'erased-%@erased.invalid' AND (
    NEW.active OR NEW.password IS NOT NULL OR NEW.email <> OLD.email OR NEW.name <> OLD.name
))
EXECUTE FUNCTION hold_erased()
"""
# Table, the trigger that keeps it, and when what identifies somebody may be deleted.
DELETED = {
    "trainee_profile_revision": ("trainee_profile_revision_history", "account_id"),
    "letter_draft": ("refuse_change", "written_by"),
}
CONTENT_KEPT = """
CREATE TRIGGER append_only BEFORE UPDATE ON letter_content FOR EACH ROW
WHEN (NOT (
    letter_is_erasing(OLD.letter_id) AND NEW.sealed_key = ''::bytea
    AND (NEW.id, NEW.letter_id, NEW.object_key, NEW.sha256, NEW.size, NEW.uploaded_at)
        = (OLD.id, OLD.letter_id, OLD.object_key, OLD.sha256, OLD.size, OLD.uploaded_at)
))
EXECUTE FUNCTION refuse_change()
"""
# The packet and the message of a confirmed letter, and nothing else of it.
LETTER_EMPTIED = """
            IF TG_OP = 'UPDATE' AND account_is_erasing(OLD.trainee_id) AND NEW.message = ''
                AND to_jsonb(NEW) - 'packet' - 'message' = to_jsonb(OLD) - 'packet' - 'message'
                AND NEW.packet = '{"case_summary": "", "personal_statement": "",
                                   "document_ids": []}'::jsonb
            THEN
                RETURN NEW;
            END IF;
"""


def hold_letter(first: str) -> str:
    """The function that keeps letters, with what it asks first."""
    return f"""
        CREATE OR REPLACE FUNCTION hold_letter() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            {first}
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


def kept_but(table: str, trigger: str, owner: str) -> None:
    """Rows are never changed, and deleted only with the account that they are of."""
    op.execute(f"DROP TRIGGER {trigger} ON {table}")
    op.execute(
        f"CREATE TRIGGER {trigger} BEFORE UPDATE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        f"CREATE TRIGGER {trigger}_deleted BEFORE DELETE ON {table}"
        f" FOR EACH ROW WHEN (NOT account_is_erasing(OLD.{owner}))"
        " EXECUTE FUNCTION refuse_change()"
    )


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", AT, nullable=False),
        sa.Column("due_at", AT, nullable=False),
        sa.Column("blocked_told_at", AT, nullable=True),
        sa.Column("stopped_at", AT, nullable=True),
        sa.Column("closed_at", AT, nullable=True),
        sa.Column("done_at", AT, nullable=True),
        sa.CheckConstraint("due_at > asked_at", name=f"ck_{TABLE}_waits"),
        sa.CheckConstraint(
            "stopped_at IS NULL OR closed_at IS NULL", name=f"ck_{TABLE}_stopped_or_closed"
        ),
        sa.CheckConstraint("closed_at >= due_at", name=f"ck_{TABLE}_closed_when_due"),
        sa.CheckConstraint(
            "done_at IS NULL OR closed_at IS NOT NULL", name=f"ck_{TABLE}_closed_first"
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=f"fk_{TABLE}_account_id_account"
        ),
    )
    op.create_index(
        f"uq_{TABLE}_account_id_live",
        TABLE,
        ["account_id"],
        unique=True,
        postgresql_where=sa.text("stopped_at IS NULL"),
    )
    op.create_index(
        f"ix_{TABLE}_due_at",
        TABLE,
        ["due_at"],
        postgresql_where=sa.text("stopped_at IS NULL AND done_at IS NULL"),
    )
    op.create_table(
        STEP,
        sa.Column("erasure_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("done_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("erasure_id", "step", name=f"pk_{STEP}"),
        sa.ForeignKeyConstraint(
            ["erasure_id"], [f"{TABLE}.id"], name=f"fk_{STEP}_erasure_id_{TABLE}"
        ),
    )
    op.execute(
        f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {STEP}"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    for statement in (ERASING, LETTER_ERASING, HOLD_ERASED, ERASED):
        op.execute(statement)
    for table, (trigger, owner) in DELETED.items():
        kept_but(table, trigger, owner)
    op.execute("DROP TRIGGER append_only ON letter_content")
    op.execute(CONTENT_KEPT)
    op.execute(
        "CREATE TRIGGER append_only_deleted BEFORE DELETE ON letter_content"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(hold_letter(LETTER_EMPTIED))


def downgrade() -> None:
    op.execute(hold_letter(""))
    for table, trigger in (
        ("letter_content", "append_only"),
        *((table, trigger) for table, (trigger, _) in DELETED.items()),
    ):
        op.execute(f"DROP TRIGGER {trigger}_deleted ON {table}")
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
        op.execute(
            f"CREATE TRIGGER {trigger} BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    op.execute("DROP TRIGGER hold_erased ON account")
    for function in ("hold_erased()", "letter_is_erasing(uuid)", "account_is_erasing(uuid)"):
        op.execute(f"DROP FUNCTION {function}")
    op.drop_table(STEP)
    op.drop_table(TABLE)
