"""Cards that are kept at the processor, what their holders agreed to, and balances charged to them."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, created_at, money_column, pk
from marketplace.core.money import Money
from marketplace.payments.events import Payable
from marketplace.payments.models.paying import one_of
from marketplace.payments.rules.cards import MandateKind
from marketplace.payments.states import PLANNED, PlanState


class SavedCard(Base):
    """A card of an account's, kept at the processor; we know no more of it than is printed here."""

    __tablename__ = "saved_card"
    __table_args__ = (
        UniqueConstraint("processor_method"),
        CheckConstraint("exp_month BETWEEN 1 AND 12", name="exp_month"),
        CheckConstraint("(removed_at IS NULL) = (removed_why IS NULL)", name="removed"),
        Index("ix_saved_card_account_id", "account_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    processor_customer: Mapped[str]
    processor_method: Mapped[str]
    fingerprint: Mapped[str | None]
    brand: Mapped[str]
    last4: Mapped[str]
    exp_month: Mapped[int] = mapped_column(SmallInteger)
    exp_year: Mapped[int] = mapped_column(SmallInteger)
    kept_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    removed_why: Mapped[str | None]
    created_at: Mapped[datetime] = created_at()


class CardMandate(Base):
    """What the holder of a card agreed to, in the words that they were shown: append-only.

    Of a card that a payment's page was to keep (`payment_id`), or of one that was kept (`card_id`).
    """

    __tablename__ = "card_mandate"
    __table_args__ = (
        CheckConstraint(one_of("kind", list(MandateKind)), name="kind"),
        CheckConstraint("(payment_id IS NULL) <> (card_id IS NULL)", name="given_by"),
        UniqueConstraint("payment_id"),
        Index("ix_card_mandate_account_id", "account_id"),
        Index("ix_card_mandate_card_id", "card_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    kind: Mapped[str]
    payable_kind: Mapped[str]
    payable_id: Mapped[uuid.UUID]
    payment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payment.id"))
    card_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("saved_card.id"))
    words: Mapped[str]
    locale: Mapped[str]
    agreed_at: Mapped[datetime]
    created_at: Mapped[datetime] = created_at()


class BalancePlan(Base):
    """The rest of a price, to be charged to a kept card by itself; one live plan a thing.

    One mandate may be about the balances of several things that were paid for at once.

    `most` is what its holder agreed to at most, `tries` counts the charges that were asked for.
    `finish_payment_id` is the payment by which the payer is asked to finish it themselves.
    """

    __tablename__ = "balance_plan"
    __table_args__ = (
        UniqueConstraint("mandate_id", "payable_id"),
        CheckConstraint(one_of("state", list(PlanState)), name="state"),
        CheckConstraint("most_minor > 0", name="most"),
        CheckConstraint("tries >= 0", name="tries"),
        CheckConstraint("state <> 'ready' OR card_id IS NOT NULL", name="card"),
        Index(
            "uq_balance_plan_live",
            "payable_kind",
            "payable_id",
            unique=True,
            postgresql_where=text(one_of("state", sorted(PLANNED))),
        ),
        Index("ix_balance_plan_due", "next_try_at", postgresql_where=text("state = 'ready'")),
        Index("ix_balance_plan_card_id", "card_id"),
        Index("ix_balance_plan_payable_kind_payable_id", "payable_kind", "payable_id"),
        Index(
            "ix_balance_plan_finish_payment_id",
            "finish_payment_id",
            postgresql_where=text("finish_payment_id IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    mandate_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("card_mandate.id"))
    payable_kind: Mapped[str]
    payable_id: Mapped[uuid.UUID]
    card_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("saved_card.id"))
    most: Mapped[Money] = money_column("most")
    state: Mapped[str]
    charge_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    first_tried_at: Mapped[datetime | None]
    next_try_at: Mapped[datetime | None]
    last_code: Mapped[str | None]
    finish_payment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payment.id"))
    created_at: Mapped[datetime] = created_at()

    @property
    def payable(self) -> Payable:
        return Payable(self.payable_kind, self.payable_id)


class BalancePlanStep(Base):
    """One change of a plan, or one try of it: append-only."""

    __tablename__ = "balance_plan_step"
    __table_args__ = (Index("ix_balance_plan_step_plan_id", "plan_id"),)

    id: Mapped[uuid.UUID] = pk()
    plan_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("balance_plan.id"))
    before: Mapped[str | None]
    after: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]
    created_at: Mapped[datetime] = created_at()
