"""The sandbox as a real process, a payer's browser, and a receiver of webhooks."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import stripe

KEY = "sk_test_for_the_sandbox_tests"
SECRET = "whsec_for_the_sandbox_tests"
RETURN = "http://127.0.0.1:9"


class Process:
    """One sandbox process on a free port; `kill` is kill -9."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        self.options = options
        self._start("0")

    def _start(self, port: str) -> None:
        command = [sys.executable, "-m", "marketplace.embedded.stripe_sandbox"]
        command += ["--port", port, "--data", str(self.directory), "--parent-pid", str(os.getpid())]
        self.process = subprocess.Popen(
            [*command, *self.options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("listening on "), self.process.stderr.read()
        self.url = line.split()[-1]

    def client(self, *, retries: int = 0, **options: Any) -> stripe.StripeClient:
        return stripe.StripeClient(
            KEY,
            base_addresses={"api": self.url, "files": self.url},
            max_network_retries=retries,
            **options,
        )

    def fault(self, kind: str, **fields: Any) -> Any:
        """Ask the fault interface for something."""
        return self.json("POST", "/_sandbox/faults", {"kind": kind, **fields})

    def json(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(self.url + path, method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def kill(self) -> None:
        self.process.kill()
        self._reap()

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        return self._reap()

    def _reap(self) -> int:
        code = self.process.wait(10)
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()
        return code

    def restart(self) -> None:
        """Start again on the same port, as a supervisor does."""
        self._start(self.url.rpartition(":")[2])


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_browser = urllib.request.build_opener(_NoRedirect)


def visit(url: str, **fields: str) -> tuple[int, str, str]:
    """GET, or POST of a form: status, address it leads to, text of the page."""
    data = urllib.parse.urlencode(fields).encode() if fields else None
    try:
        answer = _browser.open(url, data, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.headers.get("Location", ""), answer.read().decode()


def card(number: str) -> dict[str, str]:
    return {"email": "payer@example.org", "number": number, "expiry": "12/34", "cvc": "123"}


class Receiver:
    """A webhook endpoint that keeps what it gets; `answers` are the next statuses to give."""

    def __init__(self) -> None:
        self.got: list[tuple[bytes, str]] = []
        self.answers: list[int] = []
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver._lock:
                    receiver.got.append((body, self.headers["Stripe-Signature"]))
                    status = receiver.answers.pop(0) if receiver.answers else 200
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body, _ in self.got]

    @property
    def types(self) -> list[str]:
        return [body["type"] for body in self.bodies]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [body for body in self.bodies if body["type"] == kind]


def eventually(check: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Wait until `check` gives something true, and return it."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def new_session(client: stripe.StripeClient, amount: int = 42_500, **more: Any) -> Any:
    price = {"currency": "usd", "unit_amount": amount, "product_data": {"name": "Four weeks"}}
    return client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "line_items": [{"price_data": price, "quantity": 1}],
            "success_url": RETURN + "/paid?session={CHECKOUT_SESSION_ID}",
            "cancel_url": RETURN + "/cancelled",
            **more,
        }
    )


def new_payment(client: stripe.StripeClient, amount: int = 10_000, **more: Any) -> Any:
    return client.v1.payment_intents.create(
        {
            "amount": amount,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            **more,
        }
    )


def new_host(process: Process, client: stripe.StripeClient) -> Any:
    """An onboarded connected account."""
    account = client.v1.accounts.create(
        {
            "type": "express",
            "country": "US",
            "email": "host@example.org",
            "capabilities": {
                "transfers": {"requested": True},
                "card_payments": {"requested": True},
            },
        }
    )
    process.fault("account.enable", account=account.id)
    return client.v1.accounts.retrieve(account.id)


def check_balance(client: stripe.StripeClient, account: str | None = None) -> dict[str, int]:
    """The balance by currency, after checking that it is the sum of its transactions."""
    options: Any = {"stripe_account": account} if account else {}
    balance = client.v1.balance.retrieve(options=options)
    shown: dict[str, int] = {}
    for part in [*balance.available, *balance.pending]:
        shown[part.currency] = shown.get(part.currency, 0) + part.amount
    summed = dict.fromkeys(shown, 0)
    pages = client.v1.balance_transactions.list({"limit": 100}, options)
    for entry in pages.auto_paging_iter():
        assert entry.net == entry.amount - entry.fee
        summed[entry.currency] += entry.net
    assert shown == summed
    return shown
