"""The processor as the payments package sees it: a protocol and frozen values, no SDK.

Calls are made outside transactions. Each may raise `GatewayUncertain` (it may or may not have
happened: repeat with the same key), `GatewayRefused` (it did not happen and will not) or
`GatewayMissing` (no such object).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments.events import Payable


class GatewayError(Exception):
    """Base of what a processor's answer can mean other than success."""


class GatewayUncertain(GatewayError):
    """No answer, or a 5xx, 429 or 409: repeat later, with the same key.

    `replayed`: the processor keeps giving a stored failure for this key.
    """

    def __init__(self, message: str, *, replayed: bool = False) -> None:
        super().__init__(message)
        self.replayed = replayed


class GatewayRefused(GatewayError):
    """A definite no; `code` is the processor's own word, if it has one."""

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class GatewayMissing(GatewayRefused):
    """The processor has no such object."""


@dataclass(frozen=True, slots=True)
class CheckoutLine:
    """One line on the payment page; `amount` is for the whole line."""

    description: str
    amount: Money


@dataclass(frozen=True, slots=True)
class BalanceTransaction:
    """A change of the balance at the processor, signed from our side: `amount - fee = net`.

    `source` is the object that caused it (a charge, refund, dispute, …); `kind` the processor's
    type, such as `charge`, `refund`, `refund_failure`, `adjustment`, `payout`.
    """

    id: str
    kind: str
    category: str
    amount: Money
    fee: Money
    net: Money
    source: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class KeptCard:
    """A card that the processor keeps for a customer of it, and what its holder knows it by.

    `fingerprint` is the same for the same card, however often it is kept.
    """

    customer: str
    method: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str | None


@dataclass(frozen=True, slots=True)
class CheckoutSession:
    """A checkout page, or a charge of a kept card, and what is known of its money now.

    `status` is `open` (the payer has something to do at `url`), `complete` or `expired`; `paid`
    tells that the whole amount is captured. `failure` is a decline in the processor's words and
    `decline_code` its code; `final`: the bank wants no other try. `payment_id` is what the session
    itself says that it is for. `card` is what the processor has kept by it.
    """

    id: str
    url: str | None
    status: str
    paid: bool
    amount: Money
    live: bool
    payment_id: UUID | None
    intent_id: str | None
    intent_failed: bool
    failure: str | None
    charge_id: str | None
    captured: Money | None
    balance: BalanceTransaction | None
    expires_at: datetime
    decline_code: str | None = None
    final: bool = False
    card: KeptCard | None = None


@dataclass(frozen=True, slots=True)
class ProcessorRefund:
    """A refund at the processor: `status` is `pending`, `requires_action`, `succeeded`, …

    `balance` is how it left us; `returned_by` the balance transaction that brought it back.
    """

    id: str
    status: str
    amount: Money
    charge_id: str | None
    intent_id: str | None
    refund_id: UUID | None
    failure: str | None
    balance: BalanceTransaction | None
    returned_by: str | None


@dataclass(frozen=True, slots=True)
class ProcessorEvent:
    """Something that the processor says happened; `data` is the object as it was then."""

    id: str
    kind: str
    at: datetime
    live: bool
    account: str | None
    api_version: str | None
    data: Mapping[str, Any]
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ProcessorAccount:
    """A host's account as it stands. `due` are the processor's names of what it still asks for.

    `transfers` and `payouts` tell whether money can be sent there, and from there to the bank.
    """

    id: str
    site_id: UUID | None
    details_submitted: bool
    transfers: bool
    payouts: bool
    due: tuple[str, ...]
    due_by: datetime | None
    disabled_reason: str | None


@dataclass(frozen=True, slots=True)
class OnboardingLink:
    """Where a host gives what the processor asks for; good once and for minutes."""

    url: str
    # How long, not until when: the processor's clock need not be ours.
    lives: timedelta


@dataclass(frozen=True, slots=True)
class ProcessorTransfer:
    """Money sent to a host's account; `reversed` is what came back of it."""

    id: str
    account: str
    amount: Money
    reversed: Money
    transfer_id: UUID | None
    balance: BalanceTransaction | None


@dataclass(frozen=True, slots=True)
class ProcessorReversal:
    """What was taken back of a transfer."""

    id: str
    transfer: str
    amount: Money
    reversal_id: UUID | None
    balance: BalanceTransaction | None


class HostGateway(Protocol):
    """Hosts' accounts at the processor, and what is sent there and taken back."""

    def create_account(self, key: str, *, site_id: UUID, email: str) -> ProcessorAccount:
        """Make an account that can receive transfers once onboarded, once for `key`."""

    def find_account(self, site_id: UUID, since: datetime) -> ProcessorAccount | None:
        """Return the account that was made for the site since then, if there is one."""

    def retrieve_account(self, account: str) -> ProcessorAccount:
        """Return an account as it stands."""

    def onboarding_link(self, account: str, *, back: str, again: str) -> OnboardingLink:
        """Return a fresh link; it leads to `back`, or to `again` where it is no longer good."""

    def transfer(
        self, key: str, *, transfer_id: UUID, account: str, amount: Money, group: str, words: str
    ) -> ProcessorTransfer:
        """Send `amount` to a host's account, once for `key`."""

    def find_transfer(self, group: str, transfer_id: UUID) -> ProcessorTransfer | None:
        """Return the transfer of a group that was made for ours, if there is one."""

    def retrieve_transfer(self, processor_id: str) -> ProcessorTransfer:
        """Return a transfer as it stands."""

    def reverse(
        self, key: str, *, transfer: str, reversal_id: UUID, amount: Money
    ) -> ProcessorReversal:
        """Take `amount` back of a transfer, once for `key`."""

    def find_reversal(self, transfer: str, reversal_id: UUID) -> ProcessorReversal | None:
        """Return the reversal of a transfer that was made for ours, if there is one."""


# What evidence is made of, in the order in which a person reads it.
EVIDENCE_PARTS = (
    *("customer_name", "customer_email", "product", "service_dates", "policy", "policy_agreed"),
    *("refunds", "history", "attendance", "messages", "receipts", "note"),
)


# Of these a file can be sent besides; a paper is one that was issued for what was paid for.
ROSTER, MESSAGES, RECEIPT, CERTIFICATE = "roster", "messages", "receipt", "certificate"


@dataclass(frozen=True, slots=True)
class ProcessorDispute:
    """A dispute as it stands. `status` is the processor's word; `submitted` counts our answers.

    `moves` are the balance transactions by which money left us, and perhaps came back.
    """

    id: str
    status: str
    amount: Money
    reason: str
    charge_id: str | None
    intent_id: str | None
    opened_at: datetime
    due_by: datetime | None
    submitted: int
    moves: tuple[BalanceTransaction, ...]


class DisputeGateway(Protocol):
    """Disputes of payments, and our answers to them."""

    def retrieve_dispute(self, processor_id: str) -> ProcessorDispute:
        """Return a dispute as it stands."""

    def submit_evidence(
        self,
        key: str,
        processor_id: str,
        evidence: Mapping[str, str],
        files: Mapping[str, str],
    ) -> ProcessorDispute:
        """Answer a dispute, once for `key`; `evidence` by `EVIDENCE_PARTS`.

        `files` are names at the processor, by what they are (`ROSTER`, …).
        """

    def send_file(self, key: str, *, name: str, content: bytes) -> str:
        """Send a PDF, once for `key`; returns what names it at the processor."""

    def concede(self, key: str, processor_id: str) -> ProcessorDispute:
        """Accept a dispute as lost, once for `key`."""


class EvidenceSource(Protocol):
    """Whoever knows what was paid for: gathers what speaks for a payment that is disputed."""

    def evidence(self, session: Session, payables: Sequence[Payable]) -> Mapping[str, str]:
        """Return texts by `EVIDENCE_PARTS`; those that it knows nothing of are left out."""


class CardGateway(Protocol):
    """Cards that the processor keeps, and charges of them."""

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
        """Charge a kept card, once for `key`; a decline is an answer, not an error.

        Without `return_url` nobody is there to answer the bank: where it asks, that is a decline.
        """

    def find_charge(
        self, customer: str, payment_id: UUID, since: datetime
    ) -> CheckoutSession | None:
        """Return the charge of a customer's card that was made for our payment since then."""

    def retrieve_card(self, method: str) -> KeptCard | None:
        """Return a card as it stands; None if it is kept for nobody any more."""

    def forget_card(self, method: str) -> None:
        """Keep a card no longer; harmless where that is done."""


class EvidencePapers(Protocol):
    """Whoever issues papers about what was paid for."""

    def certificates(self, session: Session, payables: Sequence[Payable]) -> Sequence[str]:
        """Return the object keys of certificates that stand, which say that it was attended."""


class PaymentGateway(Protocol):
    """Hosted checkout, refunds and the processor's own records."""

    @property
    def live(self) -> bool:
        """Whether real money moves: events and sessions of the other mode are not ours."""

    def now(self) -> datetime:
        """The processor's time, which deadlines sent to it must be in."""

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
        """Open a page, once for `key`; `expires_at` is 30 minutes to 24 hours from now.

        `customer`: it offers the cards that are kept for that one. `keep_card`: the card that is
        paid with is kept, and can be charged without its holder.
        """

    def find_checkout(self, payment_id: UUID, since: datetime) -> CheckoutSession | None:
        """Return the session that was opened for our payment since then, if there is one."""

    def retrieve_checkout(self, session_id: str) -> CheckoutSession:
        """Return a session, or a charge of a kept card, as it stands, with its charge and fee."""

    def expire_checkout(self, session_id: str) -> CheckoutSession:
        """Close what is open; one that is complete or closed is returned as it stands."""

    def refund(
        self, key: str, *, intent_id: str, amount: Money, metadata: Mapping[str, str]
    ) -> ProcessorRefund:
        """Pay `amount` of a payment back, once for `key`."""

    def find_refund(self, intent_id: str, refund_id: UUID) -> ProcessorRefund | None:
        """Return the refund that was made for our refund's id, if there is one."""

    def retrieve_refund(self, processor_id: str) -> ProcessorRefund:
        """Return a refund as it stands."""

    def events_since(self, since: datetime) -> Iterator[ProcessorEvent]:
        """Yield events created at or after `since` (kept by the processor for 30 days)."""

    def balance_transactions_since(self, since: datetime) -> Iterator[BalanceTransaction]:
        """Yield balance transactions created at or after `since`, newest first."""

    def balance(self) -> Mapping[str, Money]:
        """Return what the processor holds for us by currency, available and pending together."""

    def verify_webhook(self, payload: bytes, signature: str) -> ProcessorEvent:
        """Return the event; `SignatureRefused` or `PayloadRefused` if it can't be trusted."""
