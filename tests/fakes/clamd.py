"""A clamd that knows one virus, on a real socket: `zINSTREAM` and `zVERSION` as its manual has them.

It finds the EICAR test string (https://www.eicar.org/download-anti-malware-testfile/) anywhere in a
stream, closes on streams longer than its limit, and can be told to misbehave.
"""

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# In two parts, so that this file is no virus itself.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
VERSION = "ClamAV 1.4.3/27800/Sun Nov 22 09:26:11 2026"
LIMIT = 25 * 2**20


class Clamd(socketserver.ThreadingTCPServer):
    """`says` takes the place of the answer to a stream; `streams` are those that were sent whole."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0) -> None:
        self.says: bytes | None = None
        self.limit = LIMIT
        self.streams: list[bytes] = []
        super().__init__(("127.0.0.1", port), _Talk)

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.server_address[1]}"


class _Talk(socketserver.BaseRequestHandler):
    server: Clamd
    request: socket.socket

    def handle(self) -> None:
        command = b""
        while not command.endswith(b"\0"):
            command += self._exactly(1)
        if command == b"zVERSION\0":
            self.request.sendall(VERSION.encode() + b"\0")
        elif command == b"zINSTREAM\0":
            self.request.sendall(self._look())
        else:
            self.request.sendall(b"UNKNOWN COMMAND\0")

    def _look(self) -> bytes:
        stream = bytearray()
        while length := struct.unpack(">I", self._exactly(4))[0]:
            if len(stream) + length > self.server.limit:
                return b"INSTREAM size limit exceeded. ERROR\0"
            stream += self._exactly(length)
        self.server.streams.append(bytes(stream))
        if self.server.says is not None:
            return self.server.says
        return b"stream: Eicar-Test-Signature FOUND\0" if EICAR in stream else b"stream: OK\0"

    def _exactly(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            more = self.request.recv(count - len(found))
            if not more:
                raise ConnectionError("the client went away")
            found += more
        return found


@contextmanager
def clamd(port: int = 0) -> Iterator[Clamd]:
    """A running scanner."""
    with Clamd(port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
