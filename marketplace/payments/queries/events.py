"""Selects of the inbox of events: what waits, what was set aside, and one by the processor's name."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, select

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.payments.models import Quarantine, WebhookEvent
from marketplace.payments.states import EventState


def event(session: Session, event_id: UUID, *, lock: bool = False) -> WebhookEvent:
    """Return an event; with `lock` as it is now, its row held. `NotFound` if there is none."""
    found = session.get(
        WebhookEvent, event_id, with_for_update=True if lock else None, populate_existing=lock
    )
    if found is None:
        raise NotFound
    return found


def called(session: Session, processor_event: str) -> WebhookEvent | None:
    """Return the event that the processor calls so (`evt_…`)."""
    return session.execute(
        select(WebhookEvent).where(WebhookEvent.processor_event == processor_event)
    ).scalar_one_or_none()


def waiting_about(session: Session, kinds: str, intent_id: str) -> Sequence[UUID]:
    """Return events of these kinds, by how they begin, that nobody has handled and that name the intent."""
    named = WebhookEvent.payload["data"]["object"]["payment_intent"].as_string()
    return (
        session.execute(
            select(WebhookEvent.id)
            .where(
                WebhookEvent.state == EventState.RECEIVED.value,
                WebhookEvent.kind.startswith(kinds, autoescape=True),
                named == intent_id,
            )
            .order_by(WebhookEvent.received_at)
        )
        .scalars()
        .all()
    )


def waiting(session: Session, before: datetime, limit: int) -> Sequence[WebhookEvent]:
    """Return events stored before `before` that nobody has handled, the oldest first."""
    return (
        session.execute(
            select(WebhookEvent)
            .where(
                WebhookEvent.state == EventState.RECEIVED.value, WebhookEvent.received_at <= before
            )
            .order_by(WebhookEvent.received_at)
            .limit(limit)
        )
        .scalars()
        .all()
    )


def set_aside(session: Session, limit: int) -> Sequence[Row[WebhookEvent, Quarantine]]:
    """Return events whose case in the quarantine is open, with it, the oldest first."""
    return session.execute(
        select(WebhookEvent, Quarantine)
        .join(Quarantine, Quarantine.event_id == WebhookEvent.id)
        .where(Quarantine.resolved_at.is_(None))
        .order_by(Quarantine.found_at)
        .limit(limit)
    ).all()


def cases(session: Session, event_id: UUID) -> Sequence[Quarantine]:
    """Return what was set aside because of an event, the oldest first."""
    return (
        session.execute(
            select(Quarantine).where(Quarantine.event_id == event_id).order_by(Quarantine.found_at)
        )
        .scalars()
        .all()
    )
