"""A booking's whole history, with the names of those who acted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.models import Booking, BookingCancellation, BookingChange
from marketplace.booking.service.notices import money_json
from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.identity import queries as identity


@dataclass(frozen=True)
class Step:
    """One change of state; no actor where a deadline or a payment did it."""

    number: int
    from_state: str | None
    to_state: str
    at: datetime
    actor_id: UUID | None
    actor_name: str | None
    reason: str
    code: str | None
    kept_until: datetime | None


@dataclass(frozen=True)
class Changed:
    """One booking took over from another, under the quote that was committed to."""

    kind: str
    replaced_id: UUID
    booking_id: UUID
    lines: Sequence[dict[str, Any]]
    carried: Money
    refund: Money
    refunds: Sequence[dict[str, Any]]
    quote: str
    actor_id: UUID
    actor_name: str
    at: datetime


@dataclass(frozen=True)
class History:
    """The booking as it is, how it came to be so, and what was agreed when it was cancelled.

    `changes` are the one by which it took over from another, and the one by which another did.
    """

    booking: Booking
    steps: Sequence[Step]
    cancellation: dict[str, Any] | None
    changes: Sequence[Changed]


def history(session: Session, booking_id: UUID) -> History:
    """Return the history, oldest step first; `NotFound` if there is no such booking."""
    booking = queries.find(session, booking_id)
    rows = queries.history(session, booking_id)
    changes = queries.changes_of(session, booking_id)
    acted = {row.actor_id for row in rows if row.actor_id} | {one.actor_id for one in changes}
    actors = identity.contacts(session, sorted(acted))
    steps = [
        Step(
            number=row.number,
            from_state=row.from_state,
            to_state=row.to_state,
            at=row.at,
            actor_id=row.actor_id,
            actor_name=actors[row.actor_id].name if row.actor_id else None,
            reason=row.reason,
            code=row.code,
            kept_until=row.kept_until,
        )
        for row in rows
    ]
    agreed = queries.cancellation(session, booking_id)
    changed = [_changed(row, actors[row.actor_id].name) for row in changes]
    return History(booking, steps, None if agreed is None else _agreed(agreed), changed)


def _changed(row: BookingChange, name: str) -> Changed:
    return Changed(
        kind=row.kind,
        replaced_id=row.replaced_id,
        booking_id=row.booking_id,
        lines=row.lines,
        carried=row.carried,
        refund=row.refund,
        refunds=row.refunds,
        quote=row.quote,
        actor_id=row.actor_id,
        actor_name=name,
        at=row.at,
    )


def _agreed(row: BookingCancellation) -> dict[str, Any]:
    return {
        "event": row.event,
        "option": row.option,
        "policy": row.policy_key,
        "days_before_start": row.days_before,
        "lines": row.lines,
        "paid": money_json(row.paid),
        "kept": money_json(row.kept),
        "refund": money_json(row.refund),
        "quote": row.quote,
        "refunds": row.refunds,
        "at": row.at.isoformat(),
    }
