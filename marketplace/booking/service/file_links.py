"""Reading a file of a message: a link that works once and soon, each reading on record.

The link is its asker's: that they are still in the thread is looked at again as it is used.
"""

from datetime import datetime
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.errors import FileGone
from marketplace.booking.models import MessageFile, MessageFileLink
from marketplace.booking.queries import messages as kept
from marketplace.booking.service import messages
from marketplace.compliance.gateway import LinkSigner
from marketplace.compliance.service import record, scanning
from marketplace.compliance.service.once import Link, OnceLinks
from marketplace.core.db import Session
from marketplace.core.errors import NotFound

LINKS = OnceLinks("message-file-read", MessageFileLink)


def ask(
    session: Session,
    signer: LinkSigner,
    booking_id: UUID,
    file_id: UUID,
    account_id: UUID,
    now: datetime,
) -> Link:
    """Return a link to a file of the thread, for an account that the caller knows to be in it.

    `NotFound` for a file that was not sent, but for who put it there; `FileGone`, and
    `FileNotScanned` and `FileInfected` as `scanning.check` has them.
    """
    _readable(session, booking_id, file_id, account_id)
    return LINKS.make(session, signer, now, file_id=file_id, account_id=account_id)


def look(
    session: Session, signer: LinkSigner, token: str, now: datetime
) -> tuple[MessageFile, bytes]:
    """Return what a link is for, with its sealed key, if it still works. Records and uses nothing.

    `LinkUsed` and `LinkExpired` for a genuine one; `NotFound` for a forged one, and for who is in
    the thread no more.
    """
    return _open(session, LINKS.find(session, signer, token, now))


def read(
    session: Session, signer: LinkSigner, token: str, now: datetime
) -> tuple[MessageFile, bytes]:
    """Use a link up, note the reading, and return what is read; of two who try one gets it."""
    link = LINKS.find(session, signer, token, now)
    found, key = _open(session, link)
    LINKS.use_up(session, link, now)
    record(
        session,
        actor_id=link.account_id,
        action="message_file.read",
        subject_kind="message_file",
        subject_id=found.id,
        now=now,
    )
    return found, key


def _open(session: Session, link: MessageFileLink) -> tuple[MessageFile, bytes]:
    file = kept.file(session, link.file_id)
    if file is None:
        raise NotFound
    booking = queries.find(session, file.booking_id)
    if messages.role_in(session, booking, link.account_id) is None:
        raise NotFound
    return _readable(session, booking.id, file.id, link.account_id)


def _readable(
    session: Session, booking_id: UUID, file_id: UUID, account_id: UUID
) -> tuple[MessageFile, bytes]:
    """Return a file of the thread that may be read now, with its sealed key."""
    found = kept.readable_file(session, booking_id, account_id, file_id)
    if found.sealed_key is None:
        scanning.check_infected(session, found.id)
        raise FileGone(extra={"gone_at": found.gone_at.isoformat() if found.gone_at else None})
    scanning.check(session, found.id)
    return found, found.sealed_key
