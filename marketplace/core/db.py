"""The database: declarative base, naming convention, money columns, and the one edge that commits.

Constraint names are API: errors are recognised by them. Services flush; only the edge (a request,
a job, a command) commits, and a session refuses to be committed anywhere else.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import (
    CHAR,
    BigInteger,
    CursorResult,
    Date,
    DateTime,
    Dialect,
    MetaData,
    Text,
    TypeDecorator,
    Uuid,
    func,
    orm,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Composite, DeclarativeBase, Mapped, composite, mapped_column
from sqlalchemy.sql.dml import UpdateBase

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


class EdgeSession(orm.Session):
    """A session that commits only where `edge` is open."""

    def commit(self) -> None:
        if not self.info.get(EDGE):
            raise CommitOutsideEdge("services flush; the request, job or command commits")
        super().commit()


Session = EdgeSession


def affected(session: Session, statement: UpdateBase) -> int:
    """Run an INSERT, UPDATE or DELETE and return how many rows it touched.

    Claims are made so: a conditional UPDATE and its row count, never read-then-write.
    """
    result = cast("CursorResult[Any]", session.execute(statement))
    return result.rowcount


@contextmanager
def edge(session: Session) -> Iterator[Session]:
    """Open the edge: commit if the body succeeds, else roll back and re-raise."""
    session.info[EDGE] = True
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info[EDGE] = False
