"""The durable store: Stripe objects as JSON rows in one SQLite file.

Every write happens in one transaction at a time, synchronised to disk before the answer leaves
(WAL, synchronous=FULL); readers use their own connections and never wait. Keys of a body that
start with an underscore are private to the sandbox and are never rendered; ``_due`` is the time
in seconds when the ticker has something to do with the object.
"""

import fcntl
import json
import queue
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from marketplace.embedded.stripe_sandbox.shapes import Json

_INDEXED = (
    "payment_intent",
    "charge",
    "customer",
    "source",
    "type",
    "destination",
    "transfer",
    "transfer_group",
    "product",
)
"""Fields of a body that lists filter by, through an index."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS object (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    account TEXT NOT NULL,
    created INTEGER NOT NULL,
    due INTEGER,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS object_by_kind ON object (kind, account, seq);
CREATE INDEX IF NOT EXISTS object_by_time ON object (kind, account, created);
CREATE INDEX IF NOT EXISTS object_due ON object (due) WHERE due IS NOT NULL;
CREATE TABLE IF NOT EXISTS balance_entry (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    net INTEGER NOT NULL,
    available_on INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS balance_by_account
    ON balance_entry (account, currency, available_on, net);
CREATE TABLE IF NOT EXISTS idempotency (
    scope TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    request_id TEXT NOT NULL,
    created INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS idempotency_by_age ON idempotency (created);
CREATE TABLE IF NOT EXISTS delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    state TEXT NOT NULL,
    lane TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL,
    last_status INTEGER,
    last_error TEXT
);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (state, due);
CREATE INDEX IF NOT EXISTS delivery_by_event ON delivery (event);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class Transaction:
    """Reads and writes on one connection; made by ``Store.read`` and ``Store.write``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.sql = connection

    def find(self, object_id: str) -> Json | None:
        """The object with this id, of whatever kind and account."""
        row = self.sql.execute("SELECT body FROM object WHERE id = ?", (object_id,)).fetchone()
        return None if row is None else json.loads(row[0])

    def get(self, kind: str, object_id: str, account: str) -> Json | None:
        """The object with this id if it is of this kind and belongs to this account."""
        row = self.sql.execute(
            "SELECT body FROM object WHERE id = ? AND kind = ? AND account = ?",
            (object_id, kind, account),
        ).fetchone()
        return None if row is None else json.loads(row[0])

    def put(self, body: Json) -> Json:
        """Insert or replace by id. ``body`` needs object, id, created and ``_account``."""
        self.sql.execute(
            "INSERT INTO object (id, kind, account, created, due, body) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body, due = excluded.due",
            (
                body["id"],
                body["object"],
                body["_account"],
                body["created"],
                body.get("_due"),
                json.dumps(body, separators=(",", ":")),
            ),
        )
        return body

    def delete(self, object_id: str) -> None:
        self.sql.execute("DELETE FROM object WHERE id = ?", (object_id,))

    def position(self, kind: str, object_id: str, account: str) -> int | None:
        """Place of an object in its list, or ``None`` if there is no such object."""
        row = self.sql.execute(
            "SELECT seq FROM object WHERE id = ? AND kind = ? AND account = ?",
            (object_id, kind, account),
        ).fetchone()
        return None if row is None else int(row[0])

    def select(
        self,
        kind: str,
        account: str | None,
        where: Mapping[str, Any] | None = None,
        *,
        created: Mapping[str, int] | None = None,
        before: int | None = None,
        after: int | None = None,
        limit: int | None = None,
    ) -> list[Json]:
        """Objects newest first (oldest first when ``after`` is given), filtered by body fields."""
        clauses, values = ["kind = ?"], [kind]
        terms: list[tuple[str, Any]] = []
        if account is not None:
            terms.append(("account = ?", account))
        for name, value in (where or {}).items():
            operator = "IN (SELECT value FROM json_each(?))" if isinstance(value, list) else "= ?"
            wanted = json.dumps(value) if isinstance(value, list) else value
            terms.append((f"json_extract(body, '$.{name}') {operator}", wanted))
        symbols = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
        terms += [(f"created {symbols[key]} ?", value) for key, value in (created or {}).items()]
        if before is not None:
            terms.append(("seq < ?", before))
        if after is not None:
            terms.append(("seq > ?", after))
        clauses += [clause for clause, _ in terms]
        values += [value for _, value in terms]
        order = "ASC" if after is not None else "DESC"
        # Only field names that a route declares reach the text; values are bound.
        query = f"SELECT body FROM object WHERE {' AND '.join(clauses)} ORDER BY seq {order}"  # noqa: S608 - see above
        if limit is not None:
            query += f" LIMIT {int(limit)}"
        return [json.loads(row[0]) for row in self.sql.execute(query, values)]

    def due(self, now: int) -> list[tuple[str, str]]:
        """Ids and kinds of the objects whose time has come, the longest waiting first."""
        return self.sql.execute(
            "SELECT id, kind FROM object WHERE due <= ? ORDER BY due, seq", (now,)
        ).fetchall()

    def setting(self, name: str, default: str = "") -> str:
        row = self.sql.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return default if row is None else str(row[0])

    def set_setting(self, name: str, value: str) -> None:
        self.sql.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what the block wrote if it raises; the transaction goes on."""
        self.sql.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self.sql.execute("ROLLBACK TO part")
            raise
        finally:
            self.sql.execute("RELEASE part")


class Store:
    """The SQLite file in ``directory``; a lock keeps a second process out."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / "sandbox.sqlite3"
        self._held = _hold(directory / "lock")
        self._writing = threading.Lock()
        self._readers: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._writer = self._connect()
        self._writer.executescript(_SCHEMA)
        for name in _INDEXED:
            term = f"json_extract(body, '$.{name}')"
            self._writer.execute(
                f"CREATE INDEX IF NOT EXISTS object_by_{name} ON object ({term}, kind, seq)"
                f" WHERE {term} IS NOT NULL"
            )

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA busy_timeout = 10000")
        return connection

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One writer at a time; committed at the end, rolled back on any exception."""
        with self._writing:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield Transaction(self._writer)
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A consistent view, on a connection of its own."""
        try:
            connection = self._readers.get_nowait()
        except queue.Empty:
            connection = self._connect()
        connection.execute("BEGIN")
        try:
            yield Transaction(connection)
        finally:
            connection.execute("ROLLBACK")
            self._readers.put(connection)

    def close(self) -> None:
        """Close every connection that is not in use, and let the store go."""
        self._writer.close()
        while not self._readers.empty():
            self._readers.get_nowait().close()
        self._held.close()


def _hold(path: Path) -> TextIO:
    """Lock a file for the life of the process; the kernel drops the lock however it ends."""
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise SystemExit(f"another sandbox holds {path.parent}") from error
    return file
