"""Keyset pagination: a page begins after the last row of the one before, whatever came between.

The cursor is the sort key of that last row, opaque to clients. It is no secret and grants nothing:
the query's own conditions are applied again.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select, TypeDecorator, tuple_
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.elements import ColumnElement

from marketplace.core.db import Session
from marketplace.core.errors import Invalid

T = TypeVar("T")
CONVERT: dict[str, Callable[[Any], Any]] = {
    "d": date.fromisoformat,
    "t": datetime.fromisoformat,
    "u": UUID,
    "v": lambda value: value,
}


class BadCursor(Invalid):
    code = "bad_cursor"
    title = "This cursor is not one of ours. Begin again without it."


@dataclass(frozen=True)
class Page(Generic[T]):
    """Rows in order, and where the next page begins; None on the last."""

    items: Sequence[T]
    next_cursor: str | None


def encode(values: Sequence[Any]) -> str:
    """Return the cursor of a row whose sort key is `values`."""
    text = json.dumps([_mark(value) for value in values], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def decode(cursor: str, length: int) -> list[Any]:
    """Return the sort key in `cursor`; `BadCursor` unless it has `length` values."""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
        values = [CONVERT[kind](value) for kind, value in json.loads(raw)]
        # Half a surrogate pair passes JSON and no database: encoding it is an error here.
        "".join(value for value in values if isinstance(value, str)).encode()
    except (ValueError, TypeError, KeyError, binascii.Error, RecursionError) as error:
        raise BadCursor from error
    if len(values) != length or any("\x00" in v for v in values if isinstance(v, str)):
        raise BadCursor
    return values


def paginate(
    session: Session,
    query: Select[T],
    *,
    key: Sequence[ColumnElement[Any] | InstrumentedAttribute[Any]],
    key_of: Callable[[T], Sequence[Any]],
    limit: int,
    cursor: str | None,
    descending: bool = False,
) -> Page[T]:
    """Return one page of `query` in the order of `key`, whose last column must be unique.

    `key_of` gives the same values from a row. One query, whatever the page.
    """
    asked = _from(query, key, cursor, descending=descending).limit(limit + 1)
    return _page(session.execute(asked).scalars().all(), key_of, limit)


def paginate_rows(
    session: Session,
    query: Select[*tuple[Any, ...]],
    *,
    key: Sequence[ColumnElement[Any] | InstrumentedAttribute[Any]],
    key_of: Callable[[Any], Sequence[Any]],
    limit: int,
    cursor: str | None,
    descending: bool = False,
) -> Page[Any]:
    """Do what `paginate` does for a query of single columns: its rows are plain, no entities.

    For long lists: an entity takes many times the work of the row that it is made from.
    """
    asked = _from(query, key, cursor, descending=descending).limit(limit + 1)
    return _page(session.execute(asked).all(), key_of, limit)


def _from(
    query: Select[*tuple[Any, ...]],
    key: Sequence[ColumnElement[Any] | InstrumentedAttribute[Any]],
    cursor: str | None,
    *,
    descending: bool,
) -> Select[*tuple[Any, ...]]:
    if cursor is not None:
        after = tuple_(*_fitting(decode(cursor, len(key)), key))
        query = query.where(tuple_(*key) < after if descending else tuple_(*key) > after)
    return query.order_by(*(column.desc() if descending else column.asc() for column in key))


def _page(found: Sequence[Any], key_of: Callable[[Any], Sequence[Any]], limit: int) -> Page[Any]:
    rows = found[:limit]
    return Page(rows, encode(key_of(rows[-1])) if len(found) > limit else None)


def _fitting(
    values: list[Any], key: Sequence[ColumnElement[Any] | InstrumentedAttribute[Any]]
) -> list[Any]:
    """The values of a cursor, which anybody may have written: each of its column's own type."""
    for value, column in zip(values, key, strict=True):
        kind = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
        naive = isinstance(value, datetime) and value.tzinfo is None
        if naive or type(value) is not kind.python_type:
            raise BadCursor
    return values


def _mark(value: Any) -> list[Any]:
    if isinstance(value, datetime):
        return ["t", value.isoformat()]
    if isinstance(value, date):
        return ["d", value.isoformat()]
    if isinstance(value, UUID):
        return ["u", str(value)]
    return ["v", value]
