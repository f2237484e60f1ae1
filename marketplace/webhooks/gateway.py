"""What webhooks need from outside: calls that stay on the public internet, and sealed secrets."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True)
class Answer:
    """What came back: the status, how long it took, the first bytes as text, what it asks for."""

    status: int
    took: timedelta
    excerpt: str
    retry_after: timedelta | None = None


class NotReached(Exception):
    """No answer: the address is not called, can't be, or did not answer in time; in words."""

    def __init__(self, words: str, took: timedelta) -> None:
        super().__init__(words)
        self.words = words
        self.took = took


class WebhookSender(Protocol):
    """Calls endpoints; never a private address, never a second place that an answer names."""

    @property
    def loopback(self) -> bool:
        """Whether this machine may be called, by plain HTTP too: for development."""

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST `body`; `NotReached` if no answer came. Takes half a minute at most."""


class SecretVault(Protocol):
    """Seals secrets so that a copy of the database alone can't sign."""

    def seal(self, label: str, secret: bytes) -> bytes:
        """Encrypt; `label` is bound to it."""

    def open(self, label: str, sealed: bytes) -> bytes:
        """Decrypt; `Unavailable` if it or its label has been tampered with."""
