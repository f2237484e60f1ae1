"""Plans by which the rest of a price is charged to a kept card: begun, tried, tried again, ended.

A plan knows when, and at most how much; what is owed on the day is its owner's to say, who asks for
the payment. All changes are made under the lock of the plan's payable.
"""

from datetime import datetime
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.payments.errors import PlanExists
from marketplace.payments.events import Charge, Payable
from marketplace.payments.models import BalancePlan, BalancePlanStep, CardMandate, Payment
from marketplace.payments.queries import cards as found
from marketplace.payments.rules import declines
from marketplace.payments.rules.cards import Rest
from marketplace.payments.states import PLAN, PlanState


def begin(
    session: Session,
    mandate: CardMandate,
    rest: Rest,
    card_id: UUID | None,
    now: datetime,
) -> BalancePlan:
    """Begin a plan in place of one that there may be; ready where its card is there."""
    before = found.live_plan(session, rest.of)
    if before is not None:
        if under_way(before):
            raise PlanExists("It is being charged now.")
        stop(session, before, "agreed to anew", now)
    plan = BalancePlan(
        id=new_id(),
        mandate_id=mandate.id,
        payable_kind=rest.of.kind,
        payable_id=rest.of.id,
        card_id=card_id,
        most=rest.most,
        state=PlanState.WAITING if card_id is None else PlanState.READY,
        charge_at=rest.charge_at,
        next_try_at=None if card_id is None else rest.charge_at,
        tries=0,
    )
    session.add(plan)
    session.flush()
    _log(session, plan, None, "agreed to", now)
    return plan


def card_came(session: Session, mandate: CardMandate, card_id: UUID, now: datetime) -> None:
    """The page was paid, and its card is kept: what waited for it is ready."""
    for plan in found.waiting_for_card(session, mandate.id):
        plan.card_id, plan.next_try_at = card_id, plan.charge_at
        _move(session, plan, PlanState.READY, "the card is kept", now)


def move_to(session: Session, old_card_id: UUID, card_id: UUID, now: datetime) -> None:
    """Have plans on a card charge the same card as it was kept again."""
    for plan in found.plans_on(session, old_card_id):
        plan.card_id = card_id
        session.flush()
        _log(session, plan, plan.state, "the card was kept again", now)


def asked(session: Session, plan: BalancePlan, payment: Payment, now: datetime) -> None:
    """A payment was asked for: nothing more is tried until it is told how that went."""
    plan.tries += 1
    plan.first_tried_at = plan.first_tried_at or now
    plan.next_try_at = None
    session.flush()
    _log(session, plan, plan.state, f"try {plan.tries}: payment {payment.id}", now)


def postpone(session: Session, plan: BalancePlan, until: datetime, why: str, now: datetime) -> None:
    """Leave a plan for later: nothing is due yet, or the payer is paying otherwise."""
    plan.next_try_at = until
    session.flush()
    _log(session, plan, plan.state, why, now)


def failed(
    session: Session, payment: Payment, code: str | None, *, final: bool, now: datetime
) -> Charge | None:
    """A charge of a locked payment did not go through: try again by the schedule, or stop.

    None where no plan is behind it any more.
    """
    plan = found.live_plan(session, payment.payable)
    if plan is None or PlanState(plan.state) is not PlanState.READY:
        return None
    plan.last_code = code
    wait = None if final else declines.try_again_after(code, plan.tries)
    if wait is None or plan.first_tried_at is None:
        stop(session, plan, f"declined: {code or 'no reason given'}", now)
        return Charge(plan.id, code, None)
    again = max(plan.first_tried_at + wait, now)
    postpone(session, plan, again, f"declined: {code}", now)
    return Charge(plan.id, code, again)


def paid(session: Session, payable: Payable, now: datetime) -> None:
    """The balance is paid, by whatever means: the plan has nothing to do."""
    plan = found.live_plan(session, payable)
    if plan is None:
        return
    if PlanState(plan.state) is PlanState.READY:
        _move(session, plan, PlanState.DONE, "paid", now)
    else:
        stop(session, plan, "paid before its card came", now)


def finish_by(session: Session, plan_id: UUID, payment_id: UUID) -> None:
    """Note by which payment the payer is asked to finish what a plan could not."""
    found.plan(session, plan_id).finish_payment_id = payment_id
    session.flush()


def stop(session: Session, plan: BalancePlan, why: str, now: datetime) -> None:
    plan.next_try_at = None
    _move(session, plan, PlanState.STOPPED, why, now)


def under_way(plan: BalancePlan) -> bool:
    """Whether a charge of the plan is being made."""
    return plan.card_id is not None and plan.next_try_at is None and plan.tries > 0


def _move(session: Session, plan: BalancePlan, after: PlanState, why: str, now: datetime) -> None:
    before = PlanState(plan.state)
    PLAN.check(before, after)
    plan.state = after
    if after is not PlanState.READY:
        plan.next_try_at = None
    session.flush()
    _log(session, plan, before, why, now)


def _log(session: Session, plan: BalancePlan, before: str | None, why: str, now: datetime) -> None:
    session.add(
        BalancePlanStep(plan_id=plan.id, before=before, after=plan.state, reason=why, at=now)
    )
    session.flush()
