"""A mail that answers a message: what of it is new, and whether a person wrote it.

Pure: from the mail's own headers and text. What mail programs put around an answer (the message
quoted, a line that says who wrote when, a signature) is cut off; the rest is left as it was.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import parseaddr
from html.parser import HTMLParser
from mimetypes import guess_type

# What most mail servers take: a document of 18 MiB, as mails write it.
LARGEST = 25 * 2**20
LONGEST = 10_000
OCTETS = "application/octet-stream"
# What the standard library makes of mails that are none; parts within parts end at its own depth.
UNREADABLE = (MessageError, LookupError, UnicodeError, AttributeError, TypeError, RecursionError)
# Above it an answer is written; it stands in every message that is mailed.
MARKS = ("-- Reply above this line --", "-- Responda por encima de esta línea --")
_WROTE = re.compile(
    r"^(?:On\s.{4,200}\swrote|El\s.{4,200}\sescribió|.{4,200}<[^<>\s]+@[^<>\s]+>\s*)\s*:?\s*$",
    re.DOTALL,
)
_FORWARDED = re.compile(r"^-{2,}\s*(?:Original Message|Mensaje original)\s*-{2,}$", re.IGNORECASE)
_HEADER = re.compile(r"^(?:From|De|Sent|Enviado(?: el)?|To|Para):\s", re.IGNORECASE)
# From, Sent and To together are the head of a quoted mail.
QUOTED_HEAD = 3
_AUTOMATIC = ("bulk", "junk", "list", "auto_reply")


@dataclass(frozen=True)
class MailedFile:
    """A file as a mail has it: its name, type and content are the mail program's word."""

    filename: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Reply:
    """A mail as far as it matters here; pictures that stand in its text are none of its files."""

    sender: str
    mail_id: str | None
    text: str
    files: tuple[MailedFile, ...]
    automatic: bool


def read(content: bytes) -> Reply:
    """Read a mail as it came; `ValueError` for what is none."""
    try:
        mail = message_from_bytes(content, _class=EmailMessage, policy=policy.default)
        return Reply(
            sender=parseaddr(str(mail.get("From", "")))[1].lower(),
            mail_id=str(mail.get("Message-ID", "")).replace("\x00", "").strip()[:500] or None,
            text=answer(_text(mail))[:LONGEST].replace("\x00", ""),
            files=tuple(_files(mail)),
            automatic=is_automatic(mail),
        )
    except UNREADABLE as error:
        raise ValueError("not a mail that can be read") from error


def is_automatic(mail: EmailMessage) -> bool:
    """Tell whether a program wrote it: answering it, or taking it in, could go on for ever."""
    said = str(mail.get("Auto-Submitted", "no")).split(";")[0].strip().lower()
    precedence = str(mail.get("Precedence", "")).strip().lower()
    marks = ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress", "List-Id")
    return (
        said != "no"
        or precedence in _AUTOMATIC
        or any(mail.get(name) is not None for name in marks)
        or str(mail.get("Return-Path", "")).strip() == "<>"
        or mail.get_content_type() == "multipart/report"
    )


def answer(text: str) -> str:
    """Return what is new in an answer's text: what stands above the quoted message."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept = lines[: _end(lines)]
    while kept and (not kept[-1].strip() or kept[-1].startswith(">")):
        kept.pop()
    # A line that says who wrote may run over two, or three, where programs wrap it.
    for count in (1, 2, 3):
        if len(kept) >= count and _WROTE.match("\n".join(kept[-count:]).strip()):
            kept = kept[:-count]
            break
    return "\n".join(kept).strip()


def _end(lines: list[str]) -> int:
    for number, line in enumerate(lines):
        bare = line.lstrip("> ").strip()
        if any(mark in bare for mark in MARKS) or _FORWARDED.match(bare) or line.rstrip() == "--":
            return number
        near = lines[number : number + 4]
        if _HEADER.match(bare) and sum(map(_is_header, near)) >= QUOTED_HEAD:
            return number
    return len(lines)


def _is_header(line: str) -> bool:
    return _HEADER.match(line.strip()) is not None


def _text(mail: EmailMessage) -> str:
    part = mail.get_body(("plain", "html"))
    content = part.get_content() if part is not None else ""
    if not isinstance(content, str):
        return ""
    return _Words.of(content) if part and part.get_content_type() == "text/html" else content


def _files(mail: EmailMessage) -> Iterator[MailedFile]:
    for part in mail.iter_attachments():
        shown = part.get_content_disposition() == "inline" and part.get("Content-ID") is not None
        if shown:
            continue
        name, said = (part.get_filename() or "").strip(), part.get_content_type()
        guessed = guess_type(name)[0] if said == OCTETS else None
        content = part.get_payload(decode=True)
        yield MailedFile(name, guessed or said, content if isinstance(content, bytes) else b"")


class _Words(HTMLParser):
    """The words of an HTML part, a line a block; quoted ones left out."""

    BLOCKS = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3"})
    UNREAD = frozenset({"style", "script", "head", "blockquote", "title"})

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.inside = 0

    @classmethod
    def of(cls, html: str) -> str:
        found = cls()
        found.feed(html)
        return re.sub(r"\n{3,}", "\n\n", "".join(found.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.inside += tag in self.UNREAD
        if tag in self.BLOCKS:
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.inside -= tag in self.UNREAD and self.inside > 0

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.words.append(data)
