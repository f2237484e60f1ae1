"""Cards that Stripe keeps for its customers, and charges of them by PaymentIntents."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import stripe

from marketplace.adapters import stripe_shapes as shapes
from marketplace.adapters.stripe_calls import PAGE, StripeCaller
from marketplace.core.money import Money
from marketplace.payments.gateway import (
    CheckoutSession,
    GatewayMissing,
    GatewayRefused,
    KeptCard,
)

# Detached, or used once without a customer: nothing is kept.
NOT_KEPT = frozenset({"payment_method_unexpected_state", "resource_missing"})


class StripeCards(StripeCaller):
    """Serves `CardGateway`."""

    def charge(
        self,
        key: str,
        *,
        payment_id: UUID,
        customer: str,
        method: str,
        amount: Money,
        description: str,
        metadata: Mapping[str, str],
        return_url: str | None,
    ) -> CheckoutSession:
        # With somebody there, the bank's questions are answered on a page of Stripe's.
        presence = {"off_session": True} if return_url is None else {"return_url": return_url}
        params: Any = {
            "amount": amount.minor,
            "currency": amount.currency.lower(),
            "customer": customer,
            "payment_method": method,
            "payment_method_types": ["card"],
            "confirm": True,
            "description": description,
            "metadata": {**metadata, shapes.PAYMENT_ID: str(payment_id)},
            "expand": shapes.CHARGE_EXPAND,
            **presence,
        }
        intents = self._client.v1.payment_intents
        try:
            made = self._call(lambda: intents.create(params, {"idempotency_key": key}))
        except GatewayRefused as error:
            declined = _declined(error.__cause__)
            if declined is None:
                raise
            return self._retrieve(declined)
        return self._read(shapes.card_charge, made.to_dict())

    def find_charge(
        self, customer: str, payment_id: UUID, since: datetime
    ) -> CheckoutSession | None:
        params: Any = {
            "customer": customer,
            "created": {"gte": int(since.timestamp())},
            "limit": PAGE,
        }
        intents = self._client.v1.payment_intents
        found = [
            one
            for one in self._pages(lambda: intents.list(params))
            if (one.get("metadata") or {}).get(shapes.PAYMENT_ID) == str(payment_id)
        ]
        if not found:
            return None
        # Should there ever be two, the one that took the money is the one that counts.
        paid = [one for one in found if one["status"] == "succeeded"]
        return self._retrieve((paid or found)[0]["id"])

    def retrieve_card(self, method: str) -> KeptCard | None:
        methods = self._client.v1.payment_methods
        try:
            found = self._call(lambda: methods.retrieve(method))
        except GatewayMissing:
            return None
        return self._read(shapes.kept_card, found.to_dict())

    def forget_card(self, method: str) -> None:
        methods = self._client.v1.payment_methods
        try:
            self._call(lambda: methods.detach(method))
        except GatewayRefused as error:
            if error.code not in NOT_KEPT:
                raise

    def _retrieve(self, intent_id: str) -> CheckoutSession:
        intents = self._client.v1.payment_intents
        params: Any = {"expand": shapes.CHARGE_EXPAND}
        found = self._call(lambda: intents.retrieve(intent_id, params))
        return self._read(shapes.card_charge, found.to_dict())


def _declined(error: BaseException | None) -> str | None:
    """The intent that a card's decline tells of; a refusal of the call itself has none."""
    if not isinstance(error, stripe.CardError):
        return None
    body: Any = error.json_body or {}
    intent = (body.get("error") or {}).get("payment_intent") or {}
    found = intent.get("id")
    return found if isinstance(found, str) else None
