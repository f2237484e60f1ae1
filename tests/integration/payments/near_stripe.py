"""Stripe's sandbox in this process: its store on a disk, the official SDK on its WSGI.

No server, and none of its threads: events wait until somebody carries them, time passes when it is
told to, and any answer can be lost on its way. It has the time of our own clock, and so have we when
we ask how late it is there.
"""

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import stripe
from flask.testing import FlaskClient
from requests.adapters import BaseAdapter

from marketplace.adapters.stripe_connect import StripeConnect
from marketplace.adapters.stripe_disputes import StripeDisputes
from marketplace.adapters.stripe_gateway import StripeGateway
from marketplace.core.clock import FixedClock
from marketplace.core.parts import Parts
from marketplace.embedded.stripe_sandbox.app import Endpoint, Sandbox, build, create_app
from marketplace.embedded.stripe_sandbox.deliveries import Retry, signed
from marketplace.embedded.stripe_sandbox.errors import ApiError
from marketplace.embedded.stripe_sandbox.faults import RequestFault
from marketplace.embedded.stripe_sandbox.render import Renderer
from marketplace.embedded.stripe_sandbox.resources.endpoints import live_secrets
from marketplace.embedded.stripe_sandbox.shapes import PLATFORM, Json
from marketplace.embedded.stripe_sandbox.work import Settings
from marketplace.payments.gateway import DisputeGateway, HostGateway, PaymentGateway
from tests.integration.stripe_sandbox.running import KEY, SECRET, check_balance

BASE = "http://stripe.test"
HOOK = "http://marketplace.test/api/v1/stripe/webhook"
AVAILABLE_AFTER, SETTLE_AFTER = timedelta(minutes=50), timedelta(hours=1)
WEATHER = {
    "busy": RequestFault("error", method="POST", status=429),
    "kept 500": RequestFault("error", method="POST", stored=True),
    "kept 500 of work that was done": RequestFault("error", method="POST", stored=True, work=True),
}
"""What may go wrong with a call besides the network: the sandbox's faults."""


class Wire(BaseAdapter):
    """Carries requests to the sandbox; `cut` loses the next one, or the answer to it."""

    browser: FlaskClient
    cut: str | None = None

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        cut, self.cut = self.cut, None
        if cut == "before":
            raise requests.ConnectionError("it never got there")
        assert request.url is not None
        target = urlsplit(request.url)
        headers = list(request.headers.items())
        given = {"query_string": target.query, "data": request.body or b"", "headers": headers}
        answer = self.browser.open(target.path, method=request.method, **given)
        if cut == "after":
            raise requests.ConnectionError("the answer never came")
        made = requests.Response()
        made.status_code, made.raw = answer.status_code, io.BytesIO(answer.data)
        made.headers.update(answer.headers.items())
        return made

    def close(self) -> None:
        pass


class _Gateway(StripeGateway):
    """Tells the time of the clock that it is given."""

    clock: FixedClock

    def now(self) -> datetime:
        return self.clock.now()


class NearStripe:
    """A sandbox in a folder; what payers, banks, hosts and Stripe do, and what it sends us."""

    def __init__(self, folder: Path, clock: FixedClock) -> None:
        self.folder, self.clock, self.wire = folder, clock, Wire()
        session = requests.Session()
        session.trust_env = False
        session.mount(BASE, self.wire)
        self.client = stripe.StripeClient(
            KEY,
            base_addresses={"api": BASE, "files": BASE},
            max_network_retries=0,
            http_client=stripe.RequestsClient(session=session),
        )
        self.sandbox: Sandbox = self._build()

    def _build(self) -> Sandbox:
        after, settle = AVAILABLE_AFTER.total_seconds(), SETTLE_AFTER.total_seconds()
        settings = Settings(BASE, int(after), int(settle), bank_debits=True)
        ours, theirs = Endpoint("we_ours", HOOK, SECRET), Endpoint("we_theirs", HOOK, SECRET, True)
        built = build(self.folder, settings, Retry(), (ours, theirs))
        built.clock.now = lambda: self.clock.now().timestamp()
        self.wire.browser = create_app(built).test_client()
        return built

    def restart(self) -> None:
        """Its process is gone and another one begins, with what is in the folder."""
        self.close()
        self.sandbox = self._build()

    def close(self) -> None:
        self.sandbox.store.close()

    def serve(self, parts: Parts) -> None:
        """Put true adapters into `parts`, with the SDK's client that calls this sandbox."""
        made = (_Gateway(KEY, webhook_secrets=(SECRET,), waits=()), StripeConnect(KEY, waits=()))
        made = (*made, StripeDisputes(KEY, waits=()))
        protocols = (PaymentGateway, HostGateway, DisputeGateway)
        for protocol, adapter in zip(protocols, made, strict=True):
            # The client is made at the first call, unless there is one.
            vars(adapter)["_client"] = self.client
            parts.add(protocol, adapter)
        made[0].clock = self.clock

    @contextmanager
    def weather(self, kind: str) -> Iterator[None]:
        """What happens to the first call in the block: nothing, or the network, or a fault."""
        if kind in WEATHER:
            fault = WEATHER[kind]
            self.sandbox.faults.add(RequestFault(**{**vars(fault), "times": 1}))
        self.wire.cut = kind if kind in {"before", "after"} else None
        try:
            yield
        finally:
            self.sandbox.faults.clear()
            self.wire.cut = None

    def pass_time(self, time_passed: timedelta) -> None:
        self.clock.advance(time_passed)
        self.sandbox.ticker.run_due()

    def held(self, kind: str, account: str | None = PLATFORM, **where: str) -> list[Json]:
        """What it holds of a kind, of an account or of all, oldest first."""
        with self.sandbox.store.read() as tx:
            return tx.select(kind, account, where)[::-1]

    def act(self, act: Callable[..., Json], **fields: Any) -> Json | None:
        """Something that a bank or Stripe does; None where the state of things forbids it."""
        with suppress(ApiError), self.sandbox.store.write() as tx:
            return act(self.sandbox.api.work(tx), **fields)
        return None

    def visit(self, url: str, **fields: str) -> tuple[int, str]:
        """A form that is sent from a hosted page: the status, and where it leads to."""
        answer = self.wire.browser.post(urlsplit(url).path, data=fields)
        return answer.status_code, answer.headers.get("Location", "")

    def pay_out(self, amount: int, currency: str, account: str | None = None) -> None:
        """A payout to the bank of a host, or to ours; refused where the balance does not cover it."""
        there: Any = {"stripe_account": account} if account else {}
        with suppress(stripe.InvalidRequestError):
            self.client.v1.payouts.create({"amount": amount, "currency": currency}, there)

    def balance(self) -> dict[str, int]:
        """What `GET /v1/balance` says, by currency: as much as all balance transactions."""
        return {name.upper(): minor for name, minor in check_balance(self.client).items()}

    def undelivered(self) -> list[int]:
        with self.sandbox.store.read() as tx:
            rows = tx.sql.execute("SELECT id FROM delivery WHERE state = 'pending' ORDER BY id")
            return [row[0] for row in rows.fetchall()]

    def letter(self, delivery: int) -> tuple[str, bytes, str]:
        """A delivery as it is sent: the event's id, the body, the header with its signature."""
        with self.sandbox.store.read() as tx:
            wanted = "SELECT event, endpoint FROM delivery WHERE id = ?"
            name, where = tx.sql.execute(wanted, (delivery,)).fetchone()
            event, endpoint = tx.find(name), tx.find(where)
            assert event is not None
            assert endpoint is not None
            now = int(self.clock.now().timestamp())
            shown = Renderer(tx, now).answer(event)
        secrets = [secret["value"] for secret in live_secrets(endpoint, now)]
        # Signatures are judged by the system's clock.
        return name, *signed(shown, secrets, int(time.time()), None)

    def close_delivery(self, delivery: int, state: str) -> None:
        """It was `delivered`, or `lost`: it is not sent again."""
        with self.sandbox.store.write() as tx:
            tx.sql.execute("UPDATE delivery SET state = ? WHERE id = ?", (state, delivery))
