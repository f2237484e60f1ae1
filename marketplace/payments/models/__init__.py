"""Tables of payments: what is asked for and goes back, the books, and what Stripe told us."""

from marketplace.payments.models.books import (
    AccountKind,
    LedgerAccount,
    LedgerBalance,
    LedgerEntry,
    LedgerTransaction,
)
from marketplace.payments.models.cards import (
    BalancePlan,
    BalancePlanStep,
    CardMandate,
    SavedCard,
)
from marketplace.payments.models.carrying import PaymentCarry
from marketplace.payments.models.credit import CreditGrant, CreditMovement, CreditUse
from marketplace.payments.models.credit_notes import CreditNote
from marketplace.payments.models.disputes import Dispute, DisputeStep
from marketplace.payments.models.hosts import (
    FeeContract,
    HostAccount,
    HostMoneyStep,
    HostReversal,
    HostTransfer,
    ShareClaim,
    ShareRelease,
)
from marketplace.payments.models.inbox import Quarantine, Reconciliation, WebhookEvent
from marketplace.payments.models.invoices import Invoice, InvoiceLine, InvoiceStep
from marketplace.payments.models.paying import (
    Payment,
    PaymentLine,
    PaymentPart,
    PaymentTransition,
)
from marketplace.payments.models.protecting import PriceProtection
from marketplace.payments.models.receipts import DocumentSequence, Receipt
from marketplace.payments.models.refunds import Refund, RefundTransition
from marketplace.payments.models.vouchers import VoucherCode, VoucherUse

__all__ = [
    "AccountKind",
    "BalancePlan",
    "BalancePlanStep",
    "CardMandate",
    "CreditGrant",
    "CreditMovement",
    "CreditNote",
    "CreditUse",
    "Dispute",
    "DisputeStep",
    "DocumentSequence",
    "FeeContract",
    "HostAccount",
    "HostMoneyStep",
    "HostReversal",
    "HostTransfer",
    "Invoice",
    "InvoiceLine",
    "InvoiceStep",
    "LedgerAccount",
    "LedgerBalance",
    "LedgerEntry",
    "LedgerTransaction",
    "Payment",
    "PaymentCarry",
    "PaymentLine",
    "PaymentPart",
    "PaymentTransition",
    "PriceProtection",
    "Quarantine",
    "Receipt",
    "Reconciliation",
    "Refund",
    "RefundTransition",
    "SavedCard",
    "ShareClaim",
    "ShareRelease",
    "VoucherCode",
    "VoucherUse",
    "WebhookEvent",
]
