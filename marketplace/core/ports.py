"""Outside systems that several packages use, as protocols; `adapters` has what serves them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from marketplace.core.errors import DomainError


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a message: its name, media type (perhaps with parameters) and bytes."""

    filename: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class MailMessage:
    """An e-mail in plain text, with HTML beside it where there is any.

    `unsubscribe` is an address that ends mails of its kind by one POST (RFC 8058); `headers` are
    further ones of ours, such as `Reply-To`.
    """

    to: str
    subject: str
    text: str
    html: str | None = None
    message_id: str | None = None
    attachments: tuple[Attachment, ...] = field(default=())
    unsubscribe: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class AddressRefused(DomainError):
    """The server says for good that it takes no mail for the address (SMTP 5xx)."""

    code = "address_refused"
    title = "The mail server takes no messages for this address."


class Mailer(Protocol):
    """Sends e-mail; raises `Unavailable` if the server does not take it, or `AddressRefused`."""

    def send(self, message: MailMessage) -> None:
        """Hand the message to the server; returning means that it was accepted."""


class ObjectStore(Protocol):
    """Keeps files by key; keys are ours, never a user's."""

    def put(self, key: str, content: bytes) -> None:
        """Store whole or not at all; a key that exists is overwritten."""

    def put_stream(self, key: str, pieces: Iterable[bytes]) -> None:
        """Store what comes in pieces, whole or not at all, in constant memory."""

    def get(self, key: str) -> bytes:
        """Return the content; `NotFound` if there is none."""

    def stream(self, key: str, chunk_size: int = 1 << 20) -> Iterator[bytes]:
        """Yield the content in pieces of about `chunk_size` bytes."""

    def exists(self, key: str) -> bool:
        """Tell whether there is content at `key`."""

    def delete(self, key: str) -> None:
        """Remove; no error if there is nothing."""

    def size(self, key: str) -> int:
        """Return how many bytes are at `key`; `NotFound` if there is nothing."""

    def keys(self, prefix: str) -> Sequence[str]:
        """Return the keys below `prefix`, a folder of ours that holds few."""

    def signed_upload(self, key: str, life: timedelta) -> str | None:
        """Return an address that takes a PUT to `key` for so long; None where none can be signed."""


class PdfRenderer(Protocol):
    """Sets documents from templates of ours."""

    def render(self, template: str, data: Mapping[str, Any]) -> bytes:
        """Return a PDF of `template` (a name) filled with `data` (JSON values)."""

    def picture(self, template: str, data: Mapping[str, Any]) -> bytes:
        """Return the same as a PNG of its first page, two pixels a point."""


class Cache(Protocol):
    """Speed only: every answer may be a miss, and no failure reaches the caller."""

    def get(self, key: str) -> bytes | None:
        """Return what was kept, or None."""

    def get_many(self, *keys: str) -> Sequence[bytes | None]:
        """Return what was kept under each key, in one journey."""

    def set(self, key: str, value: bytes, ttl: timedelta, *, since: float | None = None) -> None:
        """Keep until `ttl` after `since` (seconds of the Unix epoch; by default now).

        The end is a moment, not a length: a command that arrives late keeps nothing longer.
        """

    def set_many(
        self, entries: Mapping[str, bytes], ttl: timedelta, *, tell: Sequence[str] = ()
    ) -> None:
        """Keep several, and tell whoever listens to the `News` of these names, in one journey."""

    def delete(self, *keys: str) -> None:
        """Forget."""

    def alive(self) -> bool:
        """Tell whether the cache answers at all."""


class Listening(Protocol):
    """Ears for the news of some names."""

    @property
    def lost(self) -> bool:
        """Whether no more can be heard: what happens from now on is not told."""

    def wait(self, seconds: float) -> frozenset[str]:
        """Return the names told of since the last call; wait at most so long for the first."""

    def close(self) -> None:
        """Hear no more; twice is once."""


class News(Protocol):
    """What `Cache.set_many` tells: names of what changed. Speed only: what is missed is missed."""

    def listen(self, names: Collection[str]) -> Listening:
        """Hear of `names` from now on, or be `lost` at once."""
