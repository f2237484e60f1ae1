"""Stripe's Checkout, refunds, records and signatures behind the payments package's protocol."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import stripe

from marketplace.adapters import stripe_shapes as shapes
from marketplace.adapters.stripe_calls import PAGE, UNREADABLE, StripeCaller
from marketplace.core.money import Money
from marketplace.payments.errors import PayloadRefused, SignatureRefused
from marketplace.payments.gateway import (
    BalanceTransaction,
    CheckoutLine,
    CheckoutSession,
    GatewayMissing,
    GatewayRefused,
    ProcessorEvent,
    ProcessorRefund,
)

TOLERANCE_SECONDS = 300
VERIFY: Callable[..., object] = stripe.WebhookSignature.verify_header
REFUND_EXPAND = ["balance_transaction"]


class StripeGateway(StripeCaller):
    """Serves `PaymentGateway`."""

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
        customer: str | None = None,
        keep_card: bool = False,
    ) -> CheckoutSession:
        if sum((line.amount for line in lines), Money.zero(amount.currency)) != amount:
            raise ValueError("the lines of a checkout add up to its amount")
        marks = {**metadata, shapes.PAYMENT_ID: str(payment_id)}
        params: Any = {
            "mode": "payment",
            "client_reference_id": str(payment_id),
            "expires_at": int(expires_at.timestamp()),
            "success_url": success_url,
            "cancel_url": cancel_url,
            "metadata": marks,
            "payment_intent_data": {"description": description, "metadata": marks},
            "line_items": [shapes.line_item(line) for line in lines],
            "expand": shapes.CHECKOUT_EXPAND,
            **_payer(customer, customer_email, keep_card=keep_card),
        }
        if keep_card:
            params["payment_intent_data"]["setup_future_usage"] = "off_session"
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
        if session_id.startswith(shapes.CHARGE):
            intents = self._client.v1.payment_intents
            wanted: Any = {"expand": shapes.CHARGE_EXPAND}
            charged = self._call(lambda: intents.retrieve(session_id, wanted))
            return self._read(shapes.card_charge, charged.to_dict())
        sessions = self._client.v1.checkout.sessions
        params: Any = {"expand": shapes.CHECKOUT_EXPAND}
        found = self._call(lambda: sessions.retrieve(session_id, params))
        return self._read(shapes.checkout, found.to_dict())

    def expire_checkout(self, session_id: str) -> CheckoutSession:
        sessions, intents = self._client.v1.checkout.sessions, self._client.v1.payment_intents
        close = intents.cancel if session_id.startswith(shapes.CHARGE) else sessions.expire
        try:
            self._call(lambda: close(session_id))
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
        for found in self._every("/v1/events", params):
            yield self._read(shapes.event, found)

    def balance_transactions_since(self, since: datetime) -> Iterator[BalanceTransaction]:
        params: Any = {"created": {"gte": int(since.timestamp())}, "limit": PAGE}
        for found in self._every("/v1/balance_transactions", params):
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


def _payer(customer: str | None, email: str, *, keep_card: bool) -> dict[str, Any]:
    """Who pays on a page: a customer whose kept cards it offers, or an address."""
    if customer is None:
        made = {"customer_creation": "always"} if keep_card else {}
        return {"customer_email": email, **made}
    offered = {"allow_redisplay_filters": ["always", "limited"]}
    return {"customer": customer, "saved_payment_method_options": offered}


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
