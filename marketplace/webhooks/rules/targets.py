"""What an endpoint's address may look like, before anybody is asked where it leads."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from marketplace.webhooks.rules.addresses import is_loopback, why_refused

LONGEST = 2000
HTTPS = 443
# Below are the well-known ports of other services, which have no business with our calls.
FIRST_FREE_PORT = 1024
HERE = "localhost"
# A host whose last part is a number is an IPv4 address in one of its spellings (WHATWG URL).
A_NUMBER = re.compile(r"(?:[^.]+\.)*(?:[0-9]+|0[xX][0-9a-fA-F]*)")


@dataclass(frozen=True)
class Target:
    """Where a call goes: `path` has the query with it."""

    https: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = HTTPS if self.https else 80
        return host if self.port == usual else f"{host}:{self.port}"


class BadTarget(Exception):
    """The address can't be called; the message says why, and what is expected."""


def read(url: str, *, loopback: bool) -> Target:
    """Return where `url` leads; `BadTarget` for what is never called.

    `loopback` lets development call this machine, by plain HTTP too.
    """
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        raise BadTarget(f"At most {LONGEST} printable ASCII characters; other letters are encoded.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise BadTarget("This is no address.") from error
    https = parts.scheme == "https"
    name = host.removesuffix(".")
    here = name == HERE or name.endswith(f".{HERE}") or is_loopback(name)
    if not https and not (parts.scheme == "http" and here and loopback):
        raise BadTarget("An address begins with https://.")
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise BadTarget("An address has a host, and neither user, password nor fragment.")
    number = port if port is not None else HTTPS if https else 80
    if number != HTTPS and number < FIRST_FREE_PORT and not (here and loopback):
        raise BadTarget(f"The port is {HTTPS}, or {FIRST_FREE_PORT} and above.")
    if not (here and loopback):
        _check_host(host, here=here)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(https, host, number, path)


def _check_host(host: str, *, here: bool) -> None:
    """Refuse what can be seen from the name alone; the rest is seen when it is resolved."""
    name = host.removesuffix(".")
    why = why_refused(name) if ":" in name or A_NUMBER.fullmatch(name) else None
    if here or why is not None:
        raise BadTarget(f"{host} is not called: {why or 'loopback'}.")
