"""A message of a booking's thread as a form sends it, by either side: with a file or without one."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from marketplace.booking.service import mailed_files, messages
from marketplace.compliance.gateway import DocumentVault
from marketplace.compliance.rules.files import FileFault, check_declared
from marketplace.compliance.service import files
from marketplace.core.ids import new_id
from marketplace.core.ports import ObjectStore
from marketplace.identity.access import current_account
from marketplace.web import context
from marketplace.web import uploads as sent


def write(find: Callable[[UUID], Any], booking_id: UUID, body: str, *, role: str) -> Any:
    """Post what was written to the thread of the booking that `find` lets its author have."""
    session, now, own = context.session(), context.now(), current_account().id
    chosen = sent.of_form("file")
    file_ids = [] if chosen is None else [_kept(booking_id, own, chosen)]
    booking = find(booking_id)
    return messages.post(
        session, booking, author_id=own, role=role, body=body, file_ids=file_ids, now=now
    )


def _kept(booking_id: UUID, own: UUID, chosen: sent.Chosen) -> UUID:
    """Store the chosen file and keep it as one of the thread's."""
    parts, session, now, file_id = context.parts(), context.session(), context.now(), new_id()
    store = parts.get(ObjectStore)
    mailed_files.check_room(session, booking_id, own, file_id)
    # Nothing of the database is held while the file goes to the store.
    session.rollback()
    try:
        check_declared(chosen.filename, chosen.media_type, chosen.size)
        vault = parts.get(DocumentVault)
        stored = files.put_away(store, vault, file_id, chosen.media_type, chosen.pieces)
    except FileFault as fault:
        refused = files.refused(fault)
        refused.fields = {"file": [fault.text]}
        raise refused from fault
    new = False
    try:
        file = mailed_files.made(stored, file_id, booking_id, own, chosen.filename, now)
        new = mailed_files.keep(session, file)
    finally:
        if not new:
            store.delete(stored.object_key)
    return file_id
