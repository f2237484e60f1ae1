"""Mail that came back: delivery status notifications (RFC 3464, 6533), read and kept.

A notification counts only if it names a message of ours by its Message-ID, which nobody can guess;
an address alone could be written by anyone. The last word of the server that gave up is kept on the
notice, once.
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, message_from_string, policy
from email.errors import MessageError
from email.message import EmailMessage, Message
from enum import StrEnum
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from marketplace.core.db import Session
from marketplace.core.events import publish
from marketplace.identity.events import MailCameBack
from marketplace.identity.models import Notice, RefusedAddress

LARGEST = 10 * 2**20
# What the standard library makes of mails that are none; parts within parts end at its own depth.
UNREADABLE = (
    MessageError,
    LookupError,
    UnicodeError,
    ValueError,
    TypeError,
    AttributeError,
    RecursionError,
)
LONGEST_ANSWER = 500
_OURS = re.compile(r"<([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@[^<>\s]+>", re.IGNORECASE)
_REPORTS = ("message/delivery-status", "message/global-delivery-status")
_RETURNED = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")


class Outcome(StrEnum):
    """What became of a mail: `ignored` says that something is late, or has arrived."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    IGNORED = "ignored"
    NOT_OURS = "not_ours"
    NO_NOTIFICATION = "no_notification"


@dataclass(frozen=True)
class Failure:
    """A recipient whom a server gave up, in its words; `status` is `5.1.1` or the like."""

    status: str
    answer: str

    @property
    def for_good(self) -> bool:
        """Whether the address itself takes no mail (RFC 3463: the first digit is 5)."""
        return self.status.startswith("5")


@dataclass(frozen=True)
class Notification:
    """What a delivery status notification says: which message of ours, and how it failed."""

    notice_id: uuid.UUID | None
    failure: Failure | None


def read(content: bytes) -> Notification | None:
    """Read a mail as it came; None if it is no delivery status notification."""
    try:
        mail = message_from_bytes(content, _class=EmailMessage, policy=policy.compat32)
        if mail.get_content_type() != "multipart/report":
            return None
        parts = list(mail.walk())
        reports = [part for part in parts if part.get_content_type() in _REPORTS]
        if not reports:
            return None
        fields = [one for report in reports for one in _recipients(report)]
        failed = [one for one in fields if _word(one, "Action").lower() == "failed"]
        return Notification(_notice(parts), _failure(failed[0]) if failed else None)
    except UNREADABLE:
        return None


def take_in(session: Session, content: bytes, now: datetime) -> Outcome:
    """Keep what a notification says of a message of ours, and tell who asked for it; once."""
    found = read(content)
    if found is None:
        return Outcome.NO_NOTIFICATION
    if found.failure is None:
        return Outcome.IGNORED
    notice = (
        None
        if found.notice_id is None
        else session.get(Notice, found.notice_id, with_for_update=True)
    )
    if notice is None or notice.state != "sent":
        return Outcome.NOT_OURS
    if notice.failure is not None:
        return Outcome.REPEATED
    notice.failure = f"came back: {found.failure.answer}"[:LONGEST_ANSWER]
    if found.failure.for_good:
        note_refused(session, notice.to_address, found.failure.answer, now)
    tell(session, notice, now)
    return Outcome.RECORDED


def note_refused(session: Session, address: str, answer: str, now: datetime) -> None:
    """Keep that an address takes no mail; what need not be sent to it is not, until it takes some."""
    refused = insert(RefusedAddress).values(
        address=address, refused_at=now, answer=answer[:LONGEST_ANSWER]
    )
    session.execute(refused.on_conflict_do_nothing())


def tell(session: Session, notice: Notice, now: datetime) -> None:
    """Tell those above that a notice did not reach its reader."""
    session.flush()
    if notice.account_id is not None:
        publish(
            session,
            MailCameBack(
                notice.id, notice.account_id, notice.to_address, notice.template, notice.data, now
            ),
        )


def _recipients(report: Message) -> Iterator[Message]:
    """Yield the groups of fields about recipients: those that name an action."""
    blocks: list[Message] = [one for one in _payload(report) if isinstance(one, Message)]
    for block in list(blocks):
        rest = block.get_payload()
        if isinstance(rest, str) and rest.strip():
            # The standard library takes only the first group of a report in UTF-8 for fields.
            blocks += [message_from_string(text) for text in re.split(r"\r?\n\r?\n", rest)]
    return (block for block in blocks if block["Action"])


def _payload(part: Message) -> list[Any]:
    payload = part.get_payload()
    return payload if isinstance(payload, list) else [message_from_string(str(payload))]


def _notice(parts: list[Message]) -> uuid.UUID | None:
    """The notice whose Message-ID the returned message has."""
    for part in parts:
        if part.get_content_type() in _RETURNED:
            for returned in _payload(part):
                ours = _OURS.search(str(returned.get("Message-ID", "")))
                if ours is not None:
                    return uuid.UUID(ours[1])
    return None


def _failure(fields: Message) -> Failure:
    status = _word(fields, "Status").split(" ", maxsplit=1)[0]
    said = _word(fields, "Diagnostic-Code").partition(";")[2].strip()
    return Failure(status, " ".join(f"{status} {said}".split()).replace("\x00", ""))


def _word(fields: Message, name: str) -> str:
    return " ".join(str(fields.get(name, "")).split())
