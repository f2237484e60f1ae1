"""Brings a database to a revision of `migrations/`; the one place that drives alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

FOLDER = Path(__file__).parents[2] / "migrations"


def config() -> Config:
    """Return alembic's configuration, without a connection."""
    made = Config()
    made.set_main_option("script_location", str(FOLDER))
    made.set_main_option("path_separator", "os")
    return made


def upgrade(url: str, revision: str = "head") -> None:
    """Run the migrations up to `revision`, each in its own transaction."""
    _run(url, command.upgrade, revision)


def downgrade(url: str, revision: str) -> None:
    """Undo the migrations after `revision`; for development and tests."""
    _run(url, command.downgrade, revision)


def pending(url: str) -> list[str]:
    """Return the revisions that the database still lacks, oldest first."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        at = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(config())
    return [step.revision for step in script.iterate_revisions("head", at or "base")][::-1]


def _run(url: str, what: object, revision: str) -> None:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        made = config()
        made.attributes["connection"] = connection
        what(made, revision)  # type: ignore[operator] # alembic's commands share this shape
