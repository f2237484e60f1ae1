"""Trying an endpoint out, and sending again what it has missed."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update

from marketplace.compliance.service.records import record
from marketplace.core.db import Session, affected
from marketplace.webhooks import queries
from marketplace.webhooks.errors import EndpointDisabled
from marketplace.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookMessage
from marketplace.webhooks.rules.catalogue import PING
from marketplace.webhooks.service import sending
from marketplace.webhooks.service.endpoints import SUBJECT
from marketplace.webhooks.service.telling import tell
from marketplace.webhooks.states import DeliveryState, EndpointState

MOST_AT_ONCE = 10_000
KEPT_FOR = timedelta(days=30)
PRUNED_AT_ONCE = 5_000
_D = WebhookDelivery


def ping(session: Session, row: WebhookEndpoint, now: datetime) -> UUID:
    """Send one message that says nothing but that it came; returns its id."""
    _check_enabled(row)
    message_id = tell(
        session, row.owner_id, PING, {"endpoint_id": str(row.id)}, now, endpoint_id=row.id
    )
    session.flush()
    return message_id


def replay(
    session: Session, row: WebhookEndpoint, message_id: UUID, *, actor_id: UUID, now: datetime
) -> WebhookDelivery:
    """Send a delivery again, whatever became of it, under the id that it had."""
    _check_enabled(row)
    delivery, _ = queries.delivery(session, row.id, message_id)
    _again(session, row, [message_id], now)
    _note(session, row, actor_id, now, message_id=str(message_id))
    session.refresh(delivery)
    return delivery


def replay_failed(
    session: Session, row: WebhookEndpoint, since: datetime, *, actor_id: UUID, now: datetime
) -> tuple[int, bool]:
    """Send again all that failed and happened since, the oldest first; how many, and if more are left.

    At most 10,000 at once: asked again, it goes on.
    """
    _check_enabled(row)
    found = session.execute(
        select(_D.message_id)
        .where(_D.endpoint_id == row.id, _D.state == "failed", _D.created_at >= since)
        .order_by(_D.message_id)
        .limit(MOST_AT_ONCE + 1)
    ).scalars()
    ids = list(found)
    _again(session, row, ids[:MOST_AT_ONCE], now)
    count = min(len(ids), MOST_AT_ONCE)
    _note(session, row, actor_id, now, since=since.isoformat(), deliveries=count)
    return count, len(ids) > MOST_AT_ONCE


def prune(session: Session, now: datetime) -> int:
    """Delete messages older than is kept, with their deliveries and attempts; return how many."""
    old = (
        select(WebhookMessage.id)
        .where(WebhookMessage.at < now - KEPT_FOR)
        .order_by(WebhookMessage.at)
        .limit(PRUNED_AT_ONCE)
    )
    return affected(
        session,
        delete(WebhookMessage)
        .where(WebhookMessage.id.in_(old))
        .execution_options(synchronize_session=False),
    )


def _again(session: Session, row: WebhookEndpoint, ids: list[UUID], now: datetime) -> None:
    if not ids:
        return
    session.execute(
        update(_D)
        .where(
            _D.endpoint_id == row.id,
            _D.message_id.in_(ids),
            # What is under way at this moment is being sent again as it is.
            _D.begun_at.is_(None),
        )
        .values(state=DeliveryState.PENDING.value, tries=0, next_at=now, done_at=None)
        .execution_options(synchronize_session=False)
    )
    sending.ask(session, row.id)


def _check_enabled(row: WebhookEndpoint) -> None:
    if row.state != EndpointState.ENABLED:
        raise EndpointDisabled(extra={"disabled_for": row.disabled_for})


def _note(
    session: Session, row: WebhookEndpoint, actor_id: UUID, now: datetime, **detail: object
) -> None:
    record(
        session,
        actor_id=actor_id,
        action="webhook.replayed",
        subject_kind=SUBJECT,
        subject_id=row.id,
        detail=detail,
        now=now,
    )
