"""Whole rows in statements of our own: several inserts in one, without a unit of work in between.

A use case that always writes the same rows together writes them in one statement with CTEs. It
builds its entities as ever; this module puts their values into the text and afterwards lets the
session know them as they stand.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, cast

from sqlalchemy import Column, Table, TextClause, bindparam, inspect, text
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from marketplace.core.db import Base, Session


def inserted(model: type[Base]) -> str:
    """Return `table (column, …)` of all that an entity of `model` says of itself."""
    names = ", ".join(column.name for _, column in _said(model))
    return f"{_table(model).name} ({names})"


def places(model: type[Base]) -> str:
    """Return the bind parameters of `values_of`, in the order of `inserted`."""
    table = _table(model).name
    return ", ".join(f":{table}_{column.name}" for _, column in _said(model))


def values_of(entity: Base) -> dict[str, Any]:
    """Return what `places` stand for; defaults made by us are set on the entity."""
    table, found = _table(type(entity)).name, {}
    for attribute, column in _said(type(entity)):
        value = getattr(entity, attribute)
        if value is None and column.default is not None:
            value = _default(column)
        setattr(entity, attribute, value)
        found[f"{table}_{column.name}"] = value
    return found


def statement(sql: str, *models: type[Base], **types: Any) -> TextClause:
    """Return `sql` with the places of `models`, and those named in `types`, bound by their types."""
    return text(sql).bindparams(
        *(
            bindparam(f"{_table(model).name}_{column.name}", type_=column.type)
            for model in models
            for _, column in _said(model)
        ),
        *(bindparam(name, type_=kind) for name, kind in types.items()),
    )


def adopt(session: Session, entity: Base) -> None:
    """Have the session take `entity` for the row that a statement of ours has written from it."""
    make_transient_to_detached(entity)
    session.add(entity)


def now_has(entity: Base, values: Iterable[tuple[str, Any]]) -> None:
    """Note what a statement of ours has set in the entity's row, without reading it back."""
    for attribute, value in values:
        set_committed_value(entity, attribute, value)
    for composite in inspect(type(entity)).composites:
        entity.__dict__.pop(composite.key, None)


def _table(model: type[Base]) -> Table:
    return cast("Table", inspect(model).local_table)


@cache
def _said(model: type[Base]) -> tuple[tuple[str, Column[Any]], ...]:
    """Attributes and columns, but for those that the database fills in by itself."""
    mapper = inspect(model)
    return tuple(
        (mapper.get_property_by_column(column).key, column)
        for column in _table(model).columns
        if column.server_default is None or column.default is not None
    )


def _default(column: Column[Any]) -> Any:
    default: Any = column.default
    return default.arg(None) if default.is_callable else default.arg
