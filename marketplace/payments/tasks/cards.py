"""Jobs of kept cards: charged, forgotten, looked at."""

from uuid import UUID

from marketplace.core.jobs import JobContext, RetryPolicy, Task
from marketplace.core.settings import Settings
from marketplace.payments.gateway import (
    CardGateway,
    CheckoutSession,
    GatewayRefused,
    GatewayUncertain,
)
from marketplace.payments.service import cards, charging, steps
from marketplace.payments.tasks import looking

CALLS = RetryPolicy(attempts=10, first=2, longest=300)
RETURN = "/api/v1/payments/return"


def charge_card(job: JobContext, payment_id: str) -> None:
    """Charge a kept card for a payment; pages for the same are closed before."""
    row_id = UUID(payment_id)
    with job.transaction() as session:
        pages = charging.pages_before(session, row_id)
    for page in pages:
        looking.close_checkout(job, str(page))
    with job.transaction() as session:
        plan = charging.plan(session, row_id, now=job.clock.now())
    if plan is None:
        return
    try:
        seen = _charge_or_find(job, plan)
    except GatewayUncertain as error:
        if error.replayed:
            with job.transaction() as session:
                charging.give_up_key(session, row_id)
        raise
    except GatewayRefused as error:
        with job.transaction() as session:
            charging.refused(session, row_id, error.code, str(error), job.clock.now())
        return
    if seen is not None:
        looking.arrive(job, row_id, seen, "charge_card")


def forget_card(job: JobContext, card_id: str) -> None:
    """Have the processor forget a card that was removed."""
    with job.transaction() as session:
        call = cards.to_forget(session, UUID(card_id))
    if call is not None:
        job.parts.get(CardGateway).forget_card(call.method)


def card_stands(job: JobContext, method: str) -> str:
    """Ask how a kept card stands, and take it in."""
    seen = job.parts.get(CardGateway).retrieve_card(method)
    with job.transaction() as session:
        return cards.changed(session, method, seen, now=job.clock.now())


def _charge_or_find(job: JobContext, plan: charging.ChargePlan) -> CheckoutSession | None:
    gateway = job.parts.get(CardGateway)
    if plan.repeat:
        found = gateway.find_charge(plan.customer, plan.payment_id, plan.asked_at)
        if found is not None:
            return found
        with job.transaction() as session:
            if charging.too_late(session, plan.payment_id, job.clock.now()):
                return None
    back = job.parts.get(Settings).public_url.rstrip("/") + RETURN
    return gateway.charge(
        plan.key,
        payment_id=plan.payment_id,
        customer=plan.customer,
        method=plan.method,
        amount=plan.amount,
        description=plan.description,
        metadata={"payable": f"{plan.payable.kind}:{plan.payable.id}"},
        return_url=None if plan.off_session else back,
    )


TASKS = (
    Task(steps.CHARGE_CARD, charge_card, retry=CALLS),
    Task(steps.FORGET_CARD, forget_card, retry=CALLS),
)
