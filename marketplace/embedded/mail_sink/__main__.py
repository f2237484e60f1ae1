"""Run the mail sink: ``python -m marketplace.embedded.mail_sink --data DIR``.

Prints one line, ``listening on smtp://127.0.0.1:… http://127.0.0.1:…``, and serves until a
SIGTERM or Ctrl-C.
"""

import argparse
import asyncio
import contextlib
import gc
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from marketplace import WHILE_SERVING
from marketplace.embedded.mail_sink.handing_on import TAKEN, HandingOn
from marketplace.embedded.mail_sink.http import http_server
from marketplace.embedded.mail_sink.store import MessageStore
from marketplace.embedded.processes import LOOPBACK

LARGEST_MESSAGE_BYTES = 50 * 1024 * 1024


class Keeper:
    """Takes every message from aiosmtpd and keeps it."""

    def __init__(self, store: MessageStore, onward: HandingOn | None) -> None:
        self.store = store
        self.onward = onward

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Answer 250 only once the message is on the disk, and handed on where it has to be."""
        content = envelope.original_content or b""
        name = await asyncio.to_thread(
            self.store.add, envelope.mail_from, envelope.rcpt_tos, content
        )
        if (onward := self.onward) is not None:
            for one in onward.concerns(envelope.rcpt_tos):
                answer = await asyncio.to_thread(onward.hand_on, one, content)
                if answer != TAKEN:
                    return answer
        return f"250 kept as {name}"


async def serve(
    store: MessageStore, smtp_port: int, http_port: int, onward: HandingOn | None
) -> None:
    """Serve SMTP and HTTP until a signal asks to stop."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    smtp = await loop.create_server(
        lambda: SMTP(
            Keeper(store, onward),
            hostname="localhost",
            enable_SMTPUTF8=True,
            data_size_limit=LARGEST_MESSAGE_BYTES,
            loop=loop,
        ),
        LOOPBACK,
        smtp_port,
    )
    http = http_server(store, http_port)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    smtp_address = f"smtp://{LOOPBACK}:{smtp.sockets[0].getsockname()[1]}"
    print(f"listening on {smtp_address} http://{LOOPBACK}:{http.server_port}", flush=True)
    async with smtp:
        await stopped.wait()
    http.shutdown()
    http.server_close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the process."""
    gc.set_threshold(*WHILE_SERVING)
    parser = argparse.ArgumentParser(
        prog="python -m marketplace.embedded.mail_sink",
        description="Keep mail instead of delivering it, and show it over HTTP.",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the kept messages")
    parser.add_argument("--smtp-port", type=int, default=0, help="0 (default) takes a free one")
    parser.add_argument("--http-port", type=int, default=0, help="0 (default) takes a free one")
    parser.add_argument(
        "--hand-on",
        nargs=3,
        metavar=("DOMAIN", "URL", "SECRET"),
        help="post mail to this domain there, signed",
    )
    given = parser.parse_args(arguments)
    onward = HandingOn(*given.hand_on) if given.hand_on else None
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(MessageStore(given.data), given.smtp_port, given.http_port, onward))


if __name__ == "__main__":
    main()
