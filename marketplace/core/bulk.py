"""Many rows at once by COPY, in the caller's own transaction.

Constraints, defaults and triggers hold as they do for an INSERT; what is not given takes its
default. Nothing is returned, so keys are made by the caller.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import JSONB

from marketplace.core.db import Base, Session


def copy_rows(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, which all have the same keys: names of columns of `table`.

    What the session has pending goes first.
    """
    if not rows:
        return
    names = list(rows[0])
    documents = {name for name in names if isinstance(table.c[name].type, JSONB)}
    with _cursor(session) as cursor, cursor.copy(_statement(table, names)) as copy:
        for row in rows:
            copy.write_row(
                [
                    Jsonb(value) if name in documents and value is not None else value
                    for name, value in row.items()
                ]
            )


def copy_lines(session: Session, table: Table, names: Sequence[str], lines: Iterable[str]) -> None:
    """Insert rows that are in COPY's own text form already: cells by tabs, a line break after each.

    For the many short rows whose cells are keys, dates and numbers, which need no escape.
    """
    with _cursor(session) as cursor, cursor.copy(_statement(table, names)) as copy:
        for line in lines:
            copy.write(line)


def table_of(model: type[Base]) -> Table:
    """The table that a model stands for."""
    return cast("Table", model.__table__)


def _cursor(session: Session) -> psycopg.Cursor[Any]:
    session.flush()
    driver = session.connection().connection.driver_connection
    return cast("psycopg.Connection[Any]", driver).cursor()


def _statement(table: Table, names: Sequence[str]) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    return sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), columns)
