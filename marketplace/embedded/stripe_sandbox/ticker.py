"""What happens by itself as time passes: expiry, settlement, arrival, pruning."""

import logging
import threading
from collections.abc import Callable

from marketplace.embedded.stripe_sandbox import idempotency
from marketplace.embedded.stripe_sandbox.clock import SandboxClock
from marketplace.embedded.stripe_sandbox.resources import (
    charging,
    completing,
    paying,
    payouts,
    refunds,
)
from marketplace.embedded.stripe_sandbox.shapes import Json
from marketplace.embedded.stripe_sandbox.store import Store, Transaction
from marketplace.embedded.stripe_sandbox.work import Work

_log = logging.getLogger(__name__)
_EVERY = 0.25
_PRUNE_EVERY = 60


def settle_intent(work: Work, intent: Json, outcome: str | None = None) -> None:
    """End a ``processing`` intent, and bring its session up to date."""
    completing.complete(work, charging.settle(work, intent, outcome))


def _expire(work: Work, session: Json) -> None:
    if session["status"] == "open":
        paying.expire(work, session)


def _settle_refund(work: Work, refund: Json) -> None:
    refunds.settle(work, refund, refund.get("_then", "succeeded"))


_DUE: dict[str, Callable[[Work, Json], object]] = {
    "checkout.session": _expire,
    "payment_intent": settle_intent,
    "refund": _settle_refund,
    "payout": payouts.arrive,
}


class Ticker:
    """A thread that does what is due; ``run_due`` does it at once, for a clock that jumped."""

    def __init__(
        self,
        store: Store,
        clock: SandboxClock,
        work: Callable[[Transaction], Work],
        changed: Callable[[], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._work = work
        self._changed = changed
        self._stopping = threading.Event()
        self._pruned = 0
        self._thread = threading.Thread(target=self._loop, name="ticker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def _loop(self) -> None:
        while not self._stopping.wait(_EVERY):
            try:
                self.run_due()
            except Exception:  # noqa: BLE001 - logged; one failure may not stop the rest
                # One object that can't be handled must not stop the clock for all others.
                _log.exception("ticker")

    def run_due(self) -> None:
        """Handle every object whose time has come, each in its own transaction; prune keys."""
        now = self._clock.seconds()
        with self._store.read() as tx:
            due = tx.due(now)
        for object_id, kind in due:
            with self._store.write() as tx:
                body = tx.find(object_id)
                if body is None or (body.get("_due") or now + 1) > now:
                    continue
                tx.put({**body, "_due": None})
                _DUE[kind](self._work(tx).on(body["_account"]), {**body, "_due": None})
        if due:
            self._changed()
        if abs(now - self._pruned) >= _PRUNE_EVERY:
            self._pruned = now
            with self._store.write() as tx:
                idempotency.prune(tx, now)
