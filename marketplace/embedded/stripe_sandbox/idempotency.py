"""Idempotency keys as Stripe keeps them (https://docs.stripe.com/api/idempotent_requests).

The first answer, status and body, is stored in the same transaction as the work, errors and 500s
too; later requests with the key get it again. Other parameters under the key are refused, and so
is a second request while the first runs. Keys are pruned after 24 hours.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from marketplace.embedded.stripe_sandbox.errors import ApiError
from marketplace.embedded.stripe_sandbox.store import Transaction

KEPT_SECONDS = 86_400
_LONGEST_KEY = 255


@dataclass(frozen=True)
class Saved:
    """An answer under a key."""

    status: int
    body: bytes
    request_id: str


def fingerprint(method: str, path: str, params: Any) -> str:
    """What makes two requests the same: address and parameters, in whatever order."""
    text = json.dumps([method, path, params], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def check_key(key: str) -> None:
    if len(key) > _LONGEST_KEY:
        raise ApiError("An idempotency key may have at most 255 characters.", stored=False)


class Running:
    """Keys of the requests that run right now; forgotten by a crash, as it should be."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scopes: set[str] = set()

    @contextmanager
    def claim(self, scope: str, key: str) -> Iterator[None]:
        """Hold a key for the length of a request; raises Stripe's 409 if it is held."""
        with self._lock:
            if scope in self._scopes:
                raise ApiError(
                    f"Another request with this idempotency key is in progress: {key}",
                    status=409,
                    code="idempotency_key_in_use",
                    stored=False,
                )
            self._scopes.add(scope)
        try:
            yield
        finally:
            with self._lock:
                self._scopes.discard(scope)


def saved(tx: Transaction, scope: str, key: str, wanted: str) -> Saved | None:
    """The stored answer; raises ``idempotency_error`` if it answered something else."""
    row = tx.sql.execute(
        "SELECT fingerprint, status, body, request_id FROM idempotency WHERE scope = ?", (scope,)
    ).fetchone()
    if row is None:
        return None
    if row[0] != wanted:
        raise ApiError(
            "Keys for idempotent requests can only be used with the parameters they were first "
            f"used with. Use another key than '{key}' for another request.",
            kind="idempotency_error",
            stored=False,
        )
    return Saved(row[1], row[2], row[3])


def keep(tx: Transaction, scope: str, wanted: str, answer: Saved, now: int) -> None:
    tx.sql.execute(
        "INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?, ?)",
        (scope, wanted, answer.status, answer.body, answer.request_id, now),
    )


def prune(tx: Transaction, now: int) -> int:
    """Forget keys older than a day; returns how many."""
    return tx.sql.execute(
        "DELETE FROM idempotency WHERE created <= ?", (now - KEPT_SECONDS,)
    ).rowcount
