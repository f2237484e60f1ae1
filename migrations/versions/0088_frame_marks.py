"""Who of a survey's frame has died, or stands in it twice: by whom it was said, when and why."""

import sqlalchemy as sa
from alembic import op

revision = "0088_frame_marks"
down_revision = "0087_report_looks"
branch_labels = None
depends_on = None

TABLE = "frame_mark"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("flag", sa.Text(), nullable=False),
        sa.Column("duplicate_of", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
        sa.ForeignKeyConstraint(
            ["member_id"], ["cohort_member.id"], name=f"fk_{TABLE}_member_id_cohort_member"
        ),
        sa.ForeignKeyConstraint(
            ["duplicate_of"], ["cohort_member.id"], name=f"fk_{TABLE}_duplicate_of_cohort_member"
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["account.id"], name=f"fk_{TABLE}_recorded_by_account"
        ),
        sa.CheckConstraint("flag IN ('ok','duplicate','deceased')", name=f"ck_{TABLE}_flag"),
        sa.CheckConstraint(
            "(flag = 'duplicate') = (duplicate_of IS NOT NULL) AND duplicate_of <> member_id",
            name=f"ck_{TABLE}_duplicate_of",
        ),
        sa.CheckConstraint("reason <> ''", name=f"ck_{TABLE}_reason"),
    )
    op.create_index(f"ix_{TABLE}_member_id", TABLE, ["member_id", "id"])
    op.execute(
        f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {TABLE}"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    # The row that stays is of the same frame and counts itself: else a person could be lost.
    op.execute(
        """
        CREATE FUNCTION hold_duplicate() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM FROM cohort_member kept
                JOIN cohort_member own ON own.campaign_id = kept.campaign_id
                WHERE own.id = NEW.member_id AND kept.id = NEW.duplicate_of
                    AND kept.frame_flag IS DISTINCT FROM 'duplicate'
                FOR SHARE OF kept;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'a duplicate is of another row of its frame that is none itself'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'frame_mark_kept';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        f"CREATE TRIGGER hold_duplicate BEFORE INSERT ON {TABLE} FOR EACH ROW"
        " WHEN (NEW.duplicate_of IS NOT NULL) EXECUTE FUNCTION hold_duplicate()"
    )


def downgrade() -> None:
    op.drop_table(TABLE)
    op.execute("DROP FUNCTION hold_duplicate()")
