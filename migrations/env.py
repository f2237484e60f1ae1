"""How migrations run: one transaction each, a short wait for locks, never importing models.

The connection, or the URL to make one, is handed over by the command that runs them.
"""

from alembic import context
from sqlalchemy import Connection, create_engine, text

# Waiting longer for a lock would hold up every query queued behind the migration.
LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "15min"


def migrate(connection: Connection) -> None:
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    # One migrator at a time, however many processes start at once.
    connection.execute(text("SELECT pg_advisory_lock(7043915)"))
    connection.commit()
    context.configure(connection=connection, transaction_per_migration=True)
    try:
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(7043915)"))
        connection.execute(text("RESET lock_timeout"))
        connection.execute(text("RESET statement_timeout"))
        connection.commit()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    engine = create_engine(context.config.get_main_option("sqlalchemy.url", ""))
    with engine.connect() as own:
        migrate(own)
    engine.dispose()
