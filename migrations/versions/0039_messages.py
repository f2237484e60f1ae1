"""Messages about a booking, their files, and how far each of its people has read."""

import sqlalchemy as sa
from alembic import op

revision = "0039_messages"
down_revision = "0038_rounds"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
KEPT = ("booking_message", "message_file", "message_attachment")


def column(name: str, kind: object, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)


def to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")


def upgrade() -> None:
    messages()
    files()
    readers()
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def messages() -> None:
    table = "booking_message"
    op.create_table(
        table,
        column("id", sa.Uuid()),
        column("booking_id", sa.Uuid()),
        column("number", sa.Integer()),
        column("author_id", sa.Uuid()),
        column("role", sa.Text()),
        column("kind", sa.Text()),
        column("body", sa.Text()),
        column("mail_id", sa.Text(), nullable=True),
        column("sent_at", AT),
        sa.PrimaryKeyConstraint("id", name="pk_booking_message"),
        to(table, "booking_id", "booking"),
        to(table, "author_id", "account"),
        sa.UniqueConstraint("booking_id", "number", name="uq_booking_message_booking_id_number"),
        sa.UniqueConstraint("booking_id", "mail_id", name="uq_booking_message_booking_id_mail_id"),
        sa.CheckConstraint("number >= 1", name="ck_booking_message_number"),
        sa.CheckConstraint(
            "role IN ('trainee', 'host', 'operator')", name="ck_booking_message_role"
        ),
        sa.CheckConstraint("kind IN ('text', 'joined')", name="ck_booking_message_kind"),
        sa.CheckConstraint(
            "(kind = 'text') = (body <> '') AND length(body) <= 10000",
            name="ck_booking_message_body",
        ),
    )
    op.create_index("ix_booking_message_author_id", table, ["author_id", "sent_at"])


def files() -> None:
    table = "message_file"
    op.create_table(
        table,
        column("id", sa.Uuid()),
        column("booking_id", sa.Uuid()),
        column("uploaded_by", sa.Uuid()),
        column("filename", sa.Text()),
        column("media_type", sa.Text()),
        column("size", sa.Integer()),
        column("sha256", sa.LargeBinary()),
        column("object_key", sa.Text()),
        column("sealed_key", sa.LargeBinary()),
        column("uploaded_at", AT),
        sa.PrimaryKeyConstraint("id", name="pk_message_file"),
        to(table, "booking_id", "booking"),
        to(table, "uploaded_by", "account"),
        sa.UniqueConstraint("object_key", name="uq_message_file_object_key"),
        sa.CheckConstraint("size > 0", name="ck_message_file_size"),
    )
    op.create_index("ix_message_file_booking_id", table, ["booking_id"])
    table = "message_attachment"
    op.create_table(
        table,
        column("file_id", sa.Uuid()),
        column("message_id", sa.Uuid()),
        sa.PrimaryKeyConstraint("file_id", name="pk_message_attachment"),
        to(table, "file_id", "message_file"),
        to(table, "message_id", "booking_message"),
    )
    op.create_index("ix_message_attachment_message_id", table, ["message_id"])


def readers() -> None:
    table = "message_reader"
    op.create_table(
        table,
        column("id", sa.Uuid()),
        column("booking_id", sa.Uuid()),
        column("account_id", sa.Uuid()),
        column("read_number", sa.Integer()),
        column("read_at", AT, nullable=True),
        column("told_number", sa.Integer()),
        column("joined_at", AT),
        sa.PrimaryKeyConstraint("id", name="pk_message_reader"),
        to(table, "booking_id", "booking"),
        to(table, "account_id", "account"),
        sa.UniqueConstraint(
            "booking_id", "account_id", name="uq_message_reader_booking_id_account_id"
        ),
        sa.CheckConstraint(
            "read_number >= 0 AND told_number >= 0", name="ck_message_reader_numbers"
        ),
    )
    op.create_index("ix_message_reader_account_id", table, ["account_id", "id"])


def downgrade() -> None:
    for table in ("message_reader", "message_attachment", "message_file", "booking_message"):
        op.drop_table(table)
