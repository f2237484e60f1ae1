"""The content of messages' files goes: its key, and with it every copy of the file.

The record stays as it was written: that there was a file, what it was called, who sent it when.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select, update

from marketplace.booking.models import Booking, MessageFile
from marketplace.booking.states import CANCELLABLE, TIMED
from marketplace.compliance.events import AlsoErased, ErasureAsked
from marketplace.compliance.service import record
from marketplace.compliance.service.scanning import FORGET
from marketplace.core.db import Session
from marketplace.core.jobs import defer

WHAT = "message_files"


def empty(session: Session, file_ids: Collection[UUID], now: datetime) -> int:
    """Take the content of these files away for good; return of how many. Twice is once."""
    return _empty(session, MessageFile.id.in_(file_ids), now)


def erase(session: Session, event: ErasureAsked) -> None:
    """Take away what a person has sent with messages, or put there to be sent.

    As with documents, what a booking that is under way needs only if the event says so.
    """
    own = MessageFile.uploaded_by == event.holder_id
    # Of the bookings of these files, not of all that are under way.
    under_way = exists().where(
        Booking.id == MessageFile.booking_id,
        Booking.state.in_([*sorted(TIMED), *sorted(CANCELLABLE)]),
    )
    wanted = own if event.in_use else own & ~under_way
    erased = _empty(session, wanted, event.at)
    left = select(func.count()).where(own, MessageFile.sealed_key.is_not(None))
    event.also.append(AlsoErased(WHAT, erased, session.execute(left).scalar_one()))
    if erased:
        record(
            session,
            actor_id=event.actor_id,
            action="message_files.erased",
            subject_kind="account",
            subject_id=event.holder_id,
            detail={"files": erased, "reason": event.reason},
            now=event.at,
        )


def _empty(session: Session, wanted: ColumnElement[bool], now: datetime) -> int:
    keys = session.execute(
        update(MessageFile)
        .where(wanted, MessageFile.sealed_key.is_not(None))
        .values(sealed_key=None, gone_at=now)
        .returning(MessageFile.object_key)
        .execution_options(synchronize_session=False)
    ).scalars()
    found = sorted(keys)
    if found:
        defer(session, FORGET, keys=found)
    return len(found)
