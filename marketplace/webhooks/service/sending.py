"""Sending: an attempt is claimed and written down, made outside any transaction, and recorded.

A claim lasts longer than any attempt can. A process that dies in between leaves a claim that runs
out, and the delivery is sent again, under the same id: at least once. One job of an endpoint runs
at a time (the queue's lock), so an endpoint that is slow holds up itself and nobody else.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from marketplace.core.clock import SystemClock
from marketplace.core.db import Session
from marketplace.core.jobs import JobContext, defer
from marketplace.webhooks import queries
from marketplace.webhooks.gateway import Answer, NotReached, WebhookSender
from marketplace.webhooks.models import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)
from marketplace.webhooks.rules import signing, trying
from marketplace.webhooks.service import endpoints, notices
from marketplace.webhooks.states import DeliveryState, DisabledFor, EndpointState

SEND = "webhooks.send"
# Longer than connecting, asking a resolver and an answer may take together.
CLAIM = timedelta(minutes=2)
AT_ONCE = 50
INTERRUPTED = "The attempt was interrupted on our side; whether it arrived is not known."
AGENT = "rotation-marketplace-webhooks/1"
_D = WebhookDelivery


@dataclass(frozen=True)
class Plan:
    """An attempt that was claimed: what goes where, as which attempt of how many tries."""

    endpoint_id: UUID
    message_id: UUID
    number: int
    tries: int
    url: str
    body: bytes
    secrets: tuple[bytes, ...]


def send_due(job: JobContext, endpoint_id: UUID) -> None:
    """Send what is due to an endpoint, the longest due first, until nothing is or it is in trouble.

    What is left then is asked for again within a minute, when another attempt may fare better.
    """
    for _ in range(AT_ONCE):
        with job.transaction() as session:
            plan = claim(session, endpoint_id, job.clock.now())
        if plan is None or not _attempt(job, plan):
            return
    with job.transaction() as session:
        ask(session, endpoint_id)


def ask(session: Session, endpoint_id: UUID) -> None:
    """Have what is due to an endpoint sent once this transaction has committed."""
    defer(session, SEND, lock=f"webhook:{endpoint_id}", endpoint_id=str(endpoint_id))


def ask_all(session: Session, now: datetime) -> int:
    """Ask for all endpoints that have something due; return how many."""
    due = queries.with_something_due(session, now)
    for endpoint_id in due:
        ask(session, endpoint_id)
    return len(due)


def claim(session: Session, endpoint_id: UUID, now: datetime) -> Plan | None:
    """Take the delivery that is longest due; None if none is, or nothing is sent there any more."""
    row = session.get(WebhookEndpoint, endpoint_id)
    if row is None:
        return None
    if row.state != EndpointState.ENABLED:
        # Told while it was being disabled.
        endpoints.give_up(session, endpoint_id, now)
        return None
    delivery = session.execute(
        select(_D)
        .where(_D.endpoint_id == endpoint_id, _D.state == "pending", _D.next_at <= now)
        .order_by(_D.next_at, _D.message_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).scalar_one_or_none()
    if delivery is None:
        return None
    if delivery.begun_at is not None:
        _record(session, delivery, delivery.attempts, delivery.begun_at, error=INTERRUPTED)
    delivery.attempts += 1
    delivery.tries += 1
    delivery.next_at, delivery.begun_at = now + CLAIM, now
    session.flush()
    _, message = queries.delivery(session, endpoint_id, delivery.message_id)
    return Plan(
        endpoint_id,
        message.id,
        delivery.attempts,
        delivery.tries,
        row.url,
        message.body.encode(),
        tuple(endpoints.opened(session, endpoint_id, now)),
    )


def _attempt(job: JobContext, plan: Plan) -> bool:
    """Make a claimed attempt and record it; whether the next message may fare better."""
    began = job.clock.now()
    # Signatures keep real time: who takes the call knows nothing of where a demo's clock was moved to.
    signed_at = int(SystemClock().now().timestamp())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": AGENT,
        **signing.headers(message_name(plan.message_id), signed_at, plan.body, plan.secrets),
    }
    try:
        answer = job.parts.get(WebhookSender).send(plan.url, headers, plan.body)
    except NotReached as failed:
        with job.transaction() as session:
            _not_taken(session, plan, began, job.clock.now(), failed)
        return False
    with job.transaction() as session:
        if trying.succeeded(answer.status):
            _taken(session, plan, began, job.clock.now(), answer)
        else:
            _not_taken(session, plan, began, job.clock.now(), answer)
    return answer.status not in trying.THROTTLED


def message_name(message_id: UUID) -> str:
    """The `webhook-id` of a message, the same in every attempt."""
    return f"msg_{message_id.hex}"


def _taken(session: Session, plan: Plan, began: datetime, now: datetime, answer: Answer) -> None:
    # The endpoint's row before the delivery's, as whoever disables it takes them.
    session.execute(
        update(WebhookEndpoint)
        .where(WebhookEndpoint.id == plan.endpoint_id, WebhookEndpoint.failing_since.is_not(None))
        .values(failing_since=None)
        .execution_options(synchronize_session=False)
    )
    delivery = _held(session, plan)
    if delivery is not None:
        _record(session, delivery, plan.number, began, outcome=answer)
        delivery.state, delivery.next_at = DeliveryState.DELIVERED.value, None
        delivery.done_at, delivery.begun_at = now, None
        session.flush()


def _not_taken(
    session: Session, plan: Plan, began: datetime, now: datetime, why: Answer | NotReached
) -> None:
    """Record it, and plan the next try, or give up; an endpoint that takes nothing is disabled."""
    answer = why if isinstance(why, Answer) else None
    row = session.get_one(WebhookEndpoint, plan.endpoint_id, with_for_update={"key_share": True})
    delivery = _held(session, plan)
    if delivery is not None:
        _record(session, delivery, plan.number, began, outcome=why)
        # What was decided meanwhile, by a replay or by disabling, stands.
        if delivery.state == DeliveryState.PENDING and delivery.attempts == plan.number:
            delivery.begun_at = None
            delivery.next_at = trying.next_at(
                now, plan.tries, random(), answer.retry_after if answer else None
            )
            if delivery.next_at is None:
                delivery.state, delivery.done_at = DeliveryState.FAILED.value, now
    row.failing_since = row.failing_since or now
    session.flush()
    if answer is not None and answer.status == trying.GONE:
        _disable(session, plan.endpoint_id, DisabledFor.GONE, now)
    elif now - row.failing_since >= trying.FAILING_FOR:
        _disable(session, plan.endpoint_id, DisabledFor.FAILURES, now)


def _disable(session: Session, endpoint_id: UUID, why: DisabledFor, now: datetime) -> None:
    row = endpoints.disable(session, endpoint_id, why, now)
    if row is not None:
        notices.disabled(session, row, why, now)


def _held(session: Session, plan: Plan) -> WebhookDelivery | None:
    """The delivery with its row held; None where it was pruned meanwhile."""
    return session.get(WebhookDelivery, (plan.endpoint_id, plan.message_id), with_for_update=True)


def _record(
    session: Session,
    delivery: WebhookDelivery,
    number: int,
    at: datetime,
    *,
    outcome: Answer | NotReached | None = None,
    error: str | None = None,
) -> None:
    """Write an attempt down, once: one that was taken for interrupted stays so."""
    answer = outcome if isinstance(outcome, Answer) else None
    if isinstance(outcome, NotReached):
        error = outcome.words
    elif answer is not None and not trying.succeeded(answer.status):
        error = _in_words(answer.status)
    took = outcome.took if outcome is not None else None
    session.execute(
        insert(WebhookAttempt)
        .values(
            endpoint_id=delivery.endpoint_id,
            message_id=delivery.message_id,
            number=number,
            at=at,
            took_ms=None if took is None else round(took / timedelta(milliseconds=1)),
            status=answer.status if answer else None,
            excerpt=answer.excerpt if answer else None,
            error=error,
        )
        .on_conflict_do_nothing()
    )


def _in_words(status: int) -> str:
    if 300 <= status < 400:  # noqa: PLR2004 - the class of status codes
        return f"Answered {status}: redirects are not followed. Change the address instead."
    if status == trying.GONE:
        return "Answered 410: it wants no more. The endpoint was disabled."
    return f"Answered {status}; only 2xx says that it was taken."
