"""Stripe Connect behind the payments package's protocol: hosts' accounts, transfers, reversals.

Separate charges and transfers: a payment is ours, and a host's part of it is sent to an Express
account that Stripe onboards and pays out.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.adapters import stripe_shapes as shapes
from marketplace.adapters.stripe_calls import PAGE, StripeCaller
from marketplace.core.money import Money
from marketplace.payments.gateway import (
    OnboardingLink,
    ProcessorAccount,
    ProcessorReversal,
    ProcessorTransfer,
)

EXPAND = ["balance_transaction"]
COUNTRY = "US"


class StripeConnect(StripeCaller):
    """Serves `HostGateway`."""

    def create_account(self, key: str, *, site_id: UUID, email: str) -> ProcessorAccount:
        params: Any = {
            "type": "express",
            "country": COUNTRY,
            "email": email,
            "capabilities": {"transfers": {"requested": True}},
            "metadata": {shapes.SITE_ID: str(site_id)},
        }
        accounts = self._client.v1.accounts
        made = self._call(lambda: accounts.create(params, {"idempotency_key": key}))
        return self._read(shapes.account, made.to_dict())

    def find_account(self, site_id: UUID, since: datetime) -> ProcessorAccount | None:
        params: Any = {"created": {"gte": int(since.timestamp())}, "limit": PAGE}
        accounts = self._client.v1.accounts
        for found in self._pages(lambda: accounts.list(params)):
            if (found.get("metadata") or {}).get(shapes.SITE_ID) == str(site_id):
                return self._read(shapes.account, found)
        return None

    def retrieve_account(self, account: str) -> ProcessorAccount:
        accounts = self._client.v1.accounts
        found = self._call(lambda: accounts.retrieve(account))
        return self._read(shapes.account, found.to_dict())

    def onboarding_link(self, account: str, *, back: str, again: str) -> OnboardingLink:
        params: Any = {
            "account": account,
            "type": "account_onboarding",
            "return_url": back,
            "refresh_url": again,
        }
        links = self._client.v1.account_links
        made = self._call(lambda: links.create(params)).to_dict()
        lives = shapes.moment(made["expires_at"]) - shapes.moment(made["created"])
        return OnboardingLink(made["url"], lives)

    def transfer(
        self, key: str, *, transfer_id: UUID, account: str, amount: Money, group: str, words: str
    ) -> ProcessorTransfer:
        params: Any = {
            "amount": amount.minor,
            "currency": amount.currency.lower(),
            "destination": account,
            "transfer_group": group,
            "description": words,
            "metadata": {shapes.TRANSFER_ID: str(transfer_id)},
            "expand": EXPAND,
        }
        transfers = self._client.v1.transfers
        made = self._call(lambda: transfers.create(params, {"idempotency_key": key}))
        return self._read(shapes.transfer, made.to_dict())

    def find_transfer(self, group: str, transfer_id: UUID) -> ProcessorTransfer | None:
        params: Any = {"transfer_group": group, "limit": PAGE}
        transfers = self._client.v1.transfers
        for found in self._pages(lambda: transfers.list(params)):
            if (found.get("metadata") or {}).get(shapes.TRANSFER_ID) == str(transfer_id):
                return self.retrieve_transfer(found["id"])
        return None

    def retrieve_transfer(self, processor_id: str) -> ProcessorTransfer:
        params: Any = {"expand": EXPAND}
        transfers = self._client.v1.transfers
        found = self._call(lambda: transfers.retrieve(processor_id, params))
        return self._read(shapes.transfer, found.to_dict())

    def reverse(
        self, key: str, *, transfer: str, reversal_id: UUID, amount: Money
    ) -> ProcessorReversal:
        params: Any = {
            "amount": amount.minor,
            "metadata": {shapes.REVERSAL_ID: str(reversal_id)},
            "expand": EXPAND,
        }
        reversals = self._client.v1.transfers.reversals
        made = self._call(lambda: reversals.create(transfer, params, {"idempotency_key": key}))
        return self._read(shapes.reversal, made.to_dict())

    def find_reversal(self, transfer: str, reversal_id: UUID) -> ProcessorReversal | None:
        params: Any = {"limit": PAGE, "expand": ["data.balance_transaction"]}
        reversals = self._client.v1.transfers.reversals
        for found in self._pages(lambda: reversals.list(transfer, params)):
            if (found.get("metadata") or {}).get(shapes.REVERSAL_ID) == str(reversal_id):
                return self._read(shapes.reversal, found)
        return None
