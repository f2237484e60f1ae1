"""Calls of Stripe's SDK: which are repeated at once, and what their failures mean.

The SDK's own retries are off: it would make a new idempotency key for a call that has none, and
hide how long a caller waits. Here a refusal to start (429, 409, no connection) is tried again a
few times at once with the same key; everything else uncertain goes back to the job, which waits.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, TypeVar

import stripe

from marketplace.payments.gateway import (
    GatewayError,
    GatewayMissing,
    GatewayRefused,
    GatewayUncertain,
)

T = TypeVar("T")

CONNECT_SECONDS = 3.0
READ_SECONDS = 20.0
# Waits before the same call again, with the same key, when it was not begun.
WAITS = (0.2, 0.6)
LONGEST_RETRY_AFTER = 5.0
BUSY = frozenset({409, 429})
NOT_FOUND = 404
SERVER_FAULT = 500
UNAUTHENTICATED = 401
PAGE = 100
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError)


class StripeCaller:
    """Makes calls as one account of ours. Keeps no connection until the first."""

    def __init__(
        self,
        secret_key: str,
        *,
        webhook_secrets: Sequence[str] = (),
        api_base: str | None = None,
        timeouts: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
        waits: Sequence[float] = WAITS,
    ) -> None:
        """`timeouts` are for connecting and reading, `waits` before each repetition, in seconds.

        `api_base` is for the sandbox.
        """
        self._secret_key = secret_key
        self._webhook_secrets = tuple(secret for secret in webhook_secrets if secret)
        self._api_base = api_base
        self._timeouts = timeouts
        self._waits = tuple(waits)

    @property
    def live(self) -> bool:
        return self._secret_key.startswith(("sk_live_", "rk_live_"))

    @cached_property
    def _client(self) -> stripe.StripeClient:
        # Two threads may each make one; the second is as good.
        base: Any = None
        if self._api_base:
            base = {"api": self._api_base, "files": self._api_base}
        return stripe.StripeClient(
            self._secret_key,
            base_addresses=base,
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=self._timeouts),
        )

    def _call(self, call: Callable[[], T]) -> T:
        """Make a call; raise what its failure means."""
        for wait in (*self._waits, None):
            began = time.monotonic()
            try:
                return call()
            except stripe.StripeError as error:
                if wait is None or not _not_begun(error, time.monotonic() - began):
                    raise _meaning(error) from error
                time.sleep(_pause(error, wait))
        raise AssertionError("the last attempt returns or raises")

    def _pages(self, listing: Callable[[], Any]) -> Iterator[dict[str, Any]]:
        """Yield each object of a listing, page after page."""
        page = self._call(listing)
        while True:
            for found in page.data:
                yield found.to_dict()
            if not page.has_more:
                return
            page = self._call(page.next_page)

    def _every(self, path: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield each object of a long listing as Stripe writes it, page after page.

        Without the SDK's objects, whose making takes several times as long as all else.
        """
        asked = dict(params)
        while True:
            answer = self._call(partial(self._client.raw_request, "get", path, **asked))
            found, more = self._read(_page, answer.data)
            yield from found
            if not found or not more:
                return
            asked["starting_after"] = found[-1]["id"]

    def _read(self, shape: Callable[[dict[str, Any]], T], found: dict[str, Any]) -> T:
        """Read an answer; one that we can't read is uncertain, since something did happen."""
        try:
            return shape(found)
        except UNREADABLE as error:
            raise GatewayUncertain(f"an answer that can't be read: {error!r}") from error


def _page(data: dict[str, Any]) -> tuple[list[dict[str, Any]], bool]:
    found, more = data["data"], data["has_more"]
    if not isinstance(found, list) or not all(isinstance(one["id"], str) for one in found):
        raise TypeError("not a page")
    return found, more is True


def _not_begun(error: stripe.StripeError, seconds: float) -> bool:
    """Whether trying again at once can help and costs little."""
    if isinstance(error, stripe.APIConnectionError):
        return seconds < CONNECT_SECONDS
    return error.http_status in BUSY and not isinstance(error, stripe.CardError)


def _pause(error: stripe.StripeError, wait: float) -> float:
    """What the server asks for, within reason, else `wait`, spread so that callers don't march."""
    try:
        asked = float((error.headers or {}).get("retry-after", ""))
    except ValueError:
        asked = 0.0
    return min(max(asked, wait), LONGEST_RETRY_AFTER) * random.uniform(0.8, 1.2)


def _meaning(error: stripe.StripeError) -> GatewayError:
    status = error.http_status
    message = str(error.user_message or error)
    if status is None or status >= SERVER_FAULT or status in BUSY:
        headers: Iterable[tuple[str, str]] = (error.headers or {}).items()
        replayed = any(name.lower() == "idempotent-replayed" for name, _ in headers)
        return GatewayUncertain(message, replayed=replayed)
    if status == UNAUTHENTICATED or isinstance(error, stripe.PermissionError):
        # A wrong key is our fault, not the payment's: once it is mended the call goes through.
        return GatewayUncertain(message)
    if status == NOT_FOUND or error.code == "resource_missing":
        return GatewayMissing(message, code=error.code)
    return GatewayRefused(message, code=error.code)
