"""Selects of kept cards, what was agreed about them, and plans to charge them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import exists, select, true, tuple_

from marketplace.core.db import Session
from marketplace.payments.errors import CardNotFound, PlanNotFound
from marketplace.payments.events import Payable
from marketplace.payments.models import (
    BalancePlan,
    BalancePlanStep,
    CardMandate,
    Payment,
    SavedCard,
)
from marketplace.payments.states import LIVE, PLANNED, PaymentState, PlanState


class PageWishes(NamedTuple):
    """Whose kept cards a page offers, and whether it is to keep the one that is used."""

    customer: str | None
    keep_card: bool


def of_account(session: Session, account_id: UUID) -> Sequence[SavedCard]:
    """Return the cards that are kept for somebody, the latest first."""
    return (
        session.execute(
            select(SavedCard)
            .where(SavedCard.account_id == account_id, SavedCard.removed_at.is_(None))
            .order_by(SavedCard.kept_at.desc(), SavedCard.id.desc())
        )
        .scalars()
        .all()
    )


def own(session: Session, card_id: UUID, account_id: UUID, *, lock: bool = False) -> SavedCard:
    """Return a kept card of somebody's; `CardNotFound` for another's, and one that was removed."""
    found = session.get(SavedCard, card_id, with_for_update=lock, populate_existing=lock)
    if found is None or found.account_id != account_id or found.removed_at is not None:
        raise CardNotFound
    return found


def card(session: Session, card_id: UUID) -> SavedCard:
    return session.get_one(SavedCard, card_id)


def by_processor(session: Session, method: str) -> SavedCard | None:
    return session.execute(
        select(SavedCard).where(SavedCard.processor_method == method)
    ).scalar_one_or_none()


def same_card(session: Session, account_id: UUID, fingerprint: str) -> Sequence[SavedCard]:
    """Return this very card where it is kept for somebody."""
    return (
        session.execute(
            select(SavedCard).where(
                SavedCard.account_id == account_id,
                SavedCard.fingerprint == fingerprint,
                SavedCard.removed_at.is_(None),
            )
        )
        .scalars()
        .all()
    )


def wishes(session: Session, payment: Payment) -> PageWishes:
    """Return what a page of this payment is to do about cards."""
    customer = (
        select(SavedCard.processor_customer)
        .where(SavedCard.account_id == payment.payer_id, SavedCard.removed_at.is_(None))
        .order_by(SavedCard.kept_at.desc(), SavedCard.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    keeps = exists().where(CardMandate.payment_id == payment.id)
    row = session.execute(select(customer, keeps)).one()
    return PageWishes(row[0], bool(row[1]))


def mandate_of(session: Session, payment_id: UUID) -> CardMandate | None:
    return session.execute(
        select(CardMandate).where(CardMandate.payment_id == payment_id)
    ).scalar_one_or_none()


def mandate(session: Session, mandate_id: UUID) -> CardMandate:
    return session.get_one(CardMandate, mandate_id)


def plan(session: Session, plan_id: UUID) -> BalancePlan:
    """Return a plan as it is now; the caller holds its payable's lock where it changes it."""
    found = session.get(BalancePlan, plan_id, populate_existing=True)
    if found is None:
        raise PlanNotFound
    return found


def last_plan(session: Session, payable: Payable) -> BalancePlan | None:
    """Return the plan for the rest of a price that was made last, whatever became of it."""
    return session.execute(
        select(BalancePlan)
        .where(
            BalancePlan.payable_kind == payable.kind,
            BalancePlan.payable_id == payable.id,
        )
        .order_by(BalancePlan.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()


def live_plan(session: Session, payable: Payable) -> BalancePlan | None:
    return session.execute(
        select(BalancePlan)
        .where(
            BalancePlan.payable_kind == payable.kind,
            BalancePlan.payable_id == payable.id,
            BalancePlan.state.in_(PLANNED),
        )
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()


def waiting_for_card(session: Session, mandate_id: UUID) -> Sequence[BalancePlan]:
    """Return plans of a mandate whose card has not come yet, ours to change."""
    return (
        session.execute(
            select(BalancePlan)
            .where(BalancePlan.mandate_id == mandate_id, BalancePlan.state == PlanState.WAITING)
            .order_by(BalancePlan.payable_kind, BalancePlan.payable_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        .scalars()
        .all()
    )


def plan_to_finish(session: Session, payment_id: UUID) -> BalancePlan | None:
    """Return the plan whose payer was asked to pay by this payment instead."""
    return session.execute(
        select(BalancePlan).where(BalancePlan.finish_payment_id == payment_id)
    ).scalar_one_or_none()


def plans_on(session: Session, card_id: UUID) -> Sequence[BalancePlan]:
    """Return live plans that charge a card, in the order of their payables."""
    return (
        session.execute(
            select(BalancePlan)
            .where(BalancePlan.card_id == card_id, BalancePlan.state.in_(PLANNED))
            .order_by(BalancePlan.payable_kind, BalancePlan.payable_id)
        )
        .scalars()
        .all()
    )


def plans_due(
    session: Session,
    kind: str,
    now: datetime,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
) -> Sequence[tuple[datetime, UUID]]:
    """Return plans for things of a kind whose next try has come, with when it did.

    The longest waiting first, those `after` one of them.
    """
    place = tuple_(BalancePlan.next_try_at, BalancePlan.id)
    found = session.execute(
        select(BalancePlan.next_try_at, BalancePlan.id)
        .where(BalancePlan.state == PlanState.READY, BalancePlan.payable_kind == kind)
        .where(BalancePlan.next_try_at <= now, place > after if after is not None else true())
        .order_by(*place.clauses)
        .limit(limit)
    )
    return [(row.next_try_at, row.id) for row in found]


def plan_steps(session: Session, plan_id: UUID) -> Sequence[BalancePlanStep]:
    return (
        session.execute(
            select(BalancePlanStep)
            .where(BalancePlanStep.plan_id == plan_id)
            .order_by(BalancePlanStep.id)
        )
        .scalars()
        .all()
    )


def under_way(session: Session, card_id: UUID) -> UUID | None:
    """Return the payment that is being charged to a card now, if there is one."""
    return session.execute(
        select(Payment.id).where(Payment.card_id == card_id, Payment.state.in_(LIVE)).limit(1)
    ).scalar_one_or_none()


def pages_to_close(session: Session, payment: Payment) -> Sequence[UUID]:
    """Return payments for the same whose pages were given up and may still be open."""
    return (
        session.execute(
            select(Payment.id).where(
                Payment.payable_kind == payment.payable_kind,
                Payment.payable_id == payment.payable_id,
                Payment.purpose == payment.purpose,
                Payment.id != payment.id,
                Payment.state.not_in({*LIVE, PaymentState.SETTLED}),
                Payment.next_look_at.is_not(None),
                Payment.page_attempt > 0,
            )
        )
        .scalars()
        .all()
    )
