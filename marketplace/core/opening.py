"""The first statement of a transaction, sent together with its BEGIN: one way to the server, not two.

By itself the driver sends BEGIN, waits for the answer, and sends the statement then. Here both are
queued, by libpq's pipeline mode, and go as one message; the server answers both at once. What it does
is the same: a transaction block is open afterwards, or has failed with the statement. COMMIT,
ROLLBACK and savepoints, how values are adapted and what errors there are is the driver's as ever.

A connection without transactions, each of whose statements is one of its own, is sent the statement
alone by the same way: what the driver does for each statement anew, to find its places above all, is
done once.

Statements are prepared when the driver would prepare them, by names of ours. The driver may drop all
that is prepared on a connection, as after a savepoint that was rolled back. Nothing has been done in
the transaction when that is noticed: it begins once more, with a statement that is not prepared.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, cast

import psycopg
from psycopg import generators
from psycopg.abc import Buffer, PQGen
from psycopg.abc import Transformer as Adapter
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import InvalidSqlStatementName, error_from_result
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

_Key = tuple[str, tuple[int, ...]]

_KEPT: Final = "sent_with_begin"
_PLACE = re.compile(r"%(?:\((?P<name>[^)]+)\)s|%)")


@dataclass(slots=True)
class _Kept:
    """What is known of one connection: what adapts its values, what it has sent so and prepared.

    A statement is another one for other types of its values.
    """

    adapter: Adapter
    times: dict[_Key, int] = field(default_factory=dict)
    names: dict[_Key, bytes] = field(default_factory=dict)
    made: int = 0


@dataclass(slots=True)
class _Message:
    """A statement with its values; its name, and the one that gives its place up, where prepared."""

    text: bytes
    types: tuple[int, ...]
    values: Sequence[Buffer | None]
    formats: Sequence[int] | None
    name: bytes | None = None
    to_prepare: bool = False
    to_close: bytes | None = None


def is_due(connection: psycopg.Connection[Any]) -> bool:
    """Whether what is sent next begins a transaction without options of its own, or is one itself."""
    return (
        connection.pgconn.transaction_status == TransactionStatus.IDLE
        and connection.isolation_level is None
        and connection.read_only is None
        and connection.deferrable is None
    )


def fetch(
    connection: psycopg.Connection[Any],
    info: dict[Any, Any],
    sql: str,
    values: Mapping[str, Any],
    prepare: bool | None,  # noqa: FBT001 - as the driver's own
) -> list[tuple[Any, ...]]:
    """Begin a transaction by a statement, or be it one, and return its rows; none if it has none.

    `sql` has its places as `%(name)s`. `info` is kept as long as the connection is. `prepare` is what
    it is to a cursor's `execute`.
    """
    kept: _Kept | None = info.get(_KEPT)
    if kept is None:
        kept = info[_KEPT] = _Kept(Transformer(connection))
    text, names, formats = _numbered(sql)
    adapter = kept.adapter
    given = adapter.dump_sequence([values[name] for name in names], formats)
    message = _Message(text, adapter.types or (), given, adapter.formats)
    key = (sql, message.types)
    if prepare is not False and connection.prepare_threshold is not None:
        _name(message, kept, key, connection, at_once=bool(prepare))
    found = _answer(connection, kept, key, message)
    if not found.nfields:
        return []
    adapter.set_pgresult(found)
    rows = adapter.load_rows(0, found.ntuples, tuple)
    adapter.set_pgresult(None)
    return rows


def _name(
    message: _Message,
    kept: _Kept,
    key: _Key,
    connection: psycopg.Connection[Any],
    *,
    at_once: bool,
) -> None:
    """Have a statement that is sent often be prepared; the one used longest ago makes room for it."""
    threshold, at_most = connection.prepare_threshold or 0, connection.prepared_max
    message.name = kept.names.pop(key, None)
    if message.name is not None:
        kept.names[key] = message.name  # the one used last is the last
        return
    times = kept.times.pop(key, 0)
    if times < threshold and not at_once:
        kept.times[key] = times + 1
        if at_most is not None and len(kept.times) > at_most:
            del kept.times[next(iter(kept.times))]
        return
    message.name, message.to_prepare = b"begun_%d" % kept.made, True
    kept.made += 1
    if kept.names and at_most is not None and len(kept.names) >= at_most:
        message.to_close = kept.names.pop(next(iter(kept.names)))


def _answer(
    connection: psycopg.Connection[Any], kept: _Kept, key: _Key, message: _Message
) -> PGresult:
    with connection.lock:
        answers = connection.wait(
            _sent(connection.pgconn, message, begin=not connection.autocommit)
        )
    if message.to_prepare and len(answers) > 1 and answers[-2].status == ExecStatus.COMMAND_OK:
        kept.names[key] = cast("bytes", message.name)
    failed = next((one for one in answers if one.status == ExecStatus.FATAL_ERROR), None)
    if failed is None:
        return answers[-1]
    error = error_from_result(failed, encoding=connection.info.encoding)
    if message.name is None or not isinstance(error, InvalidSqlStatementName):
        raise error
    kept.names.clear()
    connection.rollback()
    plain = _Message(message.text, message.types, message.values, message.formats)
    return _answer(connection, kept, key, plain)


def _sent(pgconn: PGconn, message: _Message, *, begin: bool) -> PQGen[list[PGresult]]:
    """Send BEGIN and the statement as one; the answers, that to the statement is the last."""
    pgconn.enter_pipeline_mode()
    answers: list[PGresult] = []
    try:
        _queue(pgconn, message, begin=begin)
        pgconn.pipeline_sync()
        answers += yield from generators.execute(pgconn)
        while answers[-1].status != ExecStatus.PIPELINE_SYNC:
            answers += yield from generators.fetch_many(pgconn)
        pgconn.exit_pipeline_mode()
    except BaseException as error:
        pgconn.finish()  # what is left of an answer would be taken for that to another statement
        told = any(one.status == ExecStatus.FATAL_ERROR for one in answers)
        if not (told and isinstance(error, psycopg.Error)):  # else the server said why it went
            raise
    else:
        answers.pop()
    return answers


def _queue(pgconn: PGconn, message: _Message, *, begin: bool) -> None:
    if begin:
        pgconn.send_query_params(b"BEGIN", None)
    if message.to_close is not None:
        pgconn.send_close_prepared(message.to_close)
    if message.name is None:
        pgconn.send_query_params(
            message.text, message.values, param_types=message.types, param_formats=message.formats
        )
        return
    if message.to_prepare:
        pgconn.send_prepare(message.name, message.text, param_types=message.types)
    pgconn.send_query_prepared(message.name, message.values, param_formats=message.formats)


@lru_cache(maxsize=256)
def _numbered(sql: str) -> tuple[bytes, tuple[str, ...], tuple[PyFormat, ...]]:
    """The statement with numbered places, as the server takes it, and what each is called."""
    names: dict[str, int] = {}

    def number(place: re.Match[str]) -> str:
        name = place["name"]
        return f"${names.setdefault(name, len(names) + 1)}" if name else "%"

    text = _PLACE.sub(number, sql)
    return text.encode(), tuple(names), (PyFormat.AUTO,) * len(names)
