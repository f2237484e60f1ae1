"""Serving on loopback, one process with threads, that goes when its parent goes.

One process on purpose: it owns the store, the delivery threads and the clock, so a kill -9 of its
one pid is the whole crash, and a dropped answer can be played on the connection itself.
"""

import ipaddress
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from marketplace.embedded.stripe_sandbox.app import Endpoint, build, create_app
from marketplace.embedded.stripe_sandbox.deliveries import Retry
from marketplace.embedded.stripe_sandbox.work import Settings


class _Handler(WSGIRequestHandler):
    """Keeps connections open, and says nothing of each request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def serve(
    host: str,
    port: int,
    directory: Path,
    settings: Settings,
    retry: Retry,
    endpoints: tuple[Endpoint, ...],
    parent: int | None,
) -> None:
    """Serve until SIGTERM or SIGINT, or until ``parent`` is gone. Prints one line when ready."""
    if not ipaddress.ip_address(host).is_loopback:
        raise SystemExit("the sandbox listens on loopback addresses only")
    listening = _bind(host, port)
    chosen = listening.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    ready = replace(settings, base_url=f"http://{shown}:{chosen}")
    sandbox = build(directory, ready, retry, endpoints)
    server = make_server(
        host,
        chosen,
        create_app(sandbox),
        threaded=True,
        request_handler=_Handler,
        fd=listening.fileno(),
    )
    _stop_on_signals(server)
    if parent is not None:
        threading.Thread(target=_follow, args=(parent, os.getppid()), daemon=True).start()
    sandbox.start()
    print(f"listening on {ready.base_url}", flush=True)
    server.serve_forever(poll_interval=0.2)
    sandbox.stop()
    sys.stdout.flush()
    # Threads may hang in a played fault; everything acknowledged is on disk already.
    os._exit(0)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        raise SystemExit(f"port {port} can't be used: {error.strerror}") from error
    listening.listen(512)
    return listening


def _stop_on_signals(server: BaseWSGIServer) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _follow(parent: int, first_parent: int, end: Callable[[int], object] = os._exit) -> None:
    """End this process once the given one is gone (it may be further up than the parent)."""
    while True:
        if not _alive(parent) or (parent == first_parent and os.getppid() != parent):
            end(0)
            return
        time.sleep(0.3)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
