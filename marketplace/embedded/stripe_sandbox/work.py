"""One unit of work: a transaction, the time, the account, and the events that it causes.

Handlers of every resource get a ``Work``. It is the only way to write objects, book balance
transactions and emit events, so these always commit together.
"""

import fnmatch
from dataclasses import dataclass, field, replace
from typing import Any

from marketplace.embedded.stripe_sandbox import ids
from marketplace.embedded.stripe_sandbox.errors import no_such
from marketplace.embedded.stripe_sandbox.render import Renderer
from marketplace.embedded.stripe_sandbox.shapes import API_VERSION, PLATFORM, Json
from marketplace.embedded.stripe_sandbox.store import Transaction


@dataclass(frozen=True)
class Settings:
    """What the command line decides. Times in seconds.

    ``bank_debits``: pages take them unless told otherwise, as the dashboard may be set.
    ``opening_balance``: US cents that the platform has paid in before anything is sold.
    """

    base_url: str = "http://127.0.0.1"
    available_after: int = 172_800
    settle_after: int = 3
    keys: tuple[str, ...] = ()
    bank_debits: bool = False
    opening_balance: int = 0


@dataclass(frozen=True)
class Work:
    """``account`` is whose objects are seen: the platform's, or a connected account's.

    A request that names no API version (``named_version``) is by the account's own, which is an old
    one: intents without types take cards only, and a new account receives transfers at once. So the
    official command-line client finds it.
    """

    tx: Transaction
    now: int
    settings: Settings = field(default_factory=Settings)
    account: str = PLATFORM
    request_id: str | None = None
    idempotency_key: str | None = None
    named_version: bool = True

    def on(self, account: str) -> "Work":
        """The same work seen from another account."""
        return replace(self, account=account)

    def new(self, kind: str, prefix: str, fields: Json, *, length: int = 24) -> Json:
        """A fresh object, not yet stored: id, object, created, livemode and ``fields``."""
        return {
            "id": ids.new_id(prefix, length),
            "object": kind,
            "created": self.now,
            "livemode": False,
            "_account": self.account,
            **fields,
        }

    def save(self, body: Json) -> Json:
        return self.tx.put(body)

    def load(self, kind: str, object_id: str, *, param: str = "id", in_url: bool = False) -> Json:
        """The object, or Stripe's ``resource_missing``."""
        found = self.tx.get(kind, object_id, self.account)
        if found is None:
            raise no_such(kind, object_id, param=param, in_url=in_url)
        return found

    def emit(
        self, kind: str, body: Json, *, previous: Json | None = None, overrides: Json | None = None
    ) -> Json:
        """Store an event with a snapshot of ``body`` and queue it for every endpoint concerned."""
        snapshot = {**Renderer(self.tx, self.now).answer(body), **(overrides or {})}
        data: Json = {"object": snapshot}
        if previous is not None:
            data["previous_attributes"] = previous
        owner = body["_account"] if body["object"] != "account" else body["id"]
        event: Json = {
            "id": ids.new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now,
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": {"id": self.request_id, "idempotency_key": self.idempotency_key},
            "type": kind,
            "_account": owner,
        }
        if owner != PLATFORM:
            event["account"] = owner
        self.save(event)
        self.queue(event)
        return event

    def queue(self, event: Json) -> None:
        """One delivery for each enabled endpoint that listens to this type."""
        connected = event["_account"] != PLATFORM
        for endpoint in self.tx.select("webhook_endpoint", PLATFORM):
            wanted = any(fnmatch.fnmatchcase(event["type"], w) for w in endpoint["enabled_events"])
            if endpoint["status"] == "enabled" and endpoint["_connect"] == connected and wanted:
                self.tx.sql.execute(
                    "INSERT INTO delivery (event, endpoint, state, due)"
                    " VALUES (?, ?, 'pending', ?)",
                    (event["id"], endpoint["id"], self.now),
                )

    def book(
        self,
        kind: str,
        amount: int,
        currency: str,
        *,
        source: str | None,
        category: str,
        description: str | None = None,
        fee: int = 0,
        fee_details: list[Json] | None = None,
        available_on: int | None = None,
    ) -> Json:
        """A balance transaction of this account; its net changes the balance by as much."""
        available = self.now if available_on is None else available_on
        details = fee_details or []
        if fee and not details:
            details = [fee_line(fee, currency, "stripe_fee", "Processing fee")]
        entry = self.new(
            "balance_transaction",
            "txn",
            {
                "amount": amount,
                "available_on": available,
                "balance_type": "payments",
                "currency": currency,
                "description": description,
                "exchange_rate": None,
                "fee": fee,
                "fee_details": details,
                "net": amount - fee,
                "reporting_category": category,
                "source": source,
                "status": "pending",
                "type": kind,
            },
        )
        del entry["livemode"]
        self.save(entry)
        self.tx.sql.execute(
            "INSERT INTO balance_entry VALUES (?, ?, ?, ?, ?)",
            (entry["id"], self.account, currency, amount - fee, available),
        )
        return entry

    def balance(self, currency: str, *, available_only: bool = False) -> int:
        """Sum of the net of this account's balance transactions, in minor units."""
        until = self.now if available_only else 2**62
        row: Any = self.tx.sql.execute(
            "SELECT coalesce(sum(net), 0) FROM balance_entry"
            " WHERE account = ? AND currency = ? AND available_on <= ?",
            (self.account, currency, until),
        ).fetchone()
        return int(row[0])


def fee_line(amount: int, currency: str, kind: str, description: str) -> Json:
    """One entry of ``fee_details``."""
    return {
        "amount": amount,
        "application": None,
        "currency": currency,
        "description": description,
        "type": kind,
    }
