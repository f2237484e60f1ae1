"""Stripe behind the payments package's protocol; the only module that imports its SDK.

The SDK's own retries are off: it would make a new idempotency key for a call that has none, and
hide how long a caller waits. Here a refusal to start (429, 409, no connection) is tried again a
few times at once with the same key; everything else uncertain goes back to the job, which waits.
"""

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

import stripe

from marketplace.adapters import stripe_shapes as shapes
from marketplace.core.money import Money
from marketplace.payments.errors import PayloadRefused, SignatureRefused
from marketplace.payments.gateway import (
    BalanceTransaction,
    CheckoutLine,
    CheckoutSession,
    GatewayError,
    GatewayMissing,
    GatewayRefused,
    GatewayUncertain,
    ProcessorEvent,
    ProcessorRefund,
)

T = TypeVar("T")

CONNECT_SECONDS = 3.0
READ_SECONDS = 20.0
TOLERANCE_SECONDS = 300
# Waits before the same call again, with the same key, when it was not begun.
WAITS = (0.2, 0.6)
LONGEST_RETRY_AFTER = 5.0
BUSY = frozenset({409, 429})
NOT_FOUND = 404
SERVER_FAULT = 500
UNAUTHENTICATED = 401
VERIFY: Callable[..., object] = stripe.WebhookSignature.verify_header
CHECKOUT_EXPAND = ["payment_intent.latest_charge.balance_transaction"]
REFUND_EXPAND = ["balance_transaction"]
PAGE = 100
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError)


class StripeGateway:
    """Serves `PaymentGateway`. Keeps no connection until the first call."""

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

    def now(self) -> datetime:
        return datetime.now(UTC)

    def open_checkout(
        self,
        key: str,
        *,
        payment_id: UUID,
        amount: Money,
        lines: Sequence[CheckoutLine],
        description: str,
        customer_email: str,
        expires_at: datetime,
        success_url: str,
        cancel_url: str,
        metadata: Mapping[str, str],
    ) -> CheckoutSession:
        if sum((line.amount for line in lines), Money.zero(amount.currency)) != amount:
            raise ValueError("the lines of a checkout add up to its amount")
        marks = {**metadata, shapes.PAYMENT_ID: str(payment_id)}
        params: Any = {
            "mode": "payment",
            "client_reference_id": str(payment_id),
            "customer_email": customer_email,
            "expires_at": int(expires_at.timestamp()),
            "success_url": success_url,
            "cancel_url": cancel_url,
            "metadata": marks,
            "payment_intent_data": {"description": description, "metadata": marks},
            "line_items": [shapes.line_item(line) for line in lines],
            "expand": CHECKOUT_EXPAND,
        }
        sessions = self._client.v1.checkout.sessions
        made = self._call(lambda: sessions.create(params, {"idempotency_key": key}))
        return self._read(shapes.checkout, made.to_dict())

    def find_checkout(self, payment_id: UUID, since: datetime) -> CheckoutSession | None:
        params: Any = {"created": {"gte": int(since.timestamp())}, "limit": PAGE}
        sessions = self._client.v1.checkout.sessions
        for found in self._pages(lambda: sessions.list(params)):
            if found.get("client_reference_id") == str(payment_id):
                return self.retrieve_checkout(found["id"])
        return None

    def retrieve_checkout(self, session_id: str) -> CheckoutSession:
        sessions = self._client.v1.checkout.sessions
        params: Any = {"expand": CHECKOUT_EXPAND}
        found = self._call(lambda: sessions.retrieve(session_id, params))
        return self._read(shapes.checkout, found.to_dict())

    def expire_checkout(self, session_id: str) -> CheckoutSession:
        sessions = self._client.v1.checkout.sessions
        try:
            self._call(lambda: sessions.expire(session_id))
        except GatewayMissing:
            raise
        except GatewayRefused:
            # Not open any more, so paid or closed: what it is now decides, not what we wanted.
            return self.retrieve_checkout(session_id)
        return self.retrieve_checkout(session_id)

    def refund(
        self, key: str, *, intent_id: str, amount: Money, metadata: Mapping[str, str]
    ) -> ProcessorRefund:
        params: Any = {
            "payment_intent": intent_id,
            "amount": amount.minor,
            "metadata": dict(metadata),
            "expand": REFUND_EXPAND,
        }
        refunds = self._client.v1.refunds
        made = self._call(lambda: refunds.create(params, {"idempotency_key": key}))
        return self._read(shapes.refund, made.to_dict())

    def find_refund(self, intent_id: str, refund_id: UUID) -> ProcessorRefund | None:
        params: Any = {"payment_intent": intent_id, "limit": PAGE}
        refunds = self._client.v1.refunds
        for found in self._pages(lambda: refunds.list(params)):
            if (found.get("metadata") or {}).get(shapes.REFUND_ID) == str(refund_id):
                return self.retrieve_refund(found["id"])
        return None

    def retrieve_refund(self, processor_id: str) -> ProcessorRefund:
        refunds = self._client.v1.refunds
        params: Any = {"expand": REFUND_EXPAND}
        found = self._call(lambda: refunds.retrieve(processor_id, params))
        return self._read(shapes.refund, found.to_dict())

    def events_since(self, since: datetime) -> Iterator[ProcessorEvent]:
        params: Any = {"created": {"gte": int(since.timestamp())}, "limit": PAGE}
        events = self._client.v1.events
        for found in self._pages(lambda: events.list(params)):
            yield self._read(shapes.event, found)

    def balance_transactions_since(self, since: datetime) -> Iterator[BalanceTransaction]:
        params: Any = {"created": {"gte": int(since.timestamp())}, "limit": PAGE}
        transactions = self._client.v1.balance_transactions
        for found in self._pages(lambda: transactions.list(params)):
            yield self._read(shapes.balance_transaction, found)

    def balance(self) -> Mapping[str, Money]:
        found = self._call(self._client.v1.balance.retrieve).to_dict()
        return self._read(shapes.balance, found)

    def verify_webhook(self, payload: bytes, signature: str) -> ProcessorEvent:
        try:
            text = payload.decode()
        except UnicodeDecodeError as error:
            raise SignatureRefused from error
        if not any(_signed(text, signature, secret) for secret in self._webhook_secrets):
            raise SignatureRefused
        try:
            return shapes.event(_storable(json.loads(text)))
        except (*UNREADABLE, RecursionError) as error:
            raise PayloadRefused from error

    @cached_property
    def _client(self) -> stripe.StripeClient:
        # Two threads may each make one; the second is as good.
        base: Any = {"api": self._api_base} if self._api_base else None
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

    def _read(self, shape: Callable[[dict[str, Any]], T], found: dict[str, Any]) -> T:
        """Read an answer; one that we can't read is uncertain, since something did happen."""
        try:
            return shape(found)
        except UNREADABLE as error:
            raise GatewayUncertain(f"an answer that can't be read: {error!r}") from error


def _signed(text: str, signature: str, secret: str) -> bool:
    """Whether `secret` signed this text, within the tolerance to both sides.

    The SDK refuses old timestamps only; one from the future is a clock or a forger at fault.
    """
    try:
        VERIFY(text, signature, secret, TOLERANCE_SECONDS)
    except stripe.SignatureVerificationError:
        return False
    stamps = [part[2:] for part in signature.split(",") if part.startswith("t=")]
    return all(int(stamp) <= time.time() + TOLERANCE_SECONDS for stamp in stamps)


def _storable(data: Any) -> Any:
    """Return JSON data that PostgreSQL can keep; `ValueError` for NUL, half characters, infinity."""
    text = json.dumps(data, allow_nan=False, ensure_ascii=False)
    text.encode()
    if "\\u0000" in text:
        raise ValueError("a NUL character")
    return data


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
