"""Migrations make what the models say, from empty, and back again."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.pool import NullPool

from marketplace.adapters import migrate
from marketplace.registry import metadata

NAME = "migrations_from_empty"


def test_the_models_are_what_the_migrations_make(live):
    engine = create_engine(live.url, poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_object": lambda _o, name, kind, *_: (
                    not (kind == "table" and name.startswith("procrastinate_"))
                ),
            },
        )
        assert compare_metadata(context, metadata) == []


def test_constraints_are_named_by_the_convention(live):
    with live.sessions() as session:
        names = session.execute(
            text(
                "SELECT conrelid::regclass::text, conname, contype FROM pg_constraint"
                " WHERE connamespace = 'public'::regnamespace AND conrelid <> 0"
                " AND contype IN ('p', 'u', 'f', 'c', 'x')"
            )
        ).all()
    prefix = {"p": "pk_", "u": "uq_", "f": "fk_", "c": "ck_", "x": "ex_"}
    odd = [
        (table, name)
        for table, name, kind in names
        if not table.startswith(("procrastinate", "alembic"))
        and not name.startswith(prefix[kind] + table)
    ]
    assert odd == []


# Who did it, and where it came from: read with the row, never searched by. Their targets are
# never deleted (an erased account is blanked, not removed), so nothing scans for them.
READ_WITH_THE_ROW = {
    "account", "cohort", "itinerary", "listing_version", "ledger_transaction", "preceptor",
    "requirement_version", "school",
}  # fmt: skip


def test_every_foreign_key_that_is_searched_by_has_an_index(live):
    """With a million rows, a join or a cascade over a bare foreign key is a scan."""
    with live.sessions() as session:
        bare = session.execute(
            text(
                """
                SELECT c.conname, c.confrelid::regclass::text FROM pg_constraint c
                WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace
                  AND c.conrelid::regclass::text NOT LIKE 'procrastinate%'
                  AND NOT EXISTS (
                    SELECT 1 FROM pg_index i WHERE i.indrelid = c.conrelid
                      AND i.indkey[0] = ANY (c.conkey))
                """
            )
        ).all()
    assert [name for name, target in bare if target not in READ_WITH_THE_ROW] == []


def test_down_to_nothing_and_up_again(servers):
    servers.postgres.drop_database(NAME)
    servers.postgres.create_database(NAME)
    url = servers.postgres.url(NAME)
    try:
        migrate.upgrade(url)
        assert migrate.pending(url) == []
        migrate.downgrade(url, "base")
        assert tables(url) == ["alembic_version"]
        migrate.upgrade(url)
        assert migrate.pending(url) == []
    finally:
        servers.postgres.drop_database(NAME)


def tables(url):
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return inspect(connection).get_table_names()
