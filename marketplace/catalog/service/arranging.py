"""The order in which `listing_search` lies on disk: what is counted together is kept together.

A search with words finds its hits by an index and then reads each from the table: in the order of
publication nearly each from a page of its own. Arranged, a specialty in a state is some pages in a
row; and so is each part of the random order, so that a sample of anything is some pages too.

`arrange` builds the table anew in that order, beside the old one, and puts it in its place, in one
transaction: whoever kills it at any moment leaves what was there. Meanwhile searches read and
listings are published as ever; what changes is copied after. Only the last moment has others wait,
for a comparison of both tables and the exchange: a twentieth of a second for 100,000 listings.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from marketplace.core.db import Session, by_itself
from marketplace.core.errors import Unavailable

# The random order by halves: the first 64th of it, the second, the next two, four, eight, and so on;
# a sample of any size lies in few of them. Then what most searches choose by.
PLACE = "width_bucket(s.sample >> 26, ARRAY[-31, -30, -28, -24, -16, 0]), s.specialty, s.us_state"
ORDER = f"{PLACE}, s.sample"
# Where more than this share of the rows, and more than so many, lie before their place.
LOOSE_SHARE = 0.05
LOOSE_LEAST = 500
# How many rows that have changed since may be left to the moment in which others wait.
LAST_CHANGES = 500
ROUNDS = 20
# For the first lock nobody waits; behind those of the exchange, whoever comes.
BEGIN_WAITS = "5s"
EXCHANGE_WAITS = "200ms"
PAUSE = 1.0
# The lock that was not had in time, and a circle of two that wait for each other.
_NOT_NOW = ("55P03", "40P01")

_LOOSE = """
    SELECT count(*) AS listings, count(*) FILTER (WHERE place < before) AS loose
      FROM (SELECT place, lag(place) OVER (ORDER BY lies) AS before
              FROM (SELECT s.ctid AS lies, ROW({place}) AS place FROM listing_search s) AS every
           ) AS pairs
"""
_TABLE = text(
    """
    SELECT quote_ident(n.nspname) AS schema, array_to_string(c.reloptions, ', ') AS options,
           (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = CAST('listing_search' AS regclass)
    """
)
# As the catalogue of PostgreSQL has them now: a migration that adds one need not know of this.
_DEFINITIONS = text(
    """
    SELECT 'ALTER TABLE arranged.listing_search ADD CONSTRAINT ' || quote_ident(conname) || ' '
           || pg_get_constraintdef(oid)
      FROM pg_constraint
     WHERE conrelid = CAST('listing_search' AS regclass) AND contype IN ('p', 'u', 'x', 'f')
     UNION ALL
    SELECT replace(pg_get_indexdef(i.indexrelid), ' ON ' || :former, ' ON arranged.listing_search ')
      FROM pg_index i
     WHERE i.indrelid = CAST('listing_search' AS regclass) AND i.indisvalid
       AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid
                          AND conrelid = i.indrelid)
     UNION ALL
    SELECT 'GRANT ' || g.privilege_type || ' ON arranged.listing_search TO '
           || CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END
      FROM pg_class c CROSS JOIN aclexplode(c.relacl) AS g
     WHERE c.oid = CAST('listing_search' AS regclass) AND g.grantee <> c.relowner
    """
)
_TRIGGERS = text(
    """
    SELECT replace(pg_get_triggerdef(oid), ' ON ' || :former, ' ON arranged.listing_search ')
      FROM pg_trigger
     WHERE tgrelid = CAST('listing_search' AS regclass) AND NOT tgisinternal
    """
)
# `copied` has the very version of each row that was copied, in the same breath.
_TAKE = """
    WITH taken AS MATERIALIZED (
        SELECT s.ctid AS lay, s.xmin AS written_by, s.* FROM {former} s {where} ORDER BY {order}
    ), noted AS (
        INSERT INTO arranged.copied SELECT listing_id, lay, written_by FROM taken
    )
    INSERT INTO arranged.listing_search ({columns}) SELECT {columns} FROM taken
"""
_CHANGED = """
    SELECT coalesce(s.listing_id, c.listing_id)
      FROM {former} s FULL JOIN arranged.copied c ON c.listing_id = s.listing_id
     WHERE s.ctid IS DISTINCT FROM c.lay OR s.xmin IS DISTINCT FROM c.written_by
"""
_FORGET = (
    text("DELETE FROM arranged.listing_search WHERE listing_id = ANY(:changed)"),
    text("DELETE FROM arranged.copied WHERE listing_id = ANY(:changed)"),
)


class Busy(Unavailable):
    """Too much is published, or read for too long: the exchange must wait for another time."""

    code = "search_busy"
    title = "What searches read is in use without a pause; it is arranged another time."


@dataclass(frozen=True)
class _Former:
    """The table as it is: its name with its schema, its columns as they are written in SQL.

    Its triggers are made for the copy when that is complete: a copied row is taken as it is.
    """

    name: str
    columns: str
    triggers: Sequence[str]


def is_loose(session: Session) -> bool:
    """Whether so many rows lie out of their place that the order is worth being restored."""
    found = session.execute(text(_LOOSE.format(place=PLACE))).one()
    return bool(found.loose > max(LOOSE_LEAST, LOOSE_SHARE * found.listings))


def arrange(session: Session, *, wait: Callable[[float], None] = time.sleep) -> None:
    """Have the table lie in `ORDER`, in the transaction of `session`, which must end right after.

    `wait` is called with seconds between attempts at the exchange. `Busy` where it can't be had;
    the transaction is to be rolled back, and nothing has changed.
    """
    former = _build(session)
    for _ in range(ROUNDS):
        if _catch_up(session, former) <= LAST_CHANGES and _exchange(session, former):
            return
        wait(PAUSE)
    raise Busy


def vacuum(session: Session) -> None:
    """Mark the pages as visible to all: until then what is in an index is looked up in the table.

    In no transaction. Where it is not come to, the server's own upkeep does it in a minute.
    """
    by_itself(session)
    session.execute(text("VACUUM ANALYZE listing_search"))


def _build(session: Session) -> _Former:
    """A copy of the table with all that belongs to it, in order. Nobody else sees it yet."""
    session.execute(text(f"SET LOCAL lock_timeout = '{BEGIN_WAITS}'"))
    try:
        # Against others that arrange, migrate or vacuum it; no reader or writer waits for this.
        session.execute(text("LOCK TABLE listing_search IN SHARE UPDATE EXCLUSIVE MODE"))
    except OperationalError as error:
        raise _busy(error) from error
    table = session.execute(_TABLE).one()
    name = f"{table.schema}.listing_search"
    of_table = {"former": f"{name} "}
    triggers = session.execute(_TRIGGERS, of_table).scalars().all()
    former = _Former(name, table.columns, triggers)
    options = f"WITH ({table.options})" if table.options else ""
    _run(
        session,
        "CREATE SCHEMA arranged",
        "CREATE UNLOGGED TABLE arranged.copied (listing_id uuid, lay tid, written_by xid)",
        f"CREATE TABLE arranged.listing_search (LIKE {former.name} INCLUDING ALL"
        f" EXCLUDING INDEXES) {options}",
    )
    _take(session, former)
    _run(
        session,
        *session.execute(_DEFINITIONS, of_table).scalars(),
        "CREATE INDEX ON arranged.copied (listing_id)",
        "ANALYZE arranged.copied",
        "ANALYZE arranged.listing_search",
    )
    return former


def _catch_up(session: Session, former: _Former) -> int:
    """Copy anew what has changed since it was copied; how many rows that was."""
    changed = list(session.execute(text(_CHANGED.format(former=former.name))).scalars())
    if changed:
        for forget in _FORGET:
            session.execute(forget, {"changed": changed})
        _take(session, former, changed)
    return len(changed)


def _take(session: Session, former: _Former, only: Sequence[object] | None = None) -> None:
    where = "" if only is None else "WHERE s.listing_id = ANY(:only)"
    written = _TAKE.format(former=former.name, columns=former.columns, where=where, order=ORDER)
    session.execute(text(written), {} if only is None else {"only": list(only)})


def _exchange(session: Session, former: _Former) -> bool:
    """Put the copy in the table's place; false, with nothing changed, if that is not had at once."""
    try:
        with session.begin_nested():
            session.execute(text(f"SET LOCAL lock_timeout = '{EXCHANGE_WAITS}'"))
            # At once the lock that is needed in the end: who has read it and goes on to write is
            # let past one that waits, but would wait in a circle with one that wants a second.
            session.execute(text("LOCK TABLE listing_search IN ACCESS EXCLUSIVE MODE"))
            _catch_up(session, former)
            _run(session, *former.triggers)
            schema = former.name.partition(".")[0]
            session.execute(
                text(
                    f"DROP TABLE {former.name};"
                    f" ALTER TABLE arranged.listing_search SET SCHEMA {schema};"
                    " DROP TABLE arranged.copied; DROP SCHEMA arranged"
                )
            )
    except OperationalError as error:
        _busy(error)
        return False
    return True


def _busy(error: OperationalError) -> Busy:
    """What to say of a lock that was not had; any other error is raised again."""
    if getattr(error.orig, "sqlstate", None) not in _NOT_NOW:
        raise error
    return Busy()


def _run(session: Session, *statements: str) -> None:
    for statement in statements:
        # A colon or a percent sign in a definition is no place for a value.
        session.connection().exec_driver_sql(statement, execution_options={"no_parameters": True})
