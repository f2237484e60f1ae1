"""The ledger. Amounts of entries are signed: a debit is positive, a credit negative.

The database refuses a transaction that does not sum to zero in each currency, a changed or removed
entry, and an entry in a currency other than its account's. It also keeps the running totals.
"""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, created_at, pk
from marketplace.payments.models.paying import one_of


class AccountKind(StrEnum):
    """The chart of accounts; those of a host or trainee have an owner."""

    PROCESSOR_CLEARING = "processor_clearing"
    """Asset: what Stripe holds for us."""
    BANK = "bank"
    """Asset: what Stripe has paid out to our own bank account."""
    TRAINEE_CREDIT = "trainee_credit"
    """Liability, by trainee: credit that can pay for something later."""
    DEFERRED_HOST_SHARE = "deferred_host_share"
    """Liability, by site: the host's part of what was paid, before it is earned."""
    HOST_PAYABLE = "host_payable"
    """Liability, by site: earned, and due to the host."""
    HOST_RECEIVABLE = "host_receivable"
    """Asset, by site: paid out, taken back, and not to be had from the host's balance."""
    PLATFORM_REVENUE = "platform_revenue"
    TAX_PAYABLE = "tax_payable"
    """Liability: the tax that is contained in what the platform has earned, due to the tax office."""
    PROCESSOR_FEES = "processor_fees"
    """Expense: what Stripe keeps."""
    REFUNDS_PAYABLE = "refunds_payable"
    """Liability: refunds granted that have not left us yet, or came back."""
    DISPUTES = "disputes"
    """Asset: what was withdrawn for disputes that are not decided."""
    DISPUTE_LOSSES = "dispute_losses"
    """Expense: what lost disputes cost us."""
    SUSPENSE = "suspense"
    """What nobody can explain yet; anything but zero is an alarm."""


class LedgerAccount(Base):
    """An account in one currency, made when it is first posted to."""

    __tablename__ = "ledger_account"
    __table_args__ = (
        UniqueConstraint("kind", "owner_id", "currency", postgresql_nulls_not_distinct=True),
        UniqueConstraint("id", "currency"),
        CheckConstraint(one_of("kind", [kind.value for kind in AccountKind]), name="kind"),
    )

    id: Mapped[uuid.UUID] = pk()
    kind: Mapped[str]
    owner_id: Mapped[uuid.UUID | None]
    currency: Mapped[str] = mapped_column(CHAR(3))
    created_at: Mapped[datetime] = created_at()


class LedgerTransaction(Base):
    """One event in the books. (source, reason) makes it unique: posted once, whoever tells us."""

    __tablename__ = "ledger_transaction"
    __table_args__ = (
        UniqueConstraint("source", "reason"),
        Index("ix_ledger_transaction_payment_id", "payment_id"),
        Index("ix_ledger_transaction_occurred_at", "occurred_at"),
    )

    id: Mapped[uuid.UUID] = pk()
    source: Mapped[str]
    reason: Mapped[str]
    occurred_at: Mapped[datetime]
    payment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payment.id"))
    created_at: Mapped[datetime] = created_at()


class LedgerEntry(Base):
    """One side of a transaction; `amount_minor` is positive for a debit, negative for a credit."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        CheckConstraint("amount_minor <> 0", name="amount"),
        ForeignKeyConstraint(
            ["account_id", "currency"], ["ledger_account.id", "ledger_account.currency"]
        ),
        Index("ix_ledger_entry_transaction_id", "transaction_id"),
        Index("ix_ledger_entry_account_id_currency", "account_id", "currency"),
    )

    id: Mapped[uuid.UUID] = pk()
    transaction_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("ledger_transaction.id"))
    account_id: Mapped[uuid.UUID]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(CHAR(3))


class LedgerBalance(Base):
    """Running totals, kept by a trigger on the entries in the same transaction.

    An account's total is spread over a few rows, of which a transaction has some to itself until it
    ends: many at once post to a busy account without waiting for each other; the balance is their sum.
    """

    __tablename__ = "ledger_balance"

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("ledger_account.id"), primary_key=True)
    part: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    debit_minor: Mapped[int] = mapped_column(BigInteger)
    credit_minor: Mapped[int] = mapped_column(BigInteger)
    entries: Mapped[int] = mapped_column(BigInteger)
