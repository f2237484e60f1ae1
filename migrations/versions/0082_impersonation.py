"""Operators see the pages as another account does: with a reason, for a while, on record."""

import sqlalchemy as sa
from alembic import op

revision = "0082_impersonation"
down_revision = "0081_message_file_links"
branch_labels = None
depends_on = None

TABLE = "impersonation"
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("begun_at", AT, nullable=False),
        sa.Column("ends_at", AT, nullable=False),
        sa.Column("ended_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["account.id"], name=f"fk_{TABLE}_operator_id_account"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=f"fk_{TABLE}_account_id_account"
        ),
        sa.CheckConstraint("operator_id <> account_id", name=f"ck_{TABLE}_another"),
        sa.CheckConstraint("length(btrim(reason)) > 0", name=f"ck_{TABLE}_reason"),
        sa.CheckConstraint(
            "ends_at > begun_at AND ends_at <= begun_at + interval '1 hour'",
            name=f"ck_{TABLE}_ends_at",
        ),
        sa.CheckConstraint("ended_at >= begun_at", name=f"ck_{TABLE}_ended_at"),
    )
    op.create_index(
        f"uq_{TABLE}_operator_id",
        TABLE,
        ["operator_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(f"ix_{TABLE}_account_id", TABLE, ["account_id"])
    guarded()


def guarded() -> None:
    """By operators alone, of nobody who is one; what was begun is ended, never rewritten."""
    op.execute(
        """
        CREATE FUNCTION guard_impersonation() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT FROM membership WHERE account_id = NEW.account_id
                          AND role = 'operator' AND revoked_at IS NULL)
               OR NOT EXISTS (SELECT FROM membership WHERE account_id = NEW.operator_id
                                 AND role = 'operator' AND revoked_at IS NULL) THEN
                RAISE EXCEPTION 'operators see the pages of others who are none'
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'impersonation_of_no_operator';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        f"CREATE TRIGGER guard_impersonation BEFORE INSERT ON {TABLE}"
        " FOR EACH ROW EXECUTE FUNCTION guard_impersonation()"
    )
    op.execute(
        """
        CREATE FUNCTION keep_impersonation() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND OLD.ended_at IS NULL THEN
                OLD.ended_at := NEW.ended_at;
                IF NEW IS NOT DISTINCT FROM OLD THEN
                    RETURN NEW;
                END IF;
            END IF;
            RAISE EXCEPTION 'an impersonation is ended, never rewritten'
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'history_impersonation';
        END $$
        """
    )
    op.execute(
        f"CREATE TRIGGER keep_impersonation BEFORE UPDATE OR DELETE ON {TABLE}"
        " FOR EACH ROW EXECUTE FUNCTION keep_impersonation()"
    )


def downgrade() -> None:
    op.drop_table(TABLE)
    op.execute("DROP FUNCTION keep_impersonation()")
    op.execute("DROP FUNCTION guard_impersonation()")
