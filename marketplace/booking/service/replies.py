"""Answers by mail: taken in as messages of those whose reply address they were sent to.

The address is signed for one person in one thread, and the mail must come from that person's own
address. What is wrong with an answer is told to the account, never to whoever the mail says it is
from: a forged sender is written to by nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.errors import NotOpenForThis, TooManyMessages
from marketplace.booking.gateway import ReplySigner
from marketplace.booking.models import Booking
from marketplace.booking.queries import messages as kept
from marketplace.booking.rules import replies as rules
from marketplace.booking.service import mailed_files, messages
from marketplace.booking.service.mailed_files import Taken
from marketplace.booking.service.notices import tell_people
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity

POSTED, REPEATED, IGNORED, REFUSED = "posted", "repeated", "ignored", "refused"


@dataclass(frozen=True)
class Pending:
    """An answer that is to be taken in: whose, in which thread, and as whom they write."""

    booking_id: UUID
    account_id: UUID
    role: str
    reply: rules.Reply


def look(
    session: Session, signer: ReplySigner, address: str, content: bytes, now: datetime
) -> Pending | str:
    """Look at a mail that was sent to `address`; return what is to be taken in, else what became of it.

    `repeated`, if this very mail was taken in before; `ignored`, if a program wrote it; `refused`,
    after telling the account why. Raises `NotFound` for an address that is none of ours or whose
    person has left the thread, so that the mail server can refuse the mail.
    """
    booking, account_id, role = _whose(session, signer, address)
    try:
        reply = rules.read(content)
    except ValueError:
        return _refuse(session, booking, account_id, "unreadable", now)
    if reply.automatic:
        return IGNORED
    person = identity.contact(session, account_id)
    if person is None or reply.sender != person.email:
        return _refuse(session, booking, account_id, "sender", now)
    if reply.mail_id and kept.of_mail(session, booking.id, reply.mail_id) is not None:
        return REPEATED
    if not reply.text and not reply.files:
        return _refuse(session, booking, account_id, "empty", now)
    return Pending(booking.id, account_id, role, reply)


def take_in(session: Session, found: Pending, taken: Taken, now: datetime) -> str:
    """Make an answer a message, with those of its files that stand in the store: `posted`.

    `refused`, after telling the account why, if that can't be; which files were not taken is told
    too.
    """
    booking = queries.find(session, found.booking_id)
    account_id = found.account_id
    text = found.reply.text or ", ".join(file.filename for file in taken.files)
    problem = _post(session, booking, found, text, taken, now) if text else None
    if problem is not None:
        return _refuse(session, booking, account_id, problem, now)
    if taken.refused:
        _tell(session, booking, account_id, "files", now, taken.refused)
    return POSTED if text else REFUSED


def _post(
    session: Session, booking: Booking, found: Pending, text: str, taken: Taken, now: datetime
) -> str | None:
    """Write the answer into the thread; the problem, where it can't be."""
    try:
        with session.begin_nested():
            for file in taken.files:
                mailed_files.keep(session, file)
            messages.post(
                session,
                booking,
                author_id=found.account_id,
                role=found.role,
                body=text,
                file_ids=[file.id for file in taken.files],
                mail_id=found.reply.mail_id,
                now=now,
            )
    except NotOpenForThis:
        return "closed"
    except TooManyMessages:
        return "often"
    return None


def _whose(session: Session, signer: ReplySigner, address: str) -> tuple[Booking, UUID, str]:
    reader_id = signer.read(address)
    reader = None if reader_id is None else kept.reader(session, reader_id)
    if reader is None:
        raise NotFound
    booking = queries.find(session, reader.booking_id)
    role = messages.role_in(session, booking, reader.account_id)
    if role is None:
        raise NotFound
    return booking, reader.account_id, role


def _refuse(
    session: Session, booking: Booking, account_id: UUID, problem: str, now: datetime
) -> str:
    _tell(session, booking, account_id, problem, now)
    return REFUSED


def _tell(
    session: Session,
    booking: Booking,
    account_id: UUID,
    problem: str,
    now: datetime,
    files: Sequence[str] = (),
) -> None:
    tell_people(
        session,
        booking,
        [account_id],
        "reply_problem",
        now=now,
        problem=problem,
        files=list(files),
    )
