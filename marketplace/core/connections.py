"""Pooled connections that are good when they are handed out, without a question to the server.

A server that has gone (restarted, killed, idle for too long) has left an end of file in the socket,
and the kernel tells of it in microseconds. Only a connection that was idle for `ASK_AFTER` seconds
is asked with a statement: a network may drop one without a word. A connection found dead takes the
others of its age with it, and the caller gets a new one.

Statements that are sent often are prepared once a connection. One whose best plan depends on its
values says `session.execute(…, execution_options=PLAN_EACH_TIME)`.
"""

import select
import time
from typing import Any, Final

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import InvalidatePoolError

ASK_AFTER = 30.0
PLAN_EACH_TIME: Final = {"prepare": False}
# Sent so often on one connection, a statement is prepared; so many are kept, the last ones used.
PREPARE_AFTER = 3
PREPARED_AT_MOST = 400
_RESTED = "rested_since"
# A prepared statement whose table was altered since; the connection is given up for a new one.
_PLAN_OUTDATED = ("0A000", "cached plan must not change result type")


def watch(engine: Engine) -> None:
    """Look at each connection that the engine's pool hands out, and prepare what it sends."""
    event.listen(engine, "connect", _begin)
    event.listen(engine, "checkout", _look)
    event.listen(engine, "checkin", _rest)
    event.listen(engine, "do_execute", _execute)
    event.listen(engine, "handle_error", _give_up_outdated)


def _begin(connection: psycopg.Connection[Any], _record: Any) -> None:
    connection.prepared_max = PREPARED_AT_MOST


def _look(connection: psycopg.Connection[Any], record: Any, _proxy: Any) -> None:
    rested_since = record.info.get(_RESTED)
    if rested_since is None:  # it was opened just now
        return
    suspect = _has_something_to_read(connection) or time.monotonic() - rested_since > ASK_AFTER
    if suspect and not _answers(connection):
        raise InvalidatePoolError


def _rest(_connection: Any, record: Any) -> None:
    record.info[_RESTED] = time.monotonic()


def _has_something_to_read(connection: psycopg.Connection[Any]) -> bool:
    """Whether the server has said something unasked: its farewell, or a mere notice."""
    try:
        watched = select.poll()
        watched.register(connection.fileno(), select.POLLIN)
        return bool(watched.poll(0))
    except (OSError, psycopg.Error):
        return True


def _answers(connection: psycopg.Connection[Any]) -> bool:
    try:
        connection.execute("SELECT 1", prepare=False)
        connection.rollback()
    except psycopg.Error:
        return False
    return True


def _execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool | None:
    if context is None or context.execution_options.get("prepare", True):
        return None
    cursor.execute(statement, parameters, prepare=False)
    return True


def _give_up_outdated(context: ExceptionContext) -> None:
    state, words = _PLAN_OUTDATED
    error = context.original_exception
    if getattr(error, "sqlstate", None) == state and words in str(error):
        context.is_disconnect = True
