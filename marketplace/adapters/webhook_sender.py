"""Calls the endpoints of others without being led into our own network.

The name is resolved once, every address that it has is judged, and the connection is made to a judged
address itself: a name that answers otherwise a moment later changes nothing. TLS and `Host` still
have the name. Redirects are answers like any other, proxies of the environment are not asked, and the
answer is read to a limit and to a deadline.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from marketplace.webhooks.gateway import Answer, NotReached
from marketplace.webhooks.rules.addresses import is_loopback, why_refused
from marketplace.webhooks.rules.targets import BadTarget, Target, read

CONNECT_SECONDS = 5.0
# For all of it: connecting, sending, and the answer.
WHOLE_SECONDS = 20.0
MOST_ADDRESSES = 4
LONGEST_EXCERPT = 1024

Resolve = Callable[[str, int], Sequence[str]]


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name, each once, in the resolver's order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class HttpWebhookSender:
    """Serves `webhooks.gateway.WebhookSender`."""

    def __init__(
        self,
        *,
        loopback: bool = False,
        resolver: Resolve = resolve,
        tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
        whole_seconds: float = WHOLE_SECONDS,
    ) -> None:
        """`loopback` lets it call this machine, for development; the others are for tests."""
        self.loopback = loopback
        self._resolve = resolver
        self._tls = tls
        self._whole = whole_seconds

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        began = time.monotonic()
        try:
            target = read(url, loopback=self.loopback)
            line = self._connected(target, began + self._whole)
            return self._asked(line, target, headers, body, began)
        except BadTarget as error:
            raise NotReached(str(error), _since(began)) from error
        except TimeoutError as error:
            words = f"No answer within {self._whole:g} seconds."
            raise NotReached(words, _since(began)) from error
        except ssl.SSLError as error:
            words = (
                f"The TLS handshake failed: {getattr(error, 'verify_message', '') or error.reason}."
            )
            raise NotReached(words, _since(began)) from error
        except (OSError, http.client.HTTPException) as error:
            words = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise NotReached(f"No answer: {words}.", _since(began)) from error

    def _connected(self, target: Target, until: float) -> socket.socket:
        """A connection to the first judged address that takes one, with TLS where it is asked for."""
        failed: OSError | None = None
        for address in self._addresses(target)[:MOST_ADDRESSES]:
            left = min(CONNECT_SECONDS, until - time.monotonic())
            if left <= 0:
                break
            try:
                line = socket.create_connection((address, target.port), timeout=left)
            except OSError as error:
                failed = error
                continue
            try:
                line.settimeout(max(until - time.monotonic(), 0.001))
                if target.https:
                    return self._tls().wrap_socket(line, server_hostname=target.host)
            except BaseException:
                line.close()
                raise
            return line
        raise failed or TimeoutError

    def _addresses(self, target: Target) -> Sequence[str]:
        """The addresses of the name; `BadTarget` if one of them is not to be called."""
        try:
            found = self._resolve(target.host, target.port)
        except UnicodeError as error:
            raise BadTarget(f"{target.host} is no name of a host.") from error
        except socket.gaierror as error:
            raise OSError(f"{target.host} has no address") from error
        for address in found:
            why = why_refused(address)
            if why is not None and not (self.loopback and is_loopback(address)):
                raise BadTarget(f"{target.host} leads to {address}, which is not called: {why}.")
        return found

    def _asked(
        self,
        line: socket.socket,
        target: Target,
        headers: Mapping[str, str],
        body: bytes,
        began: float,
    ) -> Answer:
        # A time-out counts from one byte to the next; this one counts for all of them.
        over = threading.Event()
        watch = threading.Timer(began + self._whole - time.monotonic(), _cut, (line, over))
        watch.daemon = True
        watch.start()
        connection = http.client.HTTPConnection(target.host, target.port)
        connection.sock = line
        try:
            connection.putrequest("POST", target.path, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", target.authority)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            if over.is_set():
                # What was read of it ends where it was cut.
                raise TimeoutError
            excerpt = _excerpt(answer)
            asks = answer.headers.get("Retry-After")
        except (OSError, http.client.HTTPException):
            if over.is_set():
                raise TimeoutError from None
            raise
        finally:
            watch.cancel()
            connection.close()
        return Answer(answer.status, _since(began), excerpt, _retry_after(asks))


def _excerpt(answer: http.client.HTTPResponse) -> str:
    """The first of what came with the status, which stands whether there is more or not."""
    try:
        found = answer.read(LONGEST_EXCERPT)
    except (OSError, http.client.HTTPException):
        return ""
    return found.decode("utf-8", "replace").replace("\x00", "")


def _cut(line: socket.socket, over: threading.Event) -> None:
    over.set()
    # Where it is closed already there is nothing to cut. Not the TLS socket's own way, which would
    # have the thread that reads go on in plain text.
    with suppress(OSError):
        socket.socket.shutdown(line, socket.SHUT_RDWR)


def _since(began: float) -> timedelta:
    return timedelta(seconds=time.monotonic() - began)


def _retry_after(text: str | None) -> timedelta | None:
    """Seconds, or a date (RFC 9110); None for what is neither."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return timedelta(seconds=min(int(text), 10**7))
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(at.astimezone(UTC) - datetime.now(UTC), timedelta(0))
