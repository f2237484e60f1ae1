"""``python -m marketplace.embedded.stripe_sandbox``: run the sandbox."""

import argparse
import gc
import logging
from collections.abc import Sequence
from pathlib import Path

from marketplace import WHILE_SERVING
from marketplace.embedded.stripe_sandbox.app import Endpoint
from marketplace.embedded.stripe_sandbox.deliveries import Retry
from marketplace.embedded.stripe_sandbox.server import serve
from marketplace.embedded.stripe_sandbox.work import Settings


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m marketplace.embedded.stripe_sandbox",
        description="A loopback stand-in for Stripe, for development and tests. Prints one line "
        "when it is ready: listening on http://127.0.0.1:PORT",
    )
    add = made.add_argument
    add("--host", default="127.0.0.1", help="loopback address to listen on (default: %(default)s)")
    add("--port", type=int, default=0, help="port; 0 takes a free one (default: %(default)s)")
    add("--data", type=Path, required=True, metavar="DIR", help="directory of the durable store")
    add("--webhook-url", metavar="URL", help="send the platform's events here")
    add("--webhook-secret", metavar="WHSEC", help="secret that signs them")
    add("--connect-webhook-url", metavar="URL", help="send connected accounts' events here")
    add("--connect-webhook-secret", metavar="WHSEC", help="secret that signs those")
    add(
        "--api-key",
        action="append",
        default=[],
        metavar="SK_TEST",
        help="take only this key (may be repeated; default: every sk_test_ key)",
    )
    add(
        "--bank-debits",
        action="store_true",
        help="payment pages take bank debits too, which settle or fail later",
    )
    add(
        "--parent-pid",
        type=int,
        metavar="PID",
        help="end when this process is gone, however it ended",
    )
    add(
        "--available-after",
        type=int,
        default=172_800,
        metavar="SECONDS",
        help="how long a payment stays pending in the balance (default: two days)",
    )
    add(
        "--opening-balance",
        type=int,
        default=0,
        metavar="CENTS",
        help="US cents that the platform has paid in itself, once (default: %(default)s)",
    )
    add(
        "--settle-after",
        type=int,
        default=3,
        metavar="SECONDS",
        help="how long bank debits, pending refunds and payouts take (default: %(default)s)",
    )
    add(
        "--retry-first",
        type=float,
        default=1.0,
        metavar="SECONDS",
        help="first wait before a webhook is sent again, then doubled (default: %(default)s)",
    )
    add(
        "--retry-longest",
        type=float,
        default=3_600.0,
        metavar="SECONDS",
        help="longest wait between two attempts (default: %(default)s)",
    )
    add(
        "--retry-attempts",
        type=int,
        default=16,
        metavar="N",
        help="attempts before a delivery is given up (default: %(default)s)",
    )
    add(
        "--webhook-timeout",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="how long an endpoint may take to answer (default: %(default)s)",
    )
    return made


def _endpoints(made: argparse.ArgumentParser, options: argparse.Namespace) -> tuple[Endpoint, ...]:
    pairs = (
        ("we_command_line", options.webhook_url, options.webhook_secret, False),
        (
            "we_command_line_connect",
            options.connect_webhook_url,
            options.connect_webhook_secret,
            True,
        ),
    )
    if any(bool(url) != bool(secret) for _, url, secret, _ in pairs):
        made.error("a webhook address and its secret are given together")
    return tuple(
        Endpoint(object_id, url, secret, connect)
        for object_id, url, secret, connect in pairs
        if url
    )


def main(arguments: Sequence[str] | None = None) -> None:
    gc.set_threshold(*WHILE_SERVING)
    made = parser()
    options = made.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="stripe sandbox: %(levelname)s %(message)s")
    settings = Settings(
        available_after=options.available_after,
        settle_after=options.settle_after,
        keys=tuple(options.api_key),
        bank_debits=options.bank_debits,
        opening_balance=options.opening_balance,
    )
    retry = Retry(
        first=options.retry_first,
        longest=options.retry_longest,
        attempts=options.retry_attempts,
        timeout=options.webhook_timeout,
    )
    given = _endpoints(made, options)
    serve(
        options.host,
        options.port,
        options.data,
        settings,
        retry,
        given,
        options.parent_pid,
    )


if __name__ == "__main__":
    main()
