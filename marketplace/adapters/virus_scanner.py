"""Looks for viruses by clamd, spoken to over TCP: `INSTREAM` in its null-terminated form.

A file goes there in pieces, each behind its length in four bytes, and ends with a length of nought
(https://docs.clamav.net/manual/Usage/ClamdProtocol.html). Nothing but a plain `OK` is taken for a
clean file: an answer that is cut off, an error or a file larger than clamd takes (`StreamMaxLength`)
is `Unavailable`, and asked for again later. The line is neither encrypted nor authenticated: clamd
belongs on the same private network.
"""

import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from marketplace.core.scanning import Finding, ScannerAway

PORT = 3310
CONNECT_SECONDS = 5.0
# For one answer: large PDF files take clamd some seconds.
ANSWER_SECONDS = 60.0
LONGEST_ANSWER = 4096
LARGEST_PIECE = 1 << 16
CLEAN = "stream: OK"
FOUND = " FOUND"


class NoScanner:
    """Stands where no scanner is set: nothing is scanned, and everything says so."""

    present = False

    def scan(self, pieces: Iterable[bytes]) -> Finding:
        """Raise `ScannerAway`: what was not looked at is not called clean."""
        del pieces
        raise ScannerAway("No virus scanner is set: CLAMD_URL.")


class ClamdScanner:
    """Serves `core.scanning.VirusScanner` by a clamd at `tcp://host:port`."""

    present = True

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or PORT)

    def scan(self, pieces: Iterable[bytes]) -> Finding:
        with self._asked() as line:
            line.sendall(b"zINSTREAM\0")
            # What clamd refuses it refuses while it is sent to: its reason is still to be read.
            with suppress(BrokenPipeError, ConnectionResetError):
                for piece in _pieces(pieces):
                    line.sendall(struct.pack(">I", len(piece)) + piece)
                line.sendall(struct.pack(">I", 0))
            said = _answer(line)
        if said == CLEAN:
            return Finding(None, self._version())
        if said.startswith("stream: ") and said.endswith(FOUND):
            return Finding(said.removeprefix("stream: ").removesuffix(FOUND), self._version())
        raise ScannerAway(f"clamd answered: {said or 'nothing'}")

    def _version(self) -> str:
        """The program and the day of its signatures, as clamd tells them."""
        with self._asked() as line:
            line.sendall(b"zVERSION\0")
            return _answer(line)

    @contextmanager
    def _asked(self) -> Iterator[socket.socket]:
        try:
            with socket.create_connection(self._address, timeout=CONNECT_SECONDS) as line:
                line.settimeout(ANSWER_SECONDS)
                yield line
        except OSError as error:
            raise ScannerAway(str(error)) from error


def _pieces(pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        for start in range(0, len(piece), LARGEST_PIECE):
            yield piece[start : start + LARGEST_PIECE]


def _answer(line: socket.socket) -> str:
    """Read up to the null that ends an answer; what ends without one is no answer."""
    said = b""
    while not said.endswith(b"\0"):
        more = line.recv(LONGEST_ANSWER)
        if not more or len(said) > LONGEST_ANSWER:
            raise ScannerAway("clamd broke off.")
        said += more
    return said.rstrip(b"\0").decode(errors="replace").strip()
