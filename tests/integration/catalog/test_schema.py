from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from marketplace.catalog import models
from marketplace.core.db import Base

TABLES = {
    mapper.local_table.name
    for mapper in Base.registry.mappers
    if mapper.class_.__module__ == models.__name__
}


def test_models_and_migration_agree(session):
    def ours(item, name, kind, reflected, compare_to):
        table = item if kind == "table" else getattr(item, "table", None)
        return table is None or table.name in TABLES

    assert "listing" in TABLES
    context = MigrationContext.configure(
        session.connection(),
        opts={"include_object": ours, "compare_type": True, "compare_server_default": True},
    )
    assert compare_metadata(context, Base.metadata) == []
