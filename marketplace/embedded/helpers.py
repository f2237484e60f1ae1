"""The mail sink and the Stripe sandbox as servers of the stack: Python programs of ours."""

import socket
import sys
from pathlib import Path
from typing import ClassVar

from marketplace.embedded.guard import Orders
from marketplace.embedded.processes import LOOPBACK, choose_port
from marketplace.embedded.server import EmbeddedServer

PROJECT = Path(__file__).resolve().parents[2]
STOP_GRACE_SECONDS = 5


class PythonServer(EmbeddedServer):
    """A server that is one of our modules, listening for HTTP on `port`."""

    module: ClassVar[str]

    def address(self) -> str:
        """Where its HTTP side is."""
        return f"http://{LOOPBACK}:{self.port}"

    def _arguments(self) -> list[str]:
        """Its command line."""
        raise NotImplementedError

    def _orders(self) -> Orders:
        return Orders(
            parent=self.parent,
            command=[sys.executable, "-m", self.module, *self._arguments()],
            grace=STOP_GRACE_SECONDS,
            directory=str(PROJECT),
            keep_fd=self.lock.descriptor,
        )

    def _answers(self) -> bool:
        try:
            socket.create_connection((LOOPBACK, self.port), timeout=1).close()
        except OSError:
            return False
        return True


class EmbeddedMailSink(PythonServer):
    """Keeps mail that is sent to `smtp_url()` and shows it at `address()`."""

    name = "mail sink"
    module = "marketplace.embedded.mail_sink"

    def __init__(
        self,
        directory: Path,
        port: int = 0,
        smtp_port: int = 0,
        *,
        hand_on: tuple[str, str, str] | None = None,
        parent: int | None = None,
    ) -> None:
        """`hand_on`: mail of which domain goes to which URL, signed with which secret."""
        super().__init__(directory, port, parent=parent)
        self.hand_on = hand_on
        self.asked_smtp_port = self.smtp_port = smtp_port

    def smtp_url(self) -> str:
        """Where mail is sent to."""
        return f"smtp://{LOOPBACK}:{self.smtp_port}"

    def revive(self) -> None:
        """Start again on both of its ports."""
        self.asked_smtp_port = self.smtp_port
        super().revive()

    def _arguments(self) -> list[str]:
        self.smtp_port = choose_port(self.asked_smtp_port)
        ports = (f"--http-port={self.port}", f"--smtp-port={self.smtp_port}")
        return [
            f"--data={self.directory / 'messages'}",
            *ports,
            *(["--hand-on", *self.hand_on] if self.hand_on else []),
        ]


# What is paid with credit that our staff gave, as in the demo, is sent to hosts from our own money.
PAID_IN = 5_000_000


class EmbeddedStripeSandbox(PythonServer):
    """Plays Stripe at `address()` and sends its webhooks to `webhook_url`."""

    name = "Stripe sandbox"
    module = "marketplace.embedded.stripe_sandbox"

    def __init__(
        self,
        directory: Path,
        port: int = 0,
        *,
        webhook_url: str,
        webhook_secret: str,
        parent: int | None = None,
    ) -> None:
        super().__init__(directory, port, parent=parent)
        self.webhook_url = webhook_url
        self.webhook_secret = webhook_secret

    def _arguments(self) -> list[str]:
        options = {
            "--port": self.port,
            "--data": self.directory / "data",
            "--webhook-url": self.webhook_url,
            "--webhook-secret": self.webhook_secret,
            # What happens in hosts' accounts goes to an endpoint of its own, as at Stripe.
            "--connect-webhook-url": self.webhook_url,
            "--connect-webhook-secret": self.webhook_secret,
            "--opening-balance": PAID_IN,
            "--parent-pid": self.parent,
        }
        return [word for name, value in options.items() for word in (name, str(value))]
