"""A processor that has a long list to tell: Stripe's pages of balance transactions and events.

It makes each page when it is asked for; only what a reconciliation asks is answered. The objects are
as long as Stripe's own, so that reading them costs what it costs.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from benchmarks import books

LOOPBACK = "127.0.0.1"
# So long ago did the last of them happen: nothing is under way any more.
SECONDS_AGO = 3_600
Row = dict[str, Any]


class Listed:
    """`count` payments with their fees, the newest first, as Stripe would list them."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.now = int(time.time()) - SECONDS_AGO

    def balance_transaction(self, number: int) -> Row:
        at = self.now - (self.count - number)
        return {
            "id": f"txn_{number:020d}",
            "object": "balance_transaction",
            "amount": books.PAID,
            "available_on": at + 172_800,
            "balance_type": "payments",
            "created": at,
            "currency": "usd",
            "description": "Internal Medicine Rotation, 4 weeks",
            "exchange_rate": None,
            "fee": books.FEE_KEPT,
            "fee_details": [
                {
                    "amount": books.FEE_KEPT,
                    "application": None,
                    "currency": "usd",
                    "description": "Stripe processing fees",
                    "type": "stripe_fee",
                }
            ],
            "net": books.PAID - books.FEE_KEPT,
            "reporting_category": "charge",
            "source": f"ch_{number:020d}",
            "status": "available",
            "type": "charge",
        }

    def event(self, number: int) -> Row:
        charge = {
            **self.balance_transaction(number),
            "id": f"ch_{number:020d}",
            "object": "charge",
            "amount_captured": books.PAID,
            "balance_transaction": f"txn_{number:020d}",
            "billing_details": dict.fromkeys(("address", "email", "name", "phone", "tax_id")),
            "outcome": {"network_status": "approved_by_network", "type": "authorized"},
            "payment_method_details": {"card": {"brand": "visa", "last4": "4242"}, "type": "card"},
        }
        return {
            "id": f"evt_{number:020d}",
            "object": "event",
            "account": None,
            "api_version": "2026-05-27.dahlia",
            "created": charge["created"],
            "data": {"object": charge},
            "livemode": False,
            "pending_webhooks": 0,
            "request": {"id": None, "idempotency_key": None},
            "type": "charge.succeeded",
        }

    def balance(self) -> Row:
        held = self.count * (books.PAID - books.FEE_KEPT)
        return {
            "object": "balance",
            "available": [{"amount": held, "currency": "usd", "source_types": {"card": held}}],
            "livemode": False,
            "pending": [{"amount": 0, "currency": "usd", "source_types": {"card": 0}}],
        }

    def page(self, path: str, make: Callable[[int], Row], asked: dict[str, list[str]]) -> Row:
        """One page, after the object that the caller names."""
        after = asked.get("starting_after")
        first = int(after[0].rpartition("_")[2]) if after else self.count
        size = int(asked["limit"][0])
        last = max(first - size, 0)
        return {
            "object": "list",
            "url": path,
            "has_more": last > 0,
            "data": [make(number) for number in range(first - 1, last - 1, -1)],
        }

    def answer(self, target: str) -> Row | None:
        """What is answered to a path with its query; None where we know nothing of it."""
        parts = urlsplit(target)
        asked = parse_qs(parts.query)
        if parts.path == "/v1/balance":
            return self.balance()
        if parts.path == "/v1/balance_transactions":
            return self.page(parts.path, self.balance_transaction, asked)
        if parts.path == "/v1/events":
            return self.page(parts.path, self.event, asked)
        return None


@contextmanager
def listening(count: int) -> Iterator[str]:
    """The address of a processor with so many payments."""
    listed = Listed(count)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body go out together: apart, the second waits for the first's acknowledgement.
        wbufsize = 1 << 16

        def do_GET(self) -> None:
            found = listed.answer(self.path)
            body = json.dumps(found or {"error": {"message": "not here"}}).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
