"""What hosts are paid: their accounts at the processor, the contracts, shares, and transfers."""

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, created_at, pk
from marketplace.core.money import Money
from marketplace.payments.events import Payable
from marketplace.payments.models.paying import one_of
from marketplace.payments.rules.shares import Bearer
from marketplace.payments.states import ReversalState, ShareStep, TransferState


class HostAccount(Base):
    """A site's account at the processor, as it was when we last looked.

    `due` are the processor's names of what it still asks for; `disabled_reason` its word for why
    nothing can be sent there. An onboarding link is good for minutes, and once.
    """

    __tablename__ = "host_account"
    __table_args__ = (
        UniqueConstraint("processor_account"),
        Index("ix_host_account_asked_by", "asked_by"),
    )

    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    asked_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    asked_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    processor_account: Mapped[str | None]
    details_submitted: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    transfers_enabled: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    payouts_enabled: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    due: Mapped[list[Any]] = mapped_column(default=list, server_default=text("'[]'"))
    due_by: Mapped[datetime | None]
    disabled_reason: Mapped[str | None]
    refused: Mapped[str | None]
    payout_failure: Mapped[str | None]
    payout_told_at: Mapped[datetime | None]
    link_asked_at: Mapped[datetime | None]
    link_url: Mapped[str | None]
    link_expires_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_at()


class FeeContract(Base):
    """The fees agreed with a site, from a day to another (which is not in it).

    What is kept of the site's share, and what who books there pays on top: without `platform_fee_bp`
    as much as everywhere. Rows are never changed but for being replaced, once; an exclusion constraint refuses two that
    count on one day. Fees are in hundredths of a percent.
    """

    __tablename__ = "fee_contract"
    __table_args__ = (
        CheckConstraint("host_fee_bp BETWEEN 0 AND 10000", name="host_fee"),
        CheckConstraint("platform_fee_bp BETWEEN 0 AND 10000", name="platform_fee"),
        CheckConstraint(one_of("losses_borne_by", [one.value for one in Bearer]), name="bearer"),
        CheckConstraint("valid_until > valid_from", name="valid"),
        CheckConstraint("(replaced_at IS NULL) = (replaced_by IS NULL)", name="replaced"),
        UniqueConstraint("replaces_id"),
        Index("ix_fee_contract_site_id", "site_id", "valid_from"),
        Index("ix_fee_contract_set_by", "set_by"),
        Index("ix_fee_contract_replaced_by", "replaced_by"),
    )

    id: Mapped[uuid.UUID] = pk()
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    host_fee_bp: Mapped[int] = mapped_column(SmallInteger)
    platform_fee_bp: Mapped[int | None] = mapped_column(SmallInteger)
    losses_borne_by: Mapped[str]
    note: Mapped[str]
    set_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    set_at: Mapped[datetime]
    replaces_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("fee_contract.id"))
    replaced_at: Mapped[datetime | None]
    replaced_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))

    @property
    def host_fee(self) -> Decimal:
        """What is kept of the site's share, in percent."""
        return Decimal(self.host_fee_bp) / 100

    @property
    def platform_fee(self) -> Decimal | None:
        """What is paid on top of the site's price, in percent; None: as everywhere."""
        return None if self.platform_fee_bp is None else Decimal(self.platform_fee_bp) / 100


class ShareRelease(Base):
    """What the owner of a payable has told of it; a job does what follows once `from_at` is past.

    `waits_for` says why it has not been done in spite of that: an open dispute.
    """

    __tablename__ = "share_release"
    __table_args__ = (
        CheckConstraint(one_of("step", [step.value for step in ShareStep]), name="step"),
        CheckConstraint("(handled_at IS NULL) = (outcome IS NULL)", name="handled"),
        Index("ix_share_release_due", "from_at", postgresql_where=text("handled_at IS NULL")),
        Index("ix_share_release_payable_kind_payable_id", "payable_kind", "payable_id"),
        Index("ix_share_release_site_id", "site_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    payable_kind: Mapped[str]
    payable_id: Mapped[uuid.UUID]
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    step: Mapped[str]
    from_at: Mapped[datetime]
    told_at: Mapped[datetime]
    waits_for: Mapped[str | None]
    handled_at: Mapped[datetime | None]
    outcome: Mapped[str | None]

    @property
    def payable(self) -> Payable:
        return Payable(self.payable_kind, self.payable_id)


class HostTransfer(Base):
    """A part of the host's share of one thing: earned, and sent to the host's account.

    `gross` is what was earned, of which `fee` is the marketplace's, `netted` pays back what the
    host owed, `taken` was taken back before it was sent, and `amount` is what is sent; all in minor
    units. `reversed` counts what is asked back of it, under way too.
    """

    __tablename__ = "host_transfer"
    __table_args__ = (
        UniqueConstraint("payable_kind", "payable_id", "tranche"),
        UniqueConstraint("release_id"),
        UniqueConstraint("processor_transfer"),
        CheckConstraint(one_of("state", [state.value for state in TransferState]), name="state"),
        CheckConstraint("tranche >= 1", name="tranche"),
        CheckConstraint(
            "gross_minor > 0 AND fee_minor >= 0 AND netted_minor >= 0 AND taken_minor >= 0"
            " AND amount_minor >= 0"
            " AND gross_minor = fee_minor + netted_minor + taken_minor + amount_minor",
            name="amounts",
        ),
        CheckConstraint("reversed_minor BETWEEN 0 AND amount_minor", name="reversed"),
        CheckConstraint("(amount_minor = 0) = (state = 'withdrawn')", name="something"),
        Index("ix_host_transfer_site_id", "site_id", "earned_at"),
        Index("ix_host_transfer_contract_id", "contract_id"),
        Index(
            "ix_host_transfer_poll",
            "next_look_at",
            postgresql_where=text("next_look_at IS NOT NULL"),
        ),
        Index(
            "ix_host_transfer_stopped",
            "id",
            postgresql_where=text("state IN ('held', 'failed') OR held_for IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    payable_kind: Mapped[str]
    payable_id: Mapped[uuid.UUID]
    tranche: Mapped[int] = mapped_column(SmallInteger)
    release_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("share_release.id"))
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    contract_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("fee_contract.id"))
    currency: Mapped[str] = mapped_column(CHAR(3))
    gross_minor: Mapped[int] = mapped_column(BigInteger)
    fee_minor: Mapped[int] = mapped_column(BigInteger)
    netted_minor: Mapped[int] = mapped_column(BigInteger)
    taken_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    reversed_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    state: Mapped[str]
    held_for: Mapped[str | None]
    earned_at: Mapped[datetime]
    # Calls under the present key; a definite refusal ends a key, and `key_number` counts those.
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    key_number: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    processor_transfer: Mapped[str | None]
    failure: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    next_look_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_at()

    @property
    def payable(self) -> Payable:
        return Payable(self.payable_kind, self.payable_id)

    @property
    def gross(self) -> Money:
        return Money(self.gross_minor, self.currency)

    @property
    def fee(self) -> Money:
        return Money(self.fee_minor, self.currency)

    @property
    def netted(self) -> Money:
        return Money(self.netted_minor, self.currency)

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def taken(self) -> Money:
        return Money(self.taken_minor, self.currency)

    @property
    def reversed(self) -> Money:
        return Money(self.reversed_minor, self.currency)

    @property
    def kept(self) -> Money:
        """What is not asked back of it."""
        return Money(self.amount_minor - self.reversed_minor, self.currency)


class ShareClaim(Base):
    """A part of an earned share that is the host's no more, for a `cause`: append-only.

    `fee_minor` of the gross amount is what the marketplace gives back of its fee.
    """

    __tablename__ = "share_claim"
    __table_args__ = (
        UniqueConstraint("cause", "payable_kind", "payable_id"),
        CheckConstraint("gross_minor > 0 AND fee_minor BETWEEN 0 AND gross_minor", name="amounts"),
        Index("ix_share_claim_payable_kind_payable_id", "payable_kind", "payable_id"),
        Index("ix_share_claim_site_id", "site_id", "at"),
    )

    id: Mapped[uuid.UUID] = pk()
    payable_kind: Mapped[str]
    payable_id: Mapped[uuid.UUID]
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    cause: Mapped[str]
    currency: Mapped[str] = mapped_column(CHAR(3))
    gross_minor: Mapped[int] = mapped_column(BigInteger)
    fee_minor: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]

    @property
    def gross(self) -> Money:
        return Money(self.gross_minor, self.currency)

    @property
    def fee(self) -> Money:
        return Money(self.fee_minor, self.currency)

    @property
    def net(self) -> Money:
        return self.gross - self.fee


class HostReversal(Base):
    """What is taken back of a transfer for a claim. The row comes before any call to Stripe."""

    __tablename__ = "host_reversal"
    __table_args__ = (
        UniqueConstraint("claim_id", "transfer_id"),
        UniqueConstraint("processor_reversal"),
        CheckConstraint(one_of("state", [state.value for state in ReversalState]), name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("ix_host_reversal_transfer_id", "transfer_id"),
        Index("ix_host_reversal_site_id", "site_id"),
        Index(
            "ix_host_reversal_poll",
            "next_look_at",
            postgresql_where=text("next_look_at IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    claim_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("share_claim.id"))
    transfer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("host_transfer.id"))
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    currency: Mapped[str] = mapped_column(CHAR(3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str]
    requested_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    processor_reversal: Mapped[str | None]
    failure: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    next_look_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_at()

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class HostMoneyStep(Base):
    """One change of state of a transfer or of a reversal: append-only."""

    __tablename__ = "host_money_step"
    __table_args__ = (
        CheckConstraint("num_nonnulls(transfer_id, reversal_id) = 1", name="subject"),
        Index("ix_host_money_step_transfer_id", "transfer_id"),
        Index("ix_host_money_step_reversal_id", "reversal_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    transfer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("host_transfer.id"))
    reversal_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("host_reversal.id"))
    before: Mapped[str | None]
    after: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]
    created_at: Mapped[datetime] = created_at()
