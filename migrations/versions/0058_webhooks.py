"""Webhooks to sites and schools: endpoints, secrets, messages, deliveries, attempts, the fan-out."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0058_webhooks"
down_revision = "0057_invoices_valid"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
ID = sa.Uuid()
PENDING = sa.text("state = 'pending'")


def column(name: str, kind: object, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)


def to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")


def check(table: str, name: str, says: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(says, name=f"ck_{table}_{name}")


def upgrade() -> None:
    endpoints()
    secrets()
    messages()
    deliveries()
    attempts()
    wanted()
    fan_out()


def endpoints() -> None:
    table = "webhook_endpoint"
    op.create_table(
        table,
        column("id", ID),
        column("owner_id", ID),
        column("site_id", ID, nullable=True),
        column("school_id", ID, nullable=True),
        column("url", sa.Text()),
        column("types", ARRAY(sa.Text())),
        column("description", sa.Text()),
        column("state", sa.Text()),
        column("disabled_for", sa.Text(), nullable=True),
        column("failing_since", AT, nullable=True),
        column("version", sa.Integer()),
        column("created_by", ID),
        column("created_at", AT),
        column("changed_by", ID, nullable=True),
        column("changed_at", AT),
        column("deleted_by", ID, nullable=True),
        column("deleted_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        to(table, "site_id", "site"),
        to(table, "school_id", "school"),
        *(to(table, name, "account") for name in ("created_by", "changed_by", "deleted_by")),
        sa.UniqueConstraint("owner_id", "id", name=f"uq_{table}_owner_id_id"),
        check(table, "one_owner", "num_nonnulls(site_id, school_id) = 1"),
        check(table, "owner", "owner_id = coalesce(site_id, school_id)"),
        check(table, "types", "cardinality(types) > 0"),
        check(table, "state", "state IN ('enabled', 'disabled')"),
        check(table, "disabled_for", "disabled_for IN ('owner', 'failures', 'gone')"),
        check(table, "disabled", "(state = 'disabled') = (disabled_for IS NOT NULL)"),
        check(table, "deleted", "deleted_at IS NULL OR state = 'disabled'"),
        check(table, "deleted_by", "(deleted_at IS NULL) = (deleted_by IS NULL)"),
        check(table, "version", "version >= 1"),
    )
    op.create_index(f"ix_{table}_site_id", table, ["site_id"])
    op.create_index(
        f"uq_{table}_url",
        table,
        ["owner_id", "url"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def secrets() -> None:
    table = "webhook_secret"
    op.create_table(
        table,
        column("id", ID),
        column("endpoint_id", ID),
        column("sealed", sa.LargeBinary(), nullable=True),
        column("created_by", ID),
        column("created_at", AT),
        column("ends_at", AT, nullable=True),
        column("revoked_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        to(table, "endpoint_id", "webhook_endpoint"),
        to(table, "created_by", "account"),
        check(table, "revoked", "(revoked_at IS NULL) = (sealed IS NOT NULL)"),
    )
    op.create_index(f"ix_{table}_endpoint_id", table, ["endpoint_id"])
    op.create_index(
        f"uq_{table}_endpoint_id",
        table,
        ["endpoint_id"],
        unique=True,
        postgresql_where=sa.text("ends_at IS NULL AND revoked_at IS NULL"),
    )


def messages() -> None:
    table = "webhook_message"
    op.create_table(
        table,
        column("id", ID),
        column("owner_id", ID),
        column("endpoint_id", ID, nullable=True),
        column("type", sa.Text()),
        column("body", sa.Text()),
        column("at", AT),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        owned(table, "endpoint_id", "webhook_endpoint"),
        sa.UniqueConstraint("owner_id", "id", name=f"uq_{table}_owner_id_id"),
    )
    op.create_index(f"ix_{table}_at", table, ["at"])


def owned(
    table: str, name: str, target: str, ondelete: str | None = None
) -> sa.ForeignKeyConstraint:
    """A key to a row of the same owner: no other can be named."""
    return sa.ForeignKeyConstraint(
        ["owner_id", name],
        [f"{target}.owner_id", f"{target}.id"],
        name=f"fk_{table}_owner_id_{target}",
        ondelete=ondelete,
    )


def deliveries() -> None:
    table = "webhook_delivery"
    op.create_table(
        table,
        column("endpoint_id", ID),
        column("message_id", ID),
        column("owner_id", ID),
        column("type", sa.Text()),
        column("state", sa.Text()),
        column("attempts", sa.Integer()),
        column("tries", sa.Integer()),
        column("next_at", AT, nullable=True),
        column("begun_at", AT, nullable=True),
        column("created_at", AT),
        column("done_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("endpoint_id", "message_id", name=f"pk_{table}"),
        owned(table, "endpoint_id", "webhook_endpoint"),
        owned(table, "message_id", "webhook_message", "CASCADE"),
        check(table, "state", "state IN ('pending', 'delivered', 'failed')"),
        check(table, "next_at", "(state = 'pending') = (next_at IS NOT NULL)"),
        check(table, "attempts", "attempts >= tries AND tries >= 0"),
    )
    op.create_index(f"ix_{table}_owner_id_message_id", table, ["owner_id", "message_id"])
    for name in ("state", "type"):
        op.create_index(
            f"ix_{table}_endpoint_id_{name}", table, ["endpoint_id", name, "message_id"]
        )
    op.create_index(
        f"ix_{table}_due", table, ["endpoint_id", "next_at", "message_id"], postgresql_where=PENDING
    )


def attempts() -> None:
    table = "webhook_attempt"
    op.create_table(
        table,
        column("endpoint_id", ID),
        column("message_id", ID),
        column("number", sa.Integer()),
        column("at", AT),
        column("took_ms", sa.Integer(), nullable=True),
        column("status", sa.Integer(), nullable=True),
        column("excerpt", sa.Text(), nullable=True),
        column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("endpoint_id", "message_id", "number", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            ["endpoint_id", "message_id"],
            ["webhook_delivery.endpoint_id", "webhook_delivery.message_id"],
            name=f"fk_{table}_endpoint_id_webhook_delivery",
            ondelete="CASCADE",
        ),
        check(table, "number", "number >= 1"),
        check(table, "outcome", "num_nonnulls(status, error) >= 1"),
    )
    # Old ones are deleted with their message; none is ever changed.
    op.execute(
        f"CREATE TRIGGER refuse_change BEFORE UPDATE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def wanted() -> None:
    """What nobody of its owner listens to is not written: told costs those who don't listen nothing."""
    op.execute(
        """
        CREATE FUNCTION webhook_wanted() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.endpoint_id IS NOT NULL OR EXISTS (
                SELECT FROM webhook_endpoint
                 WHERE owner_id = NEW.owner_id AND state = 'enabled' AND NEW.type = ANY (types)
            ) THEN
                RETURN NEW;
            END IF;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER webhook_wanted BEFORE INSERT ON webhook_message"
        " FOR EACH ROW EXECUTE FUNCTION webhook_wanted()"
    )


def fan_out() -> None:
    """A delivery for each endpoint of the owner that listens, and one job for each of these."""
    op.execute(
        """
        CREATE FUNCTION webhook_fan_out() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            WITH made AS (
                INSERT INTO webhook_delivery (endpoint_id, message_id, owner_id, type, state,
                                              attempts, tries, next_at, created_at)
                SELECT e.id, m.id, m.owner_id, m.type, 'pending', 0, 0, m.at, m.at
                  FROM told m JOIN webhook_endpoint e ON e.owner_id = m.owner_id
                 WHERE e.id = m.endpoint_id
                    OR m.endpoint_id IS NULL AND e.state = 'enabled' AND m.type = ANY (e.types)
                RETURNING endpoint_id)
            INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args)
            SELECT DISTINCT 'default', 'webhooks.send', 'webhook:' || endpoint_id,
                   jsonb_build_object('endpoint_id', endpoint_id)
              FROM made;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER webhook_fan_out AFTER INSERT ON webhook_message"
        " REFERENCING NEW TABLE AS told FOR EACH STATEMENT EXECUTE FUNCTION webhook_fan_out()"
    )


def downgrade() -> None:
    for name in ("attempt", "delivery", "message", "secret", "endpoint"):
        op.drop_table(f"webhook_{name}")
    op.execute("DROP FUNCTION webhook_fan_out()")
    op.execute("DROP FUNCTION webhook_wanted()")
