"""A load generator in a process of its own: threads, kept-alive connections, bounded in time.

`python -m benchmarks.load PLAN` reads a plan (JSON) and prints one JSON object. Product and
yardstick are asked the same, byte for byte; each ignores the header that is meant for the other.
"""

import hashlib
import hmac
import http.client
import json
import resource
import sys
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks import ids
from benchmarks.figures import latencies

LOOPBACK = "127.0.0.1"
TIMEOUT_SECONDS = 30.0
CREATED = 201
LARGEST_EXAMPLES = 3

Plan = Mapping[str, Any]


@dataclass(slots=True)
class Record:
    """What one client saw of its answers: seconds by kind of step, and answers by status."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[str] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)


class Client:
    """One kept-alive connection to the server under load."""

    def __init__(self, port: int, number: int) -> None:
        self.number = number
        self.record = Record()
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_SECONDS)

    def call(
        self,
        kind: str,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Ask, read the whole answer, note how long it took and what came."""
        began = time.perf_counter()
        self._connection.request(method, path, body, dict(headers or {}))
        response = self._connection.getresponse()
        content = response.read()
        self.note(kind, time.perf_counter() - began)
        self.record.statuses[f"{kind} {response.status}"] += 1
        if response.status >= 400 and len(self.record.odd) < LARGEST_EXAMPLES:
            self.record.odd.append(content[:300].decode(errors="replace"))
        return response.status, content

    def note(self, kind: str, seconds: float) -> None:
        self.record.seconds[kind].append(seconds)

    def close(self) -> None:
        self._connection.close()


def book(plan: Plan, client: Client, turn: int) -> None:
    """Hold a seat and ask to pay for it, as a trainee's client does; a unit is both."""
    spread = plan["spread"]
    blocks = plan["blocks"] if spread else 1
    per_client = plan["trainees"] // plan["clients"]
    nth, block = divmod(turn, blocks)
    if nth >= per_client:
        raise StopIteration
    trainee = client.number * per_client + nth
    listing = (client.number + plan["clients"] * turn) % plan["listings"] if spread else 0
    first_day = date.fromisoformat(plan["first_day"]) + timedelta(days=28 * block)
    headers = {
        "Authorization": f"Bearer {plan['tokens'][trainee]}" if plan["tokens"] else "",
        "X-Trainee": str(ids.of(ids.TRAINEE, plan.get("first_trainee", 0) + trainee)),
        "Content-Type": "application/json",
    }
    wish = {
        "listing_id": str(ids.of(ids.LISTING, plan["first_listing"] + listing)),
        "first_day": first_day.isoformat(),
        "weeks": 4,
    }
    began = time.perf_counter()
    status, content = client.call(
        "hold", "POST", "/api/v1/bookings", json.dumps(wish).encode(), _once(headers)
    )
    if status != CREATED:
        return
    path = f"/api/v1/bookings/{json.loads(content)['id']}/payments"
    status, _ = client.call("pay", "POST", path, b"{}", _once(headers))
    if status == CREATED:
        client.note("unit", time.perf_counter() - began)


def get(plan: Plan, client: Client, turn: int) -> None:
    """Read the plan's paths, one after another; a unit is one answer of 200."""
    paths = plan["paths"]
    began = time.perf_counter()
    path = paths[(client.number * 7 + turn) % len(paths)]
    status, _ = client.call("get", "GET", path)
    if status == http.client.OK:
        client.note("unit", time.perf_counter() - began)


def webhook(plan: Plan, client: Client, turn: int) -> None:
    """Send a signed event that nobody sent before; a unit is one that was kept."""
    del turn
    stamp = int(time.time())
    event = {
        "id": f"evt_{uuid.uuid4().hex}",
        "object": "event",
        "type": "payment_intent.created",
        "api_version": "2026-05-27.dahlia",
        "created": stamp,
        "livemode": False,
        "data": {"object": {"id": f"pi_{uuid.uuid4().hex}", "object": "payment_intent"}},
    }
    body = json.dumps(event).encode()
    secret = str(plan["webhook_secret"]).encode()
    mark = hmac.new(secret, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "Stripe-Signature": f"t={stamp},v1={mark}"}
    began = time.perf_counter()
    status, _ = client.call("event", "POST", "/api/v1/stripe/webhook", body, headers)
    if status == http.client.OK:
        client.note("unit", time.perf_counter() - began)


SCENARIOS: Mapping[str, Callable[[Plan, Client, int], None]] = {
    "book": book,
    "get": get,
    "webhook": webhook,
}


def _once(headers: Mapping[str, str]) -> dict[str, str]:
    return {**headers, "Idempotency-Key": uuid.uuid4().hex}


def drive(plan: Plan) -> dict[str, Any]:
    """Run the plan's scenario from all its clients at once.

    `seconds` bounds the time, `turns` (0: none) the units that each client tries.
    """
    clients = [Client(plan["port"], number) for number in range(plan["clients"])]
    scenario = SCENARIOS[plan["scenario"]]
    begin = time.perf_counter()
    end = begin + plan["seconds"]
    errors: list[str] = []

    def run(client: Client) -> None:
        turns = range(plan["turns"]) if plan["turns"] else count()
        try:
            for turn in turns:
                if time.perf_counter() >= end:
                    return
                try:
                    scenario(plan, client, turn)
                except (OSError, http.client.HTTPException) as error:
                    errors.append(f"client {client.number}: {error!r}")
                    client.close()  # the next request opens it again
                except StopIteration:
                    errors.append(f"client {client.number} has asked for all that there is")
                    return
        finally:
            client.close()

    threads = [threading.Thread(target=run, args=(client,)) for client in clients]
    before = _cpu_seconds()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The last answers come after the end of the time: they count, and so does their wait.
    elapsed = time.perf_counter() - begin
    return _summary(clients, elapsed, _cpu_seconds() - before, errors)


def _summary(
    clients: list[Client], elapsed: float, cpu: float, errors: list[str]
) -> dict[str, Any]:
    merged: dict[str, list[float]] = defaultdict(list)
    statuses: Counter[str] = Counter()
    for client in clients:
        statuses.update(client.record.statuses)
        for kind, seconds in client.record.seconds.items():
            merged[kind].extend(seconds)
    units = merged.get("unit", [])
    return {
        "units": len(units),
        "requests": statuses.total(),
        "seconds": elapsed,
        "rate": len(units) / elapsed if elapsed > 0 else 0.0,
        "unit_seconds": units,
        "latency_ms": {kind: latencies(seconds) for kind, seconds in sorted(merged.items())},
        "statuses": dict(sorted(statuses.items())),
        "cpu_seconds": cpu,
        "errors": errors,
        "odd": [text for client in clients for text in client.record.odd][:LARGEST_EXAMPLES],
    }


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    print(json.dumps(drive(json.loads(Path(sys.argv[1]).read_text()))))
