"""Whole rows in statements of our own: several inserts in one, without a unit of work in between.

A use case that always writes the same rows together writes them in one statement with CTEs. It
builds its entities as ever; this module puts their values into the text and afterwards lets the
session know them as they stand. `flush` does so with whatever the session has to write.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import chain
from typing import Any, TypeVar, cast

from sqlalchemy import Column, Table, TextClause, bindparam, inspect, text
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import StaleDataError

from marketplace.core.db import Base, Session


@dataclass(frozen=True)
class Part:
    """A statement to go into one with others: an INSERT, UPDATE or DELETE that ends in RETURNING.

    It returns one column; nothing, and without RETURNING, where it is `silent`. Its values are named
    as nothing else in the same statement is; lists and JSON go with a CAST.
    """

    sql: str
    values: Mapping[str, Any] = field(default_factory=dict)
    silent: bool = False


_Entity = TypeVar("_Entity", bound=Base)
_New = dict[type[Base], list[Base]]
_Changed = dict[tuple[type[Base], tuple[str, ...]], list[Base]]


def inserted(model: type[Base]) -> str:
    """Return `table (column, …)` of all that an entity of `model` says of itself."""
    names = ", ".join(column.name for _, column in _said(model))
    return f"{_table(model).name} ({names})"


def places(model: type[Base]) -> str:
    """Return the bind parameters of `values_of`, in the order of `inserted`."""
    table = _table(model).name
    return ", ".join(f":{table}_{column.name}" for _, column in _said(model))


def new(model: type[_Entity], **values: Any) -> _Entity:
    """Return what `model(**values)` would, for a statement of ours and for no session's flush.

    Nothing notes what was set when, which takes most of the time of the model's own way.
    """
    ways = _ways_in(model)
    entity = cast("_Entity", inspect(model).class_manager.new_instance())
    own = entity.__dict__
    for name, value in values.items():
        parts = ways[name]
        if parts and value is not None:
            own.update(zip(parts, (value.minor, value.currency), strict=True))
        else:
            own[name] = value
    return entity


def values_of(entity: Base) -> dict[str, Any]:
    """Return what `places` stand for; defaults made by us are set on the entity."""
    own, found = entity.__dict__, {}
    for attribute, column, place in _places(type(entity)):
        value = own.get(attribute)
        if value is None:
            # What was not set is set now: read later, it would be asked of the database.
            value = _default(column) if column.default is not None else None
            own[attribute] = value
        found[place] = value
    return found


def values(model: type[Base], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same of columns by name, all that there are, without an entity."""
    table = _table(model).name
    return {f"{table}_{name}": value for name, value in given.items()}


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


def known(session: Session, entity: _Entity) -> _Entity:
    """Return what the session has for the row that `entity` was read from; else it adopts that."""
    key = inspect(type(entity)).identity_key_from_instance(entity)
    found = session.identity_map.get(key)
    if found is not None:
        return cast("_Entity", found)
    adopt(session, entity)
    return entity


def columns_of(model: type[Base], besides: Collection[str] = ()) -> list[Column[Any]]:
    """Return the columns of `model` to select for `found`, but those of the attributes `besides`."""
    return [column for name, column in _all(model) if name not in besides]


def found(
    session: Session, model: type[_Entity], row: Sequence[Any], besides: Collection[str] = ()
) -> _Entity:
    """Return the entity whose `columns_of` a statement of ours has read, in their order.

    What was left out is read when it is asked for. An entity that the session has already stays as
    it is, as with a query of its own.
    """
    return known(session, shown(model, row, besides))


def shown(model: type[_Entity], row: Sequence[Any], besides: Collection[str] = ()) -> _Entity:
    """Return the same where it is only looked at: no session knows it, what was left out is None."""
    entity = cast("_Entity", inspect(model).class_manager.new_instance())
    names = (name for name, _ in _all(model) if name not in besides)
    entity.__dict__.update(zip(names, row, strict=True))
    return entity


def now_has(entity: Base, values: Iterable[tuple[str, Any]]) -> None:
    """Note what a statement of ours has set in the entity's row, without reading it back."""
    for attribute, value in values:
        set_committed_value(entity, attribute, value)
    for composite in inspect(type(entity)).composites:
        entity.__dict__.pop(composite.key, None)


def brought(model: type[Base], some: Sequence[Mapping[str, Any]]) -> Part:
    """Return what inserts many rows without entities: all with the same columns, by their names.

    Keys are made by the caller. A column that is not named takes its default.
    """
    table = _table(model).name
    names = ", ".join(some[0])
    given = _given(model, f"many_{table}")
    return Part(
        f"INSERT INTO {table} ({names}) SELECT {names} FROM {given} AS given",  # noqa: S608 - columns
        {f"many_{table}": _as_json(some)},
        silent=True,
    )


def flush(
    session: Session, *also: Part, whole: Collection[type[Base]] = frozenset()
) -> list[list[Any]]:
    """Write what the session would flush, new rows and changed ones of any tables, in one statement.

    Changes come before inserts, so that a row may take the place that another gives up. Keys are
    made by the caller or by us. Rows go as JSON. Each part of `also` is done by the same statement:
    its rows come back, as JSON values, in their order; no part touches a row that another does.
    Of `whole` models every column of a changed row is written, whichever has changed, so that many
    rows with different changes are one text.
    """
    if session.deleted:
        raise ValueError("rows to delete are flushed by the session itself")
    new, changed = _gathered(session, whole)
    if not new and not changed and not also:
        return []
    values = {f"new_{n}": _as_json(map(_row, some)) for n, some in enumerate(new.values())}
    values |= {
        f"changed_{n}": _as_json(_row_of(entity, names) for entity in some)
        for n, ((_, names), some) in enumerate(changed.items())
    }
    for part in also:
        values |= part.values
    parts = tuple((part.sql, part.silent) for part in also)
    together = _together(tuple(new), tuple(changed), parts)
    with session.no_autoflush:
        touched, *found = session.execute(together, values).one()
    if touched != sum(map(len, changed.values())):
        raise StaleDataError("a row to change is not there")
    for entity in chain(*new.values()):
        session.expunge(entity)
        adopt(session, entity)
    for (_, names), some in changed.items():
        for entity in some:
            now_has(entity, [(name, getattr(entity, name)) for name in names])
    return found


def _gathered(session: Session, whole: Collection[type[Base]]) -> tuple[_New, _Changed]:
    new: _New = defaultdict(list)
    changed: _Changed = defaultdict(list)
    for entity in session.new:
        new[type(entity)].append(entity)
    for entity in session.dirty:
        if names := _changed_in(entity):
            model: type[Base] = type(entity)
            changed[model, _but_keys(model) if model in whole else names].append(entity)
    return new, changed


@cache
def _but_keys(model: type[Base]) -> tuple[str, ...]:
    return tuple(name for name, column in _said(model) if not column.primary_key)


@cache
def _together(
    new: Sequence[type[Base]],
    changed: Sequence[tuple[type[Base], Sequence[str]]],
    also: Sequence[tuple[str, bool]],
) -> TextClause:
    parts = []
    for number, (model, names) in enumerate(changed):
        table, columns = _table(model).name, inspect(model).columns
        settings = ", ".join(f"{columns[name].name} = given.{columns[name].name}" for name in names)
        same = " AND ".join(
            f"{table}.{key.name} = given.{key.name}" for key in inspect(model).primary_key
        )
        parts.append(
            f"changed_{number} AS (UPDATE {table} SET {settings}"  # noqa: S608 - our own columns
            f" FROM {_given(model, f'changed_{number}')} AS given WHERE {same} RETURNING 1)"
        )
    touched = "".join(f" + cardinality(ARRAY(TABLE changed_{n}))" for n in range(len(changed)))
    parts.append(f"changes AS (SELECT 0{touched} AS touched)")
    for number, model in enumerate(new):
        names = ", ".join(f"given.{column.name}" for _, column in _said(model))
        parts.append(
            f"new_{number} AS (INSERT INTO {inserted(model)} SELECT {names}"  # noqa: S608 - our own
            f" FROM changes, {_given(model, f'new_{number}')} AS given)"
        )
    parts += [
        f"also_{number}{'' if silent else ' (found)'} AS ({sql})"
        for number, (sql, silent) in enumerate(also)
    ]
    back = "".join(
        ", CAST('[]' AS json)"
        if silent
        else f", (SELECT coalesce(json_agg(found), '[]') FROM also_{number})"  # noqa: S608 - our own
        for number, (_, silent) in enumerate(also)
    )
    return text(f"WITH {', '.join(parts)} SELECT touched{back} FROM changes")  # noqa: S608 - our own


def _given(model: type[Base], name: str) -> str:
    return f"jsonb_populate_recordset(CAST(NULL AS {_table(model).name}), CAST(:{name} AS jsonb))"


def _changed_in(entity: Base) -> tuple[str, ...]:
    """Attributes of columns whose value is another than the row's."""
    state = inspect(entity)
    return tuple(
        one.key for one in state.mapper.column_attrs if state.attrs[one.key].history.has_changes()
    )


def _row(entity: Base) -> dict[str, Any]:
    table = _table(type(entity)).name
    return {name.removeprefix(f"{table}_"): one for name, one in values_of(entity).items()}


def _row_of(entity: Base, names: Iterable[str]) -> dict[str, Any]:
    mapper = inspect(type(entity))
    keys = [mapper.get_property_by_column(key).key for key in mapper.primary_key]
    return {mapper.columns[name].name: getattr(entity, name) for name in (*keys, *names)}


def _as_json(found: Iterable[Mapping[str, Any]]) -> str:
    return json.dumps(list(found), default=_as_text)


def _as_text(value: object) -> str:
    """What the database reads back from its text."""
    if isinstance(value, (date, uuid.UUID, Decimal)):
        return str(value)
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    raise TypeError(f"no JSON for {type(value).__name__}")


def _table(model: type[Base]) -> Table:
    return cast("Table", inspect(model).local_table)


@cache
def _all(model: type[Base]) -> tuple[tuple[str, Column[Any]], ...]:
    """Attributes and columns of the whole row."""
    mapper = inspect(model)
    return tuple(
        (mapper.get_property_by_column(column).key, column) for column in _table(model).columns
    )


@cache
def _said(model: type[Base]) -> tuple[tuple[str, Column[Any]], ...]:
    """Attributes and columns, but for those that the database fills in by itself."""
    mapper = inspect(model)
    return tuple(
        (mapper.get_property_by_column(column).key, column)
        for column in _table(model).columns
        if column.server_default is None or column.default is not None
    )


@cache
def _places(model: type[Base]) -> tuple[tuple[str, Column[Any], str], ...]:
    """The same with the name of each one's place."""
    table = _table(model).name
    return tuple((name, column, f"{table}_{column.name}") for name, column in _said(model))


@cache
def _ways_in(model: type[Base]) -> Mapping[str, tuple[str, ...]]:
    """Attributes that can be set, with those of its parts for an amount of money."""
    mapper = inspect(model)
    plain: dict[str, tuple[str, ...]] = {name: () for name, _ in _all(model)}
    amounts = {
        one.key: tuple(mapper.get_property_by_column(column).key for column in one.columns)
        for one in mapper.composites
    }
    return plain | amounts


def _default(column: Column[Any]) -> Any:
    default: Any = column.default
    return default.arg(None) if default.is_callable else default.arg
