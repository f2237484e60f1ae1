"""The folder of kept messages."""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from pathlib import Path
from typing import Any

ENVELOPE_TO = "X-Envelope-To"
ENVELOPE_FROM = "X-Envelope-From"
NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file sent with a message."""

    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """One message as it came; ids sort by the time of arrival."""

    id: str
    raw: bytes
    message: EmailMessage

    @property
    def received_at(self) -> datetime:
        """Time of arrival, UTC."""
        return datetime.fromtimestamp(int(self.id.split("-")[0]) / NANOSECONDS, UTC)

    @property
    def recipients(self) -> list[str]:
        """Addresses of the envelope: those it was really sent to."""
        return [address for _, address in getaddresses(self.message.get_all(ENVELOPE_TO, []))]

    @property
    def subject(self) -> str:
        """The subject, decoded; empty if there is none."""
        return str(self.message.get("Subject", ""))

    def body(self, kind: str) -> str | None:
        """The text of the first `plain` or `html` part, None if there is none."""
        part = self.message.get_body((kind,))
        if part is None:
            return None
        content = part.get_content()
        return content if isinstance(content, str) else None

    def attachments(self) -> list[Attachment]:
        """The files, in their order."""
        return [
            Attachment(
                part.get_filename() or f"attachment-{number}",
                part.get_content_type(),
                _content(part),
            )
            for number, part in enumerate(self.message.iter_attachments())
        ]

    def summary(self) -> dict[str, Any]:
        """What a list shows of it, as JSON."""
        return {
            "id": self.id,
            "received_at": self.received_at.isoformat().replace("+00:00", "Z"),
            "from": str(self.message.get("From", self.message.get(ENVELOPE_FROM, ""))),
            "to": self.recipients,
            "subject": self.subject,
            "attachments": [
                {
                    "filename": file.filename,
                    "content_type": file.content_type,
                    "bytes": len(file.content),
                    "path": f"/messages/{self.id}/attachments/{number}",
                }
                for number, file in enumerate(self.attachments())
            ],
        }

    def whole(self) -> dict[str, Any]:
        """All of it but the files' content, as JSON."""
        headers = [[name, str(value)] for name, value in self.message.items()]
        bodies = {"text": self.body("plain"), "html": self.body("html")}
        return {**self.summary(), **bodies, "headers": headers}


def _content(part: EmailMessage) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else part.as_bytes()


class MessageStore:
    """Messages of one folder; safe for several threads of one process."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for partial in directory.glob("*.partial"):
            partial.unlink()
        self._arrived = threading.Condition()
        self._last = 0

    def add(self, sender: str | None, recipients: Sequence[str], content: bytes) -> str:
        """Keep a message and return its id; on the disk when this returns."""
        envelope = f"{ENVELOPE_FROM}: {sender or '<>'}\r\n" + "".join(
            f"{ENVELOPE_TO}: {recipient}\r\n" for recipient in recipients
        )
        with self._arrived:
            self._last = max(time.time_ns(), self._last + 1)
            name = f"{self._last:019d}-{os.getpid()}"
            partial = self.directory / f"{name}.partial"
            with partial.open("wb") as file:
                file.write(envelope.encode() + content)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self.directory / f"{name}.eml")
            folder = os.open(self.directory, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
            self._arrived.notify_all()
        return name

    def get(self, name: str) -> KeptMessage | None:
        """The message of this id, None if there is none."""
        path = self.directory / f"{name}.eml"
        if path.parent != self.directory or not path.is_file():
            return None
        raw = path.read_bytes()
        return KeptMessage(name, raw, message_from_bytes(raw, policy=policy.default))

    def ids(self) -> list[str]:
        """All ids, newest first."""
        return sorted((path.stem for path in self.directory.glob("*.eml")), reverse=True)

    def find(
        self, *, to: str = "", subject: str = "", since: str = "", limit: int = 100
    ) -> list[KeptMessage]:
        """Messages newest first: to an address, with words in the subject, after an id."""
        found: list[KeptMessage] = []
        for message in self._newer_than(since):
            addressed = not to or to.lower() in (each.lower() for each in message.recipients)
            if addressed and subject.lower() in message.subject.lower():
                found.append(message)
                if len(found) == limit:
                    break
        return found

    def _newer_than(self, since: str) -> Iterator[KeptMessage]:
        for name in self.ids():
            if name <= since:
                return
            if (message := self.get(name)) is not None:
                yield message

    def wait(
        self, seconds: float, *, to: str = "", subject: str = "", since: str = ""
    ) -> list[KeptMessage]:
        """As `find`, but wait until there is one, at most so long."""
        deadline = time.monotonic() + seconds
        with self._arrived:
            while not (found := self.find(to=to, subject=subject, since=since)):
                if not self._arrived.wait(deadline - time.monotonic()):
                    break
        return found

    def clear(self) -> int:
        """Delete all messages and return how many there were."""
        names = self.ids()
        for name in names:
            (self.directory / f"{name}.eml").unlink(missing_ok=True)
        return len(names)
