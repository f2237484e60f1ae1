"""What waits to be looked at again: shared by everything that is sent to the processor."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute

from marketplace.core.db import Base, Session

_Row = TypeVar("_Row", bound=Base)


def due(
    session: Session,
    query: Select[_Row],
    next_look_at: InstrumentedAttribute[datetime | None],
    now: datetime,
    limit: int,
) -> Sequence[_Row]:
    """Return the rows whose time has come, ours until the transaction ends; others' are left out."""
    waiting = query.where(next_look_at <= now).order_by(next_look_at).limit(limit)
    return session.execute(waiting.with_for_update(skip_locked=True)).scalars().all()
