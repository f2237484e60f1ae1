"""What payments tells those above it. All are published in the transaction that makes them true."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from marketplace.core.events import Event
from marketplace.core.money import Money


@dataclass(frozen=True, slots=True)
class Payable:
    """What is paid for: a kind that its owner chose (`booking`) and the row's id."""

    kind: str
    id: UUID


@dataclass(frozen=True)
class PaymentEvent(Event):
    """`purpose` is the one that the payment was requested with; `at` is domain time."""

    payment_id: UUID
    payable: Payable
    purpose: str
    payer_id: UUID
    amount: Money
    at: datetime


@dataclass(frozen=True)
class PaymentSettled(PaymentEvent):
    """The money arrived. `late`: the payment had expired, failed or been cancelled before.

    Whoever listens either fulfils what was paid for or calls `payments.service.refund`, in this
    same transaction. `credit_minor` was set aside beside it, `voucher_use_id` lowered the price:
    both are fulfilled (`service.credit.paying.fulfil`, `service.vouchers.fulfil`) or given up too.
    """

    late: bool
    credit_minor: int = 0
    voucher_use_id: UUID | None = None


@dataclass(frozen=True)
class PaymentFailed(PaymentEvent):
    """`reason` is a sentence for the payer. Declines on an open page are not told: one can retry.

    `charge` tells more of one that was charged without its payer.
    """

    reason: str
    charge: "Charge | None" = None


@dataclass(frozen=True)
class PaymentExpired(PaymentEvent):
    """The page has closed unpaid, or a card could not be charged in time."""

    charge: "Charge | None" = None


@dataclass(frozen=True)
class Charge:
    """A charge of a kept card that did not go through: why, and when it is tried again, if it is.

    `plan_id` is the plan that it was made for.
    """

    plan_id: UUID
    code: str | None
    try_again_at: datetime | None


@dataclass(frozen=True)
class PaymentOpened(PaymentEvent):
    """The payer can pay at `url`, which is open until `until`."""

    url: str
    until: datetime


@dataclass(frozen=True)
class RefundEvent(Event):
    refund_id: UUID
    payment_id: UUID
    payable: Payable
    payer_id: UUID
    amount: Money
    at: datetime


@dataclass(frozen=True)
class RefundSettled(RefundEvent):
    """The money is on its way to the payer, as far as Stripe can tell."""


@dataclass(frozen=True)
class RefundFailed(RefundEvent):
    """Stripe could not pay back, at once or days later; the debt stands in `refunds_payable`."""

    reason: str


@dataclass(frozen=True)
class TransferSettled(Event):
    """A part of what a host earned is in its balance at the processor."""

    transfer_id: UUID
    site_id: UUID
    payable: Payable
    tranche: int
    amount: Money
    at: datetime


@dataclass(frozen=True)
class HostPayout(Event):
    """The processor paid a host's balance out to its bank; with a `reason` it came back."""

    site_id: UUID
    at: datetime
    reason: str | None = None


@dataclass(frozen=True)
class InvoiceMoved(Event):
    """An invoice was issued to a school, or is in another state."""

    invoice_id: UUID
    school_id: UUID
    state: str
    amount: Money
    due_on: date
    at: datetime


@dataclass(frozen=True)
class DoneByHand(Event):
    """An operator gave credit or took it back, made a code or ended it; for the audit trail.

    `detail` holds what the trail says of it: ids, amounts and the reason.
    """

    actor_id: UUID
    action: str
    subject_kind: str
    subject_id: UUID
    at: datetime
    detail: Mapping[str, str] = field(default_factory=dict)
