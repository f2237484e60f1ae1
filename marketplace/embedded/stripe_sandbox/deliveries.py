"""Webhook deliveries: at least once, signed, retried with back-off, durable across a restart.

Each delivery is a row; a row is done only when the endpoint answered 2xx. Several threads send at
once, so that order is not promised, as with Stripe. Rows that share a ``lane`` go one by one.
"""

import http.client
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from marketplace.embedded.stripe_sandbox import ids, signature
from marketplace.embedded.stripe_sandbox.clock import SandboxClock
from marketplace.embedded.stripe_sandbox.faults import Faults, WebhookFault
from marketplace.embedded.stripe_sandbox.render import Renderer
from marketplace.embedded.stripe_sandbox.resources.endpoints import live_secrets
from marketplace.embedded.stripe_sandbox.shapes import PLATFORM, Json
from marketplace.embedded.stripe_sandbox.store import Store

_SUCCESS = 2
"""First digit of the statuses that acknowledge a delivery."""


@dataclass(frozen=True)
class Retry:
    """Back-off of failed deliveries: ``first`` seconds, doubled up to ``longest``."""

    first: float = 1.0
    longest: float = 3_600.0
    attempts: int = 16
    timeout: float = 10.0

    def wait(self, attempt: int) -> float:
        """Seconds until the next attempt after ``attempt`` failures (from 1)."""
        return min(self.longest, self.first * 2.0 ** min(attempt - 1, 40))


class Deliveries:
    """The sending threads. ``wake`` after a commit; ``stop`` at the end."""

    def __init__(
        self, store: Store, clock: SandboxClock, faults: Faults, retry: Retry, threads: int = 8
    ) -> None:
        self._store = store
        self._clock = clock
        self._faults = faults
        self._retry = retry
        self._wakeup = threading.Event()
        self._stopping = False
        self._lock = threading.Lock()
        self._active: set[int] = set()
        self._lanes: set[str] = set()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="delivery")
        self._thread = threading.Thread(target=self._loop, name="deliveries", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._wakeup.set()

    def stop(self) -> None:
        self._stopping = True
        self._wakeup.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _loop(self) -> None:
        while not self._stopping:
            self._wakeup.wait(0.25)
            self._wakeup.clear()
            for row in self._due():
                self._pool.submit(self._attempt, *row)

    def _due(self) -> list[tuple[int, str, str, str | None, int]]:
        """Rows to send now, marked as active."""
        with self._store.read() as tx:
            rows = tx.sql.execute(
                "SELECT id, event, endpoint, lane, attempts FROM delivery"
                " WHERE state = 'pending' AND due <= ? ORDER BY due, id LIMIT 200",
                (self._clock.now(),),
            ).fetchall()
        chosen = []
        with self._lock:
            for row in rows:
                if row[0] in self._active or row[3] in self._lanes:
                    continue
                self._active.add(row[0])
                if row[3] is not None:
                    self._lanes.add(row[3])
                chosen.append(row)
        return chosen

    def _attempt(self, row: int, event_id: str, endpoint_id: str, lane: str | None, n: int) -> None:
        try:
            with self._store.read() as tx:
                event = tx.find(event_id)
                endpoint = tx.get("webhook_endpoint", endpoint_id, PLATFORM)
                state = tx.sql.execute("SELECT state FROM delivery WHERE id = ?", (row,)).fetchone()
                shown = None if event is None else Renderer(tx, self._clock.seconds()).answer(event)
            if shown is None or endpoint is None or state is None or state[0] != "pending":
                return
            fault = self._faults.webhook(shown["type"], row)
            if fault is not None and fault.kind in ("hold", "lose", "reorder"):
                self._set_aside(row, fault)
                return
            copies = fault.count if fault is not None and fault.kind == "duplicate" else 1
            self._record(row, n + 1, self._send_copies(endpoint, shown, fault, copies))
        finally:
            with self._lock:
                self._active.discard(row)
                self._lanes.discard(lane or "")
            self.wake()

    def _send_copies(
        self, endpoint: Json, event: Json, fault: WebhookFault | None, copies: int
    ) -> tuple[int | None, str | None]:
        """Send, at once if several; the first copy's outcome counts."""
        others = [
            threading.Thread(target=self._send, args=(endpoint, event, fault), daemon=True)
            for _ in range(copies - 1)
        ]
        for thread in others:
            thread.start()
        outcome = self._send(endpoint, event, fault)
        for thread in others:
            thread.join()
        return outcome

    def _send(
        self, endpoint: Json, event: Json, fault: WebhookFault | None
    ) -> tuple[int | None, str | None]:
        secrets = [s["value"] for s in live_secrets(endpoint, self._clock.seconds())]
        body, header = signed(event, secrets, int(time.time()), fault)
        try:
            return post(endpoint["url"], body, header, self._retry.timeout), None
        except (OSError, ValueError, http.client.HTTPException) as error:
            return None, f"{type(error).__name__}: {error}"

    def _set_aside(self, row: int, fault: WebhookFault) -> None:
        state = "lost" if fault.kind == "lose" else "held"
        with self._store.write() as tx:
            tx.sql.execute("UPDATE delivery SET state = ? WHERE id = ?", (state, row))
            # Another thread may have gathered its event and not yet set it aside: whoever does so
            # last sends them all, or one of them would stay held for ever.
            rows = sorted(fault.gathered, reverse=True)
            marks = ", ".join("?" * len(rows))
            held = tx.sql.execute(
                f"SELECT count(*) FROM delivery WHERE state = 'held' AND id IN ({marks})",  # noqa: S608 - only marks
                rows,
            ).fetchone()[0]
        if fault.kind == "reorder" and held >= fault.count:
            self.release(rows)

    def release(self, rows: Sequence[int] | None = None) -> int:
        """Send what is held, one after the other in the order given (or as it came)."""
        lane = ids.token(8)
        with self._store.write() as tx:
            if rows is None:
                held = tx.sql.execute("SELECT id FROM delivery WHERE state = 'held' ORDER BY id")
                rows = [row[0] for row in held]
            start = self._clock.now() - len(rows)
            for place, row in enumerate(rows):
                tx.sql.execute(
                    "UPDATE delivery SET state = 'pending', lane = ?, due = ? WHERE id = ?",
                    (lane, start + place * 0.001, row),
                )
        self.wake()
        return len(rows)

    def _record(self, row: int, attempt: int, outcome: tuple[int | None, str | None]) -> None:
        status, error = outcome
        if status is not None and status // 100 == _SUCCESS:
            state, due = "delivered", self._clock.now()
        elif attempt >= self._retry.attempts:
            state, due = "failed", self._clock.now()
        else:
            state, due = "pending", self._clock.now() + self._retry.wait(attempt)
        with self._store.write() as tx:
            tx.sql.execute(
                "UPDATE delivery SET state = ?, attempts = ?, due = ?, last_status = ?,"
                " last_error = ?, lane = NULL WHERE id = ? AND state = 'pending'",
                (state, attempt, due, status, error, row),
            )


def signed(
    event: Json, secrets: Sequence[str], timestamp: int, fault: WebhookFault | None
) -> tuple[bytes, str]:
    """Body and signature header of one delivery, with the fault played on them."""
    kind = None if fault is None else fault.kind
    if fault is not None and kind == "change":
        event = changed(event, fault.set)
    if fault is not None and kind == "stale":
        timestamp -= fault.seconds
    if kind == "forge":
        secrets = ["whsec_" + ids.token(32)]
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    header = signature.header(body, secrets, timestamp)
    if kind == "tamper":
        body = json.dumps({**event, "tampered": True}).encode()
    return body, header


def changed(event: Json, values: Json) -> Json:
    """A deep copy with dotted paths set, such as ``data.object.amount_total``."""
    copy: Json = json.loads(json.dumps(event))
    for path, value in values.items():
        here: Any = copy
        *parents, last = path.split(".")
        for part in parents:
            here = here.setdefault(part, {})
        here[last] = value
    return copy


def post(url: str, body: bytes, header: str, timeout: float) -> int:
    """POST a body and return the status; redirects are not followed."""
    target = urlsplit(url)
    secure = target.scheme == "https"
    make = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = make(target.hostname or "", target.port, timeout=timeout)
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": header,
        "User-Agent": "Stripe/1.0 (sandbox)",
        "Connection": "close",
    }
    try:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()
