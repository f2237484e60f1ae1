"""The database: declarative base, naming convention, money columns, and the one edge that commits.

Constraint names are API: errors are recognised by them. Services flush; only the edge (a request,
a job, a command) commits, and a session refuses to be committed anywhere else. What must only follow
a commit (telling a cache, telling whoever watches) is noted with `after_commit`, and done by the edge.
"""

import uuid
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from functools import lru_cache
from typing import Any, cast

import structlog
from sqlalchemy import (
    CHAR,
    BigInteger,
    CursorResult,
    Date,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    Select,
    Text,
    TextClause,
    TypeDecorator,
    Uuid,
    event,
    func,
    orm,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Composite, DeclarativeBase, Mapped, composite, mapped_column
from sqlalchemy.sql.dml import UpdateBase

from marketplace.core import opening
from marketplace.core.ids import new_id
from marketplace.core.money import Money

NAMING = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
EDGE = "edge"
AFTER = "after_commit"
READS = "only_reads"
FOR_NOW = "known_for_now"

log = structlog.get_logger(__name__)


class AwareDateTime(TypeDecorator[datetime]):
    """`timestamptz` that refuses naive times: one without a zone is a bug, not a guess."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone can't be stored")
        return value


class Base(DeclarativeBase):
    """Base of all models; relationships are written with `lazy="raise"`."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads a plain class attribute
        uuid.UUID: Uuid(as_uuid=True),
        datetime: AwareDateTime(),
        date: Date(),
        str: Text(),
        dict[str, Any]: JSONB(),
        list[Any]: JSONB(),
    }


def pk() -> Mapped[uuid.UUID]:
    """A primary key made by us before the insert, so that events can name the row."""
    return mapped_column(primary_key=True, default=new_id)


class UsedOnce(Base):
    """A row that stands for one use, until a time."""

    __abstract__ = True

    id: Mapped[uuid.UUID] = pk()
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


def created_at() -> Mapped[datetime]:
    """When the row was made, by the database's clock: for operators, not for rules."""
    return mapped_column(AwareDateTime(), server_default=func.now())


def money_column(name: str, *, nullable: bool = False) -> Composite[Any]:
    """A `Money` in two columns, `<name>_minor` and `<name>_currency`."""
    return composite(
        _money_or_none,
        mapped_column(f"{name}_minor", BigInteger, nullable=nullable),
        mapped_column(f"{name}_currency", CHAR(3), nullable=nullable),
    )


def _money_or_none(minor: int | None, currency: str | None) -> Money | None:
    return None if minor is None or currency is None else Money(minor, currency)


class CommitOutsideEdge(RuntimeError):
    """Code below the edge tried to commit; it should flush and let the edge decide."""


class WroteWhileReading(RuntimeError):
    """Code changed something in a request that has no transaction to do it in."""


class EdgeSession(orm.Session):
    """A session that commits only where `edge` is open."""

    def commit(self) -> None:
        if not self.info.get(EDGE):
            raise CommitOutsideEdge("services flush; the request, job or command commits")
        if self.info.get(READS):  # nothing to commit: the connection goes back, and that is all
            self.close()
            return
        # A request that asked nothing of the database has nothing to begin and end.
        if self.in_transaction() or self.new or self.dirty or self.deleted:
            super().commit()


Session = EdgeSession


def affected(session: Session, statement: UpdateBase) -> int:
    """Run an INSERT, UPDATE or DELETE and return how many rows it touched.

    Claims are made so: a conditional UPDATE and its row count, never read-then-write.
    """
    result = cast("CursorResult[Any]", session.execute(statement))
    return result.rowcount


# The places whose values are not what the driver takes, and what makes them so.
_Places = tuple[tuple[str, Callable[[Any], Any]], ...]


def run(
    session: Session,
    statement: TextClause | str,
    values: Mapping[str, Any],
    options: Mapping[str, Any] | None = None,
) -> CursorResult[Any]:
    """Run a statement of ours that is written once and sent often: it is compiled once, too.

    So is one that is put together from pieces, where the same pieces meet again. The session's own
    way looks at each of its parameters first, to find the compiled form again.
    """
    connection = session.connection()
    sql, places, fixed = _compiled(statement, connection.dialect)
    given = _values(places, fixed, values)
    return connection.exec_driver_sql(sql, given, execution_options=options)


def fetch(
    session: Session,
    statement: Select[Any] | TextClause | str,
    values: Mapping[str, Any],
    *,
    flush: bool = False,
    prepare: bool | None = None,
) -> list[tuple[Any, ...]]:
    """Run such a statement and return its rows as the driver has them; none where it returns none.

    The shortest way there is: no result that knows its columns by name, nothing looked up. Whoever
    writes the statement knows the order of its columns. `flush` has what the session has not written
    yet written before, as its own way has. `prepare` False where the best plan depends on the values.
    Where it begins a transaction, BEGIN goes with it; where somebody listens to statements, before it.
    """
    if flush and (session.new or session.dirty or session.deleted):
        session.flush()
    connection = session.connection()
    sql, places, fixed = _compiled(statement, connection.dialect)
    given = _values(places, fixed, values)
    driver: Any = connection.connection.dbapi_connection
    cursor: Any = None
    listeners = connection.dispatch
    heard = listeners.before_cursor_execute or listeners.after_cursor_execute
    try:
        if not heard and opening.is_due(driver):
            return opening.fetch(driver, connection.info, sql, given, prepare)
        cursor = driver.cursor()
        if listeners.before_cursor_execute:
            listeners.before_cursor_execute(connection, cursor, sql, given, None, False)
        cursor.execute(sql, given, prepare=prepare)
        if listeners.after_cursor_execute:
            listeners.after_cursor_execute(connection, cursor, sql, given, None, False)
        found: list[tuple[Any, ...]] = cursor.fetchall() if cursor.pgresult.nfields else []
    except connection.dialect.loaded_dbapi.Error as error:
        # The one place that knows what an error of the driver means for a connection and its pool.
        connection._handle_dbapi_exception(error, sql, given, cursor, None)  # noqa: SLF001 - see above
    return found


@lru_cache(maxsize=256)
def _compiled(
    statement: Select[Any] | TextClause | str, dialect: Dialect
) -> tuple[str, _Places, Mapping[str, Any]]:
    """The driver's own text, how values of its places are made, and the values that it has."""
    written = text(statement) if isinstance(statement, str) else statement
    compiled = written.compile(dialect=dialect)
    places, fixed = [], {}
    for bind, name in compiled.bind_names.items():
        made = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if not bind.required:
            fixed[name] = made(bind.value) if made else bind.value
        elif made:
            places.append((name, made))
    return compiled.string, tuple(places), fixed


def _values(
    places: _Places, fixed: Mapping[str, Any], values: Mapping[str, Any]
) -> Mapping[str, Any]:
    """What the driver is given: it takes what the statement names, and leaves the rest."""
    if not places and not fixed:
        return values
    return {**values, **{name: made(values[name]) for name, made in places}, **fixed}


def only_read(session: Session) -> None:
    """Have each statement that follows be a transaction of its own, without BEGIN and COMMIT.

    For a request that writes nothing: each statement sees what was committed when it began, as it
    would anyway. A flush is refused from now on. In a transaction that has begun, because who calls
    was asked for, this changes nothing.
    """
    if _without_transaction(session):
        session.info[READS] = True


def by_itself(session: Session) -> None:
    """Have the one statement that follows be a transaction of its own, without BEGIN and COMMIT.

    For a use case that writes by a single statement and asks nothing besides: what it writes stands
    when it has run, whatever becomes of the request. In a transaction that has begun this changes
    nothing.
    """
    _without_transaction(session)


def _without_transaction(session: Session) -> bool:
    if session.in_transaction() or not isinstance(session.get_bind(), Engine):
        return False
    session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
    return True


@event.listens_for(EdgeSession, "before_flush")
def _refuse_to_write(session: orm.Session, _context: object, _instances: object) -> None:
    if session.info.get(READS):
        raise WroteWhileReading("a request that said that it would only read")


def known_for_now(session: Session) -> dict[Hashable, Any]:
    """What somebody has read and another may want to know, until the edge closes."""
    known: dict[Hashable, Any] = session.info.setdefault(FOR_NOW, {})
    return known


def after_commit(session: Session, run: Callable[..., None], *items: Hashable) -> None:
    """Have the edge call `run(*items)` once its commit has succeeded, and never after a rollback.

    Noted several times it is still called once, with the items of all notes, each once, in order;
    a note made within a savepoint that is rolled back is forgotten with it. For what is only speed
    or news: the commit stands whatever comes of it, a process may die in between, and an error is
    logged and goes no further. What must happen is a job (`core.jobs.defer`).
    """
    notes = session.info.setdefault(AFTER, [])
    made_in = session.get_nested_transaction() or session.get_transaction()
    notes.append((made_in, run, items))


@event.listens_for(EdgeSession, "after_soft_rollback")
def _forget_notes(session: orm.Session, rolled_back: orm.SessionTransaction) -> None:
    """Drop what was noted within a savepoint, or a transaction, that is undone."""

    def undone(made_in: orm.SessionTransaction | None) -> bool:
        while made_in is not None and made_in is not rolled_back:
            made_in = made_in.parent
        return made_in is rolled_back

    notes = session.info.get(AFTER)
    if notes:
        session.info[AFTER] = [note for note in notes if not undone(note[0])]


def _follow_commit(session: Session) -> None:
    gathered: dict[Callable[..., None], dict[Hashable, None]] = {}
    for _, run, items in session.info.pop(AFTER, ()):
        gathered.setdefault(run, {}).update(dict.fromkeys(items))
    for run, noted in gathered.items():
        try:
            run(*noted)
        except Exception as error:
            log.exception("after_commit_failed", run=repr(run), exc_info=error)


@contextmanager
def edge(session: Session) -> Iterator[Session]:
    """Open the edge: commit if the body succeeds, else roll back and re-raise.

    After the commit it does what `after_commit` noted.
    """
    session.info[EDGE] = True
    try:
        yield session
        session.commit()
    except BaseException:
        session.info.pop(AFTER, None)
        session.rollback()
        raise
    finally:
        session.info[EDGE] = False
        session.info.pop(FOR_NOW, None)
    _follow_commit(session)
