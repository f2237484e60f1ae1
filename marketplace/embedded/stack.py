"""The whole stack below one folder: four servers, their secrets, and the environment for them.

A server whose address the environment already gives is used as it is and not started.
"""

import contextlib
import hmac
import json
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from marketplace.embedded.helpers import EmbeddedMailSink, EmbeddedStripeSandbox
from marketplace.embedded.postgres import EmbeddedPostgres
from marketplace.embedded.processes import DirectoryLock, StackError, port_is_free, write_private
from marketplace.embedded.secrets_file import Secrets
from marketplace.embedded.server import EmbeddedServer
from marketplace.embedded.valkey import EmbeddedValkey

DATABASE = "marketplace"
WEBHOOK_PATH = "/api/v1/stripe/webhook"
# Mail to this domain is an answer to a message, and is handed on.
REPLY_DOMAIN = "reply.localhost"
REPLIES_PATH = "/api/v1/mail/replies"
# Read by config.settings.
NOTE = "stack.json"
HOME_PATIENCE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Ports:
    """Loopback ports asked for; 0 takes the last used one if it is free, else any."""

    postgres: int = 0
    valkey: int = 0
    stripe: int = 0
    mail: int = 0
    smtp: int = 0


def say(line: str) -> None:
    """Print a progress line at once, if anybody still reads."""
    with contextlib.suppress(OSError):
        print(line, flush=True)


class Stack:
    """The embedded servers of `home`, as a context manager or by `start` and `stop`.

    `site_url` is where the application will be: webhooks go there, links in mails point there.
    `given` is the environment that is looked at (default: the process's).
    """

    def __init__(
        self,
        home: Path,
        ports: Ports | None = None,
        *,
        site_url: str = "http://127.0.0.1:8000",
        webhook_path: str = WEBHOOK_PATH,
        given: Mapping[str, str] | None = None,
        progress: Callable[[str], None] = say,
    ) -> None:
        self.home = home.absolute()
        self.ports = ports or Ports()
        self.site_url = site_url
        self.webhook_url = site_url + webhook_path
        self.given = dict(os.environ if given is None else given)
        self.progress = progress
        self.lock = DirectoryLock(self.home / "lock")
        self.servers: list[EmbeddedServer] = []
        self.postgres: EmbeddedPostgres | None = None
        self.valkey: EmbeddedValkey | None = None
        self.stripe: EmbeddedStripeSandbox | None = None
        self.mail: EmbeddedMailSink | None = None

    def start(self) -> None:
        """Start what the environment does not give; StackError, with nothing left, if one fails."""
        self._refuse_where_it_must_not_be()
        self.home.mkdir(mode=0o711, parents=True, exist_ok=True)
        self.lock.acquire(
            patience=HOME_PATIENCE_SECONDS, busy=f"another stack already runs in {self.home}"
        )
        try:
            self.secrets = Secrets.of(self.home / "secrets.json")
            self._choose_servers()
            self._start_servers()
            self._remember_ports()
            self._make_database()
            # Commands at a terminal find the running stack by this note.
            write_private(self.home / NOTE, json.dumps(self.environment()))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the servers, the database last."""
        (self.home / NOTE).unlink(missing_ok=True)
        for server in reversed(self.servers):
            server.stop()
        self.servers.clear()
        self.lock.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def revive(self) -> None:
        """Start again, at the same address, each server that ended by itself."""
        for server in self.servers:
            if not server.running:
                self.progress(f"{server.name} ended by itself; starting it again")
                server.revive()

    def environment(self) -> dict[str, str]:
        """The variables that the application needs, those given before included."""
        made = {
            "MARKETPLACE_ENV": "development",
            "PUBLIC_URL": self.site_url,
            "LEGAL_ADDRESS": "100 Example Plaza, Chicago, IL 60601, United States",
            "CONTACT_EMAIL": "help@rotations.example",
            "GOVERNING_LAW": "Illinois",
            "SECRET_KEYS": self.secrets.secret_key,
            "PASSWORD_SALT": self.secrets.password_salt,
            "LETTER_KEY": self.secrets.letter_key,
            "BADGE_KEYS": self.secrets.badge_key,
            "OBJECT_STORE_URL": (self.home / "objects").as_uri(),
            "CLOCK_FILE": str(self.home / "clock"),
            # Whoever tries webhooks out has their receiver on this machine.
            "WEBHOOKS_TO_LOOPBACK": "true",
        }
        if self.postgres is not None:
            made["DATABASE_URL"] = self.postgres.url(DATABASE)
        if self.valkey is not None:
            made["REDIS_URL"] = self.valkey.url()
        if self.mail is not None:
            made["SMTP_URL"] = self.mail.smtp_url()
            made["REPLY_DOMAIN"] = REPLY_DOMAIN
            made["INBOUND_MAIL_SECRET"] = self._mail_secret()
            # For people and tests that read the mail; the application itself does not.
            made["MAIL_SINK_URL"] = self.mail.address()
        if self.stripe is not None:
            made["STRIPE_API_BASE"] = self.stripe.address()
            made["STRIPE_SECRET_KEY"] = self.secrets.stripe_secret_key
            made["STRIPE_WEBHOOK_SECRETS"] = self.secrets.stripe_webhook_secret
        return {**made, **{name: value for name, value in self.given.items() if value}}

    def _mail_secret(self) -> str:
        """By which the mail sink shows the application that a mail is handed on by it."""
        return hmac.digest(self.secrets.secret_key.encode(), b"inbound mail", "sha256").hex()

    def _refuse_where_it_must_not_be(self) -> None:
        if self.given.get("MARKETPLACE_ENV") == "production":
            raise StackError(
                "the embedded stack is for development and tests: MARKETPLACE_ENV is production"
            )
        if self.given.get("STRIPE_SECRET_KEY", "").startswith(("sk_live_", "rk_live_")):
            raise StackError("STRIPE_SECRET_KEY is a live key: the demo must not move real money")

    def _choose_servers(self) -> None:
        """The servers that nothing is given for, in the order of their importance."""
        asked, given = self._asked_ports(), self.given
        if not given.get("DATABASE_URL"):
            self.postgres = EmbeddedPostgres(self.home / "postgres", asked.postgres)
        if not given.get("REDIS_URL"):
            self.valkey = EmbeddedValkey(self.home / "valkey", asked.valkey)
        if not given.get("STRIPE_API_BASE") and not given.get("STRIPE_SECRET_KEY"):
            self.stripe = EmbeddedStripeSandbox(
                self.home / "stripe",
                asked.stripe,
                webhook_url=self.webhook_url,
                webhook_secret=self.secrets.stripe_webhook_secret,
            )
        if not given.get("SMTP_URL"):
            self.mail = EmbeddedMailSink(
                self.home / "mail",
                asked.mail,
                asked.smtp,
                hand_on=(REPLY_DOMAIN, self.site_url + REPLIES_PATH, self._mail_secret()),
            )
        chosen = (self.postgres, self.valkey, self.stripe, self.mail)
        self.servers = [server for server in chosen if server is not None]
        (self.home / "objects").mkdir(mode=0o700, exist_ok=True)

    def _start_servers(self) -> None:
        """Start all at once; the first failure is raised when all have come to an end."""
        failures: list[BaseException] = []
        with ThreadPoolExecutor(max_workers=max(1, len(self.servers))) as pool:
            begun = time.monotonic()
            starts = {pool.submit(server.start): server for server in self.servers}
            for done in as_completed(starts):
                server, error = starts[done], done.exception()
                if error is not None:
                    failures.append(error)
                else:
                    seconds = time.monotonic() - begun
                    self.progress(f"  {server.name:<15} port {server.port:<6} {seconds:5.1f} s")
        if failures:
            raise failures[0]

    def _asked_ports(self) -> Ports:
        """The ports asked for, and where none was, those of last time that are still free."""
        try:
            last = json.loads((self.home / "ports.json").read_text())
        except (OSError, ValueError):
            last = {}
        chosen = {
            name: asked or _if_free(last.get(name)) for name, asked in _fields(self.ports).items()
        }
        return Ports(**chosen)

    def _remember_ports(self) -> None:
        used = Ports(
            postgres=self.postgres.port if self.postgres else 0,
            valkey=self.valkey.port if self.valkey else 0,
            stripe=self.stripe.port if self.stripe else 0,
            mail=self.mail.port if self.mail else 0,
            smtp=self.mail.smtp_port if self.mail else 0,
        )
        (self.home / "ports.json").write_text(json.dumps(_fields(used)) + "\n")

    def _make_database(self) -> None:
        if self.postgres is not None and not self.postgres.has_database(DATABASE):
            self.postgres.create_database(DATABASE)


def _fields(ports: Ports) -> dict[str, int]:
    return {name: getattr(ports, name) for name in Ports.__slots__}


def _if_free(port: object) -> int:
    return port if isinstance(port, int) and port > 0 and port_is_free(port) else 0
