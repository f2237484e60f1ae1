"""An event that waits, or that was set aside, is handled anew because a person asks for it."""

from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.jobs import defer
from marketplace.payments.errors import EventHandled
from marketplace.payments.models import WebhookEvent
from marketplace.payments.queries import events
from marketplace.payments.service import steps
from marketplace.payments.states import EventState

# What it may be in to be looked at again; all else has had its effect.
AGAIN = frozenset({EventState.RECEIVED, EventState.QUARANTINED})


def again(session: Session, event_id: UUID) -> WebhookEvent:
    """Have an event handled now; `EventHandled` where it had its effect, or changes nothing.

    Handling asks the processor how the object stands, so a second time is harmless. The case of one
    that was set aside stays open until somebody closes it.
    """
    row = events.event(session, event_id, lock=True)
    state = EventState(row.state)
    if state not in AGAIN:
        raise EventHandled(f"It is {state.value}.", extra={"state": state.value})
    if state is EventState.QUARANTINED:
        row.state, row.outcome, row.handled_at = EventState.RECEIVED.value, None, None
        session.flush()
    defer(session, steps.PROCESS_EVENT, event_id=str(row.id))
    return row
