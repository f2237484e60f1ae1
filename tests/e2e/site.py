"""The whole product as its users meet it: web server, worker, database, cache, Stripe, mail.

Everything runs in processes of its own, started as `make run` starts it. What a test needs to
find there (people, sites with seats) is made through the product's own services; all else goes
over HTTP, the command line and the mailbox.
"""

import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import structlog
from sqlalchemy import text

from config.settings import load
from marketplace.adapters import migrate
from marketplace.app import create_app, sessions_of
from marketplace.core.clock import SystemClock
from marketplace.embedded.processes import StackError, choose_port, descendants
from marketplace.embedded.run import PROJECT, answers, usual_plan
from marketplace.embedded.stack import Stack
from marketplace.embedded.supervisor import Supervisor
from tests.factories.people import People, Person
from tests.factories.rotations import Place, Stage
from tests.smoke.clients import Api, Mailbox, Terminal, pay, until

TICK_SECONDS = 0.1
READY_SECONDS = 60.0
WEEK = timedelta(weeks=1)
WEB = 2
# Far enough ahead for every policy, whenever the tests are run.
FIRST_DAY = date.today() + timedelta(weeks=12, days=-date.today().weekday())


class Site:
    """A running product, and the means to hurt it."""

    def __init__(self, home: Path) -> None:
        port = choose_port()
        plan = usual_plan(port, web_workers=WEB, demo=False)
        self.stack = Stack(home, site_url=f"http://127.0.0.1:{port}", given={}, progress=_silent)
        self.stack.start()
        self.environment = {
            **self.stack.environment(),
            "RATE_LIMIT": "1000000/minute",
            "LOGIN_RATE_LIMIT": "1000000/minute",
        }
        self.base = self.stack.site_url
        settings = load(self.environment)
        migrate.upgrade(settings.database_url)
        self.supervisor = Supervisor(
            children=plan.children,
            logs=home / "logs",
            environment={**os.environ, **self.environment},
            directory=PROJECT,
            parent=os.getpid(),
            say=_silent,
        )
        self.supervisor.start()
        self._minding = threading.Lock()
        self._ended = threading.Event()
        self._minder = threading.Thread(target=self._mind, daemon=True)
        self._minder.start()
        logs = structlog.get_config()
        self.app = create_app(settings)
        # What this process logs is for its other tests to hear, too.
        structlog.configure(**logs)
        self.people = People(self.app)
        self.stage = Stage(sessions_of(self.app), SystemClock())  # type: ignore[arg-type] # asked for the time only
        self._clients: list[httpx.Client] = []
        self.mail = Mailbox(self.environment["MAIL_SINK_URL"])
        self.terminal = Terminal(self.environment)
        self.await_ready()

    def stop(self) -> None:
        self.calm()
        self.mail.http.close()
        self._ended.set()
        self._minder.join()
        with self.app.app_context():
            self.app.extensions["sqlalchemy"].engine.dispose()
        self.supervisor.stop()
        self.stack.stop()

    def await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not answers(f"{self.base}/readyz"):
            assert time.monotonic() < deadline, (self.stack.home / "logs/web.log").read_text()
            time.sleep(TICK_SECONDS)

    def _mind(self) -> None:
        """Restart what ended, as `make run` does."""
        while not self._ended.wait(TICK_SECONDS):
            with self._minding:
                self.supervisor.check()
                # Killed again before it was up: the next look starts it once more.
                with suppress(StackError):
                    self.stack.revive()

    # Who and what there is.

    def trainee(self) -> Api:
        return self.signed_in(self.people.trainee(visa_type="b1_b2"))

    def signed_in(self, person: Person) -> Api:
        api = Api(self.base)
        api.http.headers["Authorization"] = f"Bearer {person.token}"
        api.person = person  # type: ignore[attr-defined] # remembered for the mailbox
        self._clients.append(api.http)
        return api

    def place(self, seats: int = 1) -> Place:
        return self.stage.place(
            seats_per_week=seats,
            first_start=FIRST_DAY.isoformat(),
            last_start=(FIRST_DAY + 20 * WEEK).isoformat(),
        )

    def sql(self, query: str, **values: Any) -> Any:
        """The first value that a query finds."""
        with self.stage.transaction() as session:
            return session.execute(text(query), values).scalar()

    # What users do.

    def hold(self, who: Api, place: Place, weeks: int = 4, first: date = FIRST_DAY) -> Any:
        return who("POST", "/bookings", wish(place, weeks, first), expect=201)

    def ask_to_pay(self, who: Api, booking: Any) -> str:
        """Ask for the deposit; the path of the payment."""
        asked = who("POST", f"/bookings/{booking['id']}/payments", {}, expect=201)
        return f"/payments/{asked['payment_id']}"

    def page(self, who: Api, path: str) -> str:
        """The address of the payment page, once there is one."""
        return until("the payment page", lambda: who("GET", path)["checkout_url"])

    def state(self, who: Api, booking: Any) -> str:
        return who("GET", f"/bookings/{booking['id']}")["state"]

    def await_state(self, who: Api, booking: Any, state: str) -> None:
        until(f"the booking to be {state}", lambda: self.state(who, booking) == state)

    def asked(self) -> tuple[Api, Any, str]:
        """A trainee with a held booking whose deposit is asked for."""
        who = self.trainee()
        booking = self.hold(who, self.place())
        return who, booking, self.ask_to_pay(who, booking)

    def paid(self) -> tuple[Api, Any, str]:
        """The same, with the payment made on the hosted page."""
        who, booking, path = self.asked()
        pay(self.page(who, path))
        return who, booking, path

    def receipts(self, who: Api) -> int:
        """How many receipts were mailed."""
        to = {"to": who.person.email}  # type: ignore[attr-defined] # see signed_in
        listed = self.mail.http.get("/messages", params=to).json()
        entries = listed.get("messages", listed.get("items", []))
        shown = [self.mail.http.get(f"/messages/{entry['id']}").json() for entry in entries]
        return sum("receipt-" in str(message["attachments"]) for message in shown)

    # What goes wrong.

    def fault(self, kind: str, **fields: Any) -> Any:
        """Ask the Stripe sandbox for something to go wrong."""
        answer = httpx.post(f"{self.sandbox}/_sandbox/faults", json={"kind": kind, **fields})
        assert answer.is_success, answer.text
        return answer.json()

    def calm(self) -> None:
        """Let nothing go wrong any more, and hang up on everybody."""
        httpx.delete(f"{self.sandbox}/_sandbox/faults")
        while self._clients:
            self._clients.pop().close()

    @property
    def sandbox(self) -> str:
        return self.environment["STRIPE_API_BASE"]

    def sessions_at_stripe(self, payment: str) -> list[Any]:
        """Every Checkout Session that was made for a payment."""
        found = httpx.get(
            f"{self.sandbox}/v1/checkout/sessions",
            params={"limit": 100},
            headers={"Authorization": f"Bearer {self.environment['STRIPE_SECRET_KEY']}"},
        ).json()["data"]
        return [one for one in found if payment.endswith(one["client_reference_id"])]

    @contextmanager
    def without(self, name: str) -> Iterator[None]:
        """Kill -9 all processes of `web` or `worker`; they stay down within."""
        with self._minding:
            self.kill(name)
            yield

    def kill(self, name: str) -> None:
        for pid in descendants(self.supervisor.pids()[name]):
            _kill(pid)

    def kill_one_web_process(self) -> None:
        """Kill -9 the oldest of the processes that serve requests, below the one that minds them."""
        (server,) = self.children("web")
        crew = until(
            "all web processes", lambda: len(_children(server)) >= WEB and _children(server)
        )
        _kill(crew[0])
        until("its successor", lambda: crew[0] not in _children(server))

    def children(self, name: str) -> list[int]:
        """The processes right below the guard of `web` or `worker`; none between two lives."""
        guard = self.supervisor.pids().get(name)
        return _children(guard) if guard else []

    def kill_cache(self) -> None:
        valkey = self.stack.valkey
        assert valkey is not None
        assert valkey.process is not None
        for pid in descendants(valkey.process.pid):
            _kill(pid)

    def forget_silent_workers(self) -> None:
        """Let the time pass after which a killed worker's jobs are given back."""
        self.sql(
            "WITH gone AS (UPDATE procrastinate_workers SET last_heartbeat = :past RETURNING 1)"
            " SELECT count(*) FROM gone",
            past=datetime.now(UTC) - timedelta(minutes=2),
        )


def wish(place: Place, weeks: int = 4, first: date = FIRST_DAY) -> dict[str, Any]:
    return {"listing_id": str(place.listing_id), "first_day": first.isoformat(), "weeks": weeks}


def send_surely(who: Api, path: str, body: Any, seconds: float = 30.0) -> httpx.Response:
    """POST as a careful client does: the same key again until there is an answer."""
    key = {"Idempotency-Key": str(uuid.uuid4())}
    deadline = time.monotonic() + seconds
    while True:
        try:
            answer = who.send("POST", path, body, headers=key)
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
            continue
        busy = answer.status_code == 409 and answer.json()["code"] == "idempotency_in_flight"
        if not busy and answer.status_code != 503:
            return answer
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.05)


def _children(pid: int) -> list[int]:
    everything = descendants(pid)
    below = {grandchild for child in everything for grandchild in descendants(child)}
    return sorted(set(everything) - below)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _silent(_line: str) -> None:
    """The processes' logs are in the stack's folder."""
